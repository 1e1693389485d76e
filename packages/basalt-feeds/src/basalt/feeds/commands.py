"""The commands of feeds: `basalt data import …`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from basalt.core.errors import InvalidValue

if TYPE_CHECKING:
    from basalt.core.lake import LakeFile
    from basalt.feeds.lobster.finding import Pair
    from basalt.feeds.lobster.importing import Observer

app = typer.Typer(help="Bring market data into a lake.", no_args_is_help=True)
importers = typer.Typer(help="Import a vendor's native files into a lake.", no_args_is_help=True)
app.add_typer(importers, name="import")


@importers.command("lobster")
def lobster(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="CSV files, zip archives, or folders of them.")],
    lake: Annotated[Path, typer.Option(help="Root folder of the lake; made if missing.")],
    mic: Annotated[str, typer.Option(help="Venue of the listings (ISO 10383).")] = "XNAS",
    currency: Annotated[str, typer.Option(help="Currency of the prices (ISO 4217).")] = "USD",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Import LOBSTER message and orderbook files.

    Writes trades, l2, l3, marketstate and reference; the same ticker and day is replaced.
    """
    _require(mic, "[A-Z0-9]{4}", "--mic", "a market identifier code has four capital letters or digits, as in XNAS")
    _require(currency, "[A-Z]{3}", "--currency", "a currency code has three capital letters, as in USD")
    from basalt.feeds.lobster.importing import import_lobster

    with _progress() as observe:
        imported = import_lobster(paths, lake, mic=mic, currency=currency, observe=observe)
    for notice in imported.notices:
        typer.echo(f"notice: {notice}", err=True)
    (_print_json if as_json else _print_table)(imported.files)


def _require(value: str, pattern: str, option: str, hint: str) -> None:
    if not re.fullmatch(pattern, value):
        raise InvalidValue(f"{value!r} is not valid", where=option, hint=hint)


@contextmanager
def _progress() -> Iterator[Observer]:
    """Report progress on standard error: a bar on a terminal, a line a file elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _say
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("import", total=None)
        yield lambda done, total, pair: bar.update(task, completed=done, total=total, description=f"{pair.ticker} {pair.day}")


def _say(done: int, total: int, pair: Pair) -> None:
    typer.echo(f"importing {pair.ticker} {pair.day} ({done + 1} of {total})", err=True)


def _print_json(files: Sequence[LakeFile]) -> None:
    rows = [
        {"table": each.table, "market": each.mic, "day": each.day.isoformat(), "rows": each.rows, "path": str(each.path)} for each in files
    ]
    typer.echo(json.dumps(rows, indent=2))


def _print_table(files: Sequence[LakeFile]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("table", "market", "day", "rows", "path", title="written")
    table.columns[3].justify = "right"
    table.columns[4].overflow = "fold"
    for each in files:
        table.add_row(each.table, each.mic, str(each.day), f"{each.rows:,}", str(each.path))
    Console().print(table)
