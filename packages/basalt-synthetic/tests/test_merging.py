"""Days in pieces: groups of instruments, parts of files, and what is in memory at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from basalt.core.lake import lake_path
from basalt.market.tables import L2, REFERENCE
from basalt.synthetic import Scenario, exchange, happening, merging, simulate, write_day
from basalt.synthetic.merging import Spill, merge

SUNDAY = date(2026, 2, 1)
ROWS = st.lists(st.lists(st.integers(0, 6), max_size=12), min_size=1, max_size=4)


def batches(values: list[int], part: int, size: int) -> Iterator[pl.DataFrame]:
    frame = pl.DataFrame({"time": sorted(values), "part": [part] * len(values)}, schema={"time": pl.Int64, "part": pl.Int64})
    return (frame[start : start + size] for start in range(0, frame.height, size))


@given(parts=ROWS, size=st.integers(1, 4), limits=st.lists(st.integers(-1, 8), unique=True))
def test_merged_parts_are_sorted_rows(parts: list[list[int]], size: int, limits: list[int]) -> None:
    cuts = np.array(sorted(limits), dtype=np.int64)
    pieces = list(merge([batches(values, part, size) for part, values in enumerate(parts)], ("time", "part"), cuts))
    rows = [row for piece in pieces for row in piece.iter_rows()]
    assert rows == sorted((value, part) for part, values in enumerate(parts) for value in values)


def test_of_each_part_a_batch_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "ROWS_A_BATCH", 10)
    monkeypatch.setattr(merging, "ROWS_A_PIECE", 20)
    spill = Spill(tmp_path)
    for part in range(5):
        frame = pl.DataFrame({"time": [time * 5 + part for time in range(200)]}).with_columns(pl.lit(part).alias("part"))
        spill.add(("l2", "XONE"), frame, ("time", "part"))
    pieces = list(spill.merged(("l2", "XONE")))
    assert max(piece.height for piece in pieces) <= 20 + 5 * 2 * 10
    assert pl.concat(pieces)["time"].to_list() == list(range(1000))


def test_a_lake_written_in_parts_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {file.path.relative_to(tmp_path / "whole"): file for file in write_day(tmp_path / "whole", SUNDAY, listings=10, scale=0.02)}
    monkeypatch.setattr(happening, "INSTRUMENTS_A_GROUP", 1)
    monkeypatch.setattr(merging, "ROWS_A_BATCH", 100)
    parts = write_day(tmp_path / "parts", SUNDAY, listings=10, scale=0.02)
    assert {file.path.relative_to(tmp_path / "parts") for file in parts} == set(whole)
    for file in parts:
        assert_frame_equal(pl.read_parquet(file.path), pl.read_parquet(whole[file.path.relative_to(tmp_path / "parts")].path))
    assert not list((tmp_path / "parts").glob(".parts*"))


def test_groups_do_not_grow_with_the_market(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happening, "ACTS_A_GROUP", 2_500)
    for listings in (10, 40):
        groups = list(exchange.simulate_groups(SUNDAY, Scenario(listings=listings, scale=0.02)))
        acts = [group["l3"].height for group in groups]
        assert max(acts) < 5_000
        assert len(groups) >= listings // 8


def test_any_subset_in_any_groups_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulate(SUNDAY, listings=20, scale=0.02)
    monkeypatch.setattr(happening, "INSTRUMENTS_A_GROUP", 2)
    chosen = [100002, 100005, 100012, 100013, 100020]
    some = simulate(SUNDAY, listings=20, scale=0.02, only=chosen)
    for name, rows in some.items():
        assert_frame_equal(rows, whole[name].filter(pl.col("ListingId").is_in(chosen)))


def test_files_of_one_part_and_of_many_are_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happening, "INSTRUMENTS_A_GROUP", 1)
    write_day(tmp_path, SUNDAY, listings=6, scale=0.02)
    books = pl.read_parquet(lake_path(str(tmp_path), L2, "CHIX", SUNDAY))
    assert books["BMLLSequenceNo"].is_sorted()
    assert books["ListingId"].n_unique() == 3
    assert pl.read_parquet(lake_path(str(tmp_path), REFERENCE, "CHIX", SUNDAY))["ListingId"].to_list() == [100002, 100004, 100006]
