"""The book in a row: prices, quantities and orders at its levels, and what is said when some are missing."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import polars as pl
from pydantic import Field

from basalt.core.declaring import Held, analytic, held, safe_divide
from basalt.market.books import LEVELS
from basalt.market.states import AUCTION_STATES, IDLE_STATES

TABLE = "l2"
Side = Literal["Bid", "Ask"]
Level = Annotated[int, Field(ge=1, le=LEVELS)]
Aggregation = Literal["Last", "TWA", "First", "Min", "Max", "Mean"]
"""`Last`: the state at the bucket's end, or at the end of the phases in it that count. `TWA`: its mean over time. `First`, `Min`, `Max`: of all that stood, the state
carried in included. `Mean`: over the rows of the bucket, each counted once."""

NOT_CONTINUOUS = AUCTION_STATES | IDLE_STATES
"""Phases in which books do not count unless an entry names its `market_states`: orders do not match as they come in."""

book_analytic = partial(analytic, table=TABLE, grain="state", empty="carry")
"""`analytic` for a state of the book; the formula returns `of_book(…)`."""


def of_book(value: pl.Expr, agg: str) -> Held:
    """A state of the book in continuous trading, reduced over a bucket."""
    return held(value, agg, never=NOT_CONTINUOUS)


def suffix(agg: str) -> str:
    """What an aggregation adds to a column's name: nothing for the state at the bucket's end."""
    return "" if agg == "Last" else agg


def price(side: Side, level: int = 1) -> pl.Expr:
    """Price of a level; null where it is empty."""
    return pl.col(f"{side}Price{level}")


def quantity(side: Side, level: int = 1) -> pl.Expr:
    """Quantity of a level; null where it is empty, which files tell by a null or by 0."""
    return _unless_zero(f"{side}Quantity{level}")


def orders(side: Side, level: int = 1) -> pl.Expr:
    """Orders of a level; null where it is empty, which files tell by a null or by 0."""
    return _unless_zero(f"{side}NumOrders{level}")


def _unless_zero(column: str) -> pl.Expr:
    return pl.when(pl.col(column) > 0).then(pl.col(column))


def cumulated(values: list[pl.Expr]) -> pl.Expr:
    """The sum of the levels that there are; 0 when there is none."""
    return pl.sum_horizontal(values)


def is_sound() -> pl.Expr:
    """Whether both sides have a price and the book is not crossed; a locked book is sound."""
    return price("Bid") <= price("Ask")


def mid() -> pl.Expr:
    """Mid of a sound book; null otherwise."""
    return pl.when(is_sound()).then((price("Bid") + price("Ask")) / 2)


def positive_mid() -> pl.Expr:
    """Mid that amounts can be told in shares of; null where it is not above 0, as that of a spread of futures can be."""
    return pl.when(mid() > 0).then(mid())


def weighted_mid(levels: int = 1) -> pl.Expr:
    """Best prices of a sound book, each weighted with what stands on the other side in *levels* levels."""
    bids = cumulated([quantity("Bid", level) for level in range(1, levels + 1)])
    asks = cumulated([quantity("Ask", level) for level in range(1, levels + 1)])
    return pl.when(is_sound()).then(safe_divide(price("Bid") * asks + price("Ask") * bids, bids + asks))


def in_currency(size: float | str) -> pl.Expr:
    """A number, or the column that holds it."""
    return pl.col(size) if isinstance(size, str) else pl.lit(float(size))
