"""Two completions of the unseen side, with the shipped weights, from a file that was saved with its photo open."""

import pytest
from conftest import _SIDEBAR_OPEN, _TAB, MODULE

JOB = "bpy.context.window_manager.likeness_job"
AREAS = "answer = [a.type for a in bpy.context.window_manager.windows[0].screen.areas]"
# The avatar's file and a sum over its picture.
STATE = f"""
import sys, zlib
painting = sys.modules["{MODULE}.rig.painting"]
mesh = bpy.data.objects["sample_person Body"]
picture = painting.image_bytes(painting.avatar_image(mesh))
answer = [mesh.likeness.avatar_path.replace("\\\\", "/").split("/")[-1].split(".")[0], zlib.crc32(picture.tobytes())]
"""
pytestmark = pytest.mark.timeout(600)


def show_tab(window) -> None:
    window.settle()
    window.ask(_SIDEBAR_OPEN)
    window.settle()
    window.ask(_TAB)
    window.settle()


def in_viewport(window, call: str) -> None:
    window.ask(f"""
window = bpy.context.window_manager.windows[0]
area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
region = next(r for r in area.regions if r.type == "WINDOW")
with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region):
    {call}
""")


def wait_job(window) -> None:
    window.settle()
    found = window.wait(f"{JOB}.status not in ('RUNNING', 'ABORTING') and {JOB}.status", 240)
    assert found == "DONE", window.ask(f"answer = {JOB}.message")
    window.settle()


@pytest.fixture(scope="module")
def created(window, photo):
    """An avatar with two proposals; its photo was open in a file that was saved and loaded again."""
    window.ask("bpy.ops.wm.read_homefile(app_template='')")
    show_tab(window)
    in_viewport(window, f"bpy.ops.likeness.open_photo('INVOKE_DEFAULT', True, filepath={str(photo)!r})")
    window.ask("bpy.context.scene.likeness_photos.proposals = 2")
    blend = photo.with_name("gallery.blend")
    window.ask(f"bpy.ops.wm.save_as_mainfile(filepath={str(blend)!r})")
    window.ask(f"bpy.ops.wm.open_mainfile(filepath={str(blend)!r})")
    show_tab(window)
    assert "IMAGE_EDITOR" in window.ask(AREAS)
    in_viewport(window, "bpy.ops.likeness.create_avatar('INVOKE_DEFAULT', True)")
    wait_job(window)
    window.shot("gallery 1 created")
    return window


def test_the_photo_s_area_closes_also_after_loading(created):
    assert "IMAGE_EDITOR" not in created.ask(AREAS)


def test_a_proposal_is_chosen_and_undone(created):
    first = created.ask(STATE)
    created.press("likeness.choose_proposal", at=0.65)
    wait_job(created)
    created.shot("gallery 2 chosen")
    second = created.ask(STATE)
    assert (first[0], second[0]) == ("sample_person", "sample_person-2")
    assert second[1] != first[1]
    created.hover(at=(0.3, 0.5))
    created.key("ctrl+z")
    assert created.ask(STATE) == first
    created.key("ctrl+shift+z")
    assert created.ask(STATE) == second


def test_the_choice_is_there_after_loading(created, photo):
    before = created.ask(STATE)
    created.ask("bpy.ops.wm.save_mainfile()")
    created.ask("bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)")
    show_tab(created)
    assert created.ask(STATE) == before
    in_viewport(created, "bpy.ops.likeness.choose_proposal('INVOKE_DEFAULT', True, index=0)")
    wait_job(created)
    assert created.ask(STATE)[0] == "sample_person"
