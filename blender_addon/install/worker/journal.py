"""What the worker tells: a status that is replaced, a log that grows, and failures as sentences."""

import os
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from .layout import Layout, folder_bytes, write_json

_SECONDS_BETWEEN_STATUS = 0.5
_LONGEST_TAIL = 4000  # characters of a program's output that are looked at for a reason


class StepFailed(Exception):
    """A step did not succeed; `str()` is one sentence that says what to do.

    Attributes:
        code: short identifier. output: what the program printed last.
    """

    def __init__(self, code: str, sentence: str, output: str = ""):
        super().__init__(sentence)
        self.code, self.output = code, output


class Journal:
    """The worker's voice.

    Args:
        layout: where it writes. op: what is being done. expected_bytes: disk of the finished installation.
        inherited: descriptors that the programs it starts keep open (the lock).
    """

    def __init__(self, layout: Layout, op: str, expected_bytes: int, inherited: Sequence[int] = ()):
        self.layout = layout
        self._expected, self._inherited = max(expected_bytes, 1), tuple(inherited)
        self._status = {"op": op, "pid": os.getpid(), "stage": "", "fraction": 0.0, "bytes": 0, "error": None}
        self._next_measure = 0.0
        self._write()

    def stage(self, fraction: float, stage: str) -> None:
        """A new step begins, `fraction` of the whole being done."""
        self.note(f"== {stage}")
        self._status.update(stage=stage, fraction=fraction)
        self._write()

    def note(self, line: str) -> None:
        """One line of the log."""
        with open(self.layout.log, "a", encoding="utf-8", errors="replace") as log:
            log.write(f"{time.strftime('%H:%M:%S')} {line}\n")

    def fail(self, error: StepFailed) -> None:
        """The end, without success."""
        self.note(f"FAILED ({error.code}): {error}")
        self._status["error"] = {"code": error.code, "message": str(error)}
        self._write()

    def run(
        self,
        command: Sequence[str | Path],
        environment: dict[str, str],
        *,
        until: float | None = None,
        timeout: float | None = None,
    ) -> str:
        """Run a program to its end and return what it printed, stderr included.

        Args:
            until: the fraction at its end, when disk use is its progress. timeout: seconds, None for any time.

        Raises:
            StepFailed: it cannot be started, takes too long or ends with an error; the code tells the kind.
        """
        words = [str(word) for word in command]
        self.note("$ " + " ".join(words))
        start, begin = time.monotonic(), self._status["fraction"]
        output = self.layout.root / "output.txt"
        with open(output, "wb") as sink:
            try:
                child = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=self.layout.root,
                    pass_fds=self._inherited if os.name == "posix" else (),
                )
            except OSError as error:
                raise StepFailed("program", f"'{words[0]}' cannot be started ({error.strerror or error}).") from error
            while True:
                try:
                    code = child.wait(_SECONDS_BETWEEN_STATUS)
                    break
                except subprocess.TimeoutExpired:
                    if timeout is not None and time.monotonic() - start > timeout:
                        child.kill()
                        child.wait()
                        code = -1
                        break
                if until is not None:
                    self._measure(begin, until)
        text = output.read_text(encoding="utf-8", errors="replace")
        with open(self.layout.log, "a", encoding="utf-8", errors="replace") as log:
            log.write(text)
        self.note(f"exit {code} after {time.monotonic() - start:.1f} s")
        if code:
            raise explained(words, code, text[-_LONGEST_TAIL:])
        return text

    def _measure(self, begin: float, until: float) -> None:
        """Progress by disk use; looking at 30,000 files must not cost more than a tenth of the time."""
        now = time.monotonic()
        if now < self._next_measure:
            return
        taken = folder_bytes(self.layout.root)
        self._next_measure = now + 10 * (time.monotonic() - now)
        share = min(taken / self._expected, 1.0)
        self._status.update(bytes=taken, fraction=max(self._status["fraction"], begin + (until - begin) * share))
        self._write()

    def _write(self) -> None:
        write_json(self.layout.status, self._status)


# What installers print, in lower case, and what it means. The first that is found counts.
_REASONS = (
    (("no space left", "not enough space", "disk quota"), "disk", "The disk is full: free some space, then resume."),
    (
        ("certificate_verify_failed", "certificate verify failed", "invalid peer certificate", "unknownissuer"),
        "certificate",
        "The package index shows a certificate that this machine does not trust, as behind a company's proxy: set "
        "SSL_CERT_FILE and PIP_CERT to that company's certificates before Blender starts, or use a folder of wheels.",
    ),
    (
        ("dns error", "failed to lookup", "connection refused", "connection reset", "network is unreachable",
         "timed out", "error sending request", "failed to establish a new connection", "name resolution"),
        "network",
        "The package index cannot be reached: check the connection, then resume, or install from a folder of wheels.",
    ),
    (
        ("hash mismatch", "do not match the hashes", "badzipfile", "invalid zip"),
        "download",
        "A download is damaged: resume to fetch it again.",
    ),
    (
        ("no solution found", "no matching distribution", "could not find a version", "no wheels with a matching"),
        "packages",
        "The package {} is not there for this machine and Python: see the log, or choose another source.",
    ),
    (("permission denied", "access is denied"), "permission", "Files cannot be written there: choose another folder."),
)  # fmt: skip


_MISSING = re.compile(r"(?:Because|satisfies the requirement|distribution found for) ([\w.-]+)")


def explained(words: Sequence[str], code: int, output: str) -> StepFailed:
    """The failure of a program as a sentence."""
    lower = output.lower()
    for signs, name, sentence in _REASONS:
        if any(sign in lower for sign in signs):
            missing = _MISSING.search(output) if name == "packages" else None
            return StepFailed(name, sentence.format(missing[1] if missing else "that is needed"), output)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    reason = lines[-1][:200] if lines else f"exit code {code}"
    return StepFailed("program", f"'{Path(words[0]).name}' failed ({reason}): see the log.", output)
