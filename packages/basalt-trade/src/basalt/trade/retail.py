"""Who retail: on which side the trades labelled as retail were."""

from __future__ import annotations

from typing import Any

import polars as pl

from basalt.core.declaring import EVERY_ROW, Example, Ratio, RatioOfSums, analytic, ratio, where
from basalt.market.sides import aggressor_sign
from basalt.trade.conditions import is_retail, notional

FAMILY = "retail_metrics"
_TAPE: dict[str, list[Any]] = {
    "BMLLParticipantType": ["RETAIL", "RETAIL", "RETAIL", "UNKNOWN"],
    "AggressorSide": [1, 2, 0, 2],
    "LocalNotional": [300.0, 100.0, 600.0, 50.0],
}


@analytic(
    family=FAMILY,
    measure="RetailTradeImbalance",
    column="RetailTradeImbalance",
    unit="1",
    math=r"\sum_i d_i n_i \,/\, \sum_i |d_i|\, n_i",
    rollup=RatioOfSums(),
    source="Boehmer, Jones, Zhang & Zhang (2021), Journal of Finance 76(5), on imbalances of retail trades",
    examples=[Example(_TAPE, gives=0.5), Example({**_TAPE, "AggressorSide": [0, None, 0, 2]}, gives=None)],
)
def retail_imbalance(rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Retail notional bought less retail notional sold, over both: -1 all sold, 1 all bought.

    Retail is what the vendor labels so. Trades without a known aggressor are in neither sum; null
    without any other. A ratio of notionals of one listing has no currency.
    """
    sign = where(aggressor_sign(), is_retail(), rows)
    return ratio((sign * notional()).sum(), where(notional(), sign.is_not_null()).sum())


@analytic(
    family=FAMILY,
    measure="RetailUnknownShare",
    column="RetailUnknownShare",
    unit="1",
    math=r"\sum_i (1 - |d_i|)\, n_i \,/\, \sum_i n_i",
    rollup=RatioOfSums(),
    examples=[Example(_TAPE, gives=0.6)],
)
def retail_unknown_share(rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Share of the retail notional that RetailTradeImbalance leaves out for want of an aggressor.

    Null without retail trades.
    """
    unsigned = where(notional(), aggressor_sign().is_null(), is_retail(), rows)
    return ratio(unsigned.sum(), where(notional(), is_retail(), rows).sum())
