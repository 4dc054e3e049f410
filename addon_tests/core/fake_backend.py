"""A backend process with operations made for tests; started as a script. Needs neither torch nor bpy."""

import argparse
import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from neural_core.backend import server
from neural_core.errors import BackendError, PhotoError


def echo(request, progress):
    return request.body, request.arrays


def slow(request, progress):
    steps = request.body.get("steps", 1000)
    for step in range(steps):
        progress.update(step / steps, "Working")
        time.sleep(0.01)
    return {"steps": steps}, {}


def stubborn(request, progress):
    """Does not look at cancel."""
    progress.update(0.1, "Hanging")
    time.sleep(60)
    return {}, {}


def crash(request, progress):
    print("about to crash", file=sys.stderr, flush=True)
    os._exit(3)


def crash_once(request, progress):
    marker = Path(request.body["marker"])
    if not marker.exists():
        marker.touch()
        crash(request, progress)
    return {"pid": os.getpid()}, {}


def noise(request, progress):
    """Everything that prints: Python, the C library, a child process."""
    print("noise from Python")
    ctypes.CDLL(None).puts(b"noise from C")
    ctypes.CDLL(None).fflush(None)
    subprocess.run([sys.executable, "-c", "print('noise from a child')"], check=True)
    return {"read": sys.stdin.read() if sys.stdin else ""}, {}


def allocate(request, progress):
    return {}, {"picture": np.arange(request.body["count"], dtype=np.float32)}


def no_memory(request, progress):
    raise MemoryError


def user_error(request, progress):
    raise PhotoError("There is no person in the photo: choose another one.")


def bug(request, progress):
    return {}["missing"]


def not_a_number(request, progress):
    return {"x": float("nan")}, {}


OPERATIONS = {
    f.__name__: f
    for f in (echo, slow, stubborn, crash, crash_once, noise, allocate, no_memory, user_error, bug, not_a_number)
}


def command(*arguments: str) -> list[str]:
    """What starts this backend."""
    return [sys.executable, __file__, *arguments]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--protocol", type=int)
    parser.add_argument("--die", action="store_true", help="before saying hello")
    parser.add_argument("--refuse", action="store_true", help="to start, with a sentence")
    parser.add_argument("--mute", action="store_true", help="never say hello")
    parser.add_argument("--garbage", action="store_true", help="instead of hello")
    args = parser.parse_args()
    if args.protocol is not None:
        server.PROTOCOL = args.protocol
    if args.die:
        raise SystemExit("ModuleNotFoundError: No module named 'torch'")
    if args.mute:
        time.sleep(60)
    if args.garbage:
        print("Welcome to the machine, how are you today?", flush=True)
        time.sleep(60)

    def load():
        if args.refuse:
            raise BackendError("This machine has no device 'cuda': choose 'auto' in the preferences of the add-on.")
        return OPERATIONS, {"version": "test", "device": "cpu", "free_memory": None}

    server.run(load)


if __name__ == "__main__":
    main()
