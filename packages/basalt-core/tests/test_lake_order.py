"""Files of a lake are in order of the best clock that their rows have."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from basalt.core.errors import UnsortedInput
from basalt.core.lake import ORDER_KEY, lake_writer, order_columns, write_lake_file
from basalt.core.tables import Column, Table

TICKS = Table(
    "ticks",
    (
        Column("ListingId", pl.Int64(), required=True),
        Column("Fine", pl.Datetime("ns")),
        Column("Coarse", pl.Datetime("ms")),
        Column("No", pl.Int64()),
    ),
    time="Time",
    time_from=("Fine", "Coarse"),
    order=("No",),
    folder="Ticks",
)


def test_the_order_is_that_of_the_best_clock_stored():
    assert order_columns(TICKS) == ("Fine", "No")
    assert order_columns(TICKS, ["ListingId", "Coarse"]) == ("Coarse",)


def test_rows_without_the_best_clock_are_sorted_by_the_next(tmp_path):
    rows = pl.DataFrame({"ListingId": [1, 1], "Coarse": [60_000, 0]}).cast({"Coarse": pl.Datetime("ms")})

    path = write_lake_file(tmp_path, TICKS, "XLON", date(2026, 2, 2), rows).path

    assert pl.read_parquet(path)["Coarse"].is_sorted()
    assert pl.read_parquet_metadata(path)[ORDER_KEY] == "Coarse"


def written(folder, *instants: tuple[int, int]) -> list[int]:
    """Numbers of rows in a file, to which each row (nanoseconds, number) was appended on its own."""
    with lake_writer(folder, TICKS, "XLON", date(2026, 2, 2)) as writer:
        for nanos, number in instants:
            writer.append(pl.DataFrame({"ListingId": [1], "Fine": [nanos], "No": [number]}).cast({"Fine": pl.Datetime("ns")}))
    return pl.read_parquet(writer.path)["No"].to_list()


def test_pieces_follow_each_other_by_the_nanosecond(tmp_path):
    assert written(tmp_path, (1_000_001, 9), (1_000_002, 1)) == [9, 1]

    with pytest.raises(UnsortedInput):
        written(tmp_path, (1_000_002, 1), (1_000_001, 9))
