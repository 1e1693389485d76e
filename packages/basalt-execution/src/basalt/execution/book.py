"""What executed in the book, by the side that was hit."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl

from basalt.core.declaring import EVERY_ROW, Example, Ratio, RatioOfSums, Sum, all_of, analytic, known, ratio, where
from basalt.market.sides import RestingSide

FAMILY = "l3_execution"
DERIVED = "derived_metrics"
Side = Literal["Bid", "Ask"]
_CODES = {"Bid": RestingSide.BID.value, "Ask": RestingSide.ASK.value}
_EVENTS: dict[str, list[Any]] = {
    "Side": [1, 1, 2, 2],
    "ExecutionPrice": [10.0, 13.0, None, 14.0],
    "ExecutionSize": [200, 100, 0, 100],
    "OldSize": [200, 300, 0, 0],
}
"""Two bids execute, an ask enters, a hidden ask executes."""


def on_side(side: Side) -> pl.Expr:
    """Events of orders that rest on *side*."""
    return pl.col("Side") == _CODES[side]


def executed() -> pl.Expr:
    """Executed size; 0 for events that are no execution."""
    size = pl.col("ExecutionSize")
    return size if known(size) is None else size.fill_null(0)


@analytic(
    family=FAMILY,
    measure="ExecutedVolume",
    column="ExecutedVolume{side}",
    unit="shares",
    table="l3",
    math=r"\sum_i q^{exe}_i",
    rollup=Sum(),
    empty="zero",
    examples=[Example(_EVENTS, axes={"side": "Bid"}, gives=300), Example(_EVENTS, axes={"side": "Ask"}, gives=100)],
)
def executed_volume(side: Side, rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Executed size of orders on the {side}, hidden ones included; 0 without any.

    The aggressor was on the other side, except in auctions, where each trade executes a bid and an ask.
    """
    return where(executed(), on_side(side), rows).sum()


@analytic(
    family=FAMILY,
    measure="VWAP",
    column="Vwap{side}",
    unit="{currency}",
    table="l3",
    math=r"\sum_i p^{exe}_i q^{exe}_i \,/\, \sum_i q^{exe}_i",
    rollup=RatioOfSums(),
    source="Berkowitz, Logue & Noser (1988), Journal of Finance 43(1)",
    examples=[Example(_EVENTS, axes={"side": "Bid"}, gives=11.0), Example(_EVENTS, axes={"side": "Ask"}, gives=14.0)],
)
def execution_vwap(side: Side, rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Size-weighted mean price of executions of orders on the {side}; null without any.

    Executions without a price are left out of both sums.
    """
    price, condition = pl.col("ExecutionPrice"), all_of(on_side(side), rows)
    return ratio(where(price * executed(), condition).sum(), where(executed(), price.is_not_null(), condition).sum())


@analytic(
    family=DERIVED,
    measure="TradeImbalance",
    column="TradeImbalance",
    unit="1",
    table="l3",
    math=r"(V^{exe}_A - V^{exe}_B) \,/\, (V^{exe}_A + V^{exe}_B)",
    rollup=RatioOfSums(),
    source="Chordia & Subrahmanyam (2004), Journal of Financial Economics 72(3)",
    examples=[Example(_EVENTS, gives=-0.5), Example({name: values[2:3] for name, values in _EVENTS.items()}, gives=None)],
)
def trade_imbalance(rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Executed size of asks, which buyers took, minus that of bids, over their sum: from -1 to 1; null without executions.

    Executions of an auction are on both sides and pull it to 0: restrict `market_states` to leave them out.
    """
    bids, asks = (where(executed(), on_side(side), rows).sum() for side in ("Bid", "Ask"))
    return ratio(asks - bids, asks + bids)


@analytic(
    family=DERIVED,
    measure="HiddenShare",
    column="HiddenShare",
    unit="1",
    table="l3",
    math=r"\sum_i \max(q^{exe}_i - q^{shown}_i, 0) \,/\, \sum_i q^{exe}_i",
    rollup=RatioOfSums(),
    source="SEC, MIDAS: market activity methodology",
    examples=[Example(_EVENTS, gives=0.25)],
)
def hidden_share(rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Share of the size executed in the book that was not displayed before; null without executions.

    Hidden is what executes beyond the displayed size of the event's order: all of it for a hidden
    order, the rest for one that showed a part of its size.
    """
    beyond = (executed() - pl.col("OldSize").fill_null(0)).clip(lower_bound=0)
    return ratio(where(beyond, rows).sum(), where(executed(), rows).sum())
