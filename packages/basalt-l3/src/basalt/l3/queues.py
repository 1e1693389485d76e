"""Where orders stand: what executes before them when they enter, and stood before those that executed."""

from __future__ import annotations

from functools import partial
from typing import Any

import polars as pl

from basalt.core.declaring import EVERY_ROW, Example, Ratio, RatioOfSums, analytic
from basalt.l3.conditions import SideOrTotal, column_of, is_execution, on_side
from basalt.l3.following import ENTRY_AHEAD
from basalt.l3.lives import is_entry
from basalt.l3.reducing import mean

FAMILY = "advanced_metrics"
_SOURCE = "Moallemi & Yuan (2017), A model for queue position valuation in a limit order book"
_EVENTS: dict[str, list[Any]] = {
    "LobAction": [2, 2, 3, 3],
    "Side": [1, 1, 1, 2],
    "SizeAhead": [0, 300, 0, 50],
    "OrdersAhead": [0, 2, 0, 1],
    "Size": [100, 300, 0, 0],
    "OldSize": [0, 0, 300, 10],
    "ExecutionSize": [0, 0, 300, 10],
}


@analytic(
    family=FAMILY,
    measure="AvgQueuePosition",
    column=partial(column_of, "AvgQueuePosition"),
    unit="shares",
    math=r"\frac1n \sum_{i \in ins} a_i",
    rollup=RatioOfSums(),
    source=_SOURCE,
    examples=[Example(_EVENTS, gives=150.0), Example(_EVENTS, axes={"side": "Ask"}, gives=None)],
)
def queue_position(side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Mean displayed size with priority over an order when it enters, better prices included; null without entries."""
    return mean(pl.col("SizeAhead"), is_entry(), on_side(side), rows)


@analytic(
    family=FAMILY,
    measure="AvgQueueOrders",
    column=partial(column_of, "AvgQueueOrders"),
    unit="orders",
    math=r"\frac1n \sum_{i \in ins} k_i",
    rollup=RatioOfSums(),
    source=_SOURCE,
    examples=[Example(_EVENTS, gives=1.0)],
)
def queue_orders(side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Mean number of orders with priority over an order when it enters, better prices included; null without entries."""
    return mean(pl.col("OrdersAhead"), is_entry(), on_side(side), rows)


@analytic(
    family=FAMILY,
    measure="AvgQueuePositionAtFill",
    column=partial(column_of, "AvgQueuePositionAtFill"),
    unit="shares",
    math=r"\frac1n \sum_{i \in exe} a_i",
    rollup=RatioOfSums(),
    source=_SOURCE,
    examples=[Example(_EVENTS, gives=25.0), Example(_EVENTS, axes={"side": "Bid"}, gives=0.0)],
)
def queue_position_at_fill(side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Mean displayed size with priority over an order when it executes; null without executions.

    Near 0 where time priority holds; more says that executions do not go by displayed price and time.
    """
    return mean(pl.col("SizeAhead"), is_execution(), on_side(side), rows)


@analytic(
    family=FAMILY,
    measure="AvgEntryQueuePositionAtFill",
    column=partial(column_of, "AvgEntryQueuePositionAtFill"),
    unit="shares",
    math=r"\frac1n \sum_{i \in exe} a_{entry(i)}",
    rollup=RatioOfSums(),
    source=_SOURCE,
    examples=[
        Example({**_EVENTS, "OrderId": ["a", "b", "", ""], "OldOrderId": ["", "", "b", "x"]}, gives=300.0),
    ],
)
def entry_queue_position_at_fill(side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Mean displayed size that had priority over the orders that execute when they were entered; null without any.

    Beside `AvgQueuePosition` it says how much better the orders that execute stood. Orders whose entry
    is not in the data are left out.
    """
    return mean(pl.col(ENTRY_AHEAD), is_execution(), on_side(side), rows)
