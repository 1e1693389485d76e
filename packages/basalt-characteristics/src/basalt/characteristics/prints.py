"""What trades are like: sizes, sides, classes, flags, venues, publication."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl

from basalt.characteristics.claims import FAMILY, any_claim, any_where
from basalt.core.declaring import (
    EVERY_ROW,
    Composite,
    Example,
    FromParts,
    Max,
    Min,
    Part,
    Ratio,
    RatioOfSums,
    Sum,
    analytic,
    count_where,
    ratio,
    where,
)
from basalt.market.flags import flag_is_set
from basalt.market.sides import Aggressor

PREFIX = "Trade"
Flag = Literal["CrossingTrade", "NegotiatedTrade", "AlgorithmicTrade", "BlockTrade"]
_COLUMNS: Mapping[str, str] = {"BlockTrade": "IsBlock"}
UNKNOWN_STATES = ("UNKNOWN", "NOT_APPLICABLE")
MICROSECONDS = 1_000_000

_TRADES: dict[str, list[Any]] = {
    "Size": [100.0, 0.0, -100.0],
    "AggressorSide": [1, 0, None],
    "BMLLTradeType": ["LIT", "UNKNOWN", "OTC"],
    "MarketState": ["CONTINUOUS_TRADING", "NOT_APPLICABLE", None],
    "ExecutionVenue": ["XLON", "XLON", "SINT"],
    "TradeId": ["", None, ""],
}
_PUBLISHED: dict[str, list[Any]] = {"TradeTimestamp": [1_000, 2_000, 3_000], "PublicationTimestamp": [1_000, 2_000, 3_003]}


def _is_known_side() -> pl.Expr:
    return pl.col("AggressorSide").is_in([Aggressor.BUY.value, Aggressor.SELL.value]).fill_null(value=False)


def _delay() -> pl.Expr:
    """Microseconds from trade to publication: the clock that both are told in."""
    return pl.col("PublicationTimestamp").dt.epoch("us") - pl.col("TradeTimestamp").dt.cast_time_unit("us").dt.epoch("us")


@analytic(
    family=FAMILY,
    measure="EventCount",
    column=f"{PREFIX}EventCount",
    unit="trades",
    math="n",
    rollup=Sum(),
    empty="zero",
    examples=[Example(_TRADES, gives=3)],
)
def trade_count(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Number of trades of all classes, cancellations included; 0 without any."""
    return count_where(rows)


@analytic(
    family=FAMILY,
    measure="Volume",
    column=f"{PREFIX}Volume",
    unit="shares",
    math=r"\sum_i q_i",
    rollup=Sum(),
    empty="zero",
    examples=[Example(_TRADES, gives=0.0), Example({"Size": [1.5, 2.0]}, gives=3.5)],
)
def trade_volume(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Quantity of trades of all classes; cancellations, told by negative sizes, take theirs away again. 0 without any."""
    return where(pl.col("Size"), rows).sum()


@any_claim(
    "HasZeroSize", f"{PREFIX}HasZeroSize", r"\exists i: q_i = 0", Example(_TRADES, gives=True), Example({"Size": [1.0]}, gives=False)
)
def has_zero_size(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether a trade has size 0; null without trades."""
    return any_where(pl.col("Size") == 0, rows)


@any_claim("HasCancellations", f"{PREFIX}HasCancellations", r"\exists i: q_i < 0", Example(_TRADES, gives=True))
def has_cancellations(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether a trade has a negative size, which cancels an earlier one; null without trades."""
    return any_where(pl.col("Size") < 0, rows)


@any_claim(
    "HasCancelledTrades",
    f"{PREFIX}HasCancelledTrades",
    r"\exists i: m_i = C",
    Example({"ModificationIndicator": ["-", "A", None]}, gives=False),
    Example({"ModificationIndicator": ["-", "C"]}, gives=True),
    source="FIX Trading Community, Market Model Typology, level 3.4",
)
def has_cancelled_trades(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether a trade is marked as cancelled (`ModificationIndicator` C); null without trades."""
    return any_where((pl.col("ModificationIndicator") == "C").fill_null(value=False), rows)


@any_claim(
    "HasUnknownAggressorSide",
    f"{PREFIX}HasUnknownAggressorSide",
    r"\exists i: d_i \notin \{1, 2\}",
    Example(_TRADES, gives=True),
    Example({"AggressorSide": [1, 2]}, gives=False),
)
def has_unknown_side(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether the aggressor of a trade is not known (0, null or any other code); null without trades."""
    return any_where(~_is_known_side(), rows)


@any_claim("HasKnownAggressorSide", f"{PREFIX}HasKnownAggressorSide", r"\exists i: d_i \in \{1, 2\}", Example(_TRADES, gives=True))
def has_known_side(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether the aggressor of a trade is known; null without trades."""
    return any_where(_is_known_side(), rows)


@any_claim("HasUnknownType", f"{PREFIX}HasUnknownType", r"\exists i: y_i = \mathrm{UNKNOWN}", Example(_TRADES, gives=True))
def has_unknown_type(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether the class of a trade is UNKNOWN, or there is none; null without trades."""
    return any_where((pl.col("BMLLTradeType") == "UNKNOWN").fill_null(value=True), rows)


@any_claim("HasLitTrades", f"{PREFIX}HasLitTrades", r"\exists i: y_i = \mathrm{LIT}", Example(_TRADES, gives=True))
def has_lit_trades(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether a trade is of the class LIT; null without trades."""
    return any_where((pl.col("BMLLTradeType") == "LIT").fill_null(value=False), rows)


@any_claim(
    "HasUnknownMarketState",
    f"{PREFIX}HasUnknownMarketState",
    r"\exists i: s_i \in \{\mathrm{UNKNOWN}, \mathrm{NOT\_APPLICABLE}\}",
    Example(_TRADES, gives=True),
    Example({"MarketState": ["CLOSED"]}, gives=False),
)
def has_unknown_state(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether the phase of a trade is UNKNOWN or NOT_APPLICABLE, or there is none; null without trades."""
    return any_where(pl.col("MarketState").is_in(list(UNKNOWN_STATES)).fill_null(value=True), rows)


@any_claim(
    "HasFlag",
    f"{PREFIX}Has{{flag}}",
    r"\exists i: \mathrm{flag}_i",
    Example({"CrossingTrade": ["-", "X"]}, gives=True, axes={"flag": "CrossingTrade"}),
    Example({"NegotiatedTrade": ["-", None]}, gives=False, axes={"flag": "NegotiatedTrade"}),
    Example({"AlgorithmicTrade": ["H"]}, gives=True, axes={"flag": "AlgorithmicTrade"}),
    Example({"IsBlock": ["FALSE", "TRUE"]}, gives=True, axes={"flag": "BlockTrade"}),
    source="FIX Trading Community, Market Model Typology, levels 3.2, 3.3 and 3.9",
)
def has_flag(flag: Flag, rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether a trade carries the flag {flag}; a null flag is not set. Null without trades."""
    return any_where(flag_is_set(_COLUMNS.get(flag, flag)), rows)


@any_claim("HasTradeId", f"{PREFIX}HasTradeId", r"\exists i: \mathrm{id}_i \neq ''", Example(_TRADES, gives=False))
def has_trade_id(rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Whether a trade has an identifier; null without trades."""
    return any_where((pl.col("TradeId") != "").fill_null(value=False), rows)


@analytic(
    family=FAMILY,
    measure="HasMultipleExecutionVenues",
    column=f"{PREFIX}HasMultipleExecutionVenues",
    unit="",
    dtype=pl.Boolean(),
    math=r"|\{v_i\}| > 1",
    rollup=FromParts(),
    examples=[Example(_TRADES, gives=True), Example({"ExecutionVenue": ["XLON", None]}, gives=False)],
)
def has_several_venues(rows: pl.Expr | None = EVERY_ROW) -> Composite:
    """Whether trades were executed on more than one venue; null where no trade says."""
    venue = where(pl.col("ExecutionVenue"), rows)
    return Composite({"first": Part(venue.min(), Min()), "last": Part(venue.max(), Max())}, lambda parts: parts["first"] != parts["last"])


@analytic(
    family=FAMILY,
    measure="PubEqualsTradeTimestampRatio",
    column=f"{PREFIX}PubEqualsTradeTimestampRatio",
    unit="1",
    math=r"\frac1n \sum_i 1[p_i = t_i]",
    rollup=RatioOfSums(),
    examples=[Example({**_PUBLISHED, "PublicationTimestamp": [1_000, 2_000, None]}, gives=1.0)],
)
def published_at_once(rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Share of trades that were published at the time of the trade, in microseconds.

    Trades without a time of publication are left out; null when none is left.
    """
    delay = _delay()
    return ratio(count_where(delay == 0, rows), count_where(delay.is_not_null(), rows))


@analytic(
    family=FAMILY,
    measure="PubTradeTimestampAvgDiffS",
    column=f"{PREFIX}PubTradeTimestampAvgDiffS",
    unit="s",
    math=r"\frac1n \sum_i (p_i - t_i)",
    rollup=RatioOfSums(),
    examples=[Example(_PUBLISHED, gives=0.000001)],
)
def publication_delay(rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Mean time from trade to publication, in microseconds' resolution.

    Trades without a time of publication are left out; null when none is left.
    """
    delay = _delay()
    return ratio(where(delay, rows).sum(), MICROSECONDS * count_where(delay.is_not_null(), rows))
