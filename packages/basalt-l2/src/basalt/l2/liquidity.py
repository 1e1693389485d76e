"""How much stands where: prices, quantities and orders of single levels and down to a level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from basalt.core.declaring import Example, Held, OverTime
from basalt.l2.books import Aggregation, Level, Side, book_analytic, cumulated, of_book, orders, price, quantity, suffix

FAMILY = "liquidity"
_BOOK: dict[str, list[Any]] = {
    "BidPrice1": [99.0], "BidQuantity1": [10.0], "BidNumOrders1": [2],
    "BidPrice2": [98.0], "BidQuantity2": [30.0], "BidNumOrders2": [3],
}  # fmt: skip
_GONE = {**_BOOK, "BidPrice2": [None], "BidQuantity2": [None], "BidNumOrders2": [None]}


def _column(measure: str) -> Callable[[Side, Level, Aggregation], str]:
    return lambda side, level, agg: f"{side}{measure}{level}{suffix(agg)}"


@book_analytic(
    family=FAMILY,
    measure="Price",
    column=_column("Price"),
    unit="{currency}",
    math=r"p_k",
    rollup=OverTime(),
    examples=[Example(_BOOK, axes={"side": "Bid", "level": 2}, gives=98.0), Example(_GONE, axes={"side": "Bid", "level": 2}, gives=None)],
)
def level_price(side: Side, level: Level, agg: Aggregation = "Last") -> Held:
    """{agg} price of {side} level {level}; null where the level is empty."""
    return of_book(price(side, level), agg)


@book_analytic(
    family=FAMILY,
    measure="Quantity",
    column=_column("Quantity"),
    unit="shares",
    math=r"q_k",
    rollup=OverTime(),
    examples=[Example(_BOOK, axes={"side": "Bid", "level": 1}, gives=10.0)],
)
def level_quantity(side: Side, level: Level, agg: Aggregation = "Last") -> Held:
    """{agg} quantity of {side} level {level}; null where the level is empty."""
    return of_book(quantity(side, level), agg)


@book_analytic(
    family=FAMILY,
    measure="NumOrders",
    column=_column("NumOrders"),
    unit="orders",
    math=r"n_k",
    rollup=OverTime(),
    examples=[Example(_BOOK, axes={"side": "Bid", "level": 1}, gives=2)],
)
def level_orders(side: Side, level: Level, agg: Aggregation = "Last") -> Held:
    """{agg} number of orders of {side} level {level}; null where the level is empty."""
    return of_book(orders(side, level), agg)


def _down_to(level: int) -> range:
    return range(1, level + 1)


@book_analytic(
    family=FAMILY,
    measure="CumQuantity",
    column=_column("CumQuantity"),
    unit="shares",
    math=r"\sum_{j \le k} q_j",
    rollup=OverTime(),
    examples=[Example(_BOOK, axes={"side": "Bid", "level": 2}, gives=40.0), Example(_GONE, axes={"side": "Bid", "level": 2}, gives=10.0)],
)
def depth(side: Side, level: Level, agg: Aggregation = "Last") -> Held:
    """{agg} quantity of {side} levels 1 to {level}; empty levels add nothing, an empty side has 0."""
    return of_book(cumulated([quantity(side, each) for each in _down_to(level)]), agg)


@book_analytic(
    family=FAMILY,
    measure="CumOrders",
    column=_column("CumOrders"),
    unit="orders",
    math=r"\sum_{j \le k} n_j",
    rollup=OverTime(),
    dtype=None,
    examples=[Example(_BOOK, axes={"side": "Bid", "level": 2}, gives=5)],
)
def depth_in_orders(side: Side, level: Level, agg: Aggregation = "Last") -> Held:
    """{agg} number of orders of {side} levels 1 to {level}; empty levels add nothing, an empty side has 0."""
    return of_book(cumulated([orders(side, each).cast(pl.Int64) for each in _down_to(level)]), agg)


@book_analytic(
    family=FAMILY,
    measure="CumNotional",
    column=_column("CumNotional"),
    unit="{currency}",
    math=r"\sum_{j \le k} p_j q_j",
    rollup=OverTime(),
    examples=[Example(_BOOK, axes={"side": "Bid", "level": 2}, gives=3930.0)],
)
def depth_in_money(side: Side, level: Level, agg: Aggregation = "Last") -> Held:
    """{agg} price times quantity of {side} levels 1 to {level}, in the listing's currency; an empty side has 0."""
    return of_book(cumulated([price(side, each) * quantity(side, each) for each in _down_to(level)]), agg)


# ---------------------------------------------------------------- what vendors tell of the orders of a level

_TOLD: dict[str, list[Any]] = {
    "BidInsertAge1": [5_000_000_000, 7_000_000_000], "BidLastMod1": [1_000_000_000, 3_000_000_000], "BidSizeAhead1": [40.0, 60.0],
}  # fmt: skip


@book_analytic(
    family=FAMILY,
    measure="InsertAge",
    column=_column("InsertAge"),
    unit="ns",
    rollup=OverTime(),
    examples=[Example(_TOLD, axes={"side": "Bid", "level": 1}, gives=7_000_000_000)],
)
def insert_age(side: Side, level: Level, agg: Aggregation = "Last") -> Held:
    """{agg} time since what stands at {side} level {level} was inserted, as the rows of the book say it.

    The age at each row: it does not grow until the next one. Only where the files have the column.
    """
    return of_book(pl.col(f"{side}InsertAge{level}"), agg)


@book_analytic(
    family=FAMILY,
    measure="LastMod",
    column=_column("LastMod"),
    unit="ns",
    rollup=OverTime(),
    examples=[Example(_TOLD, axes={"side": "Bid", "level": 1, "agg": "Mean"}, gives=2_000_000_000.0)],
)
def last_change(side: Side, level: Level, agg: Aggregation = "Last") -> Held:
    """{agg} time since {side} level {level} was last modified, as the rows of the book say it; as for InsertAge."""
    return of_book(pl.col(f"{side}LastMod{level}"), agg)


@book_analytic(
    family=FAMILY,
    measure="SizeAhead",
    column=_column("SizeAhead"),
    unit="shares",
    rollup=OverTime(),
    examples=[Example(_TOLD, axes={"side": "Bid", "level": 1}, gives=60.0)],
)
def size_ahead(side: Side, level: Level, agg: Aggregation = "Last") -> Held:
    """{agg} quantity that stands ahead of {side} level {level}, as the rows of the book say it. Only where the files have the column."""
    return of_book(pl.col(f"{side}SizeAhead{level}"), agg)
