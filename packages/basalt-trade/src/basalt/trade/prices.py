"""At what price: bars, means and the median."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl

from basalt.core.declaring import (
    EVERY_ROW,
    ByAxis,
    Example,
    First,
    Last,
    Max,
    Min,
    Ratio,
    RatioOfSums,
    all_of,
    analytic,
    first_where,
    known,
    last_where,
    ratio,
    where,
)
from basalt.trade.aggregating import mean
from basalt.trade.conditions import Side, notional, on_side, price, size

FAMILY = "generic_metrics"
BarPrice = Literal["Open", "High", "Low", "Close"]
_TWO: dict[str, list[Any]] = {
    "LocalPrice": [10.0, 13.0],
    "LocalNotional": [2000.0, 1300.0],
    "Size": [200.0, 100.0],
    "AggressorSide": [1, 1],
}


@analytic(
    family=FAMILY,
    measure="VWAP",
    column="Trade{side}VWAP",
    unit="{currency}",
    math=r"\sum_i p_i q_i \,/\, \sum_i q_i",
    rollup=RatioOfSums(),
    source="Berkowitz, Logue & Noser (1988), Journal of Finance 43(1)",
    examples=[Example(_TWO, gives=11.0), Example(_TWO, axes={"side": "Bid"}, gives=None)],
)
def vwap(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Size-weighted mean price of {side} trades; null without any, or when all have size 0.

    Trades without a price in the listing's currency are left out of both sums.
    """
    condition = all_of(on_side(side), rows)
    return ratio(where(notional(), condition).sum(), where(size(), known(price()), condition).sum())


@analytic(
    family=FAMILY,
    measure="VolumeWeightedPricePlacement",
    column="Trade{side}VolumeWeightedPricePlacement",
    unit="1",
    math=r"\sum_i (2\,\mathrm{clip}(x_i, 0, 1) - 1)\, q_i \,/\, \sum_i q_i",
    rollup=RatioOfSums(),
    examples=[Example({"PricePoint": [1.0, 0.5, None], "Size": [100.0, 300.0, 50.0], "AggressorSide": [1, 0, 2]}, gives=0.25)],
)
def price_placement(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Where in the spread {side} volume traded: -1 all at the best bid, 0 at mid, 1 all at the best ask.

    `PricePoint` says where one trade was: 0 at the bid, 1 at the ask just before it; prices outside
    the spread count as at its edge. Trades without a `PricePoint` are left out; null without any.
    """
    place, condition = pl.col("PricePoint"), all_of(on_side(side), rows)
    placed = where((2 * place.clip(0, 1) - 1) * size(), condition)
    return ratio(placed.sum(), where(size(), known(place), condition).sum())


@analytic(
    family=FAMILY,
    measure="AvgPrice",
    column="Trade{side}AvgPrice",
    unit="{currency}",
    math=r"\frac1n \sum_i p_i",
    rollup=RatioOfSums(),
    examples=[Example(_TWO, gives=11.5)],
)
def average_price(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Mean price of {side} trades, each counted once; null without any."""
    return mean(price(), all_of(on_side(side), rows))


@analytic(
    family=FAMILY,
    measure="MedianPrice",
    column="Trade{side}MedianPrice",
    unit="{currency}",
    math=r"\mathrm{median}_i\, p_i",
    examples=[Example(_TWO, gives=11.5), Example({"LocalPrice": [9.0, 10.0, 13.0], "AggressorSide": [1, 2, 1]}, gives=10.0)],
)
def median_price(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Median price of {side} trades, of an even number the mean of the middle two; null without any.

    It cannot be rolled up: the median of medians is not the median.
    """
    return where(price(), on_side(side), rows).median()


def _bar_column(side: Side, ohlc: BarPrice) -> str:
    return ohlc if side == "Total" else f"Trade{side}{ohlc}"


@analytic(
    family=FAMILY,
    measure="OHLC",
    column=_bar_column,
    unit="{currency}",
    math=r"p_1,\ \max_i p_i,\ \min_i p_i,\ p_n",
    rollup=ByAxis("ohlc", {"Open": First(), "High": Max(), "Low": Min(), "Close": Last()}),
    examples=[
        Example({"LocalPrice": [10.0, 13.0, 9.0], "AggressorSide": [2, 1, 2]}, axes={"ohlc": "Open"}, gives=10.0),
        Example({"LocalPrice": [10.0, 13.0, 9.0], "AggressorSide": [2, 1, 2]}, axes={"ohlc": "Close", "side": "Ask"}, gives=13.0),
        Example({"LocalPrice": [10.0, 13.0, 9.0], "AggressorSide": [2, 1, 2]}, axes={"ohlc": "Low", "side": "Ask"}, gives=13.0),
    ],
)
def bar(side: Side = "Total", ohlc: BarPrice = "Close", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """{ohlc} price of {side} trades in their order of events; null without any.

    The first and last trade of the side itself, whatever else traded around them. Nothing is
    carried in: a bucket without trades has no bar.
    """
    condition = all_of(on_side(side), rows)
    if ohlc == "Open":
        return first_where(price(), condition)
    if ohlc == "Close":
        return last_where(price(), condition)
    counted = where(price(), condition)
    return counted.max() if ohlc == "High" else counted.min()
