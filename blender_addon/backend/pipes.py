"""Pipes of a child process that never block Blender: what is there is read, what fits is written."""

import os
import sys
from contextlib import suppress

_PIECE = 1 << 16  # bytes; the size of a pipe on Linux, as it comes

if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _PIPE_NOWAIT = 1
    _SMALL_PIECE = 4096  # a pipe of Windows takes a piece whole or not at all

    def make_nonblocking(descriptor: int) -> None:
        """Let `write_some` return at once when the pipe is full."""
        mode = wintypes.DWORD(_PIPE_NOWAIT)
        handle = wintypes.HANDLE(msvcrt.get_osfhandle(descriptor))
        if not _kernel.SetNamedPipeHandleState(handle, ctypes.byref(mode), None, None):
            raise ctypes.WinError(ctypes.get_last_error())

    def read_some(descriptor: int, target: memoryview) -> int | None:
        """Bytes put into `target`; None when nothing is there yet, 0 at the end of the stream."""
        handle, available = wintypes.HANDLE(msvcrt.get_osfhandle(descriptor)), wintypes.DWORD()
        if not _kernel.PeekNamedPipe(handle, None, 0, None, ctypes.byref(available), None):
            return 0  # the other end is closed
        if available.value == 0:
            return None
        data = os.read(descriptor, min(len(target), available.value))
        target[: len(data)] = data
        return len(data)

    def write_some(descriptor: int, data: memoryview) -> int:
        """Bytes taken by the pipe, 0 when it is full; raises OSError when nobody reads any more."""
        handle, written = wintypes.HANDLE(msvcrt.get_osfhandle(descriptor)), wintypes.DWORD()
        piece = bytes(data[:_SMALL_PIECE])
        if not _kernel.WriteFile(handle, piece, len(piece), ctypes.byref(written), None):
            raise ctypes.WinError(ctypes.get_last_error())
        return written.value

else:
    import fcntl

    _LARGE = 1 << 20  # bytes: all that a viewport sends or gets for a draft; as much as Linux lets anybody have

    def make_nonblocking(descriptor: int) -> None:
        """Let `read_some` and `write_some` return at once; where that can be had, a picture fits into the pipe."""
        os.set_blocking(descriptor, False)
        if sys.platform == "linux":
            with suppress(PermissionError):  # the user has many large pipes already: a small one works, too
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _LARGE)

    def read_some(descriptor: int, target: memoryview) -> int | None:
        """Bytes put into `target`; None when nothing is there yet, 0 at the end of the stream."""
        try:
            return os.readv(descriptor, [target])
        except BlockingIOError:
            return None

    def write_some(descriptor: int, data: memoryview) -> int:
        """Bytes taken by the pipe, 0 when it is full; raises OSError when nobody reads any more."""
        try:
            return os.write(descriptor, data[:_PIECE])
        except BlockingIOError:
            return 0
