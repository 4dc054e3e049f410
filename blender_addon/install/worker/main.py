"""The steps of an installation. Each may be cut off at any moment, by kill -9 or a power cut, and is done again."""

import os
import shutil
import sys
import time
from pathlib import Path

from .journal import Journal, StepFailed
from .layout import Layout, folder_bytes, name_of, read_json, site_packages, wheel_hash, write_json
from .lock import hold
from .packages import Packages
from .tools import Plan, environment, find_uv, version_of
from .verify import damaged_packages, examine, greet


def main() -> None:
    """FOLDER of the installation as the only argument; exit code 0 done, 1 failed, 3 another worker is at it."""
    layout = Layout(Path(sys.argv[1]))
    lock = hold(layout.lock)
    if lock is None:
        sys.exit(3)
    journal: Journal | None = None
    try:
        plan = Plan.from_json(read_json(layout.plan) or {})
        journal = Journal(layout, plan.op, plan.expected_bytes, [lock])
        {"install": install, "verify": verify, "remove": remove}[plan.op](journal, plan)
        if plan.op == "remove":
            os.close(lock)
            layout.lock.unlink(missing_ok=True)
            if not any(layout.root.iterdir()):
                layout.root.rmdir()
    except StepFailed as failure:
        (journal or Journal(layout, "install", 0)).fail(failure)
        sys.exit(1)
    except OSError as error:
        sentence = f"A file cannot be read or written ({error.strerror or error}): free space or choose another folder."
        (journal or Journal(layout, "install", 0)).fail(StepFailed("files", sentence))
        sys.exit(1)


def install(journal: Journal, plan: Plan) -> None:
    """Install, resume, update and repair are one: whatever is missing or damaged is put there."""
    layout, start = journal.layout, time.monotonic()
    before = read_json(layout.version) or {}
    if before.get("build", plan.build) != plan.build:  # torch of the other build would count as installed
        shutil.rmtree(layout.venv, ignore_errors=True)
        before = {}
    write_json(layout.version, {**before, "complete": False, "build": plan.build})
    if not plan.wheel.is_file():
        raise StepFailed("wheel", f"Likeness's own wheel '{plan.wheel.name}' is missing: install the add-on anew.")
    variables = environment(layout, plan)
    journal.stage(0.01, "Looking for uv")
    uv = find_uv(journal, plan, variables)
    packages = Packages(journal, plan, uv, variables)
    journal.stage(0.05, "Preparing a Python")
    packages.make_environment()
    journal.stage(0.08, "Downloading and installing")
    damaged = damaged_packages(site_packages(layout.venv), _installed(layout), contents=False)
    packages.install(sorted({*damaged, *before.get("damage", ())}), until=0.9)
    journal.stage(0.9, "Looking at every file")
    installed = packages.versions()
    left = damaged_packages(site_packages(layout.venv), installed, contents=False)
    if left:
        raise StepFailed("damaged", f"After the installation {', '.join(left[:3])} is still incomplete: repair it.")
    hello = _try_out(journal, variables)
    journal.stage(0.98, "Removing what is needed no more")
    for folder in (layout.cache, layout.temporary):
        shutil.rmtree(folder, ignore_errors=True)
    said = {name: hello.get(name) for name in ("version", "torch", "device", "device_name")}
    state = {
        "complete": True, "damage": [], "problem": "", "wheel": wheel_hash(plan.wheel), "build": plan.build, **said,
        "python": version_of(journal, layout.python, variables), "packages": installed,
        "bytes": folder_bytes(layout.root), "seconds": round(time.monotonic() - start, 1),
        "installer": "uv" if uv else "pip",
    }  # fmt: skip
    (layout.root / "output.txt").unlink(missing_ok=True)
    journal.stage(1.0, "Done")
    write_json(layout.version, state)


def verify(journal: Journal, plan: Plan) -> None:
    """Read every file that was installed, and start the backend; what is found is kept in the version file."""
    layout = journal.layout
    state = read_json(layout.version)
    if state is None or not state.get("complete"):
        raise StepFailed("half", "The installation was not finished: resume it.")
    journal.stage(0.05, "Looking at every file")
    damage = damaged_packages(site_packages(layout.venv), state.get("packages", {}), contents=True)
    problem = f"Files are missing or changed in {', '.join(damage[:3])}: repair the installation." if damage else ""
    if not damage:
        try:
            hello = _try_out(journal, environment(layout, plan))
            state |= {name: hello.get(name) for name in ("device", "device_name")}
        except StepFailed as failure:
            problem = str(failure)
        shutil.rmtree(layout.temporary, ignore_errors=True)
    write_json(layout.version, {**state, "damage": damage, "problem": problem})
    if problem:
        raise StepFailed("damaged", problem)
    journal.stage(1.0, "Done")


def remove(journal: Journal, plan: Plan) -> None:
    """Delete what an installation makes, and nothing else; the version file goes first, the plan last."""
    layout = journal.layout
    journal.stage(0.0, "Removing")
    layout.version.unlink(missing_ok=True)
    folders = (layout.venv, layout.pythons, layout.tools, layout.cache, layout.temporary)
    for number, folder in enumerate(folders, start=1):
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            raise StepFailed("files", f"'{folder}' cannot be removed: close the programs that use it, then try again.")
        journal.stage(number / len(folders), "Removing")
    for file in (
        layout.root / "output.txt",
        *layout.root.glob("*.json.*"),
        *layout.root.glob("*.old"),
        layout.log,
        layout.status,
        layout.plan,
    ):
        file.unlink(missing_ok=True)


def _try_out(journal: Journal, variables: dict[str, str]) -> dict:
    journal.stage(0.93, "Starting the backend")
    hello = greet(journal, journal.layout.python, variables)
    journal.stage(0.96, "Examining the backend")
    examine(journal, journal.layout.python, variables)
    return hello


def _installed(layout: Layout) -> dict[str, str]:
    """The packages that left a trace; a half-written one among them is found by its record."""
    site = site_packages(layout.venv)
    return {name_of(folder): "" for folder in site.glob("*.dist-info")} if site else {}
