"""Windows: spans of time of a long table, made of whole pieces of its files where these are known."""

from __future__ import annotations

from datetime import date

import polars as pl

from basalt.core.facts import Facts, Piece, common_facts
from basalt.core.holding.windows import read_ahead, windows

SECOND = 1_000_000_000
TIMES = [0, 1, 2, 3, 3, 4]
ROWS = pl.LazyFrame({"At": [time * SECOND for time in TIMES], "Row": range(6)}).with_columns(pl.col("At").cast(pl.Datetime("ns")))


def rows_of(*pieces: Piece, size: int) -> list[list[int]]:
    """Rows of each window."""
    return [frame["Row"].to_list() for frame in read_ahead(windows(ROWS, "At", pieces, size))]


def piece(first: int, last: int, rows: int) -> Piece:
    return Piece(first * SECOND, last * SECOND, rows)


def test_whole_pieces_are_put_together_until_there_are_enough_rows():
    assert rows_of(piece(0, 0, 1), piece(1, 1, 1), piece(2, 3, 2), piece(4, 4, 1), size=2) == [[0, 1], [2, 3, 4], [5]]


def test_rows_of_one_instant_stay_together_where_a_piece_ends_between_them():
    assert rows_of(piece(0, 3, 4), piece(3, 4, 2), size=2) == [[0, 1, 2], [3, 4, 5]]


def test_pieces_that_overlap_are_cut_by_counting_rows():
    assert rows_of(piece(0, 4, 3), piece(1, 3, 3), size=3) == rows_of(size=3) == [[0, 1], [2, 3, 4], [5]]


def test_a_single_piece_is_one_window():
    assert rows_of(piece(0, 4, 6), size=2) == [[0, 1, 2, 3, 4, 5]]


def test_the_pieces_of_a_day_are_those_of_all_its_files():
    days = date(2026, 2, 2), date(2026, 2, 3)
    known = common_facts([Facts(pieces={days[0]: (piece(0, 1, 2),)}), Facts(pieces={days[0]: (piece(1, 2, 3),), days[1]: ()})])
    assert known.pieces == {days[0]: (piece(0, 1, 2), piece(1, 2, 3)), days[1]: ()}
