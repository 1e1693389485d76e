"""The command `basalt data ticks`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from basalt.core.cli.options import FirstDay, LastDay, Markets, OneDay, examples, given_days
from basalt.core.errors import InvalidValue

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(help="Bring market data into a lake.", no_args_is_help=True)


@app.callback()
def data() -> None:
    """Bring market data into a lake."""


@app.command("ticks", epilog=examples("basalt data ticks --lake lake", "basalt data ticks ladders.csv --lake lake --date 2026-02-02"))
def write_tick_sizes(
    ladders: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="CSV, Parquet or YAML file of tick sizes; without it, those of the lake's reference."),
    ] = None,
    *,
    lake: Annotated[Path, typer.Option("--lake", metavar="DIR", help="Root folder of the lake.")],
    day: OneDay = None,
    start_date: FirstDay = None,
    end_date: LastDay = None,
    mic: Markets = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write the tick sizes of a lake's listings.

    They are the table `ticksize`, one file beside each reference file.

    A file says MIC and TickSize, or MIC and LiquidityBand (1 to 6, for the ladders of European law), and if it likes ListingId,
    ValidFrom, ValidTo, PriceFrom and Source. Without a file each listing has the one tick that its reference row says.
    Listings without a tick size are left out. A day that was written before is written anew.
    """
    from basalt.core.cli.printing import print_lake_files
    from basalt.market.ticks import read_ladders, single_ticks, write_ladders

    if not lake.is_dir():
        raise InvalidValue(f"the lake {str(lake)!r} is no folder", where="--lake", hint="give the folder that holds Reference/")
    chosen = _Chosen(*given_days(day, start_date, end_date), mic or ())
    given = read_ladders(ladders) if ladders else None
    written = []
    for place in _references(lake, chosen):
        listings = _listings(place.path)
        steps = single_ticks(listings) if given is None else given
        written.append(write_ladders(lake, steps, listings, place.mic, place.day))
    if not written:
        raise InvalidValue(
            "the lake has no reference files of these days and markets", where=str(lake), hint="import or simulate them first"
        )
    if not sum(each.rows for each in written):
        source = "the reference says no tick sizes" if ladders is None else "the file has no tick sizes of these markets and days"
        typer.echo(f"notice: {source}; the files are empty", err=True)
    print_lake_files(written, as_json=as_json)


@dataclass(frozen=True)
class _Chosen:
    first: date | None
    last: date | None
    mics: Sequence[str]

    def has(self, place: _Place) -> bool:
        begun = self.first is None or place.day >= self.first
        return begun and (self.last is None or place.day <= self.last) and (not self.mics or place.mic in self.mics)


@dataclass(frozen=True)
class _Place:
    mic: str
    day: date
    path: Path


def _references(lake: Path, chosen: _Chosen) -> Iterator[_Place]:
    """The reference files of the lake, in order of market and day."""
    from basalt.market.securities import REFERENCE

    for path in sorted((lake / REFERENCE.folder).glob(f"*/*/*/*/{REFERENCE.prefix}*.parquet")):
        mic, *parts = path.parts[-5:-1]
        if all(each.isdigit() for each in parts):
            place = _Place(mic, date(*map(int, parts)), path)
            if chosen.has(place):
                yield place


def _listings(path: Path) -> pl.DataFrame:
    """The listings of a reference file, with the tick that it says, if it does."""
    import polars as pl

    frame = pl.scan_parquet(path)
    tick = pl.col("TickSize") if "TickSize" in frame.collect_schema() else pl.lit(None, pl.Float64).alias("TickSize")
    return frame.select("ListingId", "MIC", tick).unique("ListingId", keep="last", maintain_order=True).collect()
