"""The built extension, installed and enabled in a real Blender window; one window for all tests, in their order."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from window import BlenderWindow, available

ROOT = Path(__file__).parents[2]
MODULE = "bl_ext.user_default.likeness"


def pytest_collection_modifyitems(items) -> None:
    reason = available()
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.gui)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def archive(tmp_path_factory) -> Path:
    """The extension as `python build_addon.py` makes it."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, str(ROOT / "build_addon.py"), "--out", str(out)], check=True, capture_output=True)
    (found,) = out.glob("*.zip")
    return found


@pytest.fixture(scope="session")
def window(archive, tmp_path_factory):
    """Blender with the extension, the Likeness tab open; pictures go to LIKENESS_GUI_SHOTS where it is set."""
    folder = tmp_path_factory.mktemp("gui")
    shots = Path(os.environ.get("LIKENESS_GUI_SHOTS") or folder / "shots")
    with BlenderWindow(folder, shots) as blender:
        done = blender.command("--command", "extension", "install-file", "-r", "user_default", "-e", str(archive))
        assert done.returncode == 0, done.stdout + done.stderr
        start(blender)
        yield blender


@pytest.fixture(scope="session")
def photo(tmp_path_factory) -> Path:
    """The sample photo in a folder of its own: the avatar is written beside it."""
    folder = tmp_path_factory.mktemp("photo")
    return Path(shutil.copy(ROOT / "neural_core/data/sample_person.jpg", folder))


def start(blender: BlenderWindow, *arguments: str) -> None:
    """Open Blender as the tests want it: no second windows, a backend, the sidebar's tab."""
    blender.open(*arguments)
    blender.ask(f"""
view = bpy.context.preferences.view
view.filebrowser_display_type, view.render_display_type = "SCREEN", "AREA"
addon = bpy.context.preferences.addons[{MODULE!r}].preferences
addon.backend_python = {sys.executable!r}
bpy.ops.wm.save_userpref()
""")
    blender.ask(_SIDEBAR_OPEN)
    blender.settle()
    blender.ask(_TAB)
    blender.settle()


def longest(calls: list[list[float]]) -> str:
    """Of what probe.timed kept."""
    wall, busy = (max(part) for part in zip(*calls))
    return f"{wall:.0f} ms ({busy:.0f} ms of processor), the longest of {len(calls)}"


_SIDEBAR_OPEN = """
window = bpy.context.window_manager.windows[0]
area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
area.spaces[0].show_region_ui = True
region = next(r for r in area.regions if r.type == "WINDOW")
with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region):
    bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=1)  # a tab can be chosen after the first drawing
"""
_TAB = """
area = next(a for a in bpy.context.window_manager.windows[0].screen.areas if a.type == "VIEW_3D")
next(r for r in area.regions if r.type == "UI").active_panel_category = "Likeness"
"""
