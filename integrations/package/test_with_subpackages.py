"""Every wheel together: whatever a package offers is found through its entry point."""

from __future__ import annotations

import json
from typing import Any

import pytest

from installing import Environment
from workspace import members

PLUGINS = [name for name, member in members().items() if "basalt" in member.metadata["project"].get("entry-points", {})]
MODULES = ["trade", "retail_imbalance", "generic", "reaggregate"]
TABLES = ["trades", "l2", "l3", "cbbo", "marketstate", "reference"]
SOURCES = ["lake", "synthetic"]
COMMANDS = ["pipeline", "analytics", "plugins", "runs", "data"]


def listed(environment: Environment, *command: str) -> Any:
    done = environment.run("basalt", *command, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def words(value: object) -> set[str]:
    """Every string of a JSON value."""
    if isinstance(value, dict):
        return set().union(*(words(each) for each in value.values()), map(str, value))
    if isinstance(value, list):
        return set().union(*map(words, value))
    return {value} if isinstance(value, str) else set()


@pytest.fixture(scope="module")
def offered(with_subpackages: Environment) -> set[str]:
    return words(listed(with_subpackages, "plugins", "list"))


@pytest.mark.parametrize("distribution", PLUGINS)
def test_every_plugin_is_discovered(offered: set[str], distribution: str) -> None:
    assert distribution in offered


@pytest.mark.parametrize("name", MODULES + TABLES + SOURCES)
def test_every_offer_is_listed(offered: set[str], name: str) -> None:
    assert name in offered


def test_every_module_with_columns_is_in_the_analytics_list(with_subpackages: Environment) -> None:
    assert {"trade", "retail_imbalance"} <= words(listed(with_subpackages, "analytics", "list"))


@pytest.mark.parametrize("group", COMMANDS)
def test_every_command_group_answers(with_subpackages: Environment, group: str) -> None:
    done = with_subpackages.run("basalt", group, "--help")

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", [["data", "import", "lobster"], ["data", "simulate"]], ids=" ".join)
def test_commands_of_plugins_share_one_group(with_subpackages: Environment, command: list[str]) -> None:
    done = with_subpackages.run("basalt", *command, "--help")

    assert done.returncode == 0, done.stderr
    assert "--lake" in done.stdout


def test_the_namespace_belongs_to_nobody(with_subpackages: Environment) -> None:
    done = with_subpackages.run("python", "-c", "import basalt; print(basalt.__file__)")

    assert done.stdout.strip() == "None"


def test_wheels_do_not_overlap(with_subpackages: Environment) -> None:
    owners: dict[str, str] = {}
    for name in members():
        for file in files_of(with_subpackages, name):
            assert owners.setdefault(file, name) == name, f"{file} is in {owners[file]} and {name}"
    assert any(file.startswith("basalt/core/") for file in owners)


def files_of(environment: Environment, distribution: str) -> list[str]:
    program = f"import importlib.metadata as m; print(*(f for f in m.files('{distribution}') if '__pycache__' not in str(f)), sep='\\n')"
    return [line for line in environment.run("python", "-c", program).stdout.splitlines() if line]
