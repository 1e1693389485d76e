"""Letting instruments' days happen, one after another on one tape: the event loop, and the books over all venues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from basalt.synthetic import world
from basalt.synthetic.clocks import nanos_of_day
from basalt.synthetic.consolidating import BEST_COLUMNS, INACTIVE, consolidate
from basalt.synthetic.kernel import run
from basalt.synthetic.planning import DayPlan, phase_arrays, write_floats, write_whole_numbers

ROWS_A_STEP = 1.6
SPARE_ROWS = 4_000
MESSAGES_A_PHASE = 80
ACTS_A_GROUP = 100_000
INSTRUMENTS_A_GROUP = 32


class Tape:
    """Long arrays that are written again and again: memory that is new costs more than the events.

    Attributes:
        rows, books, calls: As in `world`.
        times, best: Nanoseconds after midnight, and the levels over all venues from then on, a row each.
        whole, floats: The world that the event loop changes.
    """

    def __init__(self) -> None:
        self.rows = np.empty((world.COLUMNS, 0), dtype=np.int32)
        self.books = np.empty((0, world.BOOK_COLUMNS), dtype=np.int32)
        self.calls = np.empty((world.CALL_COLUMNS, 0), dtype=np.int64)
        self.times = np.empty(0, dtype=np.int64)
        self.best = np.empty((0, BEST_COLUMNS), dtype=np.int32)
        self.whole = np.empty(world.WHOLE_NUMBERS, dtype=np.int64)
        self.floats = np.empty(world.FLOATS)

    def reserve(self, written: Ends, rows: int, calls: int) -> None:
        """Make room for as many entries after what is *written*."""
        self.rows = _longer(self.rows, written.rows, rows, axis=1)
        self.books = _longer(self.books, written.books, rows)
        self.calls = _longer(self.calls, written.calls, calls, axis=1)

    def reserve_best(self, written: Ends, changes: int) -> None:
        """Make room for as many books over all venues."""
        self.times = _longer(self.times, written.best, changes)
        self.best = _longer(self.best, written.best, changes)


@dataclass(frozen=True)
class Ends:
    """Numbers of entries of each array of a tape."""

    rows: int = 0
    books: int = 0
    calls: int = 0
    best: int = 0


def _longer(array: np.ndarray, kept: int, more: int, *, axis: int = 0) -> np.ndarray:
    """The array, or a longer one that starts with the *kept* entries along the *axis*."""
    if kept + more <= array.shape[axis]:
        return array
    shape = list(array.shape)
    shape[axis] = max(kept + more, 2 * kept)
    longer = np.empty(shape, dtype=array.dtype)
    entries = (slice(None),) * axis + (slice(kept),)
    longer[entries] = array[entries]
    return longer


@dataclass(frozen=True)
class Happened:
    """An instrument's day.

    Attributes:
        plan: What was given.
        begin, end: Its part of the tape.
    """

    plan: DayPlan
    begin: Ends
    end: Ends


@dataclass(frozen=True)
class Session:
    """Some instruments' days, one after another on a tape that will be written again.

    Attributes:
        tape: Where they stand, from the beginning of the first to the end of the last.
        days: The days.
    """

    tape: Tape
    days: tuple[Happened, ...]

    @property
    def end(self) -> Ends:
        """End of the last day."""
        return self.days[-1].end

    @property
    def rows(self) -> np.ndarray:
        """Acts in order of instrument, then time."""
        return self.tape.rows[:, : self.end.rows]

    @property
    def books(self) -> np.ndarray:
        """Ten levels of a venue after events that changed them, a row each."""
        return self.tape.books[: self.end.books]

    @property
    def calls(self) -> np.ndarray:
        """Messages of auctions."""
        return self.tape.calls[:, : self.end.calls]

    @property
    def best_times(self) -> np.ndarray:
        """Nanoseconds after midnight of `best`."""
        return self.tape.times[: self.end.best]

    @property
    def best(self) -> np.ndarray:
        """Ten levels over all venues after each change of them, a row each."""
        return self.tape.best[: self.end.best]


def sessions(plans: Iterable[DayPlan]) -> Iterator[Session]:
    """Let days happen, in groups that stay small; each group is overwritten by the next."""
    tape = Tape()
    days: list[Happened] = []
    for plan in plans:
        acts = days[-1].end.rows if days else 0
        if days and (acts + plan.expected_steps() > ACTS_A_GROUP or len(days) == INSTRUMENTS_A_GROUP):
            yield Session(tape, tuple(days))
            days = []
        days.append(happen(plan, tape, days[-1].end if days else Ends()))
    if days:
        yield Session(tape, tuple(days))


def happen(plan: DayPlan, tape: Tape, begin: Ends) -> Happened:
    """Let the day of *plan* happen, written on *tape* after *begin*."""
    after_loop = _run(plan, tape, begin)
    count = _over_all_venues(plan, tape, begin, after_loop)
    return Happened(plan, begin, Ends(after_loop.rows, after_loop.books, after_loop.calls, begin.best + count))


def _run(plan: DayPlan, tape: Tape, begin: Ends) -> Ends:
    """Where the tape ends; the day runs again, from the same beginning, when there was too little room."""
    phases, settings = phase_arrays(plan)
    length, messages = int(plan.expected_steps() * ROWS_A_STEP) + SPARE_ROWS, phases.shape[1] * MESSAGES_A_PHASE
    while True:
        tape.reserve(begin, length, messages)
        w, f = tape.whole, tape.floats
        write_whole_numbers(plan, w)
        write_floats(plan, f)
        w[world.N_ROWS], w[world.N_BOOKS], w[world.N_CALLS] = begin.rows, begin.books, begin.calls
        if run(w, f, plan.fair.levels, plan.activity.clock, plan.activity.intensity, phases, settings, tape.rows, tape.books, tape.calls):
            return Ends(int(w[world.N_ROWS]), int(w[world.N_BOOKS]), int(w[world.N_CALLS]), begin.best)
        length, messages = 2 * length, 2 * messages


def _over_all_venues(plan: DayPlan, tape: Tape, begin: Ends, end: Ends) -> int:
    """Write the books over all venues; gives how many."""
    changes = _changes(plan, tape.rows[:, begin.rows : end.rows])
    times, venues, entries = (np.concatenate(parts) for parts in zip(*changes, strict=True))
    order = np.argsort(times, kind="stable")
    tape.reserve_best(begin, times.size)
    return int(consolidate(times[order], venues[order], entries[order], tape.books, tape.times, tape.best, begin.best))


def _changes(plan: DayPlan, rows: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """When each venue's part in the books over all venues changes, and to which of its books; none while it does not trade."""
    changes = []
    for number, (listing, schedule) in enumerate(zip(plan.listings, plan.schedules, strict=True)):
        mine = np.flatnonzero((rows[world.VENUE] == number) & (rows[world.BOOK] != world.NOTHING))
        micros = rows[world.SECOND][mine] * np.int64(1_000_000) + rows[world.MICRO][mine]
        times, entries = nanos_of_day(listing, micros), rows[world.BOOK][mine].astype(np.int64)
        starts, continuous = nanos_of_day(listing, schedule.starts()), schedule.is_continuous()
        trades = continuous[np.searchsorted(starts, times, side="right") - 1]
        latest = np.searchsorted(times, starts, side="right") - 1
        known = continuous & (latest >= 0)
        at_start = np.where(known, np.append(entries, INACTIVE)[np.where(known, latest, -1)], INACTIVE)
        all_times = np.concatenate([starts, times[trades]])
        changes.append((all_times, np.full(all_times.size, number), np.concatenate([at_start, entries[trades]])))
    return changes
