"""What order events are like: executions, updates, queues, phases."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl

from basalt.characteristics.claims import FAMILY, all_claim, all_where, any_claim, any_where
from basalt.core.declaring import EVERY_ROW, Example, Sum, analytic, count_where
from basalt.market.sides import LobAction

PREFIX = "L3"
Phase = Literal["ContinuousTrading", "OpeningAuction", "ClosingAuction", "IntradayAuction", "UnscheduledAuction"]
IdlePhase = Literal["PreOpen", "PostTrade"]
_STATES = {
    "ContinuousTrading": "CONTINUOUS_TRADING",
    "OpeningAuction": "OPENING_AUCTION",
    "ClosingAuction": "CLOSING_AUCTION",
    "IntradayAuction": "INTRADAY_AUCTION",
    "UnscheduledAuction": "UNSCHEDULED_AUCTION",
    "PreOpen": "PRE_OPEN",
    "PostTrade": "POST_TRADE",
}
_EXECUTIONS: dict[str, list[Any]] = {
    "ExecutionSize": [0, 50, None],
    "MarketState": ["PRE_OPEN", "OPENING_AUCTION", "CONTINUOUS_TRADING"],
    "OrderExecuted": [False, True, None],
}
_UPDATES: dict[str, list[Any]] = {
    "LobAction": [2, 4, 4],
    "Price": [10.0, 10.0, 10.5],
    "OldPrice": [None, 10.0, 10.0],
    "Size": [100, 100, 100],
    "OldSize": [0, 100, 100],
}
_QUEUE: dict[str, list[Any]] = {
    "OrderExecuted": [False, True, True],
    "OrdersAhead": [3, 0, 0],
    "SizeAhead": [300, 0, 0],
    "OldPriceLevel": [2, 1, 1],
}
_BEHIND = {**_QUEUE, "OrdersAhead": [3, 0, 2], "SizeAhead": [300, 0, 0]}


def is_execution() -> pl.Expr:
    """Whether something was executed: true or false, never null."""
    return (pl.col("ExecutionSize") > 0).fill_null(value=False)


def is_update() -> pl.Expr:
    """Whether an order changed; code 4, not 2, which is an entry."""
    return pl.col("LobAction") == LobAction.UPDATE.value


def is_in(phase: str) -> pl.Expr:
    """Whether an event happened in *phase*; null where the phase is not known."""
    return pl.col("MarketState") == _STATES[phase]


@analytic(
    family=FAMILY,
    measure="EventCount",
    column=f"{PREFIX}EventCount",
    unit="events",
    math="n",
    rollup=Sum(),
    empty="zero",
    examples=[Example(_EXECUTIONS, gives=3)],
)
def event_count(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Number of order events; 0 without any."""
    return count_where(rows)


@analytic(
    family=FAMILY,
    measure="ExecutionCount",
    column=f"{PREFIX}ExecutionCount",
    unit="events",
    math=r"\sum_i 1[x_i > 0]",
    rollup=Sum(),
    empty="zero",
    examples=[Example(_EXECUTIONS, gives=1)],
)
def execution_count(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Number of events with an executed size; 0 without any."""
    return count_where(is_execution(), rows)


@any_claim("HasExecution", f"{PREFIX}HasExecution", r"\exists i: x_i > 0", Example(_EXECUTIONS, gives=True))
def has_execution(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether an event has an executed size; null without events."""
    return any_where(is_execution(), rows)


@any_claim("HasOrderExecuted", f"{PREFIX}HasOrderExecuted", r"\exists i: \mathrm{executed}_i", Example(_EXECUTIONS, gives=True))
def has_order_executed(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether an event is marked as an execution (`OrderExecuted`); null where no event says."""
    return any_where(pl.col("OrderExecuted"), rows)


@any_claim(
    "HasPhase",
    f"{PREFIX}Has{{phase}}",
    r"\exists i: s_i = s",
    Example(_EXECUTIONS, gives=True, axes={"phase": "OpeningAuction"}),
    Example(_EXECUTIONS, gives=False, axes={"phase": "ClosingAuction"}),
    Example({"MarketState": [None]}, gives=None, axes={"phase": "ClosingAuction"}),
)
def has_phase(phase: Phase, rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether an event happened in the phase {phase}; null where no event's phase is known."""
    return any_where(is_in(phase), rows)


@any_claim(
    "HasIdleExecution",
    f"{PREFIX}Has{{idle_phase}}Execution",
    r"\exists i: s_i = s \wedge x_i > 0",
    Example(_EXECUTIONS, gives=False, axes={"idle_phase": "PreOpen"}),
    Example({**_EXECUTIONS, "MarketState": ["PRE_OPEN"] * 3}, gives=True, axes={"idle_phase": "PreOpen"}),
)
def has_idle_execution(idle_phase: IdlePhase, rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether something was executed in the phase {idle_phase}, when nothing should match; null where no event's phase is known."""
    return any_where(is_in(idle_phase) & is_execution(), rows)


@any_claim(
    "HasMultiRowEvent", f"{PREFIX}HasMultiRowEvent", r"\exists i: \neg e_i", Example({"EndOfEvent": [True, False, True]}, gives=True)
)
def has_multi_row_event(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether an event takes several rows (one is no `EndOfEvent`); null where no row says."""
    return any_where(~pl.col("EndOfEvent"), rows)


@any_claim("HasTradeId", f"{PREFIX}HasTradeId", r"\exists i: \mathrm{id}_i \neq ''", Example({"TradeId": ["", None]}, gives=False))
def has_trade_id(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether an event names a trade; null without events."""
    return any_where((pl.col("TradeId") != "").fill_null(value=False), rows)


@any_claim(
    "HasReceiveTimestamp", f"{PREFIX}HasReceiveTimestamp", r"\exists i: r_i > 0", Example({"ReceiveTimestamp": [0, None, 17]}, gives=True)
)
def has_receive_timestamp(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether an event has a time of capture; null without events."""
    return any_where((pl.col("ReceiveTimestamp") > 0).fill_null(value=False), rows)


@any_claim(
    "HasUpdates",
    f"{PREFIX}HasUpdates",
    r"\exists i: a_i = 4",
    Example(_UPDATES, gives=True),
    Example({"LobAction": [2, 3]}, gives=False),
)
def has_updates(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether an order was changed (`LobAction` 4), rather than entered or removed; null without events."""
    return any_where(is_update(), rows)


@any_claim(
    "HasNoOpUpdate",
    f"{PREFIX}HasNoOpUpdate",
    r"\exists i: a_i = 4 \wedge p_i = p_i' \wedge q_i = q_i'",
    Example(_UPDATES, gives=True),
    Example({**_UPDATES, "OldSize": [0, 150, 100]}, gives=False),
)
def has_no_op_update(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether an update left price and displayed size as they were; null without events."""
    is_same = pl.col("Price").eq_missing(pl.col("OldPrice")) & pl.col("Size").eq_missing(pl.col("OldSize"))
    return any_where(is_update() & is_same, rows)


@any_claim(
    "ExecutedWithOrdersAhead",
    f"{PREFIX}ExecutedWithOrdersAhead",
    r"\exists i: \mathrm{executed}_i \wedge o_i > 0",
    Example(_QUEUE, gives=False),
    Example(_BEHIND, gives=True),
)
def executed_with_orders_ahead(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether an order was executed while others had priority over it; null where no event says."""
    return any_where(pl.col("OrderExecuted") & (pl.col("OrdersAhead") > 0), rows)


@any_claim(
    "ExecutedNotAtTopOfBook",
    f"{PREFIX}ExecutedNotAtTopOfBook",
    r"\exists i: \mathrm{executed}_i \wedge (\ell_i > 1 \vee o_i > 0)",
    Example(_QUEUE, gives=False),
    Example(_BEHIND, gives=True),
    Example({**_QUEUE, "OldPriceLevel": [2, 1, 3]}, gives=True),
    Example({**_QUEUE, "OldPriceLevel": [2, 1, 0]}, gives=False),
)
def executed_not_at_top_of_book(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether an order was executed that was not the first of the best level.

    Level 0 is that of orders that did not rest in the visible book, which say nothing here. Null where no event says.
    """
    not_first = (pl.col("OldPriceLevel") > 1) | (pl.col("OrdersAhead") > 0)
    return any_where(pl.col("OrderExecuted") & not_first, rows)


@all_claim(
    "SizeAheadOrdersAheadConsistent",
    f"{PREFIX}SizeAheadOrdersAheadConsistent",
    r"\forall i: z_i \neq 0 \Leftrightarrow o_i \neq 0",
    Example(_QUEUE, gives=True),
    Example(_BEHIND, gives=False),
)
def queue_is_consistent(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether there is size ahead of an order exactly where there are orders ahead of it; null where no event says."""
    return all_where((pl.col("SizeAhead") != 0) == (pl.col("OrdersAhead") != 0), rows)
