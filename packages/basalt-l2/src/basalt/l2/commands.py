"""The command `basalt data microprices`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from basalt.core.cli.options import Markets, examples, given_day
from basalt.core.errors import InvalidValue

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(help="Bring market data into a lake.", no_args_is_help=True)
_BEST = ("BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1")


@app.callback()
def data() -> None:
    """Bring market data into a lake."""


@app.command("microprices", epilog=examples("basalt data microprices --lake lake --date 2026-02-06 --days 3"))
def write_micro_prices(
    *,
    lake: Annotated[Path, typer.Option("--lake", metavar="DIR", help="Root folder of the lake.")],
    day: Annotated[str, typer.Option("--date", metavar="YYYY-MM-DD", help="Day that the adjustments are for.")],
    days: Annotated[int, typer.Option("--days", metavar="N", min=1, help="Estimate from so many days with books before it.")] = 5,
    buckets: Annotated[int, typer.Option("--buckets", metavar="N", min=3, help="Buckets of the imbalance, an odd number.")] = 9,
    max_spread: Annotated[int, typer.Option("--max_spread", metavar="N", min=1, help="Widest spread that makes a state, in ticks.")] = 4,
    mic: Markets = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write what Stoikov's micro-price adds to the mid.

    The table `microprice` of a day is estimated from the days before it.

    Reads l2, ticksize (basalt data ticks writes it, unless the lake is simulated), and marketstate where there is one. A day's best quotes are held in memory.
    """
    from basalt.core.cli.printing import print_lake_files
    from basalt.core.lake import write_lake_file
    from basalt.l2.microprices import MICROPRICE

    asked = given_day(day)
    if not lake.is_dir():
        raise InvalidValue(f"the lake {str(lake)!r} is no folder", where="--lake", hint="give the folder that holds Equity/")
    written = []
    for market in sorted(mic or _markets(lake)):
        before = _days_before(lake, market, asked)[-days:]
        if before:
            rows = _estimated(lake, market, before, buckets, max_spread)
            written.append(write_lake_file(lake, MICROPRICE, market, asked, rows))
    if not written:
        raise InvalidValue("the lake has no books before that day", where=str(lake), hint="import or simulate earlier days first")
    print_lake_files(written, as_json=as_json)


def _markets(lake: Path) -> list[str]:
    from basalt.market.books import L2

    return sorted({path.parts[-5] for path in (lake / L2.folder).glob(f"*/*/*/*/{L2.prefix}*.parquet")})


def _days_before(lake: Path, mic: str, day: date) -> list[date]:
    """Days before *day* on which the lake has books of the market."""
    from basalt.core.lake import lake_path
    from basalt.market.books import L2

    folders = (path.parts[-4:-1] for path in (lake / L2.folder / mic).glob("*/*/*/*.parquet"))
    found = {date(*map(int, parts)) for parts in folders if all(part.isdigit() for part in parts)}
    return sorted(each for each in found if each < day and Path(lake_path(str(lake), L2, mic, each)).is_file())


def _estimated(lake: Path, mic: str, days: list[date], buckets: int, widest: int) -> pl.DataFrame:
    import polars as pl

    from basalt.l2.estimating import adjustments, changes_of_state

    told = [changes_of_state(_books(lake, mic, each), buckets=buckets, widest=widest).collect() for each in days]
    found = adjustments(told, buckets=buckets)
    return found.with_columns(MIC=pl.lit(mic), FirstDate=pl.lit(days[0]), LastDate=pl.lit(days[-1]))


def _books(lake: Path, mic: str, day: date) -> pl.LazyFrame:
    """Best quotes of a day in order of events, with the phase and the places of their prices on the grid."""
    import polars as pl

    from basalt.core.lake import lake_path, order_columns
    from basalt.market.books import L2
    from basalt.market.grids import PriceGrid, grid_steps
    from basalt.market.intervals import attach_state
    from basalt.market.phases import MARKETSTATE
    from basalt.market.ticks import TICKSIZE

    ladders, phases = (Path(lake_path(str(lake), table, mic, day)) for table in (TICKSIZE, MARKETSTATE))
    if not ladders.is_file():
        raise InvalidValue(f"there are no tick sizes of {mic} on {day}", where=str(ladders), hint="write them first: basalt data ticks")
    grid = PriceGrid.of(pl.read_parquet(ladders))
    stored = pl.scan_parquet(lake_path(str(lake), L2, mic, day))
    names = stored.collect_schema().names()
    clock = pl.col(L2.clock(names) or L2.time).cast(pl.Datetime("ns")).alias(L2.time)
    ordered = stored.sort(order_columns(L2, names), maintain_order=True)
    own = [pl.col("MarketState")] if "MarketState" in names else [pl.lit(None, pl.String).alias("MarketState")]
    places = [grid_steps(grid, pl.col(f"{side}Price1")).alias(f"{side}GridSteps") for side in ("Bid", "Ask")]
    books = ordered.select("ListingId", clock, *_BEST, *own).with_columns(places)
    if not phases.is_file():
        return books
    changes = pl.scan_parquet(phases).rename({"TimestampNanoseconds": "EventTimestamp"})
    told = attach_state(books, changes.select("ListingId", "EventTimestamp", "MarketState"), name="told")
    return told.with_columns(pl.coalesce("told", "MarketState").alias("MarketState")).drop("told")
