"""The commands of feeds: `basalt data import …`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from basalt.core.cli.printing import print_lake_files
from basalt.core.cli.progress import shown_steps
from basalt.core.errors import InvalidValue

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

    with shown_steps() as progress:
        imported = import_lobster(
            paths,
            lake,
            mic=mic,
            currency=currency,
            observe=lambda done, total, pair: progress(f"importing {pair.ticker} {pair.day}", done, total),
        )
    for notice in imported.notices:
        typer.echo(f"notice: {notice}", err=True)
    print_lake_files(imported.files, as_json=as_json)


def _require(value: str, pattern: str, option: str, hint: str) -> None:
    if not re.fullmatch(pattern, value):
        raise InvalidValue(f"{value!r} is not valid", where=option, hint=hint)
