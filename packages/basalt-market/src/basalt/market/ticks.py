"""Tick sizes: the grid that prices of a listing lie on, by price and day.

Venues publish them as ladders: from this price on, this step. The table `ticksize` of a lake has the
ladder of each listing on each day; `read_ladders` reads one's own file, and liquidity bands stand for
the ladders of European law.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from basalt.core.errors import InvalidValue, nearest
from basalt.core.lake import LakeFile, write_lake_file
from basalt.core.tables import Table
from basalt.market.columns import LISTING_ID, MIC, PRICE, integer, number, text

TICKSIZE = Table(
    name="ticksize",
    columns=(
        LISTING_ID,
        replace(MIC, required=True),
        number("PriceFrom", PRICE, "Lowest price that the step holds for.", required=True),
        number("TickSize", PRICE, "Smallest step between two prices.", required=True),
        integer("LiquidityBand", "", "Band of the instrument, where the ladder follows from one."),
        text("Source", "Where the ladder comes from."),
    ),
    identity=("ListingId", "PriceFrom"),
    folder="TickSize",
    prefix="tick-size-",
    vendor_name="tick-size",
    doc="Tick sizes of the listings of a venue on a day: one row a listing and step of its ladder.",
)

OFF_GRID = 1e-6
"""Share of a tick by which a price may lie beside the grid: what rounding to a double leaves, and more."""

_BANDS = 6
_STEPS = (1, 2, 5)
_LOWEST_TICK = 0.0001
_EDGES = (0.0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
_KNOWN = ("MIC", "ListingId", "ValidFrom", "ValidTo", "PriceFrom", "TickSize", "LiquidityBand")


def mifid_ladders() -> pl.DataFrame:
    """The tick sizes of shares in the European Union and the United Kingdom.

    Each step of price goes to the next of 1, 2, 5, 10 …, and each band of liquidity is one step finer, down to 0.0001.
    Bands count the average daily number of trades on the most relevant market: 1 below 10, 2 below 80, 3 below 600, 4
    below 2,000, 5 below 9,000, 6 above.

    Returns:
        `LiquidityBand` (1 to 6), `PriceFrom`, `TickSize`, in the currency that the price is in.

    Source:
        Commission Delegated Regulation (EU) 2017/588, annex.
    """
    rows = [(band, float(edge), _step(row + 3 - band)) for band in range(1, _BANDS + 1) for row, edge in enumerate(_EDGES)]
    schema = {"LiquidityBand": pl.Int64(), "PriceFrom": pl.Float64(), "TickSize": pl.Float64()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _step(number: int) -> float:
    """The step *number* of 0.0001, 0.0002, 0.0005, 0.001 …; the first one below zero."""
    if number <= 0:
        return _LOWEST_TICK
    decade, place = divmod(number, len(_STEPS))
    exponent = decade - 4
    return _STEPS[place] * 10.0**exponent if exponent >= 0 else _STEPS[place] / 10.0**-exponent


def read_ladders(path: str | Path) -> pl.DataFrame:
    """Ladders from a file of one's own: CSV, Parquet or YAML (a list of mappings).

    Columns: `MIC`; `ListingId` (empty: all listings of the venue); `ValidFrom`, `ValidTo` (dates,
    both included; empty: always); and either `PriceFrom` and `TickSize`, or `LiquidityBand`, which stands for
    the ladder of `mifid_ladders`. Only `MIC` and one of the two are needed.

    Returns:
        All the columns, bands made into ladders.

    Raises:
        InvalidValue: The file is not there, a column is unknown or missing, or a tick is not positive.
    """
    frame = _read(Path(path))
    unknown = [name for name in frame.columns if name not in (*_KNOWN, "Source")]
    if unknown:
        raise InvalidValue(f"unknown column {unknown[0]!r}", where=str(path), hint=nearest(unknown[0], _KNOWN))
    if "MIC" not in frame.columns or not ({"TickSize", "LiquidityBand"} & set(frame.columns)):
        raise InvalidValue("the file has no ladders", where=str(path), hint="give MIC and TickSize, or MIC and LiquidityBand")
    typed = _typed(frame)
    banded = typed.filter(pl.col("TickSize").is_null()).drop("PriceFrom", "TickSize").join(mifid_ladders(), on="LiquidityBand")
    plain = typed.filter(pl.col("TickSize").is_not_null()).with_columns(pl.col("PriceFrom").fill_null(0.0))
    ladders = pl.concat([plain, banded.select(plain.columns)]).with_columns(pl.col("Source").fill_null(Path(path).name))
    if ladders.filter(pl.col("TickSize") <= 0).height or ladders.height < typed.height:
        raise InvalidValue("a tick size is not positive, or a band is not 1 to 6", where=str(path), hint="repair the file")
    return ladders


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise InvalidValue("there is no such file", where=str(path), hint="give a CSV, Parquet or YAML file")
    if path.suffix == ".parquet":
        return pl.read_parquet(path)
    if path.suffix in (".yaml", ".yml"):
        import yaml

        return pl.DataFrame(yaml.safe_load(path.read_text(encoding="utf-8")) or [], infer_schema_length=None)
    return pl.read_csv(path, try_parse_dates=True)


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    types: dict[str, Any] = {
        "MIC": pl.String(),
        "ListingId": pl.Int64(),
        "ValidFrom": pl.Date(),
        "ValidTo": pl.Date(),
        "PriceFrom": pl.Float64(),
        "TickSize": pl.Float64(),
        "LiquidityBand": pl.Int64(),
        "Source": pl.String(),
    }
    return frame.select((pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in types.items())


def single_ticks(listings: pl.DataFrame) -> pl.DataFrame:
    """Ladders of one step, as `read_ladders` gives them, from `ListingId`, `MIC` and `TickSize`; without a positive tick there is none."""
    known = listings.filter(pl.col("TickSize") > 0).select(
        "MIC", "ListingId", "TickSize", PriceFrom=pl.lit(0.0), Source=pl.lit("reference")
    )
    return _typed(known)


def ladders_of_day(ladders: pl.DataFrame, listings: pl.DataFrame, day: date) -> pl.DataFrame:
    """The ladder of each listing on *day*.

    Args:
        ladders: Of `read_ladders`.
        listings: `ListingId` and `MIC`.
        day: The day.

    Returns:
        Rows of the table `ticksize`. A ladder of the listing itself goes before that of its venue; listings
        without any are left out.
    """
    begun = pl.col("ValidFrom").is_null() | (pl.col("ValidFrom") <= day)
    valid = ladders.filter(begun, pl.col("ValidTo").is_null() | (pl.col("ValidTo") >= day)).drop("ValidFrom", "ValidTo")
    own = valid.filter(pl.col("ListingId").is_not_null()).drop("MIC").join(listings.select("ListingId", "MIC"), on="ListingId")
    rest = listings.select("ListingId", "MIC").join(own, on="ListingId", how="anti")
    shared = rest.join(valid.filter(pl.col("ListingId").is_null()).drop("ListingId"), on="MIC")
    columns = [column.name for column in TICKSIZE.columns]
    return (
        pl.concat([own.select(columns), shared.select(columns)])
        .unique(["ListingId", "PriceFrom"], keep="last")
        .sort("ListingId", "PriceFrom")
    )


def write_ladders(lake: str | Path, ladders: pl.DataFrame, listings: pl.DataFrame, mic: str, day: date) -> LakeFile:
    """Write the tick sizes of one venue and day into a lake.

    Args:
        lake: Root of the lake.
        ladders: Of `read_ladders`.
        listings: `ListingId` and `MIC` of the day.
        mic: The venue.
        day: The day.
    """
    rows = ladders_of_day(ladders, listings.filter(pl.col("MIC") == mic), day)
    return write_lake_file(lake, TICKSIZE, mic, day, rows)


def attach_tick(frame: pl.LazyFrame, ladders: pl.LazyFrame, price: str, *, name: str = "TickSize", by: str = "ListingId") -> pl.LazyFrame:
    """Attach the tick size at each row's price.

    Args:
        frame: Rows with *by* and *price*; any order.
        ladders: `PriceFrom`, `TickSize` and *by*, as the table `ticksize` has them.
        price: Column of the price.
        name: Name of the new column.
        by: Column that says whose ladder holds.

    Returns:
        *frame*, its rows in another order, with the tick; null without a price or a ladder.
    """
    steps = ladders.select(by, pl.col("PriceFrom").alias("tick:from"), pl.col("TickSize").alias(name)).sort("tick:from")
    matched = frame.sort(price, nulls_last=True).join_asof(steps, left_on=price, right_on="tick:from", by=by, check_sortedness=False)
    known = pl.col(price).is_not_null() & pl.col(price).is_finite()
    return matched.drop("tick:from", strict=False).with_columns(pl.when(known).then(pl.col(name)).alias(name))


def ticks_of(price: pl.Expr, tick: pl.Expr) -> pl.Expr:
    """The price in whole ticks (Int64), rounded to the nearest; null where the tick is null or not positive."""
    return pl.when(tick > 0).then((price / tick).round(mode="half_away_from_zero").cast(pl.Int64, strict=False))


def is_on_grid(price: pl.Expr, tick: pl.Expr) -> pl.Expr:
    """Whether a price is a whole number of ticks; null where either is null.

    Prices are doubles and ticks are decimal fractions, so a millionth of a tick counts as nothing.
    """
    count = pl.when(tick > 0).then(price / tick)
    return (count - count.round(mode="half_away_from_zero")).abs() <= OFF_GRID
