"""The project that `basalt plugins new` writes is found once installed, and passes its own tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest


def run(folder: Path, *command: str) -> str:
    """What a Python program prints with the plugin in *folder* installed."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    environment = {**inherited, "PYTHONPATH": str(folder / "src"), "BASALT_STATE_DIR": str(folder / "state")}
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=folder, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new plugin with the metadata that installing it in place would write."""
    folder = tmp_path_factory.mktemp("new")
    run(folder, "-m", "basalt.core.cli.main", "plugins", "new", "order_flow", "--directory", "made")
    made = folder / "made"
    project = tomllib.loads((made / "pyproject.toml").read_text())["project"]
    info = made / "src" / "basalt_order_flow-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = "\n".join(f"{name} = {target}" for name, target in project["entry-points"]["basalt"].items())
    (info / "entry_points.txt").write_text(f"[basalt]\n{points}\n")
    return made


def test_it_is_found(plugin: Path) -> None:
    rows = json.loads(run(plugin, "-m", "basalt.core.cli.main", "plugins", "list", "--json"))

    found = next(row for row in rows if row["name"] == "order_flow")
    assert (found["distribution"], found["status"], found["provides"]) == ("basalt-order-flow", "ok", {"modules": ["order_flow"]})


def test_it_passes_its_own_tests(plugin: Path) -> None:
    assert "passed" in run(plugin, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")


def test_its_column_is_listed(plugin: Path) -> None:
    rows = json.loads(run(plugin, "-m", "basalt.core.cli.main", "analytics", "list", "--module", "order_flow", "--json"))

    assert [(row["column"], row["unit"], row["rollup"]) for row in rows] == [("OrderFlowTradeSize", "shares", "ratio of sums")]
