"""The photo beside the viewport by mouse and keyboard: opened, pinned, painted, undone; then the avatar of it."""

import os
import signal
import time

import pytest
from conftest import _SIDEBAR_OPEN, _TAB, MODULE, longest

JOB = "bpy.context.window_manager.likeness_job"
PHOTO = "bpy.context.scene.likeness_photos.photos[0]"
FOLLOW = f"import sys; follow = sys.modules['{MODULE}.photo.follow']; live = follow.current()"
pytestmark = pytest.mark.timeout(600)


def wait_fit(window, seconds: float = 240) -> int:
    """Until the fit has followed; how many answers there were so far."""
    deadline = time.monotonic() + seconds
    code = f"""
{FOLLOW}
wanted = sys.modules['{MODULE}.photo.properties'].fingerprint({PHOTO})
status = bpy.context.window_manager.likeness_photo_view
answer = [live.job is None and live.fitted_for == wanted, live.version, status.message]
"""
    while time.monotonic() < deadline:
        done, version, message = window.ask(code)
        assert not message, message
        if done:
            return version
        time.sleep(0.05)
    window.shot("timeout")
    raise AssertionError("the fit did not follow")


def joint(window, name: str) -> tuple[float, float]:
    """Where a joint is drawn, in window coordinates."""
    return tuple(
        window.ask(f"""
{FOLLOW}
view, overlay = sys.modules['{MODULE}.photo.view'], sys.modules['{MODULE}.photo.overlay']
_, area = view.photo_areas(bpy.context)[0]
region = next(r for r in area.regions if r.type == "WINDOW")
x, y, _ = overlay.pins_shown({PHOTO}, live)[{name!r}]
x, y = view.placement(region, {PHOTO}.size).to_region(x, y)
answer = [region.x + x, region.y + y]
""")
    )


def drag(window, start: tuple[float, float], by: tuple[float, float], steps: int = 6) -> None:
    window.move(*start)
    window.settle()
    window._hands("xdotool", "mousedown", "1")
    for step in range(1, steps + 1):
        window.move(start[0] + by[0] * step / steps, start[1] + by[1] * step / steps)
        window.settle()
    window._hands("xdotool", "mouseup", "1")
    window.settle()


def pins(window) -> list[str]:
    return window.ask(f"answer = [pin.name for pin in {PHOTO}.pins]")


def strokes(window) -> list[bool]:
    return window.ask(f"answer = [stroke.add for stroke in {PHOTO}.strokes]")


_KEEP_TIME = f"""
import sys, time
follow, live = (sys.modules['{MODULE}.photo.' + name] for name in ("follow", "live"))
follow._tick = timed("follow", follow._tick)
fit, finish = live.Live.fit, live.Live.finish
def fitted(self, wanted, corrections, draft):
    memory["asked"] = draft, time.monotonic()
    fit(self, wanted, corrections, draft)
def finished(self):
    op = self.job.op
    finish(self)
    if op == "fit_photo":
        draft, at = memory["asked"]
        memory.setdefault("fits", []).append((draft, time.monotonic() - at))
live.Live.fit, live.Live.finish = fitted, finished
"""


@pytest.fixture(scope="module")
def opened(window, photo):
    """A new file with the photo open and fitted."""
    window.ask("bpy.ops.wm.read_homefile(app_template='')")
    window.ask(_KEEP_TIME)
    window.ask(_SIDEBAR_OPEN)
    window.settle()
    window.ask(_TAB)
    window.settle()
    window.ask(f"""
window = bpy.context.window_manager.windows[0]
area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
region = next(r for r in area.regions if r.type == "WINDOW")
with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region):
    bpy.ops.likeness.open_photo("INVOKE_DEFAULT", True, filepath={str(photo)!r})  # what a drop calls
""")
    wait_fit(window)
    window.settle()
    window.shot("photo 1 fitted")
    return window


def test_the_photo_opens_beside_the_viewport(opened):
    areas = opened.ask("answer = [a.type for a in bpy.context.window_manager.windows[0].screen.areas]")
    assert areas.count("IMAGE_EDITOR") == 1 and areas.count("VIEW_3D") == 1
    assert opened.ask(f"answer = {PHOTO}.focal_source") == "exif"


def test_a_joint_is_dragged_and_the_body_follows(opened):
    opened.ask(f"{FOLLOW}; memory['elbow'] = live.vertices.copy()")
    drag(opened, joint(opened, "left_elbow"), (40, 15))
    wait_fit(opened)
    opened.settle()
    opened.shot("photo 2 pinned")
    assert pins(opened) == ["left_elbow"]
    moved = opened.ask(f"{FOLLOW}; answer = float(abs(live.vertices - memory['elbow'])[:, :2].max())")
    assert moved > 30  # pixels of the photo
    fits = opened.ask("answer = memory['fits'][1:]")  # the first one is the fit itself
    for name, wanted in (("draft of a refit while a pin is dragged", True), ("refit after it", False)):
        took = [seconds for draft, seconds in fits if draft == wanted]
        if took:
            print(f"\nmeasured: a {name} takes {min(took):.2f} to {max(took):.2f} s ({len(took)} of them)")
    calls = opened.ask("answer = memory['stalls']['follow']")
    print(f"measured: following the photo holds up the interface for {longest(calls)}")


def test_the_mask_is_painted(opened):
    opened.ask(f"""
import sys
view = sys.modules["{MODULE}.photo.view"]
window, area = view.photo_areas(bpy.context)[0]
region = next(r for r in area.regions if r.type == "WINDOW")
with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region):
    bpy.ops.wm.tool_set_by_id(name="likeness.mask", space_type="IMAGE_EDITOR")
{FOLLOW}
memory["person"] = int((live.mask > 128).sum())
""")
    drag(opened, joint(opened, "left_wrist"), (25, -60))
    wait_fit(opened)
    opened.settle()
    opened.shot("photo 3 painted")
    assert strokes(opened) == [False]
    assert opened.ask(f"{FOLLOW}; answer = int((live.mask > 128).sum()) < memory['person']")


def test_undo_and_redo_of_corrections(opened):
    opened.hover("IMAGE_EDITOR", at=(0.9, 0.9))
    opened.key("ctrl+z")
    wait_fit(opened)
    assert strokes(opened) == [] and pins(opened) == ["left_elbow"]
    opened.key("ctrl+z")
    wait_fit(opened)
    assert pins(opened) == []
    assert opened.ask(f"{FOLLOW}; answer = bool((live.vertices == memory['elbow']).all())")
    opened.key("ctrl+shift+z")
    opened.key("ctrl+shift+z")
    wait_fit(opened)
    assert strokes(opened) == [False] and pins(opened) == ["left_elbow"]
    opened.key("ctrl+z")
    wait_fit(opened)


def test_a_killed_backend_is_told_everything_again(opened):
    pid = opened.ask(f"import sys; answer = sys.modules['{MODULE}.backend.client'].shared().pid")
    os.kill(pid, signal.SIGKILL)
    opened.ask("bpy.ops.likeness.unpin_joint('EXEC_DEFAULT', True, joint='left_elbow')")
    wait_fit(opened)
    assert pins(opened) == []
    opened.ask("bpy.ops.ed.undo()")
    wait_fit(opened)


def test_the_avatar_is_the_one_that_was_seen(opened, photo):
    opened.press("likeness.create_avatar")
    opened.wait(f"{JOB}.status == 'RUNNING'", 20)
    found = opened.wait(f"{JOB}.status not in ('RUNNING', 'ABORTING') and {JOB}.status", 240)
    assert found == "DONE", opened.ask(f"answer = {JOB}.message")
    opened.settle()
    opened.shot("photo 4 avatar")
    assert opened.ask("answer = 'sample_person Body' in bpy.data.objects")
    areas = opened.ask("answer = [a.type for a in bpy.context.window_manager.windows[0].screen.areas]")
    assert "IMAGE_EDITOR" not in areas  # the viewport has its place back
    opened.hover()
    opened.key("ctrl+z")
    assert not opened.ask("answer = 'sample_person Body' in bpy.data.objects")
    assert pins(opened) == ["left_elbow"]
