"""The command line itself: help without weight, groups of plugins, flags, errors and exit codes."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import types
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from basalt.core import hookimpl
from basalt.core.catalog import Catalog, using_catalog
from basalt.core.cli import groups
from basalt.core.cli.main import app, main
from basalt.core.cli.options import given_days
from basalt.core.cli.printing import duration, print_lake_files, print_lines, print_pairs, print_rows, size
from basalt.core.errors import BadOffer, ConfigError, DuplicateName, MissingData, PluginLoadFailed
from basalt.core.lake import LakeFile
from basalt.core.offers import Offer

Captured = pytest.CaptureFixture[str]


def test_importing_the_command_line_and_its_help_leaves_polars_alone() -> None:
    program = (
        "import sys; from basalt.core.cli.main import main; main(['--help']); print('polars' in sys.modules, 'pydantic' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "False False"


def test_help_lists_the_groups_with_their_summaries(capsys: Captured) -> None:
    assert main(["--help"]) == 0

    shown = capsys.readouterr().out
    assert all(group in shown for group in ("pipeline", "analytics", "plugins", "runs"))
    assert "Run, plan and describe pipelines." in shown


@pytest.mark.parametrize("group", ["pipeline", "analytics", "plugins", "runs"])
def test_every_group_has_help(group: str, capsys: Captured) -> None:
    assert main([group, "--help"]) == 0
    assert f"Usage: basalt {group}" in capsys.readouterr().out


def test_a_group_typed_alone_shows_its_help(capsys: Captured) -> None:
    assert main(["pipeline"]) == 64
    assert "Usage: basalt pipeline" in capsys.readouterr().err


def test_version_names_the_installed_wheels(capsys: Captured) -> None:
    assert main(["--version"]) == 0
    assert "bmll-basalt-core 0." in capsys.readouterr().out


# ---------------------------------------------------------------- wrong commands


def test_a_misspelt_group_gets_its_near_match(capsys: Captured) -> None:
    assert main(["pipelin", "run"]) == 64
    assert "did you mean 'pipeline'?" in capsys.readouterr().err


def test_a_group_of_a_missing_wheel_names_the_wheel(capsys: Captured) -> None:
    assert main(["data", "import"]) == 64
    assert "pip install bmll-basalt-feeds" in capsys.readouterr().err


@pytest.mark.parametrize("typed", [["pipeline", "rum"], ["pipeline", "run", "--dat", "1"], ["pipeline", "run"]], ids=" ".join)
def test_usage_errors_are_user_errors(typed: list[str], capsys: Captured) -> None:
    assert main(typed) == 64

    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "--help" in said


# ---------------------------------------------------------------- errors and exit codes


def offering(module: str, *offers: Offer[Any]) -> types.ModuleType:
    """A plugin module that offers commands."""
    plugin = types.ModuleType(module)

    def basalt_commands() -> tuple[Offer[Any], ...]:
        return offers

    plugin.basalt_commands = hookimpl(basalt_commands)  # type: ignore[attr-defined]
    return plugin


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., typer.Typer]:
    """Make a module `acme` whose attribute is a Typer app with one command."""
    home = types.ModuleType("acme")
    monkeypatch.setitem(sys.modules, "acme", home)

    def add(attribute: str, name: str, function: Callable[..., None]) -> typer.Typer:
        made = typer.Typer()
        made.command(name)(function)
        setattr(home, attribute, made)
        return made

    return add


def raising(problem: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise problem

    return command


@pytest.mark.parametrize(
    ("problem", "code", "said"),
    [
        (MissingData("no trades", where="XLON", hint="choose another day"), 65, "error: no trades\n  at XLON\n  choose another day\n"),
        (
            ZeroDivisionError("by zero"),
            70,
            "error: ZeroDivisionError: by zero\n  this is a bug of Basalt or of a plugin; see where it comes from: BASALT_DEBUG=1\n",
        ),
        (KeyboardInterrupt(), 143, "interrupted\n"),
        (MemoryError(), 137, "error: there is no more memory\n  close other programs, or take a machine with more\n"),
        (
            OSError(errno.ENOSPC, "Error writing bytes to file. Detail: [errno 28]", "lake/x.parquet"),
            70,
            "error: No space left on device\n  at lake/x.parquet\n  make room on the disk, and run the command again\n",
        ),
    ],
    ids=["typed", "unexpected", "interrupted", "memory", "disk"],
)
def test_errors_end_with_their_exit_code(
    problem: BaseException, code: int, said: str, command: Callable[..., Any], capsys: Captured
) -> None:
    command("app", "go", raising(problem))
    with using_catalog(Catalog([offering("one", Offer("acme", "Acme.", "acme:app"))])):
        assert main(["acme", "go"]) == code

    assert capsys.readouterr().err == said


def test_a_missing_option_is_named_with_how_to_give_it(capsys: Captured) -> None:
    assert main(["pipeline", "run", "bars.py"]) == 64
    assert "  write --pipeline and its value; see: basalt pipeline run --help" in capsys.readouterr().err


def test_an_interrupted_run_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr("basalt.core.pipelines.load_pipeline", lambda *_, **__: raising(KeyboardInterrupt())())

    assert main(["pipeline", "run", "--pipeline", "bars.py"]) == 143
    assert capsys.readouterr().err == "interrupted; outputs are as they were, --resume goes on from here\n"


@pytest.mark.parametrize(("setting", "begins"), [("1", "error: "), ("", "\x1b[31merror: ")])
def test_errors_are_red_unless_colours_are_unwanted(setting: str, begins: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    shown: list[str] = []
    monkeypatch.setattr("typer.secho", lambda text, *, fg=None, err: shown.append(typer.style(text, fg=fg)))
    monkeypatch.setenv("NO_COLOR", setting)

    assert main(["nothing"]) == 64
    assert shown[0].startswith(begins)


def test_a_traceback_is_shown_on_request(command: Callable[..., Any], capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASALT_DEBUG", "1")
    command("app", "go", raising(ZeroDivisionError("by zero")))
    with using_catalog(Catalog([offering("one", Offer("acme", "Acme.", "acme:app"))])):
        main(["acme", "go"])

    assert "Traceback" in capsys.readouterr().err


# ---------------------------------------------------------------- plugins' commands


def test_flags_and_commands_may_be_typed_with_either_dash(command: Callable[..., Any]) -> None:
    given: list[int] = []

    def go(some_number: int = typer.Option(0), other_number: int = typer.Option(0, "--other_number")) -> None:
        given.extend((some_number, other_number))

    command("app", "go_on", go)
    with using_catalog(Catalog([offering("one", Offer("acme", "Acme.", "acme:app"))])):
        for name, flags in (("go_on", ("--some-number", "--other_number")), ("go-on", ("--some_number", "--other-number"))):
            done = CliRunner().invoke(app, ["acme", name, flags[0], "1", flags[1], "2"])
            assert done.exit_code == 0, done.output

    assert given == [1, 2, 1, 2]


def test_offers_of_one_group_are_merged(command: Callable[..., Any]) -> None:
    command("one", "go", lambda: None)
    command("two", "stay", lambda: None)
    plugins = [offering("a", Offer("acme", "Acme.", "acme:one")), offering("b", Offer("acme", "Acme.", "acme:two"))]
    with using_catalog(Catalog(plugins)):
        shown = CliRunner().invoke(app, ["acme", "--help"]).output

    assert "go" in shown
    assert "stay" in shown


def test_one_command_offered_twice_is_an_error(command: Callable[..., Any]) -> None:
    command("one", "go", lambda: None)
    command("two", "go", lambda: None)

    with pytest.raises(DuplicateName) as caught:
        groups.load_group("acme", [Offer("acme", "", "acme:one"), Offer("acme", "", "acme:two")])
    assert caught.value.what == "two plugins offer the command 'acme go'"
    assert caught.value.where == "acme:one and acme:two"


def test_a_target_that_is_no_typer_app_is_an_error() -> None:
    with pytest.raises(BadOffer, match=r"Path is a \w+, not a typer.Typer"):
        groups.load_group("acme", [Offer("acme", "", "pathlib:Path")])


def test_a_target_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(PluginLoadFailed):
        groups.load_group("acme", [Offer("acme", "", "acme_is_not_there:app")])


# ---------------------------------------------------------------- printing

ROWS = [{"name": "bars", "rows": 1234, "where": "a/very/long/path.parquet"}, {"name": "x", "rows": None, "where": ["a", "b"]}]


def test_rows_are_aligned_text_where_there_is_no_terminal(capsys: Captured) -> None:
    print_rows(ROWS, ("name", "rows", "where"), title="written")

    assert capsys.readouterr().out == "written\nname  rows  where\nbars  1234  a/very/long/path.parquet\nx           a, b\n"


def test_rows_are_a_table_on_a_terminal(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "60")
    print_rows(ROWS, ("name", "rows", "where"))

    assert "1,234" in capsys.readouterr().out


def test_no_rows_are_said(capsys: Captured) -> None:
    print_rows([], ("name",), title="outputs", empty="none")

    assert capsys.readouterr().out == "outputs: none\n"


def test_pairs_are_indented_under_each_other(capsys: Captured) -> None:
    print_pairs({"unit": "shares", "reads": "trades: Size\nl2: Mid", "nothing": "", "flag": True})

    assert capsys.readouterr().out == "unit   shares\nreads  trades: Size\n       l2: Mid\nflag   yes\n"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.44, "0.4 s"), (12.4, "12 s"), (59.7, "1 min 00 s"), (185.0, "3 min 05 s"), (7620.0, "2 h 07 min")]
)
def test_durations_are_said_as_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"), [(812, "812 B"), (3_400_000, "3.4 MB"), (1_234_000_000, "1.2 GB"), (2_000_000_000_000, "2000.0 GB")]
)
def test_sizes_are_said_as_people_do(count: int, said: str) -> None:
    assert size(count) == said


# ---------------------------------------------------------------- broken plugins

BROKEN = {
    "import": "import a_module_that_is_not_there",
    "hook": "from basalt.core import hookimpl\n@hookimpl\ndef basalt_analytic(): ...\n",
    "commands": "from basalt.core import hookimpl\n@hookimpl\ndef basalt_commands():\n    return 1 / 0\n",
}
PROGRAM = """
import sys
from basalt.core.cli.main import main
print("exit", main(["--help"]), main(["plugins", "list"]), main(["pipeline", "run", "--pipeline", "bars.py", "--date", "2026-02-02"]))
"""


def with_broken_plugin(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run `--help`, `plugins list` and a run beside an installed plugin with the given text."""
    info = folder / "acme_broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[basalt]\nbroken = acme_broken\n")
    (folder / "acme_broken.py").write_text(text)
    (folder / "bars.py").write_text("USER_CONFIG = {'PASSES': [{'name': 'bars', 'modules': []}]}")
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, cwd=folder, env=environment, check=True)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_breaks_no_help_and_no_list(kind: str, tmp_path: Path) -> None:
    done = with_broken_plugin(tmp_path, BROKEN[kind])

    assert "Run, plan and describe pipelines." in done.stdout
    assert "BASALT_BLOCK_PLUGINS=broken" in done.stdout
    assert done.stdout.splitlines()[-1] == "exit 0 0 64"
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_files_of_a_lake_stand_one_a_line_with_their_paths_whole(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    place = Path("lake/Trades-Plus/XLON/2026/02/02/trades-plus-XLON-20260202.parquet")
    print_lake_files([LakeFile("trades", "XLON", date(2026, 2, 2), place, 1312)], as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "table   market  day         rows  path",
        f"trades  XLON    2026-02-02  1312  {place}",
        "1 file, 1,312 rows",
    ]


def test_files_of_a_lake_as_json(capsys: Captured) -> None:
    print_lake_files([LakeFile("l2", "XLON", date(2026, 2, 2), Path("lake/l2.parquet"), 5)], as_json=True)
    assert json.loads(capsys.readouterr().out) == [
        {"table": "l2", "market": "XLON", "day": "2026-02-02", "rows": 5, "path": "lake/l2.parquet"}
    ]


def test_many_files_of_a_lake_are_summed(capsys: Captured) -> None:
    files = [LakeFile("l2", "XLON", date(2026, 2, day), Path(f"lake/{day}.parquet"), 5) for day in range(1, 27)]
    print_lake_files([*files, LakeFile("l2", "XPAR", date(2026, 2, 1), Path("lake/p.parquet"), 7)], as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "table  market  first day   last day    files  rows",
        "l2     XLON    2026-02-01  2026-02-26     26   130",
        "l2     XPAR    2026-02-01  2026-02-01      1     7",
        "27 files, 137 rows",
    ]


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (80, ["pass   rows  location", "bars  1,000  out/2026/bars.parquet"]),
        (30, ["pass   rows", "    location", "bars  1,000", "    out/2026/bars.parquet"]),
    ],
)
def test_paths_stay_whole_on_a_narrow_terminal(columns: int, shown: list[str], capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("basalt.core.cli.printing.is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))

    print_lines([{"pass": "bars", "rows": 1000, "location": "out/2026/bars.parquet"}], ("pass", "rows", "location"))

    assert capsys.readouterr().out.splitlines() == shown


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        ((None, None, None), (None, None)),
        (("2026-02-02", None, None), (date(2026, 2, 2), date(2026, 2, 2))),
        ((None, "2026-02-02", None), (date(2026, 2, 2), None)),
        ((None, "2026-02-02", "2026-02-03"), (date(2026, 2, 2), date(2026, 2, 3))),
    ],
)
def test_days_of_flags(flags: tuple[str | None, str | None, str | None], found: tuple[date | None, date | None]) -> None:
    assert given_days(*flags) == found


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("2026-02-30", None, None), "'2026-02-30' is no date"),
        (("2026-02-02", "2026-02-02", None), "exclude each other"),
        ((None, "2026-02-03", "2026-02-02"), "before it starts"),
    ],
)
def test_wrong_days_of_flags_are_refused(flags: tuple[str | None, str | None, str | None], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        given_days(*flags)
