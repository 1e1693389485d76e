"""Letting an instrument's day happen: the event loop and the books over all venues."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from basalt.synthetic import kernel as k
from basalt.synthetic.clocks import nanos_of_day
from basalt.synthetic.consolidating import BEST_COLUMNS, INACTIVE, consolidate
from basalt.synthetic.planning import DayPlan, floats, phase_arrays, whole_numbers

ROWS_A_STEP = 1.6
SPARE_ROWS = 4_000


@dataclass(frozen=True)
class Happened:
    """An instrument's day.

    Attributes:
        plan: What was given.
        rows: Acts in order of time, a column each as `kernel` numbers them.
        books: Ten levels of a venue after events that changed them.
        calls: Messages of auctions.
        best_times, best: Nanoseconds after midnight, and the ten levels over all venues from then on.
    """

    plan: DayPlan
    rows: np.ndarray
    books: np.ndarray
    calls: np.ndarray
    best_times: np.ndarray
    best: np.ndarray


def happen(plan: DayPlan) -> Happened:
    """Let the day of *plan* happen."""
    rows, books, calls = _run(plan)
    times, best = _over_all_venues(plan, rows, books)
    return Happened(plan, rows, books, calls, times, best)


def _run(plan: DayPlan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The tape; run again with a longer one when it was too short, from the same beginning."""
    phases, settings = phase_arrays(plan)
    messages = 2 * phases.shape[1] * (SPARE_ROWS // 50)
    length = int(plan.expected_steps() * ROWS_A_STEP) + SPARE_ROWS
    while True:
        w, f = whole_numbers(plan), floats(plan)
        rows = np.empty((k.COLUMNS, length), dtype=np.int64)
        books = np.empty((k.BOOK_COLUMNS, length), dtype=np.int32)
        calls = np.empty((k.CALL_COLUMNS, messages), dtype=np.int64)
        if k.run(w, f, phases, settings, rows, books, calls):
            return rows[:, : w[k.N_ROWS]], books[:, : w[k.N_BOOKS]], calls[:, : w[k.N_CALLS]]
        length, messages = 2 * length, 2 * messages


def _over_all_venues(plan: DayPlan, rows: np.ndarray, books: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    times, venues, entries = (np.concatenate(parts) for parts in zip(*_changes(plan, rows), strict=True))
    order = np.argsort(times, kind="stable")
    best = np.empty((BEST_COLUMNS, times.size), dtype=np.int32)
    written = np.empty(times.size, dtype=np.int64)
    count = consolidate(times[order], venues[order], entries[order], books, written, best)
    return written[:count], best[:, :count]


def _changes(plan: DayPlan, rows: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """When each venue's part in the books over all venues changes, and to which of its books; none while it does not trade."""
    changes = []
    for number, (listing, schedule) in enumerate(zip(plan.listings, plan.schedules, strict=True)):
        mine = np.flatnonzero((rows[k.VENUE] == number) & (rows[k.BOOK] != k.NOTHING))
        times, entries = nanos_of_day(listing, rows[k.TIME, mine]), rows[k.BOOK, mine]
        starts, continuous = nanos_of_day(listing, schedule.starts()), schedule.is_continuous()
        trades = continuous[np.searchsorted(starts, times, side="right") - 1]
        latest = np.searchsorted(times, starts, side="right") - 1
        known = continuous & (latest >= 0)
        at_start = np.where(known, np.append(entries, INACTIVE)[np.where(known, latest, -1)], INACTIVE)
        all_times = np.concatenate([starts, times[trades]])
        changes.append((all_times, np.full(all_times.size, number), np.concatenate([at_start, entries[trades]])))
    return changes
