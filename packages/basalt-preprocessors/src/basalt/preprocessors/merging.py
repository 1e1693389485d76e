"""Books and phases of many listings in order of time, of which only a piece a listing is in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from basalt.books.arrays import Longs, Truths
from basalt.preprocessors.packing import Books, books_in
from basalt.preprocessors.shelving import WordShelf


@dataclass(frozen=True)
class Events:
    """Books and phases, by row; listings by dense number.

    Attributes:
        listings, times, labels: Of each.
        places: Where the book is in *words*; -1 for the beginning of a phase.
        admitted: Whether a phase lets the listing take part.
        words: Books, as `pack` writes them.
    """

    listings: Longs
    times: Longs
    labels: Longs
    places: Longs
    admitted: Truths
    words: Longs

    def part(self, begin: int, end: int | None = None) -> Events:
        """Some of the rows."""
        cut = slice(begin, end)
        return Events(self.listings[cut], self.times[cut], self.labels[cut], self.places[cut], self.admitted[cut], self.words)

    def in_order(self) -> Events:
        """The rows in order of time; those of one instant stay as they are."""
        by = np.argsort(self.times, kind="stable")
        return Events(self.listings[by], self.times[by], self.labels[by], self.places[by], self.admitted[by], self.words)


def nothing() -> Events:
    """No events."""
    none = np.empty(0, np.int64)
    return Events(none, none, none, none, np.empty(0, np.bool_), none)


def merged(shelf: WordShelf, listings: Sequence[int], phases: Events) -> Iterator[Events]:
    """The books of *listings* and their *phases* in order of time, piece by piece.

    Each listing's books are in order. A piece is taken of each; up to the earliest end of the pieces that others follow,
    all that is there is in order once it is sorted. So the earliest piece is used up, and the next of its listing taken.

    Args:
        shelf: Where the books are.
        listings: Which to merge.
        phases: In order of time; they come before books of the same instant.
    """
    waiting = {listing: deque(shelf.places(listing)) for listing in listings}
    heads: dict[int, Books] = {}
    while any(waiting.values()) or heads or phases.times.size:
        heads |= {
            listing: books_in(shelf.fetch(places.popleft())) for listing, places in waiting.items() if places and listing not in heads
        }
        end = min((int(head.times[-1]) for listing, head in heads.items() if waiting[listing]), default=None)
        cuts = {listing: _until(head.times, end) for listing, head in heads.items()}
        begun = _until(phases.times, end)
        yield _together(phases.part(0, begun), {listing: head.part(0, cuts[listing]) for listing, head in heads.items()}).in_order()
        phases = phases.part(begun)
        heads = {listing: head.part(cuts[listing], head.times.size) for listing, head in heads.items() if cuts[listing] < head.times.size}


def _until(times: Longs, end: int | None) -> int:
    """How many are not after *end*; all without one."""
    return times.size if end is None else int(np.searchsorted(times, end, side="right"))


def _together(phases: Events, heads: Mapping[int, Books]) -> Events:
    """Phases, then the books of each listing."""
    books = list(heads.values())
    firsts = [0, *accumulate(each.words.size for each in books)]
    numbers = [np.full(each.times.size, listing, np.int64) for listing, each in heads.items()]
    places = [each.places + first for each, first in zip(books, firsts, strict=False)]
    count = sum(each.times.size for each in books)
    return Events(
        np.concatenate([phases.listings, *numbers]),
        np.concatenate([phases.times, *(each.times for each in books)]),
        np.concatenate([phases.labels, *(each.labels for each in books)]),
        np.concatenate([phases.places, *places]),
        np.concatenate([phases.admitted, np.zeros(count, np.bool_)]),
        np.concatenate([np.empty(0, np.int64), *(each.words for each in books)]),
    )
