"""Literal tables of a few rows, and the values that a module makes of them: to check one number by eye.

>>> from basalt.core.declaring import Module, Sum, analytic
>>> import polars as pl
>>> @analytic(column="Volume", unit="shares", rollup=Sum())
... def volume() -> pl.Expr:
...     "Traded quantity."
...     return pl.col("Size").sum()
>>> rows = compute(Module("mine", "trades", (volume,)), trades=trades(["09:00:01", "09:00:30"], price=[10.0, 10.5], size=[200, 100]))
>>> rows["Volume"].to_list()
[300.0]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from basalt.configuration.models import AnalyticsConfig
from basalt.configuration.reading import read_config
from basalt.core.bucketing import BUCKET_DTYPE, DATE, TIME_BUCKET
from basalt.core.catalog import catalog, using_catalog
from basalt.core.computing import compute_pass
from basalt.core.declaring import Module
from basalt.core.errors import InvalidValue, MissingData
from basalt.core.lake import conform
from basalt.core.planning import plan
from basalt.core.plans import Plan
from basalt.core.tables import Table
from basalt.market.tables import L2, MARKETSTATE, TRADES
from basalt.testing.arranging import shelf_with
from basalt.testing.tables import DAY, as_scanned, listings_of

Values = Any
"""A value for all rows, or a sequence with one for each row."""


def trades(
    at: Sequence[str],
    *,
    price: Values,
    size: Values = 100.0,
    side: Values = 0,
    listing: Values = 1,
    mic: Values = "XTST",
    day: date = DAY,
    **columns: Values,
) -> pl.LazyFrame:
    """Trades as a lake holds them.

    Args:
        at: Time of day of each trade, UTC: `09:00:01.000000001`.
        price: In the listing's currency.
        size: Shares.
        side: Aggressor: 1 buyer, 2 seller, 0 unknown.
        listing, mic: Whose trades, and where.
        day: The day.
        columns: Further columns of the contract, by name.

    Returns:
        One row a trade in the order given, numbered in `BMLLSequenceNo`.
    """
    given = {"Price": price, "Size": size, "AggressorSide": side, "ListingId": listing, "MIC": mic, **columns}
    return _events(TRADES, at, day, given)


def quotes(
    at: Sequence[str],
    *,
    bid: Values,
    ask: Values,
    bid_size: Values = 100,
    ask_size: Values = 100,
    listing: Values = 1,
    mic: Values = "XTST",
    day: date = DAY,
    **columns: Values,
) -> pl.LazyFrame:
    """Changes of the best quotes (`l2`, one level) as a lake holds them; a price of None is an empty side.

    Args:
        at: Time of day of each change, UTC.
        bid, ask: Best prices.
        bid_size, ask_size: Shares at them.
        listing, mic: Whose quotes, and where.
        day: The day.
        columns: Further columns of the contract, by name: `BidPrice2`.
    """
    best = {"BidPrice1": bid, "AskPrice1": ask, "BidQuantity1": bid_size, "AskQuantity1": ask_size}
    return _events(L2, at, day, {**best, "ListingId": listing, "MIC": mic, **columns})


def phases(
    at: Sequence[str], *, state: Values, listing: Values = 1, mic: Values = "XTST", day: date = DAY, **columns: Values
) -> pl.LazyFrame:
    """Changes of the trading phase (`marketstate`) as a lake holds them.

    Args:
        at: Time of day of each change, UTC.
        state: Phase that begins: `CONTINUOUS_TRADING`.
        listing, mic: Whose phases, and where.
        day: The day.
        columns: Further columns of the contract, by name.
    """
    return _events(MARKETSTATE, at, day, {"MarketState": state, "ListingId": listing, "MIC": mic, **columns})


def bars(at: Sequence[str], *, listing: Values = 1, day: date = DAY, **columns: Values) -> pl.LazyFrame:
    """Rows of a pass: `ListingId`, `Date`, `TimeBucket` and the columns given by name, with Polars' own types.

    Args:
        at: Time of day of each bucket's label, UTC.
        listing: Whose bars.
        day: The day.
        columns: Values by column: `Close=[10.0, None]`.
    """
    given = {"ListingId": listing, DATE: day, **columns}
    series = {name: _repeated(values, len(at)) for name, values in given.items()}
    frame = pl.DataFrame(series).with_columns(pl.Series(TIME_BUCKET, [_nanos(text, day) for text in at], pl.Int64).cast(BUCKET_DTYPE))
    return frame.select("ListingId", DATE, TIME_BUCKET, *columns).lazy()


def _events(table: Table, at: Sequence[str], day: date, given: Mapping[str, Values]) -> pl.LazyFrame:
    clock = table.time_from[0]
    numbered = {name: list(range(1, len(at) + 1)) for name in table.order[:1]}
    filled = {name: _repeated(values, len(at)) for name, values in {**numbered, **given}.items()}
    series = [pl.Series(name, values, _dtype(table, name), strict=False) for name, values in filled.items()]
    series.append(pl.Series(clock, [_nanos(text, day) for text in at], pl.Int64).cast(pl.Datetime("ns")))
    return conform(pl.DataFrame(series), table, where=f"a frame for {table.name}").lazy()


def _dtype(table: Table, name: str) -> pl.DataType | None:
    return next((column.dtype for column in table.columns if column.name == name), None)


def _repeated(values: Values, count: int) -> list[Any]:
    if isinstance(values, Sequence) and not isinstance(values, str):
        return list(values)
    return [values] * count


def _nanos(text: str, day: date) -> int:
    """Nanoseconds since the epoch of a time of day with up to nine digits of a second."""
    clock, _, fraction = text.partition(".")
    parts = [int(part) for part in clock.split(":")]
    if len(parts) != 3 or len(fraction) > 9 or not (fraction or "0").isdigit():
        raise InvalidValue(f"{text!r} is no time of day", where="at", hint="write 09:00:01 or 09:00:01.000000001")
    seconds = (day - date(1970, 1, 1)).days * 86_400 + parts[0] * 3600 + parts[1] * 60 + parts[2]
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0"))


# ---------------------------------------------------------------- values


def compute(
    what: Module | Mapping[str, Any],
    section: Mapping[str, Any] | None = None,
    *,
    seconds: float = 60,
    day: date = DAY,
    **tables: pl.LazyFrame,
) -> pl.DataFrame:
    """The rows that one pass makes of literal tables, in memory.

    Args:
        what: A module, installed or not; or a pass as a config has it: `{"modules": ["trade"], …}`.
        section: The module's section of the config; its default output if None.
        seconds: Length of a bucket, for a module.
        day: Day of the tables.
        tables: Rows by table, as `trades` and the other builders make them. Columns that they lack count as
            missing from the files, so enrichments step in.

    Returns:
        `ListingId`, `Date`, `TimeBucket`, labels, and the columns asked for.

    Raises:
        ConfigError, PlanError: As in a run.
        MissingData: The pass reads a table that is not given.
    """
    stored = {name: frame.collect() for name, frame in tables.items()}
    shelf = shelf_with(what) if isinstance(what, Module) else catalog()
    with using_catalog(shelf):
        config = read_config({"start_date": day, "end_date": day, "passes": [_pass(what, section, seconds)]})
        planned = plan(config, bound={name: frozenset(frame.columns) for name, frame in stored.items()})
        return _rows(planned, config, stored, day)


def _pass(what: Module | Mapping[str, Any], section: Mapping[str, Any] | None, seconds: float) -> dict[str, Any]:
    if isinstance(what, Module):
        return {"name": "pass", "modules": [what.name], what.config_key: dict(section or {}), "time_bucket_seconds": seconds}
    return {"name": "pass", **what}


def _rows(planned: Plan, config: AnalyticsConfig, stored: Mapping[str, pl.DataFrame], day: date) -> pl.DataFrame:
    [only] = planned.passes
    for name in only.reads:
        if name not in stored:
            raise MissingData(f"the pass reads the table {name!r}", where=config.passes[0].name, hint=f"give it: compute(…, {name}=…)")
    frames = {name: as_scanned(catalog().tables[name], stored[name]) for name in only.reads}
    listings = listings_of(stored).lazy()
    computed = compute_pass(only, {day: frames}, {day: listings}, planned.datasets())
    return computed.rows.collect()


__all__ = ["bars", "compute", "phases", "quotes", "trades"]
