"""Facts: what files tell of their rows before they are read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

Range = tuple[int, int]


@dataclass(frozen=True)
class Piece:
    """Rows of a file that are stored, and decoded, together.

    Attributes:
        first, last: Least and greatest value of the clock, ns since 1970.
        rows: Number of rows.
    """

    first: int
    last: int
    rows: int


@dataclass(frozen=True)
class Facts:
    """What is known of the columns of a scan before it is read.

    Attributes:
        complete: Columns that have no nulls.
        ranges: Bounds that no value of whole numbers and times lies outside of; times in ns since 1970.
        pieces: The pieces that the files of a day consist of, as far as they are known.
    """

    complete: frozenset[str] = frozenset()
    ranges: Mapping[str, Range] = field(default_factory=dict)
    pieces: Mapping[date, tuple[Piece, ...]] = field(default_factory=dict)

    def without(self, names: Collection[str]) -> Facts:
        """The facts of all columns but *names*."""
        kept = {name: bounds for name, bounds in self.ranges.items() if name not in names}
        return Facts(self.complete.difference(names), kept, self.pieces)


NOTHING_KNOWN = Facts()


def common_facts(parts: Iterable[Facts]) -> Facts:
    """What is known of all *parts* of a table together."""
    known = tuple(parts)
    if not known:
        return NOTHING_KNOWN
    ranged = frozenset.intersection(*(frozenset(each.ranges) for each in known))
    ranges = {name: (min(each.ranges[name][0] for each in known), max(each.ranges[name][1] for each in known)) for name in ranged}
    pieces: dict[date, tuple[Piece, ...]] = {}
    for each in known:
        for day, told in each.pieces.items():
            pieces[day] = pieces.get(day, ()) + told
    return Facts(frozenset.intersection(*(each.complete for each in known)), ranges, pieces)
