"""How wide: the quoted spread, in the currency, in basis points, in ticks; and prices in the middle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import polars as pl

from basalt.core.declaring import Example, Held, OverTime, safe_divide
from basalt.l2.books import Aggregation, book_analytic, in_currency, is_sound, mid, of_book, positive_mid, price, suffix, weighted_mid
from basalt.l2.ticks import TickSize

SPREADS = "spreads"
PRICES = "prices"
SOURCE = "Huang & Stoll (1996), Journal of Financial Economics 41(3)"
_BOOK: dict[str, list[Any]] = {"BidPrice1": [99.0], "AskPrice1": [101.0], "BidQuantity1": [30.0], "AskQuantity1": [10.0]}
_LOCKED = {**_BOOK, "AskPrice1": [99.0]}
_CROSSED = {**_BOOK, "AskPrice1": [98.0]}
_ONE_SIDED = {**_BOOK, "AskPrice1": [None], "AskQuantity1": [None]}


def _spread() -> pl.Expr:
    return pl.when(is_sound()).then(price("Ask") - price("Bid"))


def _column(name: str) -> Callable[..., str]:
    return lambda agg, **_: f"{name}{suffix(agg)}"


@book_analytic(
    family=SPREADS,
    measure="Abs",
    column=_column("SpreadAbs"),
    unit="{currency}",
    math=r"a_1 - b_1",
    rollup=OverTime(),
    source=SOURCE,
    examples=[Example(_BOOK, gives=2.0), Example(_LOCKED, gives=0.0), Example(_CROSSED, gives=None), Example(_ONE_SIDED, gives=None)],
)
def spread(agg: Aggregation = "Last") -> Held:
    """{agg} best ask less best bid; 0 while the book is locked, null while it is crossed or a side is empty."""
    return of_book(_spread(), agg)


@book_analytic(
    family=SPREADS,
    measure="BPS",
    column=_column("SpreadBps"),
    unit="bps",
    math=r"2 \cdot 10^4\, (a_1 - b_1) / (a_1 + b_1)",
    rollup=OverTime(),
    source=SOURCE,
    examples=[
        Example(_BOOK, gives=200.0),
        Example(_CROSSED, gives=None),
        Example({**_BOOK, "BidPrice1": [-101.0], "AskPrice1": [-99.0]}, gives=None),
    ],
)
def spread_bps(agg: Aggregation = "Last") -> Held:
    """{agg} spread in basis points of the mid; null as for Abs, and where the mid is not above 0."""
    return of_book(safe_divide(10_000 * _spread(), positive_mid()), agg)


@book_analytic(
    family=SPREADS,
    measure="Ticks",
    column=_column("SpreadTicks"),
    unit="ticks",
    math=r"(a_1 - b_1) / \delta, \quad G(a_1) - G(b_1) \text{ on a ladder}",
    rollup=OverTime(),
    source="Harris (1991), Review of Financial Studies 4(3), on what tick sizes do to prices",
    examples=[
        Example(_BOOK, axes={"tick_size": 0.5}, gives=4.0),
        Example({**_BOOK, "BidGridSteps": [9_900.0], "AskGridSteps": [10_050.0]}, gives=150.0),
    ],
)
def spread_ticks(tick_size: TickSize = None, agg: Aggregation = "Last") -> Held:
    """{agg} spread in ticks; null as for Abs, and without a tick size.

    By default on the listing's grid of that day, table `ticksize`: the steps from bid to ask, each of the tick that holds
    there. `tick_size` is a number in the listing's currency or a column that holds it; `TickSize` is that of `reference`.
    """
    if tick_size is None:
        return of_book(pl.when(is_sound()).then(pl.col("AskGridSteps") - pl.col("BidGridSteps")), agg)
    return of_book(safe_divide(_spread(), in_currency(tick_size)), agg)


Source = Literal["Mid", "Bid", "Ask", "WeightedMid"]


def source_price(source: Source) -> pl.Expr:
    """The price that *source* names: best prices as they are, mids of sound books only."""
    if source == "Mid":
        return mid()
    return weighted_mid() if source == "WeightedMid" else price(source)


@book_analytic(
    family=PRICES,
    measure="Price",
    column=lambda source, agg: f"{source}{suffix(agg)}",
    unit="{currency}",
    math=r"b_1,\quad a_1,\quad (a_1 + b_1)/2,\quad (b_1 q^a_1 + a_1 q^b_1) / (q^a_1 + q^b_1)",
    rollup=OverTime(),
    source="Gatheral & Oomen (2010), Finance and Stochastics 14(2), for the weighted mid",
    examples=[
        Example(_BOOK, gives=100.0),
        Example(_BOOK, axes={"source": "WeightedMid"}, gives=100.5),
        Example(_CROSSED, gives=None),
        Example(_CROSSED, axes={"source": "Ask"}, gives=98.0),
    ],
)
def book_price(source: Source = "Mid", agg: Aggregation = "Last") -> Held:
    """{agg} {source} of the book.

    `WeightedMid` weights each best price with the quantity on the other side. `Mid` and `WeightedMid` are null while
    the book is crossed or a side is empty, `Bid` and `Ask` only while theirs is.
    """
    return of_book(source_price(source), agg)


@book_analytic(
    family=PRICES,
    measure="MicroPrice",
    column=lambda levels, agg: f"MicroPrice{levels}{suffix(agg)}",
    unit="{currency}",
    math=r"\frac{b_1 \sum_{j \le k} q^a_j + a_1 \sum_{j \le k} q^b_j}{\sum_{j \le k} (q^a_j + q^b_j)}",
    rollup=OverTime(),
    source="Gatheral & Oomen (2010), Finance and Stochastics 14(2); Stoikov (2018), Quantitative Finance 18(12)",
    examples=[
        Example({**_BOOK, "BidQuantity2": [10.0], "AskQuantity2": [30.0]}, axes={"levels": 2}, gives=100.0),
        Example(_CROSSED, axes={"levels": 1}, gives=None),
    ],
)
def micro_price(levels: Literal[1, 2, 3, 4, 5, 6, 7, 8, 9, 10] = 1, agg: Aggregation = "Last") -> Held:
    """{agg} micro-price: best prices weighted with what stands on the other side down to level {levels}.

    The first-order form of a price that the imbalance predicts; it is not estimated from data as Stoikov's
    limit is. Null while the book is crossed or a side is empty.
    """
    return of_book(weighted_mid(levels), agg)
