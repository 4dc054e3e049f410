"""One backend process: started, spoken to without ever blocking, and ended."""

import os
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

from neural_core.wire import Decoder, Message, WireError, encode

from .pipes import make_nonblocking, read_some, write_some

_LARGEST_LOG = 4 * 2**20  # bytes; then it becomes <name>.old
_TAIL = 16 * 2**10  # bytes of the log looked at for an explanation
_SHORT, _SHORTEST = 0.002, 0.0003  # seconds of sleep while nothing comes, and between two parts of a message
_PATIENCE = 3.0  # seconds a closed process has to leave before it is killed


class BackendProcess:
    """Raises OSError when the command cannot be started.

    Attributes:
        pid: of the process. log: the file that takes everything it prints. broken: why its stream is of no more use.
    """

    def __init__(self, command: list[str], environment: dict[str, str], log: Path):
        log.parent.mkdir(parents=True, exist_ok=True)
        _rotate(log)
        self.log = log
        self.broken: WireError | None = None
        with open(log, "ab") as errors:
            self._log_start = errors.tell()
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
                env=environment,
                cwd=log.parent,  # not Blender's folder, whose files would shadow modules
                creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
                start_new_session=os.name == "posix",  # Ctrl+C in a terminal is for Blender
            )
        assert self._popen.stdin is not None and self._popen.stdout is not None
        self._stdin, self._stdout = self._popen.stdin, self._popen.stdout
        for pipe in (self._stdin, self._stdout):
            make_nonblocking(pipe.fileno())
        self.pid = self._popen.pid
        self._outgoing: deque[memoryview] = deque()
        self._decoder = Decoder()
        self._ended = False

    @property
    def alive(self) -> bool:
        """Whether an answer may still come."""
        return not self._ended and self.broken is None

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._popen.poll()

    def send(self, message: Message) -> None:
        """Queue a message; raises WireError when it cannot be said."""
        self._outgoing.extend(encode(message))
        self._write()

    def pump(self, wait: float = 0.0) -> list[Message]:
        """Write and read what is possible now, and return the messages that came; waits at most `wait` seconds."""
        messages = self._exchange()
        deadline = time.monotonic() + wait
        while not messages and self.alive and time.monotonic() < deadline:
            time.sleep(min(_SHORT if self._decoder.between_frames and not self._outgoing else _SHORTEST, wait))
            messages = self._exchange()
        return messages

    def kill(self) -> None:
        """End the process now."""
        self._ended = True
        self._popen.kill()
        self._popen.wait()
        self._close_pipes()

    def close(self) -> None:
        """Let the process leave by itself; kill it when it does not."""
        self._ended = True
        self._close_pipes()
        try:
            self._popen.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def last_words(self) -> str:
        """The last line of its log, where Python puts what went wrong; empty when it said nothing."""
        with open(self.log, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(self._log_start, end - _TAIL))
            lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines()]
        return next((line for line in reversed(lines) if line), "")[:300]

    def _exchange(self) -> list[Message]:
        self._write()
        messages: list[Message] = []
        try:
            while self.alive:
                count = read_some(self._stdout.fileno(), self._decoder.buffer())
                if count is None:
                    break
                if count == 0:
                    self._ended = True
                    break
                message = self._decoder.advance(count)
                if message is not None:
                    messages.append(message)
        except WireError as error:
            self.broken = error
        except OSError:
            self._ended = True
        return messages

    def _write(self) -> None:
        try:
            while self._outgoing and self.alive:
                part = self._outgoing[0]
                count = write_some(self._stdin.fileno(), part) if len(part) else 0
                if count < len(part):
                    self._outgoing[0] = part[count:]
                    if count == 0:
                        return
                else:
                    self._outgoing.popleft()
        except OSError:  # nobody reads any more; what it wrote before is still to be read
            self._outgoing.clear()

    def _close_pipes(self) -> None:
        for pipe in (self._stdin, self._stdout):
            pipe.close()


def _rotate(log: Path) -> None:
    if log.is_file() and log.stat().st_size > _LARGEST_LOG:
        try:
            os.replace(log, log.with_name(log.name + ".old"))
        except PermissionError:
            return  # another Blender writes to it (Windows): it rotates when that one is gone
