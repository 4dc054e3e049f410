"""The virtual environment and what goes into it: by uv where it is, otherwise by venv and pip."""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from .journal import Journal, StepFailed
from .tools import Plan, base_pythons, version_of, versions_of

_CUDA_PACKAGE = re.compile(r"^(nvidia-|triton$)")
DISTRIBUTION = "likeness"
_LIST = """
import importlib.metadata, json, re
found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions() if d.metadata["Name"]}
print(json.dumps({re.sub("[-_.]+", "-", name).lower(): version for name, version in found.items()}))
"""


class Packages:
    """The installer for one plan; each method may be repeated, and goes on where an earlier run was cut off."""

    def __init__(self, journal: Journal, plan: Plan, uv: Path | None, variables: dict[str, str]):
        self._journal, self._plan, self._uv, self._variables = journal, plan, uv, variables
        self._venv, self._python = journal.layout.venv, journal.layout.python

    def make_environment(self) -> None:
        """A virtual environment with a fitting Python; one that works is kept.

        Raises:
            StepFailed: there is no such Python and none can be fetched.
        """
        versions = versions_of(self._plan.wheels)
        fits = self._python.exists() and version_of(self._journal, self._python, self._variables) in versions
        if fits and (self._uv is not None or self._has_pip()):
            return
        for base in base_pythons(self._journal, self._uv, self._plan, self._variables, versions):
            shutil.rmtree(self._venv, ignore_errors=True)
            make = [self._uv, "venv", "--no-project", "--python", base] if self._uv else [base, "-I", "-m", "venv"]
            try:
                self._journal.run([*make, self._venv], self._variables)
                return
            except StepFailed as failure:
                if failure.code == "disk":
                    raise
        raise StepFailed(
            "python",
            f"There is no Python {' or '.join(versions)} on this machine and none could be fetched: install one "
            "(python.org, or your system's packages), then resume.",
        )

    def install(self, damaged: Sequence[str], until: float) -> None:
        """Likeness and all it needs; the `damaged` ones anew. `until`: the fraction of progress at the end."""
        wheel = str(self._plan.wheel)
        if self._uv is not None:
            anew = [word for name in (DISTRIBUTION, *damaged) for word in ("--reinstall-package", name)]
            command = [*self._uv_install(), *self._torch_build(), *anew, wheel]
            self._journal.run(command, self._variables, until=until)
            return
        self._check_pip_build()
        self._journal.run([*self._pip_install(), wheel], self._variables, until=until)
        # pip takes a package of the same version for installed, whatever is left of it.
        pins = [f"{name}=={version}" for name, version in self._versions(damaged).items() if name != DISTRIBUTION]
        self._journal.run([*self._pip_install(), "--force-reinstall", "--no-deps", wheel, *pins], self._variables)

    def versions(self) -> dict[str, str]:
        """Name to version of everything installed."""
        listed = self._journal.run([self._python, "-I", "-c", _LIST], self._variables)
        return json.loads(listed.splitlines()[-1])

    def _versions(self, names: Sequence[str]) -> dict[str, str]:
        return {name: version for name, version in self.versions().items() if name in names} if names else {}

    def _has_pip(self) -> bool:
        try:
            self._journal.run([self._python, "-m", "pip", "--version"], self._variables)
        except StepFailed:
            return False
        return True

    def _source(self) -> list[str]:
        return ["--no-index", "--find-links", str(self._plan.wheels)] if self._plan.wheels else []

    def _uv_install(self) -> list[str]:
        return [str(self._uv), "pip", "install", "--python", str(self._python), *self._source()]

    def _pip_install(self) -> list[str]:
        return [str(self._python), "-m", "pip", "install", "--progress-bar", "off", *self._source()]

    def _torch_build(self) -> list[str]:
        """The option that brings the build that was asked for, where the index does not by itself.

        The index has torch for CUDA on Linux and for the processor elsewhere; a mirror may have either. uv knows where
        the other build lies.
        """
        if self._plan.wheels is not None:
            return []
        listed = self._journal.run([*self._uv_install(), "--dry-run", str(self._plan.wheel)], self._variables)
        names = re.findall(r"^ \+ ([\w.-]+)", listed, re.MULTILINE)
        if "torch" not in names:  # it is there already
            return []
        if any(_CUDA_PACKAGE.match(name) for name in names) == (self._plan.build == "cuda"):
            return []
        return ["--torch-backend", "cpu" if self._plan.build == "cpu" else "auto"]

    def _check_pip_build(self) -> None:
        """pip has no option for the build: it must not bring 5 GB that nobody asked for."""
        if self._plan.wheels is not None:
            return
        ask = [
            *self._pip_install(),
            "--dry-run",
            "--quiet",
            "--ignore-installed",
            "--report",
            "-",
            str(self._plan.wheel),
        ]
        report = self._journal.run(ask, self._variables)
        try:
            names = [item["metadata"]["name"] for item in json.loads(report[report.index("{") :])["install"]]
        except (ValueError, KeyError):
            return  # an old pip, or warnings in between: the choice is then the index's
        if any(_CUDA_PACKAGE.match(name) for name in names) != (self._plan.build == "cuda"):
            raise StepFailed(
                "build",
                "The package index has torch in another build than was chosen, and uv, which could fetch it, is not "
                "to be had here: install uv, choose the other build, or install from a folder of wheels.",
            )
