"""Sampling: a value looked at on a regular grid, and how it moved between two looks.

A sample is what stands at the end of a slot of the grid: the last value before or at that time. Slots in
which nothing happened bring no move. A phase in which the value does not count ends the chain: there
is no move over a halt.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from basalt.core.bucketing import Closed
from basalt.core.holding.events import Floats, Ints, Places


@dataclass(frozen=True)
class Looks:
    """Looks at a value, by listing and time.

    Attributes:
        codes: Code of the listing.
        slots: Slot of the grid.
        values: The value; NaN where the chain ends.
        cells: Cell of the look.
    """

    codes: Ints
    slots: Ints
    values: Floats
    cells: Places

    def taken(self, at: Any) -> Looks:
        """The looks at the positions *at*."""
        return Looks(self.codes[at], self.slots[at], self.values[at], self.cells[at])


@dataclass
class Samples:
    """The chain of samples of one value, listing by listing.

    Attributes:
        slot: Length of a slot, ns; 0 takes the last value of each instant.
        closed: The edge that belongs to a slot.
        is_count: Count the moves, instead of adding up their squares.
        last: Sample before the pending one, by code of the listing; NaN without.
        pending: Value that becomes a sample when its slot ends; NaN without.
        pending_slot: Its slot.
    """

    slot: int
    closed: Closed
    is_count: bool
    last: Floats = field(default_factory=lambda: np.empty(0))
    pending: Floats = field(default_factory=lambda: np.empty(0))
    pending_slot: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    def welcome(self, listings: int) -> None:
        """Make room for so many listings."""
        more = listings - self.last.size
        self.last = np.append(self.last, np.full(more, np.nan))
        self.pending = np.append(self.pending, np.full(more, np.nan))
        self.pending_slot = np.append(self.pending_slot, np.zeros(more, np.int64))

    def added(self, looks: Looks, continued: Places, prior: Floats, unfinished: Places, cells: int) -> Floats:
        """Moves by cell, those that earlier batches found in open cells included.

        Args:
            looks: New looks.
            continued: Open cell of each listing seen before.
            prior: What those cells have so far.
            unfinished: Cell of each listing that later rows may go on with; -1 where none come. What is
                pending in any other cell becomes a sample, since a slot ends with its bucket.
            cells: Number of cells.
        """
        every = self._with_pending(looks, continued)
        size: int = every.codes.size
        following = np.append(every.codes[1:] == every.codes[:-1], False) if size else np.empty(0, np.bool_)
        goes_on = np.append(every.slots[1:] == every.slots[:-1], False) if size else following
        breaks = np.isnan(every.values)
        before_break = np.append(breaks[1:], False) if size else following
        is_over = every.cells != unfinished[every.codes]
        is_final = np.where(following, ~goes_on | before_break, is_over) | breaks
        final = every.taken(is_final)
        moves = self._moves(final)
        self._remember(every.taken(~following & ~is_final), final, every.taken(~following))
        weights: Floats = np.where(np.isfinite(moves), 1.0 if self.is_count else moves * moves, 0.0)
        found: Floats = np.bincount(np.concatenate([continued, final.cells]), np.concatenate([prior, weights]), cells).astype(
            np.float64, copy=False
        )
        return found

    def _with_pending(self, looks: Looks, continued: Places) -> Looks:
        waiting = np.flatnonzero(~np.isnan(self.pending[: continued.size]))
        codes = np.concatenate([waiting, looks.codes])
        joined = Looks(
            codes,
            np.concatenate([self.pending_slot[waiting], looks.slots]),
            np.concatenate([self.pending[waiting], looks.values]),
            np.concatenate([continued[waiting], looks.cells]),
        )
        return joined.taken(np.argsort(codes, kind="stable"))

    def _moves(self, final: Looks) -> Floats:
        """Change of each sample since the one before; NaN without one, and after a break."""
        earlier = np.append(np.nan, final.values[:-1]) if final.values.size else final.values
        heads = np.diff(final.codes, prepend=-1) != 0
        earlier = np.where(heads, self.last[final.codes], earlier)
        return final.values - earlier

    def _remember(self, pending: Looks, final: Looks, ends: Looks) -> None:
        self.pending[ends.codes] = np.nan
        self.pending[pending.codes] = pending.values
        self.pending_slot[pending.codes] = pending.slots
        self.last[final.codes] = final.values  # of several the last one stays


def slots_of(times: Ints, slot: int, closed: Closed) -> Ints:
    """The slot of each time; each instant is its own where *slot* is 0."""
    if slot == 0:
        return times
    return -(-times // slot) if closed == "right" else times // slot
