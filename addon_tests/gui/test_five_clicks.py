"""From the zip to a posed, rendered person by mouse and keyboard; the tests go on where the one before stopped."""

import os
import signal
from pathlib import Path

import pytest
from conftest import MODULE, longest, start
from PIL import Image, ImageStat

from neural_core.animation import WALK

JOB = "bpy.context.window_manager.likeness_job"
OBJECTS = "answer = sorted(o.name for o in bpy.data.objects)"
CREATED = ["sample_person", "sample_person Body", "sample_person Photo Camera"]
pytestmark = pytest.mark.timeout(400)


def choose_file(window, path: Path) -> None:
    """In the file browser that a click opened."""
    window.wait("any(a.type == 'FILE_BROWSER' for a in bpy.context.window_manager.windows[0].screen.areas)", 10)
    code = f"""
area = next(a for a in bpy.context.window_manager.windows[0].screen.areas if a.type == "FILE_BROWSER")
params = area.spaces[0].params
answer = params is not None
if answer:
    params.directory, params.filename = {str(path.parent)!r}.encode(), {path.name!r}
"""
    while not window.ask(code):
        window.settle()
    window.settle()
    window.hover("FILE_BROWSER")
    window.key("Return")


def begin(window, operator: str, path: Path) -> None:
    window.press(operator)
    choose_file(window, path)


def wait_job(window, status: str = "DONE", seconds: float = 180) -> None:
    found = window.wait(f"{JOB}.status not in ('RUNNING', 'ABORTING') and {JOB}.status", seconds)
    assert found == status, window.ask(f"answer = {JOB}.message")


def objects(window) -> list[str]:
    return window.ask(OBJECTS)


def backend_pid(window) -> int | None:
    return window.ask(f"import sys; answer = sys.modules['{MODULE}.backend.client'].shared().pid")


def not_blank(picture: Path) -> None:
    """A picture of something: its brightness varies."""
    with Image.open(picture) as image:
        spread = ImageStat.Stat(image.convert("L")).stddev[0]
    assert spread > 4, f"'{picture}' is blank"


def test_enabling(window):
    """In a Blender that was just started, as the preferences enable it; without a window, which changes nothing."""
    code = f"""
import bpy, time
start, busy = time.perf_counter(), time.thread_time()
bpy.ops.preferences.addon_enable(module="{MODULE}")
print("took", (time.perf_counter() - start) * 1000, (time.thread_time() - busy) * 1000)
assert hasattr(bpy.types.Scene, "likeness")
"""
    done = window.command("-b", "--factory-startup", "--python-exit-code", "1", "--python-expr", code)
    assert done.returncode == 0, done.stdout + done.stderr
    wall, busy = done.stdout.split("took ")[1].split()[:2]
    print(f"\nmeasured: enabling takes {float(wall):.0f} ms ({float(busy):.0f} ms of processor)")


def test_escape_cancels_and_changes_nothing(window, photo):
    """The first job of the session, which imports all that enabling did not; its steps are timed from here on."""
    before = objects(window)
    window.ask(f"""
import sys
base = sys.modules["{MODULE}.operators.job"].JobOperator
base.modal = timed("modal", base.modal)
""")
    begin(window, "likeness.create_avatar", photo)
    window.wait(f"{JOB}.status == 'RUNNING' and {JOB}.fraction > 0.05", 120)
    window.shot("1 job running")
    window.hover()
    window.key("Escape")
    wait_job(window, "ABORTED")
    assert objects(window) == before


def test_killed_backend_leaves_the_scene_and_the_next_click_works(window, photo):
    """Killed at two stages of one job, it gives up with a sentence; the next click makes the avatar."""
    before = objects(window)
    begin(window, "likeness.create_avatar", photo)
    for fraction in (0.1, 0.4):
        window.wait(f"{JOB}.status == 'RUNNING' and {JOB}.fraction > {fraction} or {JOB}.status == 'FAILED'", 180)
        if (pid := backend_pid(window)) is not None:
            os.kill(pid, signal.SIGKILL)
    wait_job(window, "FAILED")
    window.settle()
    window.shot("2 backend killed")
    window.hover()
    window.key("Escape")  # the popup with the sentence
    assert "backend" in window.ask(f"answer = {JOB}.message")
    assert objects(window) == before


def test_a_photo_becomes_an_avatar(window, photo):
    before = objects(window)
    begin(window, "likeness.create_avatar", photo)
    window.wait(f"{JOB}.status == 'RUNNING'", 20)
    wait_job(window)
    window.shot("3 avatar")
    new = sorted(set(objects(window)) - set(before))
    assert [name for name in new if not name.startswith("Likeness ")] == CREATED  # those draw the bones
    assert photo.with_suffix(".likeness").exists()
    calls = window.ask("answer = memory['stalls']['modal']")
    print(f"\nmeasured: a step of a job holds up the interface for {longest(calls)}")


def test_the_whole_photo_is_in_view(window):
    frame, free = window.ask(f"""
import sys
from bpy_extras.view3d_utils import location_3d_to_region_2d
area = next(a for a in bpy.context.window_manager.windows[0].screen.areas if a.type == "VIEW_3D")
region = next(r for r in area.regions if r.type == "WINDOW")
camera = bpy.context.scene.camera
corners = [camera.matrix_world @ corner for corner in camera.data.view_frame(scene=bpy.context.scene)]
seen = [location_3d_to_region_2d(region, area.spaces[0].region_3d, corner) for corner in corners]
xs, ys = [p.x for p in seen], [p.y for p in seen]
free = sys.modules["{MODULE}.rig.first_look"].free_part(area, region)
answer = [[min(xs), min(ys), max(xs), max(ys)], free]
""")
    left, bottom, right, top = free
    assert left <= frame[0] and bottom <= frame[1] and frame[2] <= right and frame[3] <= top
    assert max((frame[2] - frame[0]) / (right - left), (frame[3] - frame[1]) / (top - bottom)) > 0.9


def test_undo_takes_it_back_and_redo_brings_it_again(window):
    there = objects(window)
    window.hover()
    window.key("ctrl+z")
    assert not set(CREATED) & set(objects(window))
    window.key("ctrl+shift+z")
    assert objects(window) == there


def test_a_pose_and_its_undo(window):
    pose = "bpy.data.objects['sample_person'].pose.bones['left_shoulder'].rotation_quaternion[:]"
    before = window.ask(f"answer = {pose}")
    window.press("likeness.apply_pose")
    window.shot("4 pose")
    assert window.ask(f"answer = {pose}") != before
    window.hover()
    window.key("ctrl+z")
    assert window.ask(f"answer = {pose}") == before


def test_motion(window):
    begin(window, "likeness.import_motion", WALK)
    window.wait(f"{JOB}.status in ('RUNNING', 'DONE')", 20)
    wait_job(window)
    window.wait("bpy.data.objects['sample_person'].animation_data is not None", 5)


def watch_viewport(window) -> None:
    """Keep what every drawing of the viewport shows and takes."""
    window.ask(f"""
import importlib, time
views = importlib.import_module("{MODULE}.engine.viewport")
draw, collect = timed("viewport", views.Viewport.draw), views.Viewport._collect
def noted(self, *arguments):
    draw(self, *arguments)
    memory["shown"] = self.shown.quality if self.shown == self._asked and self.shown else None
def counted(self):
    before = self.shown
    collect(self)
    if self.shown is not before:
        memory.setdefault("frames", []).append(time.monotonic())
views.Viewport.draw, views.Viewport._collect = noted, counted
""")


def test_rendered_viewport_shows_the_person(window):
    watch_viewport(window)
    window.press("likeness.show_rendered")
    window.hover()
    window.wait("memory.get('shown') == 'final'", 120)
    window.settle()
    picture = window.shot("5 viewport")
    x, y, width, height = window.box()
    with Image.open(picture) as image:
        part = image.crop((x + width // 4, image.height - y - height, x + width * 3 // 4, image.height - y))
    assert ImageStat.Stat(part.convert("L")).stddev[0] > 8


def test_the_viewport_follows_the_mouse(window):
    """Turning the view draws drafts all the while; afterwards the frame in full comes."""
    window.ask("memory['stalls'], memory['frames'] = {}, []")
    window.hover(at=(0.3, 0.5))
    window.drag(2, [(4, 1)] * 60)
    window.wait("memory.get('shown') == 'final'", 120)
    frames = window.ask("answer = memory['frames']")
    stalls = window.ask("answer = memory['stalls']['viewport']")
    window.shot("6 free view")
    drafts = frames[:-1]
    rate = (len(drafts) - 1) / max(drafts[-1] - drafts[0], 1e-3) if len(drafts) > 1 else 0
    print(f"\nmeasured: the viewport shows {rate:.1f} drafts a second ({len(drafts)} of them)")
    print(f"measured: a drawing of the viewport holds up the interface for {longest(stalls)}")
    assert len(frames) >= 2


def test_a_backend_killed_behind_the_viewport_comes_back(window):
    os.kill(backend_pid(window), signal.SIGKILL)
    window.hover(at=(0.3, 0.5))
    window.drag(2, [(-4, 0)] * 5)
    window.wait("memory.get('shown') == 'final'", 180)


def press_f12(window) -> None:
    window.hover()
    window.key("F12")
    window.wait("bpy.app.is_job_running('RENDER')", 10)


def end_f12(window) -> None:
    window.wait("not bpy.app.is_job_running('RENDER')", 120)
    window.settle()


def test_f12(window, photo):
    """The backend is killed behind the first frame; whatever becomes of that, the next F12 works."""
    window.ask("bpy.context.scene.render.resolution_percentage = 30")
    press_f12(window)
    if (pid := backend_pid(window)) is not None:
        os.kill(pid, signal.SIGKILL)
    end_f12(window)
    window.hover("IMAGE_EDITOR")
    window.key("Escape", "Escape")  # a popup, if there is one, and back to the 3D view
    window.wait("any(a.type == 'VIEW_3D' for a in bpy.context.window_manager.windows[0].screen.areas)", 10)
    press_f12(window)
    end_f12(window)
    window.shot("7 f12")
    saved = photo.with_name("f12.png")
    window.ask(f"bpy.data.images['Render Result'].save_render({str(saved)!r})")
    not_blank(saved)
    window.hover("IMAGE_EDITOR")
    window.key("Escape")


def test_export(window, photo):
    before = objects(window)
    glb = photo.with_name("person.glb")
    begin(window, "likeness.export_avatar", glb)
    window.wait(f"{JOB}.status in ('RUNNING', 'DONE')", 20)
    wait_job(window)
    assert glb.stat().st_size > 100_000 and glb.read_bytes()[:4] == b"glTF"
    assert objects(window) == before


def test_save_reload_and_render_in_the_background(window, photo):
    blend = photo.with_name("scene.blend")
    window.hover()
    window.key("ctrl+s")
    choose_file(window, blend)
    window.wait("not bpy.data.is_dirty", 20)
    assert blend.exists()
    window.close()
    done = window.command("-b", str(blend), "-E", "LIKENESS", "-o", "//frame_####", "-s", "1", "-e", "2", "-a")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for number in (1, 2):
        not_blank(blend.with_name(f"frame_{number:04d}.png"))
    start(window, str(blend))
    assert set(CREATED) <= set(objects(window))
    window.shot("8 reloaded")
