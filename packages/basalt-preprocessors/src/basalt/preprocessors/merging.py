"""Rows of many listings in order of time, of which only a piece a listing is in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from basalt.preprocessors.shelving import Shelf
from basalt.preprocessors.streaming import ROWS_AT_ONCE

CLOCK = "EventTimestamp"


def groups(instruments: Mapping[int, Sequence[int]], heights: Mapping[int, int]) -> Iterator[list[int]]:
    """Listings to work on in one go: whole instruments, as many as have the rows of a chunk together, or one that alone has more.

    Args:
        instruments: Listings by instrument.
        heights: Rows by listing; a listing without any is left out.
    """
    group: list[int] = []
    count = 0
    for listings in instruments.values():
        present = [listing for listing in listings if listing in heights]
        more = sum(heights[listing] for listing in present)
        if group and count + more > ROWS_AT_ONCE:
            yield group
            group, count = [], 0
        group, count = group + present, count + more
    if group:
        yield group


def merged(shelf: Shelf, listings: Sequence[int], first: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rows of *listings* in order of time, piece by piece.

    Each listing's rows are in order. A piece is taken of each; up to the earliest end of the pieces that others follow,
    all that is there is in order once it is sorted. So the earliest piece is used up, and the next of its listing taken.

    Args:
        shelf: Where the rows are.
        listings: Which to merge.
        first: Rows, in order of time, that come before those of listings at the same instant; columns that it lacks are null.
    """
    waiting = {listing: deque(shelf.places(listing)) for listing in listings}
    heads: dict[int, pl.DataFrame] = {}
    while any(waiting.values()) or heads or not first.is_empty():
        heads |= {listing: shelf.fetch(places.popleft()) for listing, places in waiting.items() if places and listing not in heads}
        end = min((_times(head)[-1] for listing, head in heads.items() if waiting[listing]), default=None)
        cuts = {listing: _until(head, end) for listing, head in heads.items()}
        taken = [first[: _until(first, end)], *(head[: cuts[listing]] for listing, head in heads.items())]
        first = first[_until(first, end) :]
        heads = {listing: head[cuts[listing] :] for listing, head in heads.items() if cuts[listing] < head.height}
        yield pl.concat(taken, how="diagonal").sort(CLOCK, maintain_order=True)


def _times(rows: pl.DataFrame) -> np.ndarray:
    return rows[CLOCK].to_physical().to_numpy()


def _until(rows: pl.DataFrame, end: int | None) -> int:
    """How many rows are not after *end*; all without one."""
    return rows.height if end is None or rows.is_empty() else int(np.searchsorted(_times(rows), end, side="right"))
