"""The scripts that keep the workspace: coverage, lock, members."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

import check_lock
import coverage_by_package as coverage
import installing
import workspace
from coverage_by_package import Coverage

REPORT: dict[str, object] = {
    "files": {
        "packages/basalt-trade/src/basalt/trade/bars.py": {"summary": {"num_statements": 40, "covered_lines": 30}},
        "packages/basalt-core/src/basalt/core/plan.py": {"summary": {"num_statements": 60, "covered_lines": 60}},
        "packages/basalt-core/src/basalt/core/tiny.py": {"summary": {"num_statements": 4, "covered_lines": 0}},
        "packages/basalt/__init__.py": {"summary": {"num_statements": 0, "covered_lines": 0}},
    }
}
LOCK = """\
# a comment
a==1.0 \\
    --hash=sha256:00 \\
    --hash=sha256:01
b==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:02
"""


# coverage ------------------------------------------------------------------------------------------------------------


def test_coverage_is_summed_by_the_folder_of_the_package() -> None:
    folders = {"bmll-basalt": "packages/basalt", "bmll-basalt-core": "packages/basalt-core", "bmll-basalt-trade": "packages/basalt-trade"}

    assert coverage.by_package(coverage.read_files(REPORT), folders) == [
        Coverage("bmll-basalt", 0, 0),
        Coverage("bmll-basalt-core", 64, 60),
        Coverage("bmll-basalt-trade", 40, 30),
    ]


def test_offenders_miss_most_first_and_leave_small_files_out() -> None:
    files = coverage.read_files(REPORT)

    assert [file.name for file in coverage.worst(files, count=5, min_statements=20)] == ["basalt/trade/bars.py"]
    assert [file.name for file in coverage.worst(files, count=5, min_statements=1)] == ["basalt/trade/bars.py", "basalt/core/tiny.py"]
    assert coverage.worst(files, count=0, min_statements=1) == []


@pytest.mark.parametrize(("statements", "covered", "share"), [(4, 1, 0.25), (0, 0, None), (3, 3, 1.0)])
def test_share_is_undefined_without_statements(statements: int, covered: int, share: float | None) -> None:
    assert Coverage("x", statements, covered).share == share


def test_the_table_has_one_line_per_package() -> None:
    out = io.StringIO()

    Console(file=out, width=100).print(coverage.render("Coverage", [Coverage("bmll-basalt-core", 1200, 900), Coverage("empty", 0, 0)]))

    core, empty = [line.replace("│", " ").split() for line in out.getvalue().splitlines() if "│" in line]
    assert core == ["bmll-basalt-core", "1,200", "300", "75.0%"]
    assert empty == ["empty", "0", "0", "-"]


def test_what_follows_the_dashes_goes_to_pytest() -> None:
    asked = coverage.parse(["--offenders", "3", "--", "-n", "2", "--skip-tests"])

    assert (asked.offenders, asked.min_statements, asked.skip_tests) == (3, 20, False)
    assert asked.pytest == ["-n", "2", "--skip-tests"]


# the lock ------------------------------------------------------------------------------------------------------------


def test_pins_keep_markers_and_hashes() -> None:
    assert check_lock.read_pins(LOCK) == {
        "a==1.0": frozenset({"sha256:00", "sha256:01"}),
        "b==2.0 ; sys_platform == 'win32'": frozenset({"sha256:02"}),
    }


@pytest.mark.parametrize(
    ("resolved", "expected"),
    [
        ({"a==1.0": frozenset({"00", "01"})}, []),
        ({"a==1.0": frozenset({"00"})}, []),
        ({"a==1.0": frozenset({"00", "99"})}, ["! a==1.0: a file of the index has a hash that is not locked"]),
        ({"a==1.1": frozenset({"00"})}, ["- a==1.0", "+ a==1.1"]),
        ({}, ["- a==1.0"]),
    ],
    ids=["same", "mirror with fewer files", "foreign file", "other version", "gone"],
)
def test_differences_between_lock_and_resolution(resolved: check_lock.Pins, expected: list[str]) -> None:
    assert check_lock.differences({"a==1.0": frozenset({"00", "01"})}, resolved) == expected


@pytest.mark.parametrize("line", ["--index-url https://mirror.example/simple", "a @ https://mirror.example/a.whl", "-e ./packages/a"])
def test_a_lock_with_an_address_is_unfit(line: str) -> None:
    assert f"address: {line}" in check_lock.unfit(f"{LOCK}{line}\n")


def test_a_pin_without_hash_is_unfit() -> None:
    assert check_lock.unfit(LOCK) == []
    assert check_lock.unfit(f"{LOCK}c==3\n") == ["no hash: c==3"]


def test_the_committed_lock_is_fit() -> None:
    assert check_lock.unfit(check_lock.LOCK.read_text(encoding="utf-8")) == []


# members -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requirement", "name"),
    [("polars>=2.1", "polars"), ("PyYAML>=6.0.2", "pyyaml"), ("bmll-basalt[feeds]", "bmll-basalt"), ("ruamel.yaml ; x", "ruamel-yaml")],
)
def test_a_requirement_names_a_distribution(requirement: str, name: str) -> None:
    assert workspace.distribution(requirement) == name


def test_first_party_requirements_are_followed_to_the_kernel() -> None:
    found = [member.name for member in workspace.first_party(["bmll-basalt-trade>=0.1", "polars>=2.1"], workspace.members())]

    assert found[0] == "bmll-basalt-trade"
    assert set(found) == {"bmll-basalt-trade", "bmll-basalt-core", "bmll-basalt-market"}


def test_members_are_installed_from_wheels_and_the_rest_by_name() -> None:
    chosen = installing.from_wheels(["bmll-basalt-core", "pytest>=9"], workspace.members(), workspace.ROOT / "dist")

    core = workspace.members()["bmll-basalt-core"]
    assert chosen == [installing.wheel_of(core, workspace.ROOT / "dist"), "pytest>=9"]
