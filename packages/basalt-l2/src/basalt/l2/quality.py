"""In what condition: phase, coverage, and how long books were locked, crossed or one-sided."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl

from basalt.core.declaring import Example, Held, OverTime, held
from basalt.l2.books import Aggregation, book_analytic, of_book, price, suffix

FAMILY = "quality"
Condition = Literal["Locked", "Crossed", "OneSided", "Empty"]
_LOCKED: dict[str, list[Any]] = {"BidPrice1": [100.0], "AskPrice1": [100.0]}


def _condition(which: Condition) -> pl.Expr:
    bid, ask = price("Bid"), price("Ask")
    conditions = {
        "Locked": (bid == ask).fill_null(value=False),
        "Crossed": (bid > ask).fill_null(value=False),
        "OneSided": bid.is_null() != ask.is_null(),
        "Empty": bid.is_null() & ask.is_null(),
    }
    return conditions[which]


@book_analytic(
    family=FAMILY,
    measure="Time",
    column=lambda condition, agg: f"{condition}Time{'' if agg == 'TWA' else suffix(agg) or 'Last'}",
    unit="1",
    math=r"\frac{1}{|T|} \int_T 1[\mathrm{condition}(t)]\, dt",
    rollup=OverTime(),
    source="Shkilko, Van Ness & Van Ness (2008), Journal of Financial Markets 11(3)",
    examples=[Example(_LOCKED, axes={"condition": "Locked"}, gives=1.0), Example(_LOCKED, axes={"condition": "Crossed"}, gives=0.0)],
)
def time_in(condition: Condition, agg: Literal["TWA"] = "TWA") -> Held:
    """Share of the counted time of the bucket in which the book was {condition}, 0 to 1; null without counted time."""
    return of_book(_condition(condition).cast(pl.Float64), agg)


@book_analytic(
    family=FAMILY,
    measure="Coverage",
    column="L2Coverage",
    unit="1",
    math=r"|T| / |b|",
    rollup=OverTime(),
    examples=[Example({"ListingId": [1], "MarketState": ["HALTED"]}, gives=0.0)],
)
def coverage(agg: Literal["Coverage"] = "Coverage") -> Held:
    """Share of the bucket in which a book was known and its phase counted: the time that time-weighted means are over.

    A book is known from its first row of the day on. 0 where only other phases were, and before that row.
    """
    return of_book(pl.col("ListingId").is_not_null().cast(pl.Float64), agg)


@book_analytic(
    family=FAMILY,
    measure="MarketState",
    column="L2MarketState",
    unit="",
    rollup=OverTime(),
    examples=[Example({"MarketState": ["OPENING_AUCTION", "CONTINUOUS_TRADING"]}, gives="CONTINUOUS_TRADING")],
)
def phase() -> Held:
    """Phase of the listing's day at the end of the bucket, by the market-state table, else by the rows of the book.

    The last one that was told; null before the first row of the book.
    """
    return held(pl.col("MarketState"), "LastKnown")


__all__ = ["Aggregation", "coverage", "phase", "time_in"]
