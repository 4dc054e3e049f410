"""Runs inside Blender (`blender --python probe.py`): answers questions from the test and keeps time.

The test writes Python into `ask.py` of the folder in LIKENESS_PROBE; a timer runs it on the main thread and writes what
it left in `answer` as JSON into `answer.json`. Nothing here clicks: mouse and keyboard come from outside, through X.
"""

import json
import os
import time
import traceback
from pathlib import Path

import bpy

_FOLDER = Path(os.environ["LIKENESS_PROBE"])
_TICK = 0.02  # seconds
_memory: dict = {}  # what questions keep for later ones


def timed(name: str, function):
    """The function; what each call took is kept under `name` as milliseconds (wall, of this thread's processor).

    A call is a stall of the interface.
    """

    def measured(*arguments, **named):
        start, busy = time.perf_counter(), time.thread_time()
        try:
            return function(*arguments, **named)
        finally:
            took = (time.perf_counter() - start) * 1000, (time.thread_time() - busy) * 1000
            _memory.setdefault("stalls", {}).setdefault(name, []).append(took)

    if name != "modal":
        return measured

    def modal(self, context, event):  # Blender counts the arguments of what it calls itself
        return measured(self, context, event)

    return modal


def _answer() -> float:
    ask = _FOLDER / "ask.py"
    if not ask.exists():
        return _TICK
    code = ask.read_text(encoding="utf-8")
    ask.unlink()
    space = {"bpy": bpy, "memory": _memory, "timed": timed, "answer": None}
    try:
        exec(code, space)
        reply = {"answer": space["answer"]}
    except Exception:
        reply = {"error": traceback.format_exc()}
    part = _FOLDER / "answer.part"
    part.write_text(json.dumps(reply), encoding="utf-8")
    part.rename(_FOLDER / "answer.json")
    return _TICK


bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(_answer, first_interval=0.2, persistent=True)
