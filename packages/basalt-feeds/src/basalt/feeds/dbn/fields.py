"""What the fields of DBN records mean: codes, flags, clocks and prices.

Source:
    Databento, standards and conventions of DBN.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from databento_dbn import FIXED_PRICE_SCALE, UNDEF_PRICE
from numpy.typing import NDArray

from basalt.market.sides import Aggressor

PRICE_SCALE = int(FIXED_PRICE_SCALE)
NO_PRICE = int(UNDEF_PRICE)
NO_SIZE = 2**32 - 1
DAY_NANOS = 86_400 * 10**9
EXACT = 2**53
"""Integers up to here are floats."""

ADD, CANCEL, MODIFY, CLEAR, TRADE, FILL = (ord(letter) for letter in "ACMRTF")
ASK, BID = ord("A"), ord("B")
LAST, SNAPSHOT = 128, 32
STREAM = 1
"""A file is one stream: its records are numbered in its order."""


def has_flag(flag: int) -> pl.Expr:
    """Whether a record carries *flag*."""
    return (pl.col("flags") & flag) != 0


def time(name: str) -> pl.Expr:
    """A time in nanoseconds since 1970 (Int64); null where the record has none."""
    nanos = pl.col(name)
    return pl.when(nanos <= 2**63 - 1).then(nanos).cast(pl.Int64)


def price(name: str) -> pl.Expr:
    """A price in billionths (Int64); null where the record has none."""
    return pl.when(pl.col(name) != NO_PRICE).then(pl.col(name))


def aggressor() -> pl.Expr:
    """Who took liquidity: in records of trades, the side is the aggressor's."""
    side = pl.col("side")
    return (
        pl.when(side == BID).then(Aggressor.BUY.value).when(side == ASK).then(Aggressor.SELL.value).otherwise(Aggressor.UNKNOWN.value)
    ).cast(pl.Int64)


def decimals(units: pl.Series) -> pl.Series:
    """The floats nearest to *units* billionths; null stays null."""
    return price_series(units.name, (units.fill_null(NO_PRICE) if units.null_count() else units).to_numpy())


def price_series(name: str, units: NDArray[np.int64]) -> pl.Series:
    """The floats nearest to *units* billionths; null where there is no price."""
    is_none = units == NO_PRICE
    if not is_none.any():
        return pl.Series(name, _nearest(units))
    floats = _nearest(np.where(is_none, 0, units))
    floats[is_none] = np.nan
    return pl.Series(name, floats, nan_to_null=True)


def _nearest(units: NDArray[np.int64]) -> NDArray[np.float64]:
    """Billionths as floats.

    A division of two floats is exact to the last bit when both are; beyond 2^53 (nine million in prices) the division is one of Python's
    integers, which always is.
    """
    if not units.size or max(units.max(), -units.min()) <= EXACT:
        return units / np.float64(PRICE_SCALE)
    distinct, places = np.unique(units, return_inverse=True)
    return np.array([int(value) / PRICE_SCALE for value in distinct])[places]


def with_decimals(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    """*frame* with the columns *names*, prices in billionths, as floats."""
    return frame.with_columns(decimals(frame[name]).alias(name) for name in names)


def listings_of(rows: pl.DataFrame) -> list[int]:
    """The distinct `ListingId` of *rows*, most of which have one."""
    ids = rows["ListingId"]
    return [int(ids[0])] if ids.len() and ids.min() == ids.max() else ids.unique().to_list()


class Clock:
    """Time of events that never runs backwards within a listing, so that the order of a file is an order in time."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}
        self.steps_back = 0
        """Records whose own time was before that of the one before them, snapshots left out."""

    def told(self, records: pl.DataFrame) -> pl.DataFrame:
        """*records* with `clock` (ns), `TimestampNanoseconds`, `FeedTimestamp` and `ReceiveTimestamp`.

        The time of a record is `ts_event`; of a snapshot, whose `ts_event` is of long ago, `ts_recv`. A record that claims to be from before
        the one before it, of the same listing, gets the time of that one.
        """
        told = records.with_columns(time("ts_event").alias("FeedTimestamp"), time("ts_recv").alias("ReceiveTimestamp"))
        is_late = has_flag(SNAPSHOT) if "flags" in records.columns else pl.lit(False)
        own = pl.when(is_late).then("ReceiveTimestamp").otherwise("FeedTimestamp")
        told = told.with_columns(pl.coalesce(own, "ReceiveTimestamp", "FeedTimestamp", 0).alias("own"))
        listings, highest = listings_of(told), pl.col("own").cum_max()
        told = told.with_columns((highest if len(listings) < 2 else highest.over("ListingId")).alias("clock"))
        known = {each: self._last[each] for each in listings if each in self._last}
        if known:
            earlier = pl.col("ListingId").replace_strict(known, default=None, return_dtype=pl.Int64)
            told = told.with_columns(pl.max_horizontal("clock", earlier).alias("clock"))
        self.steps_back += told.select((pl.col("clock") > pl.col("own")).sum()).item()
        self._last |= dict(told.group_by("ListingId").agg(pl.col("clock").max()).iter_rows())
        return told.with_columns(pl.col("clock").cast(pl.Datetime("ns")).alias("TimestampNanoseconds")).drop("own")
