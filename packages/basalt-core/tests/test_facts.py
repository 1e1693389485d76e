"""What a lake knows of its files before it reads them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from basalt.core.facts import Facts
from basalt.core.lake import lake_path
from basalt.core.sources.lake import LakeSource
from basalt.core.tables import Column, Table

DAY = date(2026, 2, 2)
TABLE = Table(
    "quotes",
    (
        Column("ListingId", pl.Int64(), required=True),
        Column("AtNanos", pl.Datetime("ns")),
        Column("At", pl.Datetime("us")),
        Column("Price", pl.Float64()),
    ),
    time="At",
    time_from=("AtNanos", "At"),
    folder="Quotes",
    prefix="quotes-",
)


def known(root: Path, *files: dict[str, pl.Series]) -> Facts:
    for index, columns in enumerate(files):
        path = Path(lake_path(str(root), TABLE, f"X{index}", DAY))
        path.parent.mkdir(parents=True)
        pl.DataFrame(columns).write_parquet(path, row_group_size=2)
    return LakeSource(str(root)).inventory(TABLE, [DAY], None).facts


def micros(*values: int | None) -> pl.Series:
    return pl.Series(values, dtype=pl.Datetime("us"))


def nanos(*values: int | None) -> pl.Series:
    return pl.Series(values, dtype=pl.Datetime("ns"))


def test_ranges_span_row_groups_and_files(tmp_path: Path) -> None:
    """In ns, though the files count microseconds."""
    one = {"ListingId": pl.Series([3, 4, 8]), "At": micros(5, 6, 7)}
    other = {"ListingId": pl.Series([-1]), "At": micros(9)}
    facts = known(tmp_path, one, other)
    assert facts.ranges == {"ListingId": (-1, 8), "At": (5_000, 9_000)}
    assert facts.complete == {"ListingId", "At"}


def test_the_clock_is_the_most_precise_column(tmp_path: Path) -> None:
    """A stored column of the same name says nothing of the clock of a scan."""
    facts = known(tmp_path, {"ListingId": pl.Series([1, 1]), "AtNanos": nanos(2, None), "At": micros(5, 7)})
    assert facts.ranges["At"] == (2, 2)
    assert facts.complete == {"ListingId"}


def test_files_with_different_clocks_share_the_range_of_all(tmp_path: Path) -> None:
    one = {"ListingId": pl.Series([1]), "AtNanos": nanos(2), "At": micros(900)}
    other = {"ListingId": pl.Series([1]), "At": micros(9)}
    assert known(tmp_path, one, other).ranges["At"] == (2, 9_000)


def test_nothing_is_known_of_columns_without_values_or_statistics(tmp_path: Path) -> None:
    facts = known(tmp_path, {"ListingId": pl.Series([1]), "At": micros(None), "Price": pl.Series([1.5])})
    assert facts.ranges == {"ListingId": (1, 1)}
    assert facts.complete == {"ListingId", "Price"}
