"""What the book is like at order events: locked, crossed."""

from __future__ import annotations

from typing import Any

import polars as pl

from basalt.characteristics.claims import any_claim, any_where
from basalt.core.declaring import EVERY_ROW, Example, enrichment

SPREAD = "BookSpread"
_BOOKS: dict[str, list[Any]] = {
    SPREAD: [1.0, 0.0, -0.5, None],
    "MarketState": ["CONTINUOUS_TRADING", "CONTINUOUS_TRADING", "OPENING_AUCTION", "OPENING_AUCTION"],
}


@enrichment(
    table="l3",
    uses="l2",
    column=SPREAD,
    unit="{currency}",
    reads=("ListingId", "EventTimestamp"),
    reads_other=("ListingId", "EventTimestamp", "BidPrice1", "AskPrice1"),
    math=r"a(t_i) - b(t_i)",
)
def spread_at(events: pl.LazyFrame, books: pl.LazyFrame) -> pl.LazyFrame:
    """Best ask minus best bid of the listing's own book once everything of the event's time has happened.

    Null before the first book of the day, and while a side is empty.
    """
    spread = (pl.col("AskPrice1") - pl.col("BidPrice1")).alias(SPREAD)
    shown = books.select("ListingId", pl.col("EventTimestamp").alias("book:time"), spread)
    matched = events.join_asof(shown, left_on="EventTimestamp", right_on="book:time", by="ListingId", check_sortedness=False)
    return matched.drop("book:time", strict=False)


def _is_continuous() -> pl.Expr:
    return pl.col("MarketState") == "CONTINUOUS_TRADING"


@any_claim(
    "HasLockedBook", "L3HasLockedBook", r"\exists i: a_i = b_i", Example(_BOOKS, gives=True), Example({SPREAD: [None, 1.0]}, gives=False)
)
def has_locked_book(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether the best bid was the best ask at an event; null where no event has a book with two sides."""
    return any_where(pl.col(SPREAD) == 0, rows)


@any_claim(
    "HasCrossedBook", "L3HasCrossedBook", r"\exists i: a_i < b_i", Example(_BOOKS, gives=True), Example({SPREAD: [0.0]}, gives=False)
)
def has_crossed_book(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether the best bid was above the best ask at an event; null where no event has a book with two sides."""
    return any_where(pl.col(SPREAD) < 0, rows)


@any_claim("HasLockedBookContinuous", "L3HasLockedBookContinuous", r"\exists i: a_i = b_i \wedge s_i = s_c", Example(_BOOKS, gives=True))
def has_locked_book_in_continuous(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether the book was locked at an event of continuous trading; null where no event tells."""
    return any_where((pl.col(SPREAD) == 0) & _is_continuous(), rows)


@any_claim("HasCrossedBookContinuous", "L3HasCrossedBookContinuous", r"\exists i: a_i < b_i \wedge s_i = s_c", Example(_BOOKS, gives=False))
def has_crossed_book_in_continuous(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether the book was crossed at an event of continuous trading; null where no event tells."""
    return any_where((pl.col(SPREAD) < 0) & _is_continuous(), rows)


@any_claim(
    "HasCrossedBookNonContinuous", "L3HasCrossedBookNonContinuous", r"\exists i: a_i < b_i \wedge s_i \neq s_c", Example(_BOOKS, gives=True)
)
def has_crossed_book_elsewhere(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether the book was crossed at an event outside of continuous trading, as books of auctions are; null where no event tells."""
    return any_where((pl.col(SPREAD) < 0) & ~_is_continuous(), rows)
