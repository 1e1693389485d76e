"""Files of a lake are in order of the best clock that their rows have."""

from __future__ import annotations

from datetime import date

import polars as pl

from basalt.core.lake import ORDER_KEY, order_columns, write_lake_file
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
