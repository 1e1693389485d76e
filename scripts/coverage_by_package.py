"""Print test coverage per package of the workspace, and the files that hold it down.

uv run python scripts/coverage_by_package.py                       # run all tests, then print
uv run python scripts/coverage_by_package.py --skip-tests          # print what the last run measured
uv run python scripts/coverage_by_package.py -- -n 2 -m "not slow" # what follows -- goes to pytest
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from workspace import ROOT, members


@dataclass(frozen=True)
class Coverage:
    """How many statements of something ran: a file, a package, or everything."""

    name: str
    statements: int
    covered: int

    @property
    def missed(self) -> int:
        """Statements that no test ran."""
        return self.statements - self.covered

    @property
    def share(self) -> float | None:
        """Covered part of the statements, 0 to 1; None without statements."""
        return self.covered / self.statements if self.statements else None


def read_files(report: dict[str, object]) -> list[Coverage]:
    """One value per file of a coverage JSON report, named by its path."""
    files = report["files"]
    if not isinstance(files, dict):
        sys.exit("the coverage report lists no files")
    return [Coverage(name, entry["summary"]["num_statements"], entry["summary"]["covered_lines"]) for name, entry in sorted(files.items())]


def total(name: str, parts: Iterable[Coverage]) -> Coverage:
    """The sum of *parts* under *name*."""
    counted = list(parts)
    return Coverage(name, sum(part.statements for part in counted), sum(part.covered for part in counted))


def by_package(files: Sequence[Coverage], folders: dict[str, str]) -> list[Coverage]:
    """Coverage per package; *folders* maps a distribution to the folder, relative to the root, that its files start with."""
    return [total(name, (file for file in files if file.name.startswith(f"{folder}/"))) for name, folder in folders.items()]


def worst(files: Sequence[Coverage], *, count: int, min_statements: int) -> list[Coverage]:
    """The *count* files with the most missed statements, among those of at least *min_statements* that miss any; named as the package has them."""
    candidates = [
        replace(file, name=file.name.rpartition("/src/")[2]) for file in files if file.statements >= min_statements and file.missed
    ]
    return sorted(candidates, key=lambda file: (-file.missed, file.name))[:count]


def render(title: str, rows: Iterable[Coverage]) -> Table:
    """A table of *rows* with one line each."""
    table = Table(title=title, title_justify="left")
    table.add_column("name", overflow="fold")
    for heading in ("statements", "missed", "covered"):
        table.add_column(heading, justify="right")
    for row in rows:
        share = "-" if row.share is None else f"{row.share:.1%}"
        table.add_row(row.name, f"{row.statements:,}", f"{row.missed:,}", share)
    return table


def run_tests(pytest_arguments: Sequence[str]) -> int:
    """Run pytest under coverage and combine what its processes measured; pytest's exit code."""
    _coverage("erase")
    done = subprocess.run([sys.executable, "-m", "coverage", "run", "-m", "pytest", *pytest_arguments], cwd=ROOT, check=False)
    _coverage("combine", "--quiet")
    return done.returncode


def load_report() -> dict[str, object]:
    """The JSON report of what was measured last; ends the process when nothing was."""
    with tempfile.TemporaryDirectory(prefix="basalt-coverage-") as folder:
        path = Path(folder) / "coverage.json"
        _coverage("json", "--quiet", "-o", str(path))
        report: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
        return report


def _coverage(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "coverage", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"coverage {arguments[0]}: {(done.stdout + done.stderr).strip()}")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Options of the command line; `pytest` holds what follows `--`."""
    position = arguments.index("--") if "--" in arguments else len(arguments)
    own, pytest_arguments = arguments[:position], arguments[position + 1 :]
    parser = argparse.ArgumentParser(description="Print test coverage per package.")
    parser.add_argument("--skip-tests", action="store_true", help="print what the last run measured")
    parser.add_argument("--offenders", type=int, default=15, metavar="N", help="files to list, most missed statements first (15)")
    parser.add_argument("--min-statements", type=int, default=20, metavar="N", help="leave smaller files out of that list (20)")
    return parser.parse_args(own, argparse.Namespace(pytest=pytest_arguments))


def main(arguments: Sequence[str]) -> int:
    """Measure unless told not to, print both tables; pytest's exit code, 0 when it did not run."""
    asked = parse(arguments)
    code = 0 if asked.skip_tests else run_tests(asked.pytest)
    files = read_files(load_report())
    folders = {name: member.folder.relative_to(ROOT).as_posix() for name, member in members().items() if member.subpackage}
    console = Console()
    console.print(render("Coverage by package", [*by_package(files, folders), total("all", files)]))
    if offenders := worst(files, count=asked.offenders, min_statements=asked.min_statements):
        console.print(render(f"Most missed statements (files of {asked.min_statements} and more)", offenders))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
