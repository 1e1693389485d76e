"""`basalt plugins`: what is installed, one by one, and the start of a new one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from basalt.core.catalog import Catalog
from basalt.core.cli.main import main
from basalt.core.errors import ConflictingSettings, InvalidValue, TargetFailed
from basalt.core.inspecting import inspect_plugins
from basalt.core.scaffolding import write_plugin

Captured = pytest.CaptureFixture[str]
Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution `acme-<name>` with a plugin of that name and the given hooks."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def add(name: str, text: str) -> None:
        info = site / f"acme_{name}-2.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 2.0\n")
        (info / "entry_points.txt").write_text(f"[basalt]\n{name} = acme_{name}\n")
        (site / f"acme_{name}.py").write_text("from basalt.core import hookimpl\nfrom basalt.core.tables import Table\n" + text)
        monkeypatch.delitem(sys.modules, f"acme_{name}", raising=False)

    return add


TABLE = "@hookimpl\ndef basalt_tables():\n    return (Table('quotes', ()),)\n"
WATCHING = "@hookimpl\ndef basalt_run_finished(run_id, report): ...\n"


def test_the_kernel_is_listed_with_its_offers() -> None:
    core = inspect_plugins()[0]

    assert (core.name, core.distribution, core.status) == ("core", "bmll-basalt-core", "ok")
    assert core.provides["executors"] == ("direct",)
    assert core.provides["commands"] == ("pipeline", "analytics", "plugins", "runs")


def test_a_plugin_is_listed_with_what_it_provides(install: Install) -> None:
    install("good", TABLE + WATCHING)

    found = next(each for each in inspect_plugins() if each.name == "good")

    assert (found.distribution, found.version, found.target, found.status) == ("acme-good", "2.0", "acme_good", "ok")
    assert dict(found.provides) == {"tables": ("quotes",), "observes": ("basalt_run_finished",)}


HOST = """
import pluggy
class hooks:
    @pluggy.HookspecMarker("basalt")
    def basalt_rocks(): ...
@hookimpl
def basalt_hookspecs():
    return (hooks,)
"""
GUEST = """
from basalt.core.offers import Offer
@hookimpl
def basalt_rocks():
    return (Offer("granite", "Hard.", "acme_guest:GUEST"),)
"""


def test_offers_to_a_hook_that_another_plugin_declares(install: Install) -> None:
    install("host", HOST)
    install("guest", GUEST)

    found = {each.name: each for each in inspect_plugins()}
    shelf = Catalog()

    assert found["host"].error == found["guest"].error == ""
    assert dict(found["guest"].provides) == {"rocks": ("granite",)}
    assert [offer.summary for offer in shelf.offers("basalt_rocks", "rock").values()] == ["Hard."]
    assert shelf.owner("rock", "granite") == "acme-guest"


def test_a_blocked_plugin_is_not_imported(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("bad", "1 / 0")
    monkeypatch.setenv("BASALT_BLOCK_PLUGINS", "bad")

    assert [each.status for each in inspect_plugins() if each.name == "bad"] == ["blocked"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("@hookimpl\ndef basalt_table(): ...\n", "PluginValidationError"),
        ("@hookimpl\ndef basalt_tables():\n    return (1,)\n", "BadOffer"),
        ("@hookimpl\ndef basalt_tables():\n    raise SystemExit(3)\n", "SystemExit"),
    ],
    ids=["import", "hook", "offer", "exit"],
)
def test_a_broken_plugin_is_listed_with_its_error(text: str, error: str, install: Install) -> None:
    install("bad", text)

    found = next(each for each in inspect_plugins() if each.name == "bad")

    assert found.status == "error"
    assert found.error.startswith(error)


def test_a_name_that_two_plugins_offer_is_an_error_of_the_second(install: Install) -> None:
    install("one", TABLE)
    install("two", TABLE)

    found = {each.name: each for each in inspect_plugins()}

    assert found["one"].status == "ok"
    assert found["two"].error == "DuplicateName: acme-one offers the table 'quotes' too"


def test_the_list_is_printed_in_both_ways(install: Install, capsys: Captured) -> None:
    install("bad", "1 / 0")

    assert main(["plugins", "list"]) == 0
    said = capsys.readouterr().out
    assert "bad (acme-bad): ZeroDivisionError" in said
    assert "BASALT_BLOCK_PLUGINS=bad" in said
    assert main(["plugins", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert (rows["bad"]["status"], rows["core"]["provides"]["sources"]) == ("error", ["lake"])


# ---------------------------------------------------------------- new plugins


def test_a_new_plugin_is_a_whole_project(tmp_path: Path) -> None:
    folder = write_plugin("order-flow", tmp_path / "made")

    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert written == {
        "README.md",
        "pyproject.toml",
        "src/basalt_order_flow/__init__.py",
        "src/basalt_order_flow/module.py",
        "src/basalt_order_flow/plugin.py",
        "tests/test_order_flow.py",
    }
    assert 'order_flow = "basalt_order_flow.plugin"' in (folder / "pyproject.toml").read_text()
    assert not any("$name" in path.read_text() for path in folder.rglob("*") if path.is_file())


def test_the_formula_of_a_new_plugin_works(tmp_path: Path) -> None:
    folder = write_plugin("order_flow", tmp_path / "made")
    program = "from basalt_order_flow.module import MODULE; print(MODULE.name, *[each.column for each in MODULE.formulas])"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=folder / "src", check=True)

    assert done.stdout == "order_flow OrderFlowTradeSize\n"


@pytest.mark.parametrize("name", ["Order", "2nd", "order flow", "x", "", "order_"])
def test_a_name_that_is_no_module_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue):
        write_plugin(name)


@pytest.mark.parametrize("name", ["tick", "trade"], ids=["installed", "first-party"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(ConflictingSettings):
        write_plugin(name)


def test_nothing_that_exists_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")

    with pytest.raises(ConflictingSettings):
        write_plugin("order_flow", tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["kept.txt"]


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(TargetFailed):
        write_plugin("order_flow", tmp_path / "file" / "below")


def test_the_command_says_what_to_do_next(capsys: Captured) -> None:
    assert main(["plugins", "new", "order_flow"]) == 0

    assert "pip install -e basalt-order-flow" in capsys.readouterr().out
