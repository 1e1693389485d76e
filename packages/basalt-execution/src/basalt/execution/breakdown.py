"""What traded, by type of venue and by who took liquidity."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl

from basalt.core.declaring import EVERY_ROW, Example, Ratio, RatioOfSums, Sum, all_of, analytic, known, ratio, where
from basalt.execution.book import DERIVED
from basalt.market.sides import Aggressor

FAMILY = "trade_breakdown"
TradeType = Literal["LIT", "DARK"]
AggressorToken = Literal["Buy", "Sell", "Unknown"]
_TRADES: dict[str, list[Any]] = {
    "BMLLTradeType": ["LIT", "LIT", "LIT", "DARK", "OTC"],
    "AggressorSide": [1, 1, None, 0, 2],
    "LocalPrice": [10.0, 13.0, None, 12.0, 11.0],
    "LocalNotional": [2000.0, 1300.0, None, 600.0, 110.0],
    "Size": [200.0, 100.0, 70.0, 50.0, 10.0],
    "PricePoint": [1.0, 0.25, 0.5, 0.5, 0.0],
    "PriorQuoteSizeRank": [1, 4, 2, None, 1],
}


def takes(aggressor: AggressorToken) -> pl.Expr:
    """Whether a trade had that aggressor; `Unknown` is neither buyer nor seller, nothing included."""
    side = pl.col("AggressorSide")
    if aggressor == "Unknown":
        return ~side.is_in([Aggressor.BUY.value, Aggressor.SELL.value]).fill_null(value=False)
    return side == (Aggressor.BUY.value if aggressor == "Buy" else Aggressor.SELL.value)


def _of_type(trade_type: TradeType) -> pl.Expr:
    return pl.col("BMLLTradeType") == trade_type


def _column(trade_type: TradeType, what: str, aggressor: AggressorToken) -> str:
    return f"{trade_type.capitalize()}{what}{aggressor}Aggressor"


def _volume_column(trade_type: TradeType, aggressor: AggressorToken) -> str:
    return _column(trade_type, "Volume", aggressor)


def _vwap_column(trade_type: TradeType, aggressor: AggressorToken) -> str:
    return _column(trade_type, "VWAP", aggressor)


def _placement_column(trade_type: TradeType, aggressor: AggressorToken) -> str:
    return _column(trade_type, "VolumeWeightedPricePlacement", aggressor)


@analytic(
    family=FAMILY,
    measure="Volume",
    column=_volume_column,
    unit="shares",
    table="trades",
    math=r"\sum_i q_i",
    rollup=Sum(),
    empty="zero",
    examples=[
        Example(_TRADES, axes={"trade_type": "LIT", "aggressor": "Buy"}, gives=300.0),
        Example(_TRADES, axes={"trade_type": "LIT", "aggressor": "Unknown"}, gives=70.0),
        Example(_TRADES, axes={"trade_type": "DARK", "aggressor": "Sell"}, gives=0.0),
    ],
)
def traded_volume(trade_type: TradeType, aggressor: AggressorToken, rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Size of {trade_type} trades with the aggressor {aggressor}; 0 without any.

    Buy, Sell and Unknown add up to the volume of the type; auctions have no aggressor.
    """
    return where(pl.col("Size"), _of_type(trade_type), takes(aggressor), rows).sum()


@analytic(
    family=FAMILY,
    measure="VWAP",
    column=_vwap_column,
    unit="{currency}",
    table="trades",
    math=r"\sum_i p_i q_i \,/\, \sum_i q_i",
    rollup=RatioOfSums(),
    source="Berkowitz, Logue & Noser (1988), Journal of Finance 43(1)",
    examples=[
        Example(_TRADES, axes={"trade_type": "LIT", "aggressor": "Buy"}, gives=11.0),
        Example(_TRADES, axes={"trade_type": "LIT", "aggressor": "Unknown"}, gives=None),
    ],
)
def traded_vwap(trade_type: TradeType, aggressor: AggressorToken, rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Size-weighted mean price of {trade_type} trades with the aggressor {aggressor}; null without any.

    Trades without a price in the listing's currency are left out of both sums.
    """
    condition = all_of(_of_type(trade_type), takes(aggressor), rows)
    return ratio(where(pl.col("LocalNotional"), condition).sum(), where(pl.col("Size"), known(pl.col("LocalPrice")), condition).sum())


@analytic(
    family=FAMILY,
    measure="VWPP",
    column=_placement_column,
    unit="1",
    table="trades",
    math=r"\sum_i (2\,\mathrm{clip}(x_i, 0, 1) - 1)\, q_i \,/\, \sum_i q_i",
    rollup=RatioOfSums(),
    examples=[
        Example(_TRADES, axes={"trade_type": "LIT", "aggressor": "Buy"}, gives=0.5),
        Example(_TRADES, axes={"trade_type": "DARK", "aggressor": "Unknown"}, gives=0.0),
        Example(_TRADES, axes={"trade_type": "DARK", "aggressor": "Buy"}, gives=None),
    ],
)
def traded_placement(trade_type: TradeType, aggressor: AggressorToken, rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Where in the spread {trade_type} volume with the aggressor {aggressor} traded: -1 at the bid, 0 at mid, 1 at the ask.

    Prices outside the spread count as at its edge. Trades without a `PricePoint` are left out; null
    without any.
    """
    place, condition = pl.col("PricePoint"), all_of(_of_type(trade_type), takes(aggressor), rows)
    placed = where((2 * place.clip(0, 1) - 1) * pl.col("Size"), condition)
    return ratio(placed.sum(), where(pl.col("Size"), known(place), condition).sum())


def _rank_column(trade_type: TradeType, aggressor: AggressorToken) -> str:
    return _column(trade_type, "PriorQuoteSizeRank", aggressor)


@analytic(
    family=FAMILY,
    measure="PriorQuoteSizeRank",
    column=_rank_column,
    unit="1",
    table="trades",
    math=r"\sum_i k_i q_i \,/\, \sum_i q_i",
    rollup=RatioOfSums(),
    source="Foucault & Menkveld (2008), Journal of Finance 63(1), on where orders are routed to",
    examples=[
        Example(_TRADES, axes={"trade_type": "LIT", "aggressor": "Buy"}, gives=2.0),
        Example(_TRADES, axes={"trade_type": "DARK", "aggressor": "Unknown"}, gives=None),
    ],
)
def quote_size_rank(trade_type: TradeType, aggressor: AggressorToken, rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Size-weighted mean rank of the venue by the size that it quoted before {trade_type} trades with the aggressor {aggressor}.

    1 where takers went to the venue that showed most at the price. Trades without a `PriorQuoteSizeRank` are left out;
    null without any.
    """
    rank, condition = pl.col("PriorQuoteSizeRank"), all_of(_of_type(trade_type), takes(aggressor), rows)
    return ratio(where(rank * pl.col("Size"), condition).sum(), where(pl.col("Size"), known(rank), condition).sum())


@analytic(
    family=DERIVED,
    measure="DarkShare",
    column="DarkShare",
    unit="1",
    table="trades",
    math=r"\sum_{i : dark} q_i \,/\, \sum_{i : dark, lit} q_i",
    rollup=RatioOfSums(),
    source="Degryse, de Jong & van Kervel (2015), Review of Finance 19(4)",
    examples=[Example(_TRADES, gives=50 / 420), Example({name: values[4:] for name, values in _TRADES.items()}, gives=None)],
)
def dark_share(rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Dark volume over dark and lit volume; null without either."""
    is_dark = _of_type("DARK")
    return ratio(where(pl.col("Size"), is_dark, rows).sum(), where(pl.col("Size"), is_dark | _of_type("LIT"), rows).sum())
