"""How restless: what changes of the book bring and take away, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl

from basalt.core.declaring import Example, Held, OverTime, before
from basalt.l2.books import Level, Side, book_analytic, of_book

FAMILY = "flow"
_BEST: dict[str, list[Any]] = {
    "ListingId": [1, 1, 1],
    "BidPrice1": [99.0, 100.0, 100.0],
    "BidQuantity1": [10.0, 20.0, 5.0],
    "AskPrice1": [101.0, 101.0, 101.0],
    "AskQuantity1": [10.0, 10.0, 30.0],
}
FlowAggregation = Literal["Sum", "Mean"]
CountAggregation = Literal["Sum", "Rate"]
_FARTHEST = 1e300


def _pressed(side: Side, level: int) -> pl.Expr:
    """What a change of the book added to a side of one level, Cont, Kukanov & Stoikov's e_n; empty levels stand infinitely far."""
    names = f"{side}Price{level}", f"{side}Quantity{level}"
    worst = -_FARTHEST if side == "Bid" else _FARTHEST
    now, then = pl.col(names[0]).fill_null(worst), before(names[0]).fill_null(worst)
    stands, stood = pl.col(names[1]).fill_null(0), before(names[1]).fill_null(0)
    is_no_worse, was_no_better = (now >= then, now <= then) if side == "Bid" else (now <= then, now >= then)
    return pl.when(is_no_worse).then(stands).otherwise(0) - pl.when(was_no_better).then(stood).otherwise(0)


def _is_first() -> pl.Expr:
    return before("ListingId").is_null()


def _empty(agg: str, **_: object) -> Literal["zero", "null"]:
    return "zero" if agg == "Sum" else "null"


@book_analytic(
    family=FAMILY,
    measure="OFI",
    column=lambda level, agg: f"OFI{level}{'' if agg == 'Sum' else agg}",
    unit="shares",
    math=r"\sum_n 1[b_n \ge b_{n-1}] q^b_n - 1[b_n \le b_{n-1}] q^b_{n-1} - 1[a_n \le a_{n-1}] q^a_n + 1[a_n \ge a_{n-1}] q^a_{n-1}",
    rollup=OverTime(),
    empty=_empty,
    source="Cont, Kukanov & Stoikov (2014), Journal of Financial Econometrics 12(1); Xu, Gould & Howison (2018), arXiv:1907.06230, for deeper levels",
    examples=[Example(_BEST, gives=-15.0), Example({name: values[:1] for name, values in _BEST.items()}, gives=0.0)],
)
def order_flow_imbalance(level: Level = 1, agg: FlowAggregation = "Sum") -> Held:
    """{agg} of order-flow imbalances of level {level}: what changes brought to the bid less what they brought to the ask.

    One term for each change of the book in a phase that counts, against the row before of the day; a day's first
    row has none. Prices and quantities of the level are compared, an empty level stands infinitely far from the mid.
    Sum: 0 without changes.
    """
    value = pl.when(~_is_first()).then(_pressed("Bid", level) - _pressed("Ask", level))
    return of_book(value, agg)


def _differs(*columns: str) -> pl.Expr:
    return pl.any_horizontal(pl.col(name).ne_missing(before(name)) for name in columns)


_CHANGES: Mapping[str, tuple[str, ...]] = {
    "Quote": ("BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1"),
    "Price": ("BidPrice1", "AskPrice1"),
}
Change = Literal["Book", "Quote", "Price"]


@book_analytic(
    family=FAMILY,
    measure="Updates",
    column=lambda change, agg: f"{change}Updates{'' if agg == 'Sum' else 'PerSecond'}",
    unit="updates",
    math=r"\sum_n 1[\mathrm{changed}_n], \quad \text{a second of counted time for } \mathrm{Rate}",
    rollup=OverTime(),
    empty=_empty,
    source="Hasbrouck (2018), Journal of Financial and Quantitative Analysis 53(2), on how quotes flicker",
    examples=[Example(_BEST, gives=2), Example(_BEST, axes={"change": "Price"}, gives=1), Example(_BEST, axes={"change": "Book"}, gives=3)],
)
def updates(change: Change = "Quote", agg: CountAggregation = "Sum") -> Held:
    """{agg} of changes of the book in phases that count.

    `Book`: every row. `Quote`: a best price or its quantity changed. `Price`: a best price changed. A day's first row
    counts for `Book` only. `Rate`, column `…PerSecond`: for each second of the bucket in which books counted; null without any.
    """
    if change == "Book":
        return of_book(pl.col("ListingId").is_not_null().cast(pl.Int64), agg)
    return of_book((~_is_first() & _differs(*_CHANGES[change])).cast(pl.Int64), agg)
