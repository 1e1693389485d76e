"""Wheels of the workspace, and environments that hold nothing but wheels."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workspace import ROOT, Member, distribution, first_party, run, uv


@dataclass(frozen=True)
class Environment:
    """A virtual environment without the workspace, and the folder its commands run in."""

    python: Path
    folder: Path

    def run(self, command: str, *arguments: str | Path, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a console script of the environment, with captured output and without this process' own settings.

        Raises:
            subprocess.TimeoutExpired: It took more than *seconds*.
        """
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("BASALT_", "COV", "PYTEST_", "VIRTUAL_ENV"))}
        return subprocess.run(
            [self.python.parent / command, *arguments],
            cwd=self.folder,
            env=mine | {"NO_COLOR": "1", "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


def build_wheels(folder: Path) -> list[Path]:
    """Build the wheel of every member into *folder*, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    run(uv(), "build", "--all-packages", "--wheel", "--out-dir", folder)
    return sorted(folder.glob("*.whl"))


def wheel_of(member: Member, wheels: Path) -> Path:
    """The wheel of *member* in the folder *wheels*, at its declared version."""
    return wheels / f"{member.name.replace('-', '_')}-{member.metadata['project']['version']}-py3-none-any.whl"


def from_wheels(requirements: Sequence[str], known: dict[str, Member], wheels: Path) -> list[str | Path]:
    """What to install for *requirements*: wheels for the members they reach, themselves for the rest."""
    foreign = [requirement for requirement in requirements if distribution(requirement) not in known]
    return [*(wheel_of(member, wheels) for member in first_party(requirements, known)), *foreign]


def create_environment(folder: Path, requirements: Sequence[str | Path]) -> Environment:
    """Create a virtual environment below *folder* that holds *requirements* and what they declare.

    Third-party versions are those of `requirements.lock`.
    """
    python = folder / "env" / "bin" / "python"
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    run(uv(), "venv", "--quiet", "--clear", "--python", sys.executable, folder / "env")
    run(uv(), "pip", "install", "--quiet", "--python", python, "--constraints", ROOT / "requirements.lock", *requirements)
    return Environment(python, work)
