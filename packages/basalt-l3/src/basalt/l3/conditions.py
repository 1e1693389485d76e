"""Which events count: the side an order rests on, and what happened to it."""

from __future__ import annotations

from typing import Literal

import polars as pl

from basalt.core.declaring import known
from basalt.market.sides import LobAction, RestingSide

Side = Literal["Bid", "Ask"]
SideOrTotal = Literal["Total", "Bid", "Ask"]
_CODES = {"Bid": RestingSide.BID.value, "Ask": RestingSide.ASK.value}


def on_side(side: SideOrTotal) -> pl.Expr | None:
    """Events of orders that rest on *side*; None, no condition, for `Total`."""
    return None if side == "Total" else pl.col("Side") == _CODES[side]


def is_action(action: LobAction) -> pl.Expr:
    """Whether an event is of that kind."""
    return pl.col("LobAction") == action.value


def shares(name: str) -> pl.Expr:
    """A column of sizes; a size that is missing is 0."""
    column = pl.col(name)
    return column if known(column) is None else column.fill_null(0)


def is_execution() -> pl.Expr:
    """Whether a displayed order executes, in part or in full, whatever the action that reports it."""
    return (pl.col("ExecutionSize") > 0) & (pl.col("OldSize") > 0)


def is_hidden_execution() -> pl.Expr:
    """Whether something executes that the book did not display."""
    return (pl.col("ExecutionSize") > 0) & ~(pl.col("OldSize") > 0).fill_null(value=False)


def withdrawn() -> pl.Expr:
    """Displayed size that goes without being executed; not positive where nothing does."""
    return shares("OldSize") - shares("Size") - shares("ExecutionSize")


def is_cancel() -> pl.Expr:
    """Whether displayed size is taken back: a removal or a smaller size that no execution explains."""
    return ~is_action(LobAction.INSERT) & (withdrawn() > 0)


def is_message() -> pl.Expr:
    """Whether somebody said something about an order: an entry, a change or a removal that is no execution."""
    return ~is_action(LobAction.EXECUTE) & ~(pl.col("ExecutionSize") > 0).fill_null(value=False)


def signed_by_side(value: pl.Expr) -> pl.Expr:
    """*value* of bids, minus *value* of asks, null on no side."""
    bid, ask = (pl.col("Side") == _CODES[side] for side in ("Bid", "Ask"))
    return pl.when(bid).then(value).when(ask).then(-value)


def column_of(name: str, side: SideOrTotal) -> str:
    """*name*, with the side unless it is `Total`."""
    return name if side == "Total" else f"{name}{side}"
