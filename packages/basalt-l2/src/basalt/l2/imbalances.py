"""How even: what stands on the bid against what stands on the ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from basalt.core.declaring import Example, Held, OverTime, safe_divide
from basalt.l2.books import Aggregation, Level, Side, book_analytic, cumulated, of_book, orders, price, quantity, suffix

FAMILY = "imbalances"
SOURCE = "Gould & Bonart (2016), Market Microstructure and Liquidity 2(2); Cartea, Donnelly & Jaimungal (2018), Applied Mathematical Finance 25(1)"
_BOOK: dict[str, list[Any]] = {
    "BidPrice1": [99.0], "BidQuantity1": [30.0], "BidNumOrders1": [3], "AskPrice1": [101.0], "AskQuantity1": [10.0], "AskNumOrders1": [1],
    "BidPrice2": [98.0], "BidQuantity2": [20.0], "BidNumOrders2": [1], "AskPrice2": [102.0], "AskQuantity2": [40.0], "AskNumOrders2": [3],
}  # fmt: skip
_NO_ASK = {name: [None] if name.startswith("Ask") else values for name, values in _BOOK.items()}


def _column(measure: str) -> Callable[[Level, Aggregation], str]:
    return lambda level, agg: f"Imbalance{measure}{level}{suffix(agg)}"


def _imbalance(of_side: Callable[[Side], pl.Expr], agg: str) -> Held:
    bid, ask = of_side("Bid"), of_side("Ask")
    return of_book(safe_divide(bid - ask, bid + ask), agg)


@book_analytic(
    family=FAMILY,
    measure="Quantity",
    column=_column("Quantity"),
    unit="1",
    math=r"(q^b_k - q^a_k) / (q^b_k + q^a_k)",
    rollup=OverTime(),
    source=SOURCE,
    examples=[Example(_BOOK, axes={"level": 1}, gives=0.5), Example(_NO_ASK, axes={"level": 1}, gives=None)],
)
def level_imbalance(level: Level, agg: Aggregation = "Last") -> Held:
    """{agg} imbalance of the quantities of level {level} alone, -1 to 1; null where one side has no such level."""
    return _imbalance(lambda side: quantity(side, level), agg)


@book_analytic(
    family=FAMILY,
    measure="CumQuantity",
    column=_column("CumQuantity"),
    unit="1",
    math=r"\sum_{j \le k} (q^b_j - q^a_j) \,/\, \sum_{j \le k} (q^b_j + q^a_j)",
    rollup=OverTime(),
    source=SOURCE,
    examples=[Example(_BOOK, axes={"level": 2}, gives=0.0), Example(_NO_ASK, axes={"level": 1}, gives=1.0)],
)
def depth_imbalance(level: Level, agg: Aggregation = "Last") -> Held:
    """{agg} imbalance of the quantities of levels 1 to {level}: 1 without asks, -1 without bids, null without both."""
    return _imbalance(lambda side: cumulated([quantity(side, each) for each in range(1, level + 1)]), agg)


@book_analytic(
    family=FAMILY,
    measure="CumNotional",
    column=_column("CumNotional"),
    unit="1",
    math=r"\sum_{j \le k} (p^b_j q^b_j - p^a_j q^a_j) \,/\, \sum_{j \le k} (p^b_j q^b_j + p^a_j q^a_j)",
    rollup=OverTime(),
    source=SOURCE,
    examples=[Example(_BOOK, axes={"level": 1}, gives=0.49246231155778897)],
)
def money_imbalance(level: Level, agg: Aggregation = "Last") -> Held:
    """{agg} imbalance of price times quantity of levels 1 to {level}; one-sided books as for CumQuantity."""
    return _imbalance(lambda side: cumulated([price(side, each) * quantity(side, each) for each in range(1, level + 1)]), agg)


@book_analytic(
    family=FAMILY,
    measure="Orders",
    column=_column("Orders"),
    unit="1",
    math=r"\sum_{j \le k} (n^b_j - n^a_j) \,/\, \sum_{j \le k} (n^b_j + n^a_j)",
    rollup=OverTime(),
    source=SOURCE,
    examples=[Example(_BOOK, axes={"level": 1}, gives=0.5)],
)
def order_imbalance(level: Level, agg: Aggregation = "Last") -> Held:
    """{agg} imbalance of the numbers of orders of levels 1 to {level}; one-sided books as for CumQuantity."""
    return _imbalance(lambda side: cumulated([orders(side, each).cast(pl.Int64) for each in range(1, level + 1)]), agg)
