"""Cells: the buckets of each listing in a batch of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from basalt.core.holding.events import Bools, Events, Ints


@dataclass(frozen=True)
class Cells:
    """The buckets of a batch, in order of listing and time.

    Attributes:
        events: The events.
        of: Cell of each event.
        starts, ends: First event of each cell, and the one after its last.
        heads: First cell of each listing.
        carried: Listings that were seen before; the first cell of each is its open one.
    """

    events: Events
    of: Ints
    starts: Ints
    ends: Ints
    heads: Ints
    carried: int

    @classmethod
    def among(cls, events: Events, carried: int) -> Cells:
        """The cells of *events*."""
        other = np.diff(events.codes, prepend=-1) != 0
        begins = other | (np.diff(events.labels, prepend=0) != 0)
        of = np.cumsum(begins) - 1
        starts = np.flatnonzero(begins)
        ends = np.append(starts[1:], events.codes.size)
        return cls(events, of, starts, ends, of[np.flatnonzero(other)], carried)

    @property
    def count(self) -> int:
        """Number of cells."""
        return int(self.starts.size)

    @property
    def open(self) -> Ints:
        """The last cell of each listing, which later rows may go on with."""
        return np.append(self.heads[1:], self.count) - 1

    @property
    def continued(self) -> Ints:
        """The first cell of each listing that was seen before."""
        return self.heads[: self.carried]

    @property
    def before(self) -> Ints:
        """The event before each cell's first one; -1 for the first cell of a listing."""
        found = self.starts - 1
        found[self.heads] = -1
        return found

    @cached_property
    def spans(self) -> tuple[Ints, Ints]:
        """Of each event, the time until the next one of its listing (0 for its last), and the cell of that next one."""
        times, codes = self.events.times, self.events.codes
        span, target = np.zeros(times.size, np.int64), self.of.copy()
        same = codes[1:] == codes[:-1]
        span[:-1] = np.where(same, times[1:] - times[:-1], 0)
        target[:-1] = np.where(same, self.of[1:], self.of[:-1])
        return span, target

    @property
    def is_new(self) -> Bools:
        """Events that earlier batches did not have."""
        found = np.ones(self.events.codes.size, np.bool_)
        found[self.starts[self.continued]] = False
        return found


def nullable(positions: Ints) -> pl.Series:
    """*positions* as a series, -1 as null."""
    series = pl.Series("at", positions)
    return series if positions.size == 0 or positions.min() >= 0 else series.set(pl.Series(positions < 0), None)
