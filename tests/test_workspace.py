"""Promises that hold over all packages of the workspace."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workspace import ROOT, Member, distribution, members

MEMBERS = members()
WITH_CODE = {name: member for name, member in MEMBERS.items() if member.subpackage is not None}
KERNEL_MODULES = {"core", "configuration"}
SUBPACKAGES = {member.subpackage.name: name for name, member in WITH_CODE.items() if member.subpackage} | dict.fromkeys(
    KERNEL_MODULES, "bmll-basalt-core"
)
MACHINE_PATH = re.compile(r"(?<![\w.$}<{/-])/(?:work|home|root|Users|mnt)/\w")
MAIN_COMMAND = "pip install uv && uv run basalt pipeline run --pipeline demo/01_ohlcv_bars.py --date 2026-02-01"

every_member = pytest.mark.parametrize("member", MEMBERS.values(), ids=lambda member: member.name)
every_package = pytest.mark.parametrize("member", WITH_CODE.values(), ids=lambda member: member.name)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git clone")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="ignore")


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, at any depth."""
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ([f"basalt.{alias.name}" for alias in node.names] if node.module == "basalt" else [node.module])


def owner(module: str, by_module: dict[str, list[str]]) -> set[str]:
    """Distributions, any of which provides *module*; empty for the standard library."""
    top, _, rest = module.partition(".")
    if top == "basalt":
        return {SUBPACKAGES[rest.split(".")[0]]}
    if top in sys.stdlib_module_names:
        return set()
    return {distribution(name) for name in by_module.get(top, [top])}


def declared(member: Member) -> set[str]:
    asked = [*member.dependencies, *(each for extra in member.extras.values() for each in extra)]
    return {distribution(requirement) for requirement in asked} | {member.name}


@pytest.fixture(scope="module")
def by_module() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


# the namespace -------------------------------------------------------------------------------------------------------


def test_no_package_owns_the_namespace() -> None:
    assert list(ROOT.glob("packages/*/src/basalt/__init__.py")) == []
    assert list(ROOT.glob("packages/*/src/basalt/py.typed")) == []


@every_package
def test_a_package_fills_its_own_part_of_the_namespace(member: Member) -> None:
    parts = {path.stem for path in member.folder.glob("src/basalt/*") if path.name != "__pycache__"}

    assert {SUBPACKAGES[part] for part in parts} == {member.name}


@every_package
def test_a_package_is_typed(member: Member) -> None:
    assert member.subpackage is not None
    assert (member.subpackage / "py.typed").is_file()


# what stands beside the code -----------------------------------------------------------------------------------------


@every_member
@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_a_package_is_described(member: Member, name: str) -> None:
    assert len(read(member.folder / name).splitlines()) >= 3


@every_member
def test_a_package_carries_the_license(member: Member) -> None:
    assert read(member.folder / "LICENSE") == read(ROOT / "LICENSE")


@every_package
def test_a_package_has_tests(member: Member) -> None:
    assert list(member.tests.glob("**/test_*.py"))


@every_member
def test_the_changelog_knows_the_version(member: Member) -> None:
    assert f"[{member.metadata['project']['version']}]" in read(member.folder / "CHANGELOG.md")


# metadata ------------------------------------------------------------------------------------------------------------


@every_member
def test_the_version_is_static(member: Member) -> None:
    project = member.metadata["project"]

    assert re.fullmatch(r"\d+\.\d+\.\d+", project["version"])
    assert "dynamic" not in project


@every_member
def test_python_is_bounded_on_both_sides(member: Member) -> None:
    assert member.metadata["project"]["requires-python"] == ">=3.11,<3.14"


@every_member
def test_every_requirement_has_a_lower_bound_and_no_exact_pin(member: Member) -> None:
    extras = [requirement for extra in member.extras.values() for requirement in extra]
    for requirement in [*member.dependencies, *extras, *member.test_requirements]:
        assert "==" not in requirement, requirement
        assert ">=" in requirement or distribution(requirement) == member.name, requirement


@every_member
def test_siblings_come_from_the_workspace(member: Member) -> None:
    asked = [*member.dependencies, *member.test_requirements, *(each for extra in member.extras.values() for each in extra)]
    siblings = {distribution(requirement) for requirement in asked} & MEMBERS.keys() - {member.name}
    sources = member.metadata.get("tool", {}).get("uv", {}).get("sources", {})

    assert siblings == set(sources)


@every_member
def test_entry_points_name_modules_that_exist(member: Member) -> None:
    for target in member.metadata["project"].get("entry-points", {}).get("basalt", {}).values():
        assert (member.folder / "src" / Path(*target.split("."))).with_suffix(".py").is_file(), target


@every_package
def test_every_import_is_declared(member: Member, by_module: dict[str, list[str]]) -> None:
    allowed = declared(member)
    for path in member.sources:
        for module in imports(path):
            owners = owner(module, by_module)
            assert not owners or owners & allowed, f"{path.relative_to(ROOT)} imports {module}: declare one of {sorted(owners)}"


READ_BY_THE_STANDARD_LIBRARY = {"tzdata"}  # zoneinfo looks into it where the system has no time zones


@every_package
def test_every_dependency_is_imported(member: Member, by_module: dict[str, list[str]]) -> None:
    used = {name for path in member.sources for module in imports(path) for name in owner(module, by_module)}

    assert {distribution(requirement) for requirement in member.dependencies} - READ_BY_THE_STANDARD_LIBRARY <= used


def test_the_bundle_asks_for_members_only() -> None:
    assert declared(MEMBERS["bmll-basalt"]) <= MEMBERS.keys()


# nothing of one machine ----------------------------------------------------------------------------------------------


def test_no_file_names_a_path_of_one_machine() -> None:
    found = [path.relative_to(ROOT) for path in tracked_files() if path != Path(__file__).resolve() and MACHINE_PATH.search(read(path))]

    assert found == []


def test_no_lock_with_addresses_is_tracked() -> None:
    names = {path.name for path in tracked_files()}

    assert "uv.lock" not in names
    assert "requirements.lock" in names
    assert "://" not in read(ROOT / "requirements.lock")


@pytest.mark.parametrize("word", ["index-url", "find-links", "trusted-host", "[[tool.uv.index]]"])
def test_no_metadata_names_an_index(word: str) -> None:
    assert [path for path in [ROOT / "pyproject.toml", *ROOT.glob("packages/*/pyproject.toml")] if word in read(path)] == []


# commands that documents and CI share --------------------------------------------------------------------------------


def ci_test_command() -> str:
    found = re.search(r"^TEST_COMMAND='(.+)'$", read(ROOT / ".ci" / "run"), flags=re.MULTILINE)
    assert found is not None
    return found.group(1)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert ci_test_command() in read(ROOT / "README.md").splitlines()


def test_the_readme_runs_a_demo_that_exists() -> None:
    assert MAIN_COMMAND in read(ROOT / "README.md").splitlines()
    words = shlex.split(MAIN_COMMAND)
    assert (ROOT / words[words.index("--pipeline") + 1]).is_file()


def test_every_just_recipe_is_a_plain_command_in_contributing() -> None:
    contributing = read(ROOT / "CONTRIBUTING.md")
    commands = re.findall(r"^    (?!@)(\S.*)$", read(ROOT / "justfile"), flags=re.MULTILINE)

    assert commands
    assert [command for command in commands if command.split("{{")[0].strip() not in contributing] == []
