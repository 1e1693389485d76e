"""Rows of tables before they are columns: narrow numbers side by side, as events left them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from basalt.synthetic.clocks import SLOTS, TIES

INSTANT = SLOTS * TIES
"""Keys of one nanosecond."""


@dataclass(frozen=True)
class Entries:
    """Some rows of a table.

    Attributes:
        keys: Sequence number of each: nanoseconds after midnight, then what tells rows of one instant apart.
        whole: Whole numbers, a row each; the first is the number of the listing.
        exact: Floats, a row each; NaN for none.
    """

    keys: np.ndarray
    whole: np.ndarray
    exact: np.ndarray

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.keys.size)

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The three."""
        return self.keys, self.whole, self.exact

    def take(self, places: np.ndarray) -> Entries:
        """The rows at *places*."""
        return Entries(*(np.take(array, places, axis=0) for array in self.arrays))

    def between(self, first: int, last: int) -> Entries:
        """The rows from *first* up to *last*."""
        return Entries(*(array[first:last] for array in self.arrays))


def joined(parts: Sequence[Entries]) -> Entries:
    """All rows of all parts, in their order."""
    return Entries(*(np.concatenate(arrays) for arrays in zip(*(part.arrays for part in parts), strict=True)))


@dataclass(frozen=True)
class Rows:
    """Rows of several parts in one order.

    Attributes:
        parts: The parts.
        places: Rows of each part, in that order.
        targets: Where in the whole each of them comes, from 0 on.
        keys, numbers: Keys and listings of all rows.
    """

    parts: tuple[Entries, ...]
    places: tuple[np.ndarray, ...]
    targets: tuple[np.ndarray, ...]
    keys: np.ndarray
    numbers: np.ndarray

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.keys.size)

    @classmethod
    def of(cls, parts: Sequence[Entries], tie: int) -> Rows:
        """All rows of *parts* in order of key, then of the whole number *tie*, then of listing."""
        keys, numbers, ties = (
            np.concatenate(each) for each in zip(*((p.keys, p.whole[:, 0], p.whole[:, tie]) for p in parts), strict=True)
        )
        order = _order(keys, ties, numbers)
        sizes = [part.size for part in parts]
        targets = _split(order, sizes)
        starts = np.cumsum([0, *sizes])
        places = tuple(order[some] - start for some, start in zip(targets, starts, strict=False))
        return cls(tuple(parts), places, targets, keys[order], numbers[order])


def _order(keys: np.ndarray, ties: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    same = np.flatnonzero(ordered[1:] == ordered[:-1])
    if same.size:
        tied = np.unique(np.concatenate([same, same + 1]))
        some = order[tied]
        order[tied] = some[np.lexsort((numbers[some], ties[some], keys[some]))]
    return order


def _split(order: np.ndarray, sizes: list[int]) -> tuple[np.ndarray, ...]:
    """Where the rows of each part stand in the *order* of all."""
    if len(sizes) == 1:
        return (np.arange(order.size),)
    part = np.repeat(np.arange(len(sizes), dtype=np.uint16), sizes)[order]
    return tuple(np.split(np.argsort(part, kind="stable"), np.cumsum(sizes)[:-1]))
