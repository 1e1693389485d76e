"""What the scripts and the root tests know of the workspace: its members, and where uv is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Member:
    """One package of the workspace, as its `pyproject.toml` declares it."""

    name: str
    folder: Path
    metadata: dict[str, Any]

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Requirements of the plain install."""
        return tuple(self.metadata["project"].get("dependencies", ()))

    @property
    def extras(self) -> dict[str, list[str]]:
        """Requirements of each extra."""
        return dict(self.metadata["project"].get("optional-dependencies", {}))

    @property
    def test_requirements(self) -> tuple[str, ...]:
        """What its tests need besides the package: the dependency group `test`."""
        return tuple(self.metadata.get("dependency-groups", {}).get("test", ()))

    @property
    def subpackage(self) -> Path | None:
        """Folder of its code below the namespace; None for the bundle, which has none."""
        found = sorted(path for path in self.folder.glob("src/basalt/*") if (path / "__init__.py").is_file())
        return found[0] if found else None

    @property
    def sources(self) -> list[Path]:
        """Its Python files, sorted."""
        return sorted(self.folder.glob("src/**/*.py"))

    @property
    def tests(self) -> Path:
        """Folder of its tests."""
        return self.folder / "tests"


def members(root: Path = ROOT) -> dict[str, Member]:
    """Every package of the workspace by the name of its distribution, sorted by it."""
    read = (_member(path) for path in root.glob("packages/*/pyproject.toml"))
    return {member.name: member for member in sorted(read, key=lambda member: member.name)}


def _member(path: Path) -> Member:
    metadata = tomllib.loads(path.read_text(encoding="utf-8"))
    return Member(metadata["project"]["name"], path.parent, metadata)


def distribution(requirement: str) -> str:
    """Normalised name of the distribution that *requirement* asks for.

    >>> distribution("PyYAML>=6.0.2; python_version < '3.14'")
    'pyyaml'
    """
    matched = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement)
    if matched is None:
        message = f"not a requirement: {requirement!r}"
        raise ValueError(message)
    return re.sub(r"[-_.]+", "-", matched.group()).lower()


def first_party(requirements: Sequence[str], known: dict[str, Member]) -> list[Member]:
    """Members that *requirements* reach, directly or through other members; in order of discovery."""
    found: dict[str, Member] = {}
    waiting = [distribution(requirement) for requirement in requirements]
    while waiting:
        name = waiting.pop(0)
        if name in known and name not in found:
            found[name] = known[name]
            waiting += [distribution(requirement) for requirement in known[name].dependencies]
    return list(found.values())


def uv() -> str:
    """Path of the uv that runs this process, or of the first one on PATH."""
    found = os.environ.get("UV") or shutil.which("uv")
    if found is None:
        sys.exit("uv is not installed. Install it: pip install uv")
    return found


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run *command* quietly; when it fails, end this process with what it printed."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"failed: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
