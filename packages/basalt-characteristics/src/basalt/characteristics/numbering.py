"""Whether times and numbers of events run on.

Events are in order of time by the time a formula sees them, so "time never falls" would always hold. What can be told is
whether time and numbers agree: numbers that fall in order of time are times that fall in order of numbers. Numbers of two streams
do not compare; each event is compared with the one before it in its listing and stream, also over the edges of buckets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import polars as pl

from basalt.characteristics.claims import FAMILY
from basalt.core.declaring import EVERY_ROW, Composite, Example, FromParts, Min, Part, Row, analytic, where

Number = Literal["EventTimestamp", "EventNo", "ExchangeSequenceNo", "BMLLSequenceNo"]
LISTING, STREAM = "ListingId", "BMLLSequenceSource"
_EVENTS: dict[str, list[Any]] = {
    "EventTimestamp": [1_000, 1_000, 2_000],
    "EventNo": [1, 2, 3],
    "ExchangeSequenceNo": [7, 7, 9],
    "BMLLSequenceNo": [5, 4, 6],
    STREAM: [1, 1, 1],
}
_TWO_STREAMS = {**_EVENTS, STREAM: [1, 2, 1]}


def _step(number: Number) -> Row:
    """How far a number is from that of the event before."""
    if number == "EventTimestamp":
        return Row(pl.col(number).cast(pl.Int64).diff().over(LISTING))
    return Row(pl.col(number).diff().over([LISTING] if number == "EventNo" else [LISTING, STREAM]))


def _steps(number: Number, rows: pl.Expr | None, finish: Callable[[Mapping[str, pl.Expr]], pl.Expr], *more: Number) -> Composite:
    steps = {name: _step(name) for name in (number, *more)}
    parts: dict[str, Part] = {name: Part(where(step.value, rows).min(), Min()) for name, step in steps.items()}
    return Composite(parts, finish, tuple(steps.values()))


@analytic(
    family=FAMILY,
    measure="NonDecreasing",
    column="L3{number}NonDecreasing",
    unit="",
    dtype=pl.Boolean(),
    math=r"\min_i (n_i - n_{i-1}) \ge 0",
    rollup=FromParts(),
    examples=[
        Example(_EVENTS, gives=True, axes={"number": "EventNo"}),
        Example(_EVENTS, gives=True, axes={"number": "ExchangeSequenceNo"}),
        Example(_EVENTS, gives=False, axes={"number": "BMLLSequenceNo"}),
        Example(_EVENTS, gives=False, axes={"number": "EventTimestamp"}),
        Example(_TWO_STREAMS, gives=True, axes={"number": "BMLLSequenceNo"}),
    ],
)
def non_decreasing(number: Number, rows: pl.Expr | None = EVERY_ROW) -> Composite:
    """Whether {number} never falls from one event to the next.

    For `EventTimestamp`, whether time never falls in order of `BMLLSequenceNo`. Null where no event has one before it to compare with.
    """
    read: Number = "BMLLSequenceNo" if number == "EventTimestamp" else number
    return _steps(read, rows, lambda parts: parts[read] >= 0)


@analytic(
    family=FAMILY,
    measure="StrictlyIncreasing",
    column="L3{number}StrictlyIncreasing",
    unit="",
    dtype=pl.Boolean(),
    math=r"\min_i (n_i - n_{i-1}) > 0",
    rollup=FromParts(),
    examples=[
        Example(_EVENTS, gives=True, axes={"number": "EventNo"}),
        Example(_EVENTS, gives=False, axes={"number": "ExchangeSequenceNo"}),
        Example(_EVENTS, gives=False, axes={"number": "EventTimestamp"}),
        Example({**_EVENTS, "EventTimestamp": [1, 2, 3], "BMLLSequenceNo": [4, 5, 6]}, gives=True, axes={"number": "EventTimestamp"}),
    ],
)
def strictly_increasing(number: Number, rows: pl.Expr | None = EVERY_ROW) -> Composite:
    """Whether {number} rises from every event to the next.

    For `EventTimestamp`, whether time rises in order of `BMLLSequenceNo`: no two events at once. Null where no event has one
    before it to compare with.
    """
    if number != "EventTimestamp":
        return _steps(number, rows, lambda parts: parts[number] > 0)
    return _steps(number, rows, _time_rises, "BMLLSequenceNo")


def _time_rises(parts: Mapping[str, pl.Expr]) -> pl.Expr:
    return (parts["EventTimestamp"] > 0) & (parts["BMLLSequenceNo"] >= 0)
