"""How deep: what stands near the mid, what a round trip costs, how steep the book is. Only visible levels count."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import Field

from basalt.core.declaring import Example, Held, OverTime, safe_divide
from basalt.l2.books import (
    Aggregation,
    Side,
    book_analytic,
    cumulated,
    in_currency,
    is_sound,
    mid,
    of_book,
    positive_mid,
    price,
    quantity,
    suffix,
)
from basalt.l2.ticks import TickSize
from basalt.market.books import LEVELS

FAMILY = "depth"
Positive = Annotated[float, Field(gt=0)]
Depth = Literal[2, 3, 4, 5, 6, 7, 8, 9, 10]
_ALL = range(1, LEVELS + 1)


def _book(bids: list[tuple[float, float]], asks: list[tuple[float, float]]) -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = {}
    for side, levels in (("Bid", bids), ("Ask", asks)):
        for level in _ALL:
            there = level <= len(levels)
            rows[f"{side}Price{level}"] = [levels[level - 1][0] if there else None]
            rows[f"{side}Quantity{level}"] = [levels[level - 1][1] if there else None]
    return rows


_TWO = _book([(99.0, 10.0), (98.0, 30.0)], [(101.0, 20.0), (103.0, 40.0)])


def _text(number: float | str) -> str:
    """A number without needless zeros; the name of an open axis, which stands for its values in lists, as it is."""
    return number if isinstance(number, str) else f"{number:g}"


def _within(side: Side, limit: pl.Expr) -> pl.Expr:
    """Quantity of the levels not beyond *limit*; null where that is not known."""
    near = [price(side, level) >= limit if side == "Bid" else price(side, level) <= limit for level in _ALL]
    total = cumulated([pl.when(is_near).then(quantity(side, level)) for is_near, level in zip(near, _ALL, strict=True)])
    return pl.when(limit.is_not_null()).then(total)


@book_analytic(
    family=FAMILY,
    measure="DepthBps",
    column=lambda side, bps, agg: f"{side}DepthWithin{_text(bps)}Bps{suffix(agg)}",
    unit="shares",
    math=r"\sum_j q_j\, 1[\,|p_j - m| \le x \cdot 10^{-4} m\,]",
    rollup=OverTime(),
    source="Foucault, Pagano & Röell (2013), Market Liquidity, ch. 2",
    examples=[Example(_TWO, axes={"side": "Bid", "bps": 100}, gives=10.0), Example(_TWO, axes={"side": "Ask", "bps": 300}, gives=60.0)],
)
def depth_in_bps(side: Side, bps: Positive, agg: Aggregation = "Last") -> Held:
    """{agg} quantity of {side} levels no farther than {bps} basis points from the mid.

    A lower bound where the deepest visible level lies within. Null while there is no mid above 0.
    """
    reach = positive_mid() * (bps / 10_000)
    return of_book(_within(side, mid() - reach if side == "Bid" else mid() + reach), agg)


@book_analytic(
    family=FAMILY,
    measure="DepthTicks",
    column=lambda side, ticks, tick_size, agg: f"{side}DepthWithin{_text(ticks)}Ticks{suffix(agg)}",
    unit="shares",
    math=r"\sum_j q_j\, 1[\,|p_j - p_1| \le x \delta\,]",
    rollup=OverTime(),
    source="Foucault, Pagano & Röell (2013), Market Liquidity, ch. 2",
    examples=[
        Example(_TWO, axes={"side": "Ask", "ticks": 1, "tick_size": 1.0}, gives=20.0),
        Example(_TWO, axes={"side": "Ask", "ticks": 2, "tick_size": 1.0}, gives=60.0),
        Example({**_TWO, "AskLimitOf1Ticks": [101.5]}, axes={"side": "Ask", "ticks": 1}, gives=20.0),
    ],
)
def depth_in_ticks(side: Side, ticks: Annotated[int, Field(ge=0)], tick_size: TickSize = None, agg: Aggregation = "Last") -> Held:
    """{agg} quantity of {side} levels no farther than {ticks} ticks from the best price.

    By default on the listing's grid of that day, table `ticksize`, else in ticks of `tick_size`: a number in the
    listing's currency or a column that holds it; `TickSize` is that of `reference`. Half a tick of slack keeps prices
    that are no exact fractions on their level. A lower bound where the deepest visible level lies within; null while
    the side is empty, and without a tick size.
    """
    if tick_size is None:
        return of_book(_within(side, pl.col(f"{side}LimitOf{ticks}Ticks")), agg)
    reach = in_currency(tick_size) * (ticks + 0.5)
    return of_book(_within(side, price(side) - reach if side == "Bid" else price(side) + reach), agg)


def _walked(side: Side, size: float) -> pl.Expr:
    """What the first *size* shares of a side cost, its best first; null where fewer are visible."""
    stands = [quantity(side, level).fill_null(0) for level in _ALL]
    paid = []
    for level in _ALL:
        left = pl.max_horizontal(float(size) - pl.sum_horizontal(pl.lit(0.0), *stands[: level - 1]), 0.0)
        paid.append(pl.min_horizontal(stands[level - 1], left) * price(side, level).fill_null(0))
    return pl.when(pl.sum_horizontal(stands) >= float(size)).then(pl.sum_horizontal(paid))


@book_analytic(
    family=FAMILY,
    measure="RoundTripCost",
    column=lambda size, agg: f"RoundTripCost{_text(size)}{suffix(agg)}",
    unit="bps",
    math=r"10^4\, (\bar a_N - \bar b_N) / m",
    rollup=OverTime(),
    source="Gomber, Schweickert & Theissen (2015), European Financial Management 21(1), with a size in shares",
    examples=[Example(_TWO, axes={"size": 20}, gives=250.0), Example(_TWO, axes={"size": 50}, gives=None)],
)
def round_trip_cost(size: Positive, agg: Aggregation = "Last") -> Held:
    """{agg} cost of buying {size} shares and selling them again at once, in basis points of their value at the mid.

    Both orders walk down the visible levels. Null while there is no mid above 0 or fewer than {size} shares are visible on a side.
    """
    cost = _walked("Ask", size) - _walked("Bid", size)
    return of_book(safe_divide(10_000 * cost, positive_mid() * float(size)), agg)


def _slope(side: Side, levels: int) -> pl.Expr:
    stands = [cumulated([quantity(side, each) for each in range(1, level + 1)]) for level in range(1, levels + 1)]
    volumes = [pl.when(each > 0).then(each.log()) for each in stands]
    first = safe_divide(volumes[0], (safe_divide(price(side), mid()) - 1).abs())
    steps = [
        safe_divide(safe_divide(after, now) - 1, (safe_divide(price(side, level + 1), price(side, level)) - 1).abs())
        for level, (now, after) in enumerate(itertools.pairwise(volumes), start=1)
    ]
    terms = [first, *steps]
    return pl.when(pl.all_horizontal(term.is_not_null() for term in terms)).then(pl.sum_horizontal(terms) / float(levels))


@book_analytic(
    family=FAMILY,
    measure="Slope",
    column="BookSlope{levels}{agg}",
    unit="1",
    math=r"\tfrac12 \sum_{s} \tfrac1k \Big( \frac{v^s_1}{|p^s_1/m - 1|} + \sum_{j<k} \frac{v^s_{j+1}/v^s_j - 1}{|p^s_{j+1}/p^s_j - 1|} \Big),"
    r"\quad v^s_j = \ln \sum_{i \le j} q^s_i",
    rollup=OverTime(),
    source="Næs & Skjeltorp (2006), Journal of Financial Markets 9(4)",
    examples=[
        Example(_book([(99.0, 10.0), (98.0, 90.0)], [(101.0, 10.0), (102.0, 90.0)]), axes={"levels": 2}, gives=165.12925464970227),
        Example(_book([(99.0, 10.0)], [(101.0, 10.0)]), axes={"levels": 2}, gives=None),
    ],
)
def slope(levels: Depth = 5, agg: Aggregation = "TWA") -> Held:
    """{agg} slope of the book over {levels} levels: how much more stands for each further bit of price, mean of both sides.

    High where much stands close to the mid. Null where a side has fewer levels, while the book is locked or crossed, and
    where a level holds a single share (its logarithm is 0).
    """
    both = (_slope("Bid", levels) + _slope("Ask", levels)) / 2
    return of_book(pl.when(is_sound()).then(both), agg)
