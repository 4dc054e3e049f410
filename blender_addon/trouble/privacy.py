"""What a report may say about its sender: nothing that names a person or a place on the disk."""

import getpass
import re
import socket
from pathlib import Path

_LIBRARIES = re.compile(r".*[/\\](site-packages|lib[/\\]python3\.\d+)[/\\]")
_QUOTED = re.compile(r"""(['"])((?:/|~/|[A-Za-z]:[\\/]|\\\\)[^'"\n]*)\1""")
_BARE = re.compile(r"(?<![\w.:/\\…])((?:/|~/|[A-Za-z]:[\\/]|\\\\)[^\s'\"<>|:*?,;()]*[/\\][^\s'\"<>|:*?,;()]*)")
_IMPERSONAL = {"root", "user", "admin", "administrator", "blender", "localhost", "home"}


def anonymous(text: str) -> str:
    """`text` without folders (a path becomes its last part), without the user's and the machine's name.

    >>> anonymous("There is no photo '/home/anna/Pictures/party.jpg': choose another.")
    "There is no photo '…/party.jpg': choose another."
    """
    home = str(Path.home())
    for spelling in (home, home.replace("\\", "/"), home.replace("\\", "\\\\")):
        if len(spelling) > 3:
            text = text.replace(spelling, "~")
    text = _QUOTED.sub(lambda match: f"{match[1]}{_shortened(match[2])}{match[1]}", text)
    text = _BARE.sub(lambda match: _shortened(match[1]), text)
    for name in _names():
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", text, flags=re.IGNORECASE)
    return text


def _shortened(path: str) -> str:
    """The last part of a path; of a library's file, what lies below the library's folder."""
    library = _LIBRARIES.match(path)
    if library is not None:
        return f"…/{path[library.end() :]}"
    last = re.split(r"[/\\]", path.rstrip("/\\"))[-1]
    return f"…/{last}" if last else "…"


def _names() -> list[str]:
    """The user's name and this machine's, unless every machine has them."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such entry in a container
        user = ""
    names = (user, Path.home().name, socket.gethostname())
    return sorted({name for name in names if len(name) > 2 and name.lower() not in _IMPERSONAL}, key=len, reverse=True)
