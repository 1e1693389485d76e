"""Cells: the buckets of each listing in a batch of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from basalt.core.errors import UnsortedInput
from basalt.core.holding.events import UNKNOWN, Bools, Events, Ints, Phases, Places

Own = Callable[[], Ints | None]


@dataclass(frozen=True)
class Cells:
    """The buckets of a batch, in order of listing and time.

    Attributes:
        events: The events.
        codes: Code of the listing of each cell.
        labels: Its label, ns.
        starts: Its first event.
        ends: Its last event.
        continued: Of each listing that was seen before, by code, the cell that it goes on with.
        open: Of each listing, by code, the last cell, which later rows may go on with.
    """

    events: Events
    codes: Ints
    labels: Ints
    starts: Ints
    ends: Ints
    continued: Places
    open: Places

    @property
    def count(self) -> int:
        """Number of cells."""
        return int(self.starts.size)

    @property
    def carried(self) -> int:
        """Listings that were seen before; their last rows are the first ones of the batch."""
        return int(self.continued.size)

    @property
    def before(self) -> Places:
        """The event before each cell's first one; -1 for the first cell of a listing."""
        found: Places = self.events.previous[self.starts]
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
    from basalt.core.holding.dividing_kernel import CELL, TARGET, divide_rows

    size = codes.size + phases.waiting
    numbers, moments, spans, is_row = np.empty((5, size), np.int32), np.empty(size, np.int64), np.empty(size), np.empty(size, np.bool_)
    cells, last = np.empty((4, size), np.int64), np.full(len(listings), -1)
    changes = phases.changes
    rows = (codes, times, labels, carried, len(listings) if is_end else 0)
    known = (changes.times, changes.labels, changes.codes, phases.following, phases.ends, phases.current)
    count, opened, wrong = divide_rows(*rows, *known, numbers, moments, spans, is_row, cells, last)
    if wrong >= 0:
        raise UnsortedInput(
            f"the rows of listing {listings[wrong]} go back in time", where="l2", hint="sort the file, or UNSORTED_INPUT: sort"
        )
    order = np.argsort(cells[0, :opened], kind="stable")  # neighbours that stay neighbours are put in order faster later on
    places = np.empty(opened, np.int32)
    places[order] = np.arange(opened)
    source, told, _, _, previous = numbers[:, :count]
    of, target = places[numbers[CELL, :count]], places[numbers[TARGET, :count]]
    events = Events(source, moments[:count], told, of, target, previous, spans[:count], is_row[:count])
    of_codes, of_labels, starts, ends = cells[:, order]
    return Cells(_with_own(events, own), of_codes, of_labels, starts, ends, of[:carried], of[last])


def _with_own(events: Events, own: Own) -> Events:
    """*events* in the phase that their rows tell, where nothing else tells one."""
    is_untold = events.phases == UNKNOWN
    by_row = own() if is_untold.any() else None
    return events if by_row is None else replace(events, phases=np.where(is_untold, by_row[events.source], events.phases))


def nullable(positions: Ints) -> pl.Series:
    """*positions* as a series, -1 as null."""
    series = pl.Series("at", positions)
    return series if positions.size == 0 or positions.min() >= 0 else series.set(pl.Series(positions < 0), None)
