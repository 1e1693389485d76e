"""What does not fit: events that cannot belong to the order they name."""

from __future__ import annotations

from typing import Any

import polars as pl

from basalt.core.declaring import EVERY_ROW, Example, Sum, analytic, count_where
from basalt.l3.conditions import SideOrTotal, on_side
from basalt.l3.following import trace
from basalt.l3.lives import DUPLICATE, UNKNOWN, UNNAMED

FAMILY = "quality_metrics"
_EVENTS: dict[str, list[Any]] = {
    "LobAction": [2, 2, 3, 3, 3],
    "Side": [1, 1, 1, 1, 1],
    "Size": [100, 100, 0, 0, 0],
    "OrderId": ["a", "a", "", "", ""],
    "OldOrderId": ["", "", "a", "a", None],
}
"""An order, another one with its id, its end, the end of an order that is not there, and that of one without id."""


def _declared(measure: str) -> Any:
    return analytic(
        family=FAMILY,
        measure=measure,
        column=measure + "{side}",
        unit="orders",
        math=r"\sum_i 1[i \in \mathrm{fault}]",
        rollup=Sum(),
        empty="zero",
        examples=[Example(_EVENTS, gives=1), Example(_EVENTS, axes={"side": "Ask"}, gives=0)],
    )


@_declared("UnknownOrderCount")
def unknown_orders(side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Events of orders whose entry is not in the data: from before it, or lost; 0 without any.

    They count in `generic_metrics`, and are left out wherever the age of an order matters.
    """
    return count_where(trace("Fault") == UNKNOWN, on_side(side), rows)


@_declared("DuplicateOrderCount")
def duplicate_orders(side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Events that give an order the id of one that rests; 0 without any.

    The order that rested is lost from sight then, its life censored; the id means the new one.
    """
    return count_where(trace("Fault") == DUPLICATE, on_side(side), rows)


@_declared("UnnamedOrderCount")
def unnamed_orders(side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Entries, changes and removals that name no order; 0 without any.

    Executions without an id (`LobAction` 1) are of hidden orders and no fault.
    """
    return count_where(trace("Fault") == UNNAMED, on_side(side), rows)
