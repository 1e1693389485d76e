"""How wild: returns from trade to trade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from basalt.core.declaring import EVERY_ROW, Composite, Example, FromParts, Part, Root, RootOfSums, Row, Sum, analytic, where
from basalt.trade.conditions import Side, on_side, price

FAMILY = "generic_metrics"
_TAPE: dict[str, list[Any]] = {"LocalPrice": [100.0, 101.0, 100.0], "AggressorSide": [1, 2, 1]}


def log_return(side: Side, rows: pl.Expr | None) -> Row:
    """Log return of a trade since the trade before it of the same day, both of *side* and *rows*.

    Null on other trades, on the first one of a listing's day, and where a price is not above 0.
    """
    logged = where(price().log(), price() > 0, on_side(side), rows)
    return Row((logged - logged.forward_fill().shift(1)).over("ListingId"))


def _observations(returns: Row) -> pl.Expr:
    return returns.value.count().cast(pl.Int64)


@analytic(
    family=FAMILY,
    measure="Volatility",
    column="Trade{side}Volatility",
    unit="1",
    math=r"\sqrt{\sum_i (\ln p_i - \ln p_{i-1})^2}",
    rollup=RootOfSums(),
    source="Andersen, Bollerslev, Diebold & Labys (2003), Econometrica 71(2)",
    examples=[
        Example(_TAPE, gives=0.014071892842649461),
        Example(_TAPE, axes={"side": "Ask"}, gives=0.0),
        Example(_TAPE, axes={"side": "Bid"}, gives=None),
    ],
)
def realised_volatility(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> Root:
    """Realised volatility of {side} trades over the bucket, as a fraction, not annualised.

    The root of the sum of squared log returns between consecutive {side} trades. The price before
    the bucket is carried in from earlier in the day, so the buckets of a day add up in variance and
    nothing is lost between them; it never comes from another day. Null without a return. Prices of
    trades bounce between bid and ask (Roll 1984): for one side the bounce is gone.
    """
    returns = log_return(side, rows)
    return Root((returns.value * returns.value).sum(), _observations(returns), (returns,))


def _finish_deviation(parts: Mapping[str, pl.Expr]) -> pl.Expr:
    n, total, squares = parts["observations"], parts["total"], parts["squares"]
    spread = pl.max_horizontal(squares - total * total / n, pl.lit(0.0))
    return pl.when(n > 1).then((spread / (n - 1)).sqrt())


@analytic(
    family=FAMILY,
    measure="ReturnStd",
    column="Trade{side}ReturnStd",
    unit="1",
    math=r"\sqrt{\tfrac{1}{n-1} \sum_i (r_i - \bar r)^2}, \quad r_i = \ln p_i - \ln p_{i-1}",
    rollup=FromParts(),
    examples=[Example(_TAPE, gives=0.014071892842649461), Example(_TAPE, axes={"side": "Ask"}, gives=None)],
)
def return_deviation(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> Composite:
    """Standard deviation of the log returns between consecutive {side} trades, per trade.

    The same returns as in Volatility, with their mean removed and divided by n - 1; null with fewer
    than two.
    """
    returns = log_return(side, rows)
    parts = {"observations": _observations(returns), "total": returns.value.sum(), "squares": (returns.value * returns.value).sum()}
    return Composite({name: Part(expr, Sum()) for name, expr in parts.items()}, _finish_deviation, (returns,))
