"""Columns made from entries of several parts, against one row after another in plain Python."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.core.tables import Column, Table
from basalt.synthetic.columns import Columns, Market, Room
from basalt.synthetic.entries import Entries, Rows
from basalt.synthetic.layouts import Clock, Exact, Fact, Flag, Kind, Layout, Name, Price, Same, Sequence, Whole, Word
from basalt.synthetic.market import universe

LISTINGS = universe(1_001, 7)
NUMBERS = [0, 8, 9, 98, 99, 998, 999, 1_000]
KINDS: dict[str, tuple[pl.DataType, Kind]] = {
    "Price": (pl.Float64(), Price("units")),
    "Size": (pl.Int64(), Whole("units")),
    "Quantity": (pl.Float64(), Whole("units")),
    "Known": (pl.Int64(), Whole("units", may_miss=True)),
    "Flag": (pl.Boolean(), Flag("code", may_miss=True)),
    "Word": (pl.String(), Word("code", ("no", "OFF_BOOK_ON_EXCHANGE"), may_miss=True)),
    "Name": (pl.String(), Name("units")),
    "Mid": (pl.Float64(), Exact("mid")),
    "Ticker": (pl.String(), Fact(lambda listing: listing.instrument.ticker)),
    "Always": (pl.String(), Same("-")),
    "Again": (pl.String(), Word("code", ("no", "OFF_BOOK_ON_EXCHANGE"), may_miss=True)),
    "Time": (pl.Datetime("us"), Clock()),
    "Number": (pl.Int64(), Sequence()),
}
LAYOUT = Layout(
    table=Table("some", tuple(Column(name, dtype) for name, (dtype, _) in KINDS.items())),
    whole=("units", "code"),
    exact=("mid",),
    kinds={name: kind for name, (_, kind) in KINDS.items()},
)
ROW = st.tuples(
    st.integers(0, 1 << 40), st.sampled_from(NUMBERS), st.integers(-1, 99_999_999), st.integers(-1, 1), st.none() | st.floats(-9, 9)
)
PARTS = st.lists(st.lists(ROW, max_size=70), min_size=1, max_size=4)
Row = tuple[int, int, int, int, float | None]


def entries(rows: list[Row]) -> Entries:
    keys = np.array([row[0] for row in rows], dtype=np.int64)
    whole = np.array([row[1:4] for row in rows], dtype=np.int32).reshape(-1, 3)
    return Entries(keys, whole, np.array([[np.nan if row[4] is None else row[4]] for row in rows]).reshape(-1, 1))


def expected(row: Row) -> dict[str, object]:
    key, number, units, code, mid = row
    numerator, denominator = LISTINGS[number].instrument.tick.fraction
    known = units >= 0
    return {
        "Price": units * numerator / denominator if known else None,
        "Size": units,
        "Quantity": float(units),
        "Known": units if known else None,
        "Flag": None if code < 0 else code == 1,
        "Word": None if code < 0 else ("no", "OFF_BOOK_ON_EXCHANGE")[code],
        "Name": f"{number + 1}{units:09d}" if known else "",
        "Mid": mid,
        "Ticker": LISTINGS[number].instrument.ticker,
        "Always": "-",
        "Again": None if code < 0 else ("no", "OFF_BOOK_ON_EXCHANGE")[code],
        "Time": key // 2048 // 1000,
        "Number": key,
    }


@settings(deadline=None, max_examples=40)  # the first example compiles
@given(parts=PARTS)
def test_columns_are_those_of_the_rows_in_order(parts: list[list[Row]]) -> None:
    rows = Rows.of([entries(part) for part in parts], LAYOUT.tie_place)
    columns = Columns(LAYOUT, Market(LISTINGS, date(1970, 1, 1)), rows)
    frame = columns.frame()
    ordered = sorted((row for part in parts for row in part), key=lambda row: row[:2])
    assert frame.schema == pl.Schema({name: dtype for name, (dtype, _) in KINDS.items()})
    wanted = [expected(row) for row in ordered]
    found = frame.with_columns(pl.col("Time").to_physical()).to_dicts()
    same = all(one[:2] != other[:2] for one, other in pairwise(ordered))  # rows with equal keys and listings stay as they came
    assert found == wanted if same else sorted(map(repr, found)) == sorted(map(repr, wanted))
    arrays = columns.made()
    assert list(arrays) == list(KINDS)
    assert arrays["Word"].to_pylist() == frame["Word"].to_list()
    assert arrays["Always"].to_pylist() == frame["Always"].to_list()


@pytest.mark.parametrize("kept", [True, False])
def test_room_that_is_kept_is_given_again(kept: bool) -> None:
    room = Room(kept=kept)
    first, second = room.array("some", 2, 64, np.float64), room.array("some", 3, 20, np.float64)
    assert second.shape == (3, 20)
    assert np.shares_memory(first, second) == kept
    assert room.array("some", 20, 200, np.float64).size == 4_000
