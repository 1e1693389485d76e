"""Against what: prices of trades measured against reference prices known before them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl

from basalt.core.declaring import EVERY_ROW, Composite, Example, all_of, analytic, safe_divide
from basalt.trade.aggregating import AGGREGATION_ROLLUPS, Aggregation, aggregate, empty_of
from basalt.trade.conditions import Side, on_side, price

Reference = Literal[
    "MidAtPrimary",
    "EBBO",
    "PreTradeMid",
    "MidPrice",
    "BestBid",
    "BestAsk",
    "BestBidAtVenue",
    "BestAskAtVenue",
    "BestBidAtPrimary",
    "BestAskAtPrimary",
]


def mid_of_best(at: str = "") -> pl.Expr:
    """Mid of the best quotes just before the trade, *at* all venues, `AtVenue` or `AtPrimary`."""
    return (pl.col(f"BestBidPrice{at}") + pl.col(f"BestAskPrice{at}")) / 2


REFERENCE_PRICES: Mapping[Reference, pl.Expr] = {
    "MidAtPrimary": mid_of_best("AtPrimary"),
    "EBBO": mid_of_best(),
    "PreTradeMid": pl.col("PreTradeMid"),
    "MidPrice": mid_of_best("AtVenue"),
    "BestBid": pl.col("BestBidPrice"),
    "BestAsk": pl.col("BestAskPrice"),
    "BestBidAtVenue": pl.col("BestBidPriceAtVenue"),
    "BestAskAtVenue": pl.col("BestAskPriceAtVenue"),
    "BestBidAtPrimary": pl.col("BestBidPriceAtPrimary"),
    "BestAskAtPrimary": pl.col("BestAskPriceAtPrimary"),
}
"""Prices that stood before the trade: none contains what the trade did to the market."""


def _column(reference: Reference, side: Side, agg: Aggregation) -> str:
    return f"DiscrepancyTo{reference}{'' if side == 'Total' else side}{'' if agg == 'Mean' else agg}"


_QUOTED: dict[str, list[Any]] = {
    "LocalPrice": [101.0, 99.0],
    "BestBidPrice": [99.0, 99.0],
    "BestAskPrice": [101.0, 101.0],
    "AggressorSide": [1, 2],
}


@analytic(
    family="discrepancy_metrics",
    column=_column,
    unit="bps",
    math=r"x_i = 10^4\,(p_i - m_i) / m_i",
    rollup=AGGREGATION_ROLLUPS,
    empty=empty_of,
    examples=[
        Example(_QUOTED, axes={"reference": "EBBO"}, gives=0.0),
        Example(_QUOTED, axes={"reference": "EBBO", "side": "Ask"}, gives=100.0),
        Example(_QUOTED, axes={"reference": "EBBO", "agg": "Min"}, gives=-100.0),
    ],
)
def discrepancy(
    reference: Reference, side: Side = "Total", agg: Aggregation = "Mean", rows: pl.Expr | None = EVERY_ROW
) -> pl.Expr | Composite:
    """{agg} over {side} trades of how far the price lies above {reference}, in basis points of it.

    Not signed by the direction of the trade: prices above the reference count as positive on both
    sides. `EBBO`, `MidAtPrimary` and `MidPrice` are mids of the best quotes of all venues, the primary
    market and the trade's own venue just before the trade; `PreTradeMid` is the table's own.
    A trade without a reference, or with one of 0, is left out; null when none is left (`Sum`: 0).
    """
    against = REFERENCE_PRICES[reference]
    return aggregate(safe_divide(10_000 * (price() - against), against), agg, all_of(on_side(side), rows))
