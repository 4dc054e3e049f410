"""Whether an installation is whole: every file that was installed is there and unchanged, and the backend answers."""

import base64
import csv
import hashlib
import json
import struct
import subprocess
from pathlib import Path

from .journal import Journal, StepFailed
from .layout import name_of

_PREFIX = struct.Struct("<4sI")  # of a frame of neural_core.wire, which this program cannot import
_MAGIC = b"LKN1"
_LARGEST_HEADER = 1 << 20
_SECONDS_TO_START = 300.0  # importing torch for the first time from a slow disk, with an antivirus looking on


def damaged_packages(site: Path | None, expected: dict[str, str], contents: bool) -> list[str]:
    """Names of the packages of which something is missing or, when `contents` are read as well, changed."""
    if site is None:
        return sorted(expected)
    found = {name_of(folder): folder for folder in site.glob("*.dist-info")}
    return sorted(name for name in expected if name not in found or not _whole(site, found[name] / "RECORD", contents))


def _whole(site: Path, record: Path, contents: bool) -> bool:
    try:
        rows = list(csv.reader(record.read_text(encoding="utf-8").splitlines()))
        for name, digest, size in rows:
            path = site / name
            if name.endswith(".pyc"):
                continue
            if not path.is_file() or (size and path.stat().st_size != int(size)):
                return False
            if contents and digest and digest != _digest(path):
                return False
    except (OSError, ValueError, csv.Error):
        return False
    return bool(rows)


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        value = hashlib.file_digest(file, "sha256").digest()
    return "sha256=" + base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def greet(journal: Journal, python: Path, variables: dict[str, str]) -> dict:
    """What the backend says about itself when it starts: version, torch, device, device_name.

    Raises:
        StepFailed: it does not start, or says something else.
    """
    journal.note(f"$ {python} -m neural_core.backend")
    with open(journal.layout.log, "ab") as log:
        try:
            done = subprocess.run(
                [str(python), "-m", "neural_core.backend"],
                input=b"",  # the end of its input: it says hello and leaves
                stdout=subprocess.PIPE,
                stderr=log,
                env=variables,
                cwd=journal.layout.root,
                timeout=_SECONDS_TO_START,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StepFailed("handshake", "The backend does not start: repair the installation.") from error
    header = _first_header(done.stdout)
    body = header.get("body", {})
    if header.get("kind") == "error":
        raise StepFailed("handshake", str(body.get("message", "The backend does not start: see the log.")))
    if header.get("kind") != "hello" or not isinstance(body, dict):
        raise StepFailed("handshake", "The backend starts but says nothing sensible: repair the installation.")
    journal.note(f"hello: {json.dumps(body)}")
    return body


def examine(journal: Journal, python: Path, variables: dict[str, str]) -> None:
    """`likeness doctor`: raises StepFailed when something the pipeline needs is not sound."""
    try:
        journal.run([python, "-m", "neural_core.cli", "doctor"], variables, timeout=_SECONDS_TO_START)
    except StepFailed as failure:
        bad = [line.strip()[3:].strip() for line in failure.output.splitlines() if line.startswith("BAD")]
        reason = "; ".join(bad)[:200] or "see the log"
        raise StepFailed("doctor", f"The backend starts but lacks something ({reason}): repair it.") from failure


def _first_header(stream: bytes) -> dict:
    """The JSON header of the first frame; empty when it is none."""
    if len(stream) < _PREFIX.size:
        return {}
    magic, length = _PREFIX.unpack_from(stream)
    if magic != _MAGIC or length > min(_LARGEST_HEADER, len(stream) - _PREFIX.size):
        return {}
    try:
        header = json.loads(stream[_PREFIX.size : _PREFIX.size + length])
    except ValueError:
        return {}
    return header if isinstance(header, dict) else {}
