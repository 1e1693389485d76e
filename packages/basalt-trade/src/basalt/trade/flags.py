"""Which kind: trades that carry a flag."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import polars as pl

from basalt.core.declaring import EVERY_ROW, Example, Ratio, RatioOfSums, Sum, all_of, analytic, count_where, where
from basalt.market.flags import flag_is_set, is_odd_lot
from basalt.trade.aggregating import mean
from basalt.trade.conditions import Side, on_side, size

FAMILY = "flag_metrics"
Flag = Literal["NegotiatedTrade", "OddLotTrade", "BlockTrade", "CrossTrade", "AlgorithmicTrade"]

_FLAG_CONDITIONS: Mapping[Flag, Callable[[], pl.Expr]] = {
    "NegotiatedTrade": lambda: flag_is_set("NegotiatedTrade"),
    "OddLotTrade": is_odd_lot,
    "BlockTrade": lambda: flag_is_set("IsBlock"),
    "CrossTrade": lambda: flag_is_set("CrossingTrade"),
    "AlgorithmicTrade": lambda: flag_is_set("AlgorithmicTrade"),
}


def flagged(flag: Flag, side: Side, rows: pl.Expr | None) -> pl.Expr | None:
    """The trades of *side* and *rows* that carry *flag*."""
    return all_of(_FLAG_CONDITIONS[flag](), on_side(side), rows)


def _column(measure: str) -> Callable[[Flag, Side], str]:
    def name(flag: Flag, side: Side) -> str:
        return f"{flag}{measure}{'' if side == 'Total' else side}"

    return name


_LOTS: dict[str, list[Any]] = {"Size": [7.0, 100.0, 3.0], "LotType": ["ODD", "ROUND", "Odd Lot"], "AggressorSide": [1, 1, 2]}
_ALGORITHMS: dict[str, list[Any]] = {
    "AlgorithmicTrade": ["H", "-", None],
    "AggressorSide": [1, 1, 2],
    "TradeNotionalEUR": [50.0, 10.0, 10.0],
}


@analytic(
    family=FAMILY,
    measure="Volume",
    column=_column("Volume"),
    unit="shares",
    math=r"\sum_i q_i\, 1[\mathrm{flag}_i]",
    rollup=Sum(),
    empty="zero",
    examples=[
        Example(_LOTS, axes={"flag": "OddLotTrade"}, gives=10.0),
        Example(_LOTS, axes={"flag": "OddLotTrade", "side": "Bid"}, gives=3.0),
    ],
)
def flagged_volume(flag: Flag, side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Quantity of {side} trades with the flag {flag}; 0 without any.

    `BlockTrade` reads `IsBlock`, `CrossTrade` `CrossingTrade`, `OddLotTrade` `LotType`. A null flag is not set.
    """
    return where(size(), flagged(flag, side, rows)).sum()


@analytic(
    family=FAMILY,
    measure="Count",
    column=_column("Count"),
    unit="trades",
    math=r"\sum_i 1[\mathrm{flag}_i]",
    rollup=Sum(),
    empty="zero",
    examples=[Example(_ALGORITHMS, axes={"flag": "AlgorithmicTrade"}, gives=1)],
)
def flagged_count(flag: Flag, side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Number of {side} trades with the flag {flag}; 0 without any."""
    return count_where(flagged(flag, side, rows))


@analytic(
    family=FAMILY,
    measure="AvgNotional",
    column=_column("AvgNotional"),
    unit="EUR",
    math=r"\sum_i n_i^{EUR}\, 1[\mathrm{flag}_i] \,/\, \sum_i 1[\mathrm{flag}_i]",
    rollup=RatioOfSums(),
    examples=[
        Example(_ALGORITHMS, axes={"flag": "AlgorithmicTrade"}, gives=50.0),
        Example(_ALGORITHMS, axes={"flag": "AlgorithmicTrade", "side": "Bid"}, gives=None),
    ],
)
def flagged_average_notional(flag: Flag, side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Mean notional in euros of {side} trades with the flag {flag}.

    Trades without a conversion are left out; null when none is left.
    """
    return mean(pl.col("TradeNotionalEUR"), flagged(flag, side, rows))
