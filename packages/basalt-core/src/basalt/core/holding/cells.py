"""Cells: the buckets of each listing in a batch of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from basalt.core.errors import UnsortedInput
from basalt.core.holding.events import UNKNOWN, Bools, Events, Ints, Phases

Own = Callable[[], Ints | None]


@dataclass(frozen=True)
class Cells:
    """The buckets of a batch in the order in which they begin, those of listings that were seen before first.

    Attributes:
        events: The events.
        codes: Code of the listing of each cell.
        labels: Its label, ns.
        starts: Its first event.
        ends: Its last event.
        open: Of each listing, by code, the last cell, which later rows may go on with.
        carried: Listings that were seen before; the cell that each goes on with has the number of its code.
    """

    events: Events
    codes: Ints
    labels: Ints
    starts: Ints
    ends: Ints
    open: Ints
    carried: int

    @property
    def count(self) -> int:
        """Number of cells."""
        return int(self.starts.size)

    @property
    def continued(self) -> Ints:
        """The cell that each listing that was seen before goes on with."""
        return np.arange(self.carried)

    @property
    def before(self) -> Ints:
        """The event before each cell's first one; -1 for the first cell of a listing."""
        found: Ints = self.events.previous[self.starts]
        return found

    @property
    def is_new(self) -> Bools:
        """Events that earlier batches did not have."""
        return np.arange(self.events.source.size) >= self.carried


def divided(codes: Ints, times: Ints, labels: Ints, own: Own, carried: int, phases: Phases, listings: list[int], *, is_end: bool) -> Cells:
    """The cells of one batch.

    Args:
        codes, times, labels: Of each row; the first *carried* rows are the last ones of earlier batches, in order of their codes.
        own: Gives the phase that each row tells itself, None where rows tell none; asked only where the changes tell none.
        carried: Number of listings seen before; their codes are 0, 1, …
        phases: What is known of the phases; followed up to the last row of each listing, to their end if *is_end*.
        listings: Listing of each code.
        is_end: No more rows come.

    Raises:
        UnsortedInput: The rows of a listing go back in time.
    """
    from basalt.core.holding.dividing_kernel import divide_rows

    size = codes.size + phases.waiting
    numbers, spans, is_row = np.empty((6, size), np.int64), np.empty(size), np.empty(size, np.bool_)
    cells, last = np.empty((4, size), np.int64), np.full(len(listings), -1)
    changes = phases.changes
    rows = (codes, times, labels, carried, len(listings) if is_end else 0)
    known = (changes.times, changes.labels, changes.codes, phases.following, phases.ends, phases.current)
    count, opened, wrong = divide_rows(*rows, *known, numbers, spans, is_row, cells, last)
    if wrong >= 0:
        raise UnsortedInput(
            f"the rows of listing {listings[wrong]} go back in time", where="l2", hint="sort the file, or UNSORTED_INPUT: sort"
        )
    source, moments, told, of, target, previous = numbers[:, :count]
    events = Events(source, moments, told, of, target, previous, spans[:count], is_row[:count])
    of_codes, of_labels, starts, ends = cells[:, :opened]
    return Cells(_with_own(events, own), of_codes, of_labels, starts, ends, of[last], carried)


def _with_own(events: Events, own: Own) -> Events:
    """*events* in the phase that their rows tell, where nothing else tells one."""
    is_untold = events.phases == UNKNOWN
    by_row = own() if is_untold.any() else None
    return events if by_row is None else replace(events, phases=np.where(is_untold, by_row[events.source], events.phases))


def nullable(positions: Ints) -> pl.Series:
    """*positions* as a series, -1 as null."""
    series = pl.Series("at", positions)
    return series if positions.size == 0 or positions.min() >= 0 else series.set(pl.Series(positions < 0), None)
