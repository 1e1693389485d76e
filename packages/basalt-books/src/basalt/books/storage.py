"""Arrays that the kernels work on, and how they grow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from basalt.books import level_kernel, order_kernel
from basalt.books.arrays import Long, Longs
from basalt.books.listing_kernel import number_listings

FIRST_ROOM = 8


def lengthened(array: NDArray[Any], length: int, fill: int = 0) -> NDArray[Any]:
    """*array* with *fill* behind it up to *length* rows."""
    longer = np.full((length, *array.shape[1:]), fill, array.dtype)
    longer[: len(array)] = array
    return longer


def side_by_side(count: int, rows: int) -> Longs:
    """Memory for *count* columns of *rows* numbers that are written side by side.

    They begin at places that a processor's cache keeps apart; columns a power of two apart push each other out of it.
    """
    length = -(-rows // 512) * 512 + 40
    return np.empty((count, length), np.int64)


class Listings:
    """Dense numbers of listings, in order of first appearance."""

    def __init__(self) -> None:
        self._resize(64)
        self.count = 0

    def _resize(self, slots: int) -> None:
        self._keys = np.zeros(slots, np.int64)
        self._numbers = np.full(slots, -1, np.int64)
        self._known = np.zeros((slots, 2), np.int64)

    @property
    def ids(self) -> Longs:
        """`ListingId` by number."""
        return self._known[: self.count, 0]

    def number(self, ids: Longs) -> NDArray[np.int32]:
        """Number of the listing of each row."""
        out = np.empty(ids.size, np.int32)
        row: Long = 0
        while True:
            row, count = number_listings(row, ids, self._keys, self._numbers, self._known, out)
            self.count = int(count)
            if row == ids.size:
                return out
            known = self.ids.copy()
            self._resize(2 * self._keys.size)
            number_listings(0, frozen(known), self._keys, self._numbers, self._known, np.empty(known.size, np.int32))


@dataclass
class Books:
    """Levels of many books. `heads`: start, count and room of each half in `keys` and `amounts`; the rest by listing."""

    levels: int
    heads: Longs = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    keys: Longs = field(default_factory=lambda: np.full(1024, level_kernel.NO_KEY, np.int64))
    amounts: Longs = field(default_factory=lambda: np.zeros((1024, 2), np.int64))
    used: Longs = field(default_factory=lambda: np.full(1, level_kernel.NEAR, np.int64))
    states: Longs = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    counters: Longs = field(default_factory=lambda: np.zeros((0, level_kernel.COUNTERS), np.int64))
    shown: Longs = field(default_factory=lambda: np.zeros((0, 0), np.int64))

    def hold(self, listings: int, *, remembers: bool) -> None:
        """Have books for that many listings."""
        if listings <= len(self.states):
            return
        room = max(2 * len(self.states), listings, 16)
        first = len(self.states)
        self.heads = lengthened(self.heads, 2 * room)
        self.heads[2 * first :, level_kernel.START] = level_kernel.NEAR
        self.states = lengthened(self.states, room)
        self.counters = lengthened(self.counters, room)
        if not self.shown.size:
            self.shown = np.zeros((0, 6 * self.levels if remembers else 0), np.int64)
        self.shown = lengthened(self.shown, room, -1)
        self.states[first:, level_kernel.REACH] = 0

    def grow(self) -> None:
        """Have room for twice the levels."""
        self.keys, self.amounts = lengthened(self.keys, 2 * len(self.keys)), lengthened(self.amounts, 2 * len(self.keys))

    @property
    def arrays(self) -> tuple[Longs, ...]:
        """What the kernel changes."""
        return self.heads, self.keys, self.amounts, self.used, self.states, self.counters, self.shown


@dataclass
class Orders:
    """Orders of many books by id."""

    table: Longs = field(default_factory=lambda: np.zeros((1024, 4), np.int64))
    epochs: Longs = field(default_factory=lambda: np.zeros(0, np.int64))
    resting: Longs = field(default_factory=lambda: np.zeros(0, np.int64))
    used: Longs = field(default_factory=lambda: np.zeros(1, np.int64))
    counters: Longs = field(default_factory=lambda: np.zeros((0, order_kernel.COUNTERS), np.int64))

    def hold(self, listings: int) -> None:
        """Have orders for that many listings."""
        if listings <= len(self.epochs):
            return
        room = max(2 * len(self.epochs), listings, 16)
        self.epochs, self.resting = lengthened(self.epochs, room, 1), lengthened(self.resting, room)
        self.counters = lengthened(self.counters, room)

    def grow(self) -> None:
        """Drop what was cleared and have room for twice the orders."""
        live = int(self.resting.sum())
        slots = 1024
        while slots < 4 * live:
            slots *= 2
        into = np.zeros((slots, 4), np.int64)
        self.used[0] = order_kernel.move_orders(self.table, self.epochs, into)
        self.table = into

    @property
    def arrays(self) -> tuple[Longs, ...]:
        """What the kernel changes."""
        return self.table, self.epochs, self.resting, self.used, self.counters


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only view: arrays of frames are read-only, and one kind of array needs one compilation."""
    view = array.view()
    view.flags.writeable = False
    return view
