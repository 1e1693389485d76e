"""At what cost: what the aggressor paid against the mid, and where the mid went after.

All values are for the aggressor's round trip, hence the factor 2. Trade by trade,
effective spread = realised spread + price impact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from basalt.core.declaring import EVERY_ROW, Composite, Example, Sum, analytic, count_where, safe_divide
from basalt.market.sides import aggressor_sign
from basalt.trade.aggregating import AGGREGATION_ROLLUPS, Aggregation, aggregate, empty_of
from basalt.trade.conditions import price
from basalt.trade.horizons import Horizon, post_trade_mid

FAMILY = "impact_metrics"
DEFAULT = "NotionalWeighted"
SOURCE = "Huang & Stoll (1996), Journal of Financial Economics 41(3); Bessembinder & Kaufman (1997), JFQA 32(3)"


def _suffix(agg: Aggregation) -> str:
    return "" if agg == DEFAULT else agg


def _spread_column(variant: str) -> Callable[[str, Aggregation], str]:
    return lambda reference_price_col, agg: f"{variant}{_suffix(agg)}"


def _horizon_column(variant: str) -> Callable[[str, str, Aggregation], str]:
    def name(horizon: str, reference_price_col: str, agg: Aggregation) -> str:  # noqa: ARG001
        post_trade_mid(horizon)
        return f"{variant}{horizon}{_suffix(agg)}"

    return name


def _round_trip(paid: pl.Expr, against: pl.Expr) -> pl.Expr:
    """Twice the signed distance; null for trades without a known aggressor."""
    return 2 * aggressor_sign() * (paid - against)


def _in_bps(cost: pl.Expr, reference_price_col: str) -> pl.Expr:
    return safe_divide(10_000 * cost, pl.col(reference_price_col))


def _effective(reference_price_col: str) -> pl.Expr:
    return _round_trip(price(), pl.col(reference_price_col))


def _realised(horizon: str, reference_price_col: str) -> pl.Expr:
    """Null where the reference is, so that the three costs are of the same trades."""
    known = pl.col(reference_price_col).is_not_null()
    return pl.when(known).then(_round_trip(price(), pl.col(post_trade_mid(horizon))))


def _impact(horizon: str, reference_price_col: str) -> pl.Expr:
    """Null where the price is, so that the three costs are of the same trades."""
    return pl.when(price().is_not_null()).then(_round_trip(pl.col(post_trade_mid(horizon)), pl.col(reference_price_col)))


_TAPE: dict[str, list[Any]] = {
    "LocalPrice": [101.0, 99.0, 100.0],
    "LocalNotional": [1010.0, 990.0, 500.0],
    "AggressorSide": [1, 2, 0],
    "PreTradeMid": [100.0, 100.0, 100.0],
    "PostTradeMid1000ms": [100.5, 99.5, 90.0],
}
_UNWEIGHTED = {"agg": "Mean"}


@analytic(
    family=FAMILY,
    column=_spread_column("EffectiveSpread"),
    unit="{currency}",
    math=r"2 d_i (p_i - m_i)",
    rollup=AGGREGATION_ROLLUPS,
    empty=empty_of,
    source=SOURCE,
    examples=[Example(_TAPE, gives=2.0), Example({**_TAPE, "AggressorSide": [0, 0, None]}, gives=None)],
    measure="EffectiveSpread",
)
def effective_spread(
    reference_price_col: str = "PreTradeMid", agg: Aggregation = "NotionalWeighted", rows: pl.Expr | None = EVERY_ROW
) -> pl.Expr | Composite:
    """{agg} effective spread: twice what the aggressor paid over the mid before the trade.

    The mid is `{reference_price_col}`. It has no horizon, and its column none in its name. Trades without a
    known aggressor, price or mid are left out; null when none is left.
    """
    return aggregate(_effective(reference_price_col), agg, rows)


@analytic(
    family=FAMILY,
    column=_spread_column("EffectiveSpreadBps"),
    unit="bps",
    math=r"2 \cdot 10^4\, d_i (p_i - m_i) / m_i",
    rollup=AGGREGATION_ROLLUPS,
    empty=empty_of,
    source=SOURCE,
    examples=[Example(_TAPE, gives=200.0)],
    measure="EffectiveSpreadBps",
)
def effective_spread_bps(
    reference_price_col: str = "PreTradeMid", agg: Aggregation = "NotionalWeighted", rows: pl.Expr | None = EVERY_ROW
) -> pl.Expr | Composite:
    """{agg} effective spread in basis points of the mid `{reference_price_col}`; null as for EffectiveSpread."""
    return aggregate(_in_bps(_effective(reference_price_col), reference_price_col), agg, rows)


@analytic(
    family=FAMILY,
    column=_horizon_column("RealizedSpread"),
    unit="{currency}",
    math=r"2 d_i (p_i - m_{i,\tau})",
    rollup=AGGREGATION_ROLLUPS,
    empty=empty_of,
    forward=True,
    source=SOURCE,
    examples=[Example(_TAPE, gives=1.0), Example({**_TAPE, "PostTradeMid1000ms": [100.5, None, None]}, axes=_UNWEIGHTED, gives=1.0)],
    measure="RealizedSpread",
)
def realised_spread(
    horizon: Horizon = "1s",
    reference_price_col: str = "PreTradeMid",
    agg: Aggregation = "NotionalWeighted",
    rows: pl.Expr | None = EVERY_ROW,
) -> pl.Expr | Composite:
    """{agg} realised spread: twice what the resting side kept, against the mid {horizon} after the trade.

    The mid is the table's own column for that horizon, else the one that prevails on the listing's
    book. Trades without a known aggressor, price, reference or later mid, as when the horizon
    passes the end of the quotes, are left out; null when none is left. Looks past the bucket.
    """
    return aggregate(_realised(horizon, reference_price_col), agg, rows)


@analytic(
    family=FAMILY,
    column=_horizon_column("RealizedSpreadBps"),
    unit="bps",
    math=r"2 \cdot 10^4\, d_i (p_i - m_{i,\tau}) / m_i",
    rollup=AGGREGATION_ROLLUPS,
    empty=empty_of,
    forward=True,
    source=SOURCE,
    examples=[Example(_TAPE, gives=100.0)],
    measure="RealizedSpreadBps",
)
def realised_spread_bps(
    horizon: Horizon = "1s",
    reference_price_col: str = "PreTradeMid",
    agg: Aggregation = "NotionalWeighted",
    rows: pl.Expr | None = EVERY_ROW,
) -> pl.Expr | Composite:
    """{agg} realised spread at {horizon} in basis points of the mid before the trade; null as for RealizedSpread."""
    return aggregate(_in_bps(_realised(horizon, reference_price_col), reference_price_col), agg, rows)


@analytic(
    family=FAMILY,
    column=_horizon_column("PriceImpact"),
    unit="{currency}",
    math=r"2 d_i (m_{i,\tau} - m_i)",
    rollup=AGGREGATION_ROLLUPS,
    empty=empty_of,
    forward=True,
    source=SOURCE,
    examples=[Example(_TAPE, gives=1.0), Example(_TAPE, axes={"agg": "Sum"}, gives=2.0)],
    measure="PriceImpact",
)
def price_impact(
    horizon: Horizon = "1s",
    reference_price_col: str = "PreTradeMid",
    agg: Aggregation = "NotionalWeighted",
    rows: pl.Expr | None = EVERY_ROW,
) -> pl.Expr | Composite:
    """{agg} price impact: twice how far the mid moved the aggressor's way within {horizon}.

    From the mid `{reference_price_col}` before the trade. Mids, nulls and horizon as for RealizedSpread. Looks
    past the bucket.
    """
    return aggregate(_impact(horizon, reference_price_col), agg, rows)


@analytic(
    family=FAMILY,
    column=_horizon_column("PriceImpactBps"),
    unit="bps",
    math=r"2 \cdot 10^4\, d_i (m_{i,\tau} - m_i) / m_i",
    rollup=AGGREGATION_ROLLUPS,
    empty=empty_of,
    forward=True,
    source=SOURCE,
    examples=[Example(_TAPE, gives=100.0)],
    measure="PriceImpactBps",
)
def price_impact_bps(
    horizon: Horizon = "1s",
    reference_price_col: str = "PreTradeMid",
    agg: Aggregation = "NotionalWeighted",
    rows: pl.Expr | None = EVERY_ROW,
) -> pl.Expr | Composite:
    """{agg} price impact at {horizon} in basis points of the mid before the trade; null as for PriceImpact."""
    return aggregate(_in_bps(_impact(horizon, reference_price_col), reference_price_col), agg, rows)


def _count_column(horizon: str, reference_price_col: str) -> str:  # noqa: ARG001
    return f"HorizonCount{horizon}"


@analytic(
    family=FAMILY,
    measure="HorizonCount",
    column=_count_column,
    unit="trades",
    math=r"\sum_i 1[d_i, p_i, m_i, m_{i,\tau}\ \mathrm{known}]",
    rollup=Sum(),
    empty="zero",
    forward=True,
    examples=[Example(_TAPE, gives=2), Example({**_TAPE, "PostTradeMid1000ms": [100.5, None, 90.0]}, gives=1)],
)
def horizon_count(horizon: Horizon = "1s", reference_price_col: str = "PreTradeMid", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Number of trades that RealizedSpread and PriceImpact at {horizon} count; 0 without any.

    Less than the number of trades where aggressors or prices are unknown, and where the horizon
    passes the end of the quotes.
    """
    known = _realised(horizon, reference_price_col).is_not_null()
    return count_where(known, rows)
