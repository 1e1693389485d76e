"""Carried values: the same however the day is cut, in order or late, beside other measures of the pass."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.core.bucketing import Clock
from basalt.core.carrying import Carrier
from basalt.core.declaring import Carried, Measure, Pieces, analytic, last_where
from basalt.core.errors import BadOffer, UnsortedInput
from basalt.core.fusing import by_arrival, fuse
from basalt.core.holding.windows import rows_at_once
from basalt.core.plans import Query

SECOND = 1_000_000_000
SCHEMA = {"ListingId": pl.Int64, "At": pl.Int64, "Size": pl.Int64}


def _counting(pieces: Pieces, _: pl.LazyFrame) -> Pieces:
    seen: dict[int, int] = {}
    for piece in pieces:
        numbers = []
        for listing, size in piece.select("ListingId", "count:size").iter_rows():
            seen[listing] = seen.get(listing, 0) + size
            numbers.append(seen[listing])
        yield piece.with_columns(pl.Series("SoFar", numbers, pl.Int64))


def _waiting(pieces: Pieces, rows: pl.LazyFrame) -> Pieces:
    """The next row's size: each row waits for the next one of its listing."""
    waiting: dict[int, pl.DataFrame] = {}
    total = rows.select(pl.len()).collect().item()
    for piece in pieces:
        for row in piece.iter_slices(1):
            before = waiting.pop(row["ListingId"][0], None)
            if before is not None:
                yield before.with_columns(row["next:size"].alias("Next"))
            waiting[row["ListingId"][0]] = row
        total -= piece.height
    assert total == 0
    yield from (row.with_columns(pl.lit(None, pl.Int64).alias("Next")) for row in waiting.values())


@analytic(column="SoFar", unit="shares", grain="row", dtype=pl.Int64())
def so_far() -> Carried:
    """Size of all rows of the listing up to this one."""
    return Carried({"count:size": pl.col("Size")}, _counting)


@analytic(column="Next", unit="shares", grain="row", dtype=pl.Int64(), forward=True)
def following() -> Carried:
    """Size of the next row of the listing."""
    return Carried({"next:size": pl.col("Size")}, _waiting, is_late=True)


@analytic(column="SumSoFar", unit="shares")
def sum_so_far() -> pl.Expr:
    """Sum over rows."""
    return pl.col("SoFar").sum()


@analytic(column="SumNext", unit="shares", forward=True)
def sum_next() -> pl.Expr:
    """Sum over rows."""
    return pl.col("Next").sum()


@analytic(column="LastSize", unit="shares")
def last_size() -> pl.Expr:
    """Size of the last row."""
    return last_where(pl.col("Size"))


def measure_of(formula: Any) -> Measure:
    return Measure(formula, (), formula.column)


QUERY = Query(
    "rows",
    "rows",
    tuple(SCHEMA),
    "At",
    (),
    (tuple(map(measure_of, (so_far, following))),),
    tuple(map(measure_of, (sum_next, sum_so_far, last_size))),
)
ROWS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2), st.integers(1, 9)), min_size=1, max_size=25)


def frame_of(drawn: list[tuple[int, int, int]]) -> pl.LazyFrame:
    """Rows of (listing, seconds since the row before, size)."""
    frame = pl.LazyFrame(drawn, schema=SCHEMA, orient="row")
    return frame.with_columns((pl.col("At").cum_sum() * SECOND).cast(pl.Datetime("ns")))


def by_hand(drawn: list[tuple[int, int, int]], width: int) -> dict[tuple[int, int], list[int]]:
    """Sum of next sizes, sum of sizes so far and last size, by listing and end of bucket."""
    found: dict[tuple[int, int], list[int]] = {}
    now = 0
    for place, (listing, gap, size) in enumerate(drawn):
        now += gap
        mine = [each for each in drawn[: place + 1] if each[0] == listing]
        after = [each[2] for each in drawn[place + 1 :] if each[0] == listing]
        told = found.setdefault((listing, -(-now // width) * width * SECOND), [0, 0, 0])
        told[0] += after[0] if after else 0
        told[1] += sum(each[2] for each in mine)
        told[2] = size
    return found


@settings(max_examples=40, deadline=None)
@given(drawn=ROWS, size=st.sampled_from([1, 7, 1000]), width=st.sampled_from([1, 5]))
def test_values_are_the_same_in_windows_of_any_size(drawn: list[tuple[int, int, int]], size: int, width: int) -> None:
    with rows_at_once(size):
        cells = fuse(QUERY, {"rows": frame_of(drawn)}, Clock.of_seconds(width))
    found = cells.with_columns(pl.col("TimeBucket").cast(pl.Int64)).collect(engine="streaming")
    assert found.columns == ["ListingId", "TimeBucket", "SumNext", "SumSoFar", "LastSize"]
    assert {row[:2]: list(row[2:]) for row in found.iter_rows()} == by_hand(drawn, width)


def test_late_values_are_reduced_by_themselves() -> None:
    columns = [[measure.column for measure in part.measures] for part in by_arrival(QUERY)]
    assert QUERY.is_foldable
    assert columns == [["SumSoFar", "LastSize"], ["SumNext"]]


DRAWN = [(1, 0, 5), (2, 1, 6), (1, 2, 7), (1, 0, 8)]


def test_rows_seen_at_once_stay_in_order() -> None:
    carrier = Carrier("At", {"Next": following(), "SoFar": so_far()}, {"Next": pl.Int64(), "SoFar": pl.Int64()})
    found = carrier.at_once(frame_of(DRAWN)).collect()
    assert found.select("Size", "SoFar", "Next").rows() == [(5, 5, 7), (6, 6, None), (7, 12, 8), (8, 20, None)]


def test_only_what_is_asked_is_followed() -> None:
    def nothing(pieces: Pieces, _: pl.LazyFrame) -> Pieces:
        raise AssertionError("followed")

    types = {"SoFar": pl.Int64(), "Other": pl.Int64()}
    carrier = Carrier("At", {"SoFar": so_far(), "Other": Carried({}, nothing)}, types)
    found = carrier.piecewise(frame_of(DRAWN)).filter(pl.col("SoFar") > 6).select("Size", "SoFar").collect()
    assert found.rows() == [(7, 12), (8, 20)]


def test_rows_that_go_back_in_time_are_refused() -> None:
    carrier = Carrier("At", {"SoFar": so_far()}, {"SoFar": pl.Int64()})
    with pytest.raises(UnsortedInput, match="rows of listing 1 go back in time"):
        carrier.piecewise(frame_of([(1, 5, 1), (1, -1, 2)])).collect()


def test_rows_of_two_listings_may_be_out_of_order() -> None:
    carrier = Carrier("At", {"SoFar": so_far()}, {"SoFar": pl.Int64()})
    assert carrier.piecewise(frame_of([(1, 5, 1), (2, -1, 2)])).select("SoFar").collect()["SoFar"].to_list() == [1, 2]


def test_a_carried_value_is_one_of_rows_and_has_a_type() -> None:
    @analytic(column="Sum", unit="1")
    def bucket() -> Carried:
        """Of a bucket."""
        return so_far()

    @analytic(column="Sum", unit="1", grain="row")
    def untyped() -> Carried:
        """Without a type."""
        return so_far()

    for formula in (bucket, untyped):
        with pytest.raises(BadOffer, match="carried"):
            measure_of(formula).build()
