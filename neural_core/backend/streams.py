"""The process's own stdin and stdout, kept for the wire alone: every other print becomes a line of the log."""

import os
import sys
from typing import BinaryIO


def claim_stdio() -> tuple[BinaryIO, BinaryIO]:
    """The wire's two ends; afterwards descriptor 0 is empty and descriptor 1 is stderr, for C libraries as well.

    TensorFlow Lite, OpenMP and progress bars print to descriptor 1; one such line inside a frame would break the wire.
    """
    sys.stdout.flush()
    incoming, outgoing = os.dup(0), os.dup(1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (incoming, outgoing):
            msvcrt.setmode(descriptor, os.O_BINARY)
    return open(incoming, "rb", buffering=0), open(outgoing, "wb", buffering=0)
