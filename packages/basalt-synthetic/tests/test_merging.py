"""Days in pieces: groups of instruments, parts of files, and what is in memory at once."""

from __future__ import annotations

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
from basalt.synthetic.entries import Entries, Rows
from basalt.synthetic.merging import Spill

SUNDAY = date(2026, 2, 1)
ROWS = st.lists(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), max_size=12), min_size=1, max_size=4)


def entries(rows: list[tuple[int, int]], part: int) -> Entries:
    """Rows of key, tie and part, in order of key."""
    ordered = sorted(rows, key=lambda row: row[0])
    keys, ties = (np.array([row[place] for row in ordered], dtype=np.int64) for place in range(2))
    whole = np.column_stack([np.full(keys.size, part), ties]).astype(np.int32)
    return Entries(keys, whole, keys[:, np.newaxis] / 2)


def values(rows: Rows) -> list[tuple[int, int, int]]:
    """Key, tie and part of rows, gathered as columns are."""
    found = np.empty((2, rows.size), np.int64)
    halves = np.empty((1, rows.size))
    for part, places, targets in zip(rows.parts, rows.places, rows.targets, strict=True):
        found[:, targets] = part.whole[places].T
        halves[:, targets] = part.exact[places].T
    assert (halves[0] * 2 == rows.keys).all()
    assert (found[0] == rows.numbers).all()
    return list(zip(rows.keys.tolist(), found[1].tolist(), found[0].tolist(), strict=True))


@given(parts=ROWS)
def test_rows_of_parts_are_in_order(parts: list[list[tuple[int, int]]]) -> None:
    rows = Rows.of([entries(some, part) for part, some in enumerate(parts)], 1)
    assert values(rows) == sorted((*row, part) for part, some in enumerate(parts) for row in some)


@pytest.mark.parametrize("most", [0, 10_000, 1 << 30], ids=["all on disk", "some", "none"])
def test_pieces_are_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(merging, "MOST_WAITING", most)
    monkeypatch.setattr(merging, "ROWS_A_BATCH", 10)
    monkeypatch.setattr(merging, "ROWS_A_PIECE", 20)
    spill = Spill(tmp_path)
    for part in range(5):
        spill.add(("l2", "XONE"), entries([(time * 5 + part, 0) for time in range(200)], part), 1)
    assert bool(list(tmp_path.iterdir())) == (most < 1 << 30)
    pieces = list(spill.merged(("l2", "XONE")))
    assert max(piece.size for piece in pieces) <= 20 + 5 * 2 * 10
    assert [row for piece in pieces for row in values(piece)] == [(time, 0, time % 5) for time in range(1000)]


def test_parts_without_rows_make_one_piece(tmp_path: Path) -> None:
    spill = Spill(tmp_path)
    for part in range(3):
        spill.add(("l2", "XONE"), entries([], part), 1)
    assert [piece.size for piece in spill.merged(("l2", "XONE"))] == [0]


def test_a_lake_written_in_parts_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {file.path.relative_to(tmp_path / "whole"): file for file in write_day(tmp_path / "whole", SUNDAY, listings=10, scale=0.02)}
    monkeypatch.setattr(happening, "INSTRUMENTS_A_GROUP", 1)
    monkeypatch.setattr(merging, "ROWS_A_BATCH", 100)
    monkeypatch.setattr(merging, "MOST_WAITING", 500_000)
    parts = write_day(tmp_path / "parts", SUNDAY, listings=10, scale=0.02)
    assert {file.path.relative_to(tmp_path / "parts") for file in parts} == set(whole)
    for file in parts:
        assert_frame_equal(pl.read_parquet(file.path), pl.read_parquet(whole[file.path.relative_to(tmp_path / "parts")].path))
    assert not list((tmp_path / "parts").glob(".parts*"))


def test_groups_do_not_grow_with_the_market(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happening, "ACTS_A_GROUP", 2_500)
    for listings in (10, 40):
        groups = list(exchange.simulate_groups(SUNDAY, Scenario(listings=listings, scale=0.02)))
        acts = [group["l3"].size for group in groups]
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
