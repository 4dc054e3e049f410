"""A real Blender window on a virtual screen, with hands (xdotool) and eyes (screenshots, probe.py)."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOOL = "blender-gui"
_PROBE = Path(__file__).with_name("probe.py")
_STEP = 7  # pixels between two places looked at for a button: less than half of the smallest one
# By name xdotool finds F12 on a level of the keymap that holds Alt down, too.
_KEYCODES = {"F12": "96"}
_FIND = """
import bpy
window = bpy.context.window_manager.windows[0]
area = next(a for a in window.screen.areas if a.type == {area!r})
region = next(r for r in area.regions if r.type == {region!r})
bpy.context.window_manager.clipboard = ""
with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region):
    if bpy.ops.ui.copy_python_command_button.poll():
        bpy.ops.ui.copy_python_command_button()
answer = bpy.context.window_manager.clipboard
"""
_BOX = """
window = bpy.context.window_manager.windows[0]
area = next(a for a in window.screen.areas if a.type == {area!r})
region = next(r for r in area.regions if r.type == {region!r})
answer = [region.x, region.y, region.width, region.height, window.height]
"""


def available() -> str | None:
    """Why there is no window here; None when there is one."""
    if shutil.which(TOOL) is None:
        return f"no {TOOL} here: ../shared/tools/blender_gui_setup.sh sets it up"
    if os.geteuid() != 0:
        return f"{TOOL} works for root only"
    return None


def free_display(temporary: Path = Path("/tmp")) -> str:
    """A display nobody has, not even a server that was killed: its socket stays behind and looks alive to the tool."""
    for number in range(83, 183):
        socket, lock = temporary / f".X11-unix/X{number}", temporary / f".X{number}-lock"
        if not socket.exists() and not lock.exists():
            return f":{number}"
    raise AssertionError(f"no free display: remove the left-over sockets in {temporary}/.X11-unix")


class BlenderWindow:
    """Blender in a window that fills a display of its own.

    user: Blender's user folder (preferences, extensions), kept between starts. shots: where screenshots go.
    """

    def __init__(self, folder: Path, shots: Path, size: str = "1600x900"):
        self.folder, self.shots, self.display, self.size = folder, shots, free_display(), size
        self.user = folder / "user"
        self._probe = folder / "probe"
        self._blender: subprocess.Popen | None = None
        for path in (self.user, self._probe, shots):
            path.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "BlenderWindow":
        subprocess.run([TOOL, "--x-start", self.display, self.size], check=True, capture_output=True)
        return self

    def __exit__(self, *_) -> None:
        self.close()
        subprocess.run([TOOL, "--x-stop", self.display], check=False)

    def command(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess:
        """Blender without a window: `--command ...` or `-b ...`."""
        return subprocess.run(
            [TOOL, "--x-user", str(self.user), *arguments],
            capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip

    def open(self, *arguments: str) -> None:
        """Start Blender with a window and wait until it answers."""
        for name in ("ask.py", "answer.json"):
            (self._probe / name).unlink(missing_ok=True)
        log = open(self.folder / "blender.log", "ab")  # noqa: SIM115 (the child keeps it)
        self._blender = subprocess.Popen(
            [TOOL, "--x-display", self.display, "--x-size", self.size, "--x-user", str(self.user),
             *arguments, "--python", str(_PROBE)],
            env={**os.environ, "LIKENESS_PROBE": str(self._probe)},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        log.close()
        self.ask("answer = 1", seconds=90)

    def close(self) -> None:
        """End Blender, saving nothing."""
        if self._blender is None:
            return
        if self._blender.poll() is None:
            os.killpg(self._blender.pid, signal.SIGTERM)
            try:
                self._blender.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self._blender.pid, signal.SIGKILL)
                self._blender.wait()
        self._blender = None

    # --- eyes ---

    def ask(self, code: str, seconds: float = 30) -> Any:
        """Run Python on Blender's main thread; what it leaves in `answer` comes back."""
        reply = self._probe / "answer.json"
        reply.unlink(missing_ok=True)
        part = self._probe / "ask.part"
        part.write_text(code, encoding="utf-8")
        part.rename(self._probe / "ask.py")
        deadline = time.monotonic() + seconds
        while not reply.exists():
            if self._blender is None or self._blender.poll() is not None:
                raise AssertionError(f"Blender is gone: {self.log_tail()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"Blender did not answer within {seconds} s to: {code[:200]}")
            time.sleep(0.01)
        found = json.loads(reply.read_text(encoding="utf-8"))
        if "error" in found:
            raise AssertionError(found["error"])
        return found["answer"]

    def wait(self, expression: str, seconds: float = 60, look: Callable[[], None] | None = None) -> Any:
        """Until the expression is true in Blender; its value."""
        deadline = time.monotonic() + seconds
        while not (value := self.ask(f"answer = {expression}")):
            if look is not None:
                look()
            if time.monotonic() > deadline:
                self.shot("timeout")
                raise AssertionError(f"not within {seconds} s: {expression}")
            time.sleep(0.05)
        return value

    def shot(self, name: str) -> Path:
        """The whole screen as a picture."""
        path = self.shots / f"{name}.png"
        self._hands("import", "-window", "root", str(path))
        return path

    def log_tail(self) -> str:
        return (self.folder / "blender.log").read_text(errors="replace")[-2000:]

    # --- hands ---

    def move(self, x: float, y: float) -> None:
        """To window coordinates, y from the bottom as Blender counts; over one more place, so that Blender notices."""
        top = int(self.size.split("x")[1]) - 1 - round(y)
        self._hands("xdotool", "mousemove", str(round(x) + 1), str(top), "mousemove", str(round(x)), str(top))

    def click(self, button: int = 1) -> None:
        self._hands("xdotool", "mousedown", str(button), "sleep", "0.05", "mouseup", str(button))
        self.settle()

    def drag(self, button: int, steps: list[tuple[int, int]]) -> None:
        """Hold a button and move by steps in pixels, some thirty a second."""
        moves = [word for x, y in steps for word in ("mousemove_relative", "--", str(x), str(y), "sleep", "0.03")]
        self._hands("xdotool", "mousedown", str(button), "sleep", "0.05", *moves, "mouseup", str(button))

    def key(self, *names: str) -> None:
        """Keys one after the other, as xdotool names them (`ctrl+z`)."""
        self._hands("xdotool", "key", "--delay", "60", *(_KEYCODES.get(name, name) for name in names))
        self.settle()

    def type(self, text: str) -> None:
        self._hands("xdotool", "type", "--delay", "15", text)
        self.settle()

    def settle(self) -> None:
        """Let Blender handle what came: two questions are two turns of its loop."""
        self.ask("answer = 1")
        self.ask("answer = 1")

    def box(self, area: str = "VIEW_3D", region: str = "WINDOW") -> tuple[int, int, int, int]:
        """x, y, width, height of a region."""
        return tuple(self.ask(_BOX.format(area=area, region=region))[:4])

    def hover(self, area: str = "VIEW_3D", region: str = "WINDOW", at: tuple[float, float] = (0.5, 0.5)) -> None:
        """Over a place of a region, in shares of its size."""
        x, y, width, height = self.box(area, region)
        self.move(x + width * at[0], y + height * at[1])
        self.settle()

    def find(self, operator: str, area: str = "VIEW_3D", region: str = "UI", at: float = 0.5) -> tuple[float, float]:
        """Where the button of an operator (`likeness.create_avatar`) is, found as a user does: moving over it."""
        x, y, width, height = self.box(area, region)
        left = x + width * at
        for below in range(_STEP, height, _STEP):
            self.move(left, y + height - below)
            self.ask("answer = 1")
            if f"bpy.ops.{operator}(" in self.ask(_FIND.format(area=area, region=region)):
                return left, y + height - below - 2
        self.shot(f"no {operator}")
        raise AssertionError(f"no button for {operator} in {area} {region}")

    def press(self, operator: str, area: str = "VIEW_3D", region: str = "UI", at: float = 0.5) -> None:
        """Click the button of an operator."""
        self.move(*self.find(operator, area, region, at))
        self.click()

    def _hands(self, *command: str) -> None:
        subprocess.run([TOOL, "--x-display", self.display, "--x-exec", *command], check=True, capture_output=True)
