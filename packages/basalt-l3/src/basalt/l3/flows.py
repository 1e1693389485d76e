"""Who presses, and how much is said for each trade: imbalances and ratios of order flow."""

from __future__ import annotations

from functools import partial
from typing import Any

import polars as pl

from basalt.core.declaring import EVERY_ROW, Example, Ratio, RatioOfSums, analytic, count_where, ratio, where
from basalt.l3.conditions import (
    SideOrTotal,
    column_of,
    is_action,
    is_cancel,
    is_execution,
    is_message,
    on_side,
    shares,
    signed_by_side,
    withdrawn,
)
from basalt.market.sides import LobAction

FAMILY = "advanced_metrics"
_MIDAS = "SEC, MIDAS: market activity methodology; Hasbrouck & Saar (2009), Journal of Financial Markets 12(2)"
_RTS_9 = "Commission Delegated Regulation (EU) 2017/566; Friederich & Payne (2015), Journal of Banking & Finance 50"

_EVENTS: dict[str, list[Any]] = {
    "LobAction": [2, 2, 4, 3, 3],
    "Side": [1, 2, 1, 1, 2],
    "Size": [210, 80, 160, 0, 0],
    "OldSize": [0, 0, 210, 160, 80],
    "ExecutionSize": [0, 0, 0, 160, 0],
}
"""A bid of 210 enters, an ask of 80 enters, the bid is cut to 160, is executed, the ask is cancelled."""
_NO_TRADE = {name: values[:2] for name, values in _EVENTS.items()}


@analytic(
    family=FAMILY,
    measure="ArrivalFlowImbalance",
    column="ArrivalFlowImbalance",
    unit="1",
    math=r"(V^{ins}_B - V^{ins}_A) \,/\, (V^{ins}_B + V^{ins}_A)",
    rollup=RatioOfSums(),
    source="Cont & de Larrard (2013), SIAM Journal on Financial Mathematics 4(1)",
    examples=[Example(_EVENTS, gives=130 / 290), Example({name: values[2:] for name, values in _EVENTS.items()}, gives=None)],
)
def arrival_imbalance(rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Volume entered on the bid minus that on the ask, over their sum: from -1 to 1; null when nothing enters."""
    entered = is_action(LobAction.INSERT)
    return ratio(where(signed_by_side(shares("Size")), entered, rows).sum(), where(shares("Size"), entered, rows).sum())


@analytic(
    family=FAMILY,
    measure="CancelFlowImbalance",
    column="CancelFlowImbalance",
    unit="1",
    math=r"(V^{can}_B - V^{can}_A) \,/\, (V^{can}_B + V^{can}_A)",
    rollup=RatioOfSums(),
    source="Cont & de Larrard (2013), SIAM Journal on Financial Mathematics 4(1)",
    examples=[Example(_EVENTS, gives=(50 - 80) / 130), Example(_NO_TRADE, gives=None)],
)
def cancel_imbalance(rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Displayed volume taken back on the bid minus that on the ask, over their sum: from -1 to 1; null without cancels.

    What executions take away is no cancel.
    """
    return ratio(where(signed_by_side(withdrawn()), is_cancel(), rows).sum(), where(withdrawn(), is_cancel(), rows).sum())


@analytic(
    family=FAMILY,
    measure="CancelToTradeRatio",
    column=partial(column_of, "CancelToTradeRatio"),
    unit="1",
    math=r"\#\mathrm{cancels} \,/\, \#\mathrm{executions}",
    rollup=RatioOfSums(),
    source=_MIDAS,
    examples=[Example(_EVENTS, gives=2.0), Example(_EVENTS, axes={"side": "Ask"}, gives=None)],
)
def cancel_to_trade(side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Cancels, in full or in part, for each execution of a displayed order; null without executions.

    A removal by execution is no cancel; a smaller size is one.
    """
    return ratio(count_where(is_cancel(), on_side(side), rows), count_where(is_execution(), on_side(side), rows))


@analytic(
    family=FAMILY,
    measure="CancelToTradeVolumeRatio",
    column=partial(column_of, "CancelToTradeVolumeRatio"),
    unit="1",
    math=r"V^{can} \,/\, V^{exe}",
    rollup=RatioOfSums(),
    source=_MIDAS,
    examples=[Example(_EVENTS, gives=130 / 160), Example(_NO_TRADE, gives=None)],
)
def cancel_to_trade_volume(side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Displayed shares taken back for each share that displayed orders execute; null without executions."""
    executed = where(shares("ExecutionSize"), is_execution(), on_side(side), rows)
    return ratio(where(withdrawn(), is_cancel(), on_side(side), rows).sum(), executed.sum())


@analytic(
    family=FAMILY,
    measure="OrderToTradeRatio",
    column=partial(column_of, "OrderToTradeRatio"),
    unit="1",
    math=r"\#\mathrm{messages} \,/\, \#\mathrm{executions}",
    rollup=RatioOfSums(),
    source=_RTS_9,
    examples=[Example(_EVENTS, gives=4.0), Example(_NO_TRADE, gives=None)],
)
def order_to_trade(side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Entries, changes and removals of orders for each execution of a displayed order; null without executions.

    Each message counts once and executions are no messages. The regulation's ratio is lower by one
    and is taken by member, which public data do not tell.
    """
    return ratio(count_where(is_message(), on_side(side), rows), count_where(is_execution(), on_side(side), rows))


@analytic(
    family=FAMILY,
    measure="OrderToTradeVolumeRatio",
    column=partial(column_of, "OrderToTradeVolumeRatio"),
    unit="1",
    math=r"V^{ins} \,/\, V^{exe}",
    rollup=RatioOfSums(),
    source=_MIDAS,
    examples=[Example(_EVENTS, gives=290 / 160), Example(_EVENTS, axes={"side": "Ask"}, gives=None)],
)
def order_to_trade_volume(side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Displayed shares entered for each share that displayed orders execute; null without executions."""
    entered = where(shares("Size"), is_action(LobAction.INSERT), on_side(side), rows)
    return ratio(entered.sum(), where(shares("ExecutionSize"), is_execution(), on_side(side), rows).sum())
