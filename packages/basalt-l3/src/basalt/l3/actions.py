"""How much of what happens to orders: counts and volumes by action and side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import polars as pl

from basalt.core.declaring import EVERY_ROW, Composite, Example, Sum, analytic, count_where
from basalt.l3.conditions import SideOrTotal, is_action, is_cancel, is_execution, is_hidden_execution, on_side, shares, withdrawn
from basalt.l3.reducing import ROLLUPS, Aggregation, empty_of, reduced
from basalt.market.sides import LobAction

FAMILY = "generic_metrics"

Action = Literal["Insert", "Remove", "Update", "UpdateInserted", "UpdateRemoved", "Cancel", "Execute", "ExecuteHidden"]
"""`Insert`, `Remove` and `Update` are the book's actions as reported, `Remove` with what executions remove. `Cancel` is displayed size
taken back, by removal or by a smaller size; `Execute` is an execution of a displayed order, whichever action reports it;
`ExecuteHidden` one of an order that was not displayed."""

_CONDITIONS: Mapping[Action, Callable[[], pl.Expr]] = {
    "Insert": lambda: is_action(LobAction.INSERT),
    "Remove": lambda: is_action(LobAction.REMOVE),
    "Update": lambda: is_action(LobAction.UPDATE),
    "UpdateInserted": lambda: is_action(LobAction.UPDATE),
    "UpdateRemoved": lambda: is_action(LobAction.UPDATE),
    "Cancel": is_cancel,
    "Execute": is_execution,
    "ExecuteHidden": is_hidden_execution,
}

_VOLUMES: Mapping[Action, Callable[[], pl.Expr]] = {
    "Insert": lambda: shares("Size"),
    "Remove": lambda: shares("OldSize"),
    "Update": lambda: shares("Size") - shares("OldSize"),
    "UpdateInserted": lambda: shares("Size"),
    "UpdateRemoved": lambda: shares("OldSize"),
    "Cancel": withdrawn,
    "Execute": lambda: shares("ExecutionSize"),
    "ExecuteHidden": lambda: shares("ExecutionSize"),
}

_EVENTS: dict[str, list[Any]] = {
    "LobAction": [2, 2, 4, 3, 3],
    "Side": [1, 2, 1, 1, 2],
    "Size": [200, 80, 150, 0, 0],
    "OldSize": [0, 0, 200, 150, 80],
    "ExecutionSize": [0, 0, 0, 150, 0],
}
"""A bid of 200 enters, an ask of 80 enters, the bid is cut to 150, is executed, the ask is cancelled."""


@analytic(
    family=FAMILY,
    measure="Count",
    column="{action}Count{side}",
    unit="orders",
    math=r"\sum_i 1[i \in A]",
    rollup=Sum(),
    empty="zero",
    examples=[
        Example(_EVENTS, axes={"action": "Insert", "side": "Bid"}, gives=1),
        Example(_EVENTS, axes={"action": "Remove", "side": "Total"}, gives=2),
        Example(_EVENTS, axes={"action": "Cancel", "side": "Total"}, gives=2),
        Example(_EVENTS, axes={"action": "Execute", "side": "Ask"}, gives=0),
    ],
)
def action_count(action: Action, side: SideOrTotal, rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Number of {action} events of {side} orders; 0 without any.

    `Total` counts both sides. A count is a sum: `aggregations` do not apply to it.
    """
    return count_where(_CONDITIONS[action](), on_side(side), rows)


def _volume_column(action: Action, side: SideOrTotal, agg: Aggregation) -> str:
    return f"{action}Volume{side}{'' if agg == 'Sum' else agg}"


@analytic(
    family=FAMILY,
    measure="Volume",
    column=_volume_column,
    unit="shares",
    math=r"\sum_{i \in A} v_i",
    rollup=ROLLUPS,
    empty=empty_of,
    examples=[
        Example(_EVENTS, axes={"action": "Insert", "side": "Total"}, gives=280),
        Example(_EVENTS, axes={"action": "Remove", "side": "Bid"}, gives=150),
        Example(_EVENTS, axes={"action": "Update", "side": "Bid"}, gives=-50),
        Example(_EVENTS, axes={"action": "Cancel", "side": "Bid"}, gives=50),
        Example(_EVENTS, axes={"action": "Execute", "side": "Bid"}, gives=150),
        Example(_EVENTS, axes={"action": "Insert", "side": "Total", "agg": "Mean"}, gives=140.0),
        Example(_EVENTS, axes={"action": "Execute", "side": "Ask", "agg": "Max"}, gives=None),
    ],
)
def action_volume(action: Action, side: SideOrTotal, agg: Aggregation = "Sum", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr | Composite:
    """{agg} of the displayed size of {action} events of {side} orders; a sum is 0 without any, the rest null.

    `Insert` and `UpdateInserted` take the size after the event, `Remove` and `UpdateRemoved` the size
    before it, `Update` the difference of the two, `Cancel` the size that went without being executed,
    `Execute` and `ExecuteHidden` the executed size, which exceeds the displayed one where hidden size
    executes along. Only events of that action and side are looked at.
    """
    return reduced(_VOLUMES[action](), agg, _CONDITIONS[action](), on_side(side), rows)
