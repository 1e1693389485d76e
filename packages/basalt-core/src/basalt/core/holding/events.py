"""Events: the rows of a batch and the changes of phase between them, listing by listing.

All arrays of an `Events` lie in order of listing, then of time; ties keep the order of the rows, and a
change of phase comes before the rows of its instant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Own = Callable[[], Ints | None]
UNKNOWN = -1
"""Code of a phase that nobody told."""


@dataclass(frozen=True)
class Changes:
    """Changes of phase of one listing, in order: time, label of the bucket, code of the phase that begins."""

    times: Ints
    labels: Ints
    codes: Ints


@dataclass
class Phases:
    """The phases of all listings, and how far each was followed.

    Attributes:
        changes: Changes by listing.
        current: Phase of each listing by its code, `UNKNOWN` before the first change.
        following: Position of the next change, by code.
        next_time: Its time; a time that never comes where there is none.
    """

    changes: Mapping[int, Changes]
    current: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    following: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    next_time: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    def welcome(self, listing: int) -> None:
        """Follow one more listing; its code is the next number."""
        changes = self.changes.get(listing)
        first = changes.times[0] if changes is not None and changes.times.size else NEVER
        self.current = np.append(self.current, UNKNOWN)
        self.following = np.append(self.following, 0)
        self.next_time = np.append(self.next_time, first)

    def passed(self, code: int, listing: int, until: int) -> Changes:
        """The changes of a listing up to *until* that were not followed yet, those at that very time included."""
        changes = self.changes[listing]
        start = int(self.following[code])
        end = int(np.searchsorted(changes.times, until, side="right"))
        self.following[code] = max(start, end)
        self.next_time[code] = changes.times[end] if end < changes.times.size else NEVER
        if end > start:
            self.current[code] = changes.codes[end - 1]
        return Changes(changes.times[start:end], changes.labels[start:end], changes.codes[start:end])


NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Events:
    """Rows and changes of phase, by listing and time.

    Attributes:
        source: Row of the batch whose values stand from the event on.
        codes: Code of the listing.
        times: Nanoseconds.
        labels: Label of the bucket, ns.
        phases: Phase from the event on.
        is_row: The event is a row, not a change of phase.
    """

    source: Ints
    codes: Ints
    times: Ints
    labels: Ints
    phases: Ints
    is_row: Bools

    @property
    def has_changes(self) -> bool:
        """Whether there are changes of phase among the events."""
        return not bool(self.is_row.all())


def events_of(codes: Ints, times: Ints, labels: Ints, own: Own, carried: int, phases: Phases, listings: list[int]) -> Events:
    """The events of one batch.

    Args:
        codes, times, labels: Of each row; the first *carried* rows are the last ones of earlier batches.
        own: Gives the phase that each row tells itself, None where rows tell none; asked only where the changes tell none.
        carried: Number of listings seen before; their codes are 0, 1, … and so are their rows.
        phases: What is known of the phases; followed up to the last row of each listing.
        listings: Listing of each code.
    """
    order = np.argsort(codes.astype(np.uint16) if len(listings) <= 65_536 else codes, kind="stable")
    sorted_codes = codes[order]
    starts = np.flatnonzero(np.diff(sorted_codes, prepend=-1))
    ends = np.append(starts[1:], sorted_codes.size)
    present = sorted_codes[starts]
    before = phases.current[present]
    last_times = times[order[ends - 1]]
    found = Events(order, sorted_codes, times[order], labels[order], np.repeat(before, ends - starts), np.ones(order.size, np.bool_))
    waiting = np.flatnonzero(phases.next_time[present] <= last_times)
    if waiting.size:
        groups = [(int(starts[at]), int(ends[at]), int(present[at])) for at in waiting]
        found = _with_changes(found, groups, carried, phases, listings)
    return _with_own(found, own)


def _with_changes(events: Events, groups: list[tuple[int, int, int]], carried: int, phases: Phases, listings: list[int]) -> Events:
    """*events* with the changes of phase of some *groups* (start, end, code) put between them."""
    told = events.phases.copy()
    places: list[Ints] = []
    between: list[Changes] = []
    for start, end, code in groups:
        if code >= carried:  # what went before the first row only says in which phase it stands
            phases.passed(code, listings[code], int(events.times[start]))
            told[start:end] = phases.current[code]
        passed = phases.passed(code, listings[code], int(events.times[end - 1]))
        at = start + np.searchsorted(events.times[start:end], passed.times, side="left")
        for place, phase in zip(at, passed.codes, strict=True):
            told[place:end] = phase
        places.append(at)
        between.append(passed)
    return _inserted(events, told, np.concatenate(places), between)


def _inserted(events: Events, told: Ints, at: Ints, between: list[Changes]) -> Events:
    codes = events.codes[np.minimum(at, events.codes.size - 1)]
    return Events(
        np.insert(events.source, at, events.source[np.maximum(at - 1, 0)]),
        np.insert(events.codes, at, codes),
        np.insert(events.times, at, np.concatenate([each.times for each in between])),
        np.insert(events.labels, at, np.concatenate([each.labels for each in between])),
        np.insert(told, at, np.concatenate([each.codes for each in between])),
        np.insert(events.is_row, at, np.zeros(at.size, np.bool_)),
    )


def closing_events(times: Ints, labels: Ints, own: Own, phases: Phases, listings: list[int]) -> Events:
    """The changes of phase after the last row of each listing, each listing's after its carried row.

    Args:
        times, labels, own: Of the carried rows, one a listing in order of their codes, as for `events_of`.
        phases, listings: As for `events_of`.
    """
    carried = np.arange(times.size)
    heads = Events(carried, carried, times, labels, phases.current.copy(), np.ones(times.size, np.bool_))
    rest = [(code, phases.passed(code, listings[code], int(NEVER) - 1)) for code in np.flatnonzero(phases.next_time < NEVER).tolist()]
    if rest:
        at = np.concatenate([np.full(changes.times.size, code + 1) for code, changes in rest])
        counts = [changes.times.size for _, changes in rest]
        sources = np.repeat([code for code, _ in rest], counts)
        heads = Events(
            np.insert(heads.source, at, sources),
            np.insert(heads.codes, at, sources),
            np.insert(heads.times, at, np.concatenate([changes.times for _, changes in rest])),
            np.insert(heads.labels, at, np.concatenate([changes.labels for _, changes in rest])),
            np.insert(heads.phases, at, np.concatenate([changes.codes for _, changes in rest])),
            np.insert(heads.is_row, at, np.zeros(at.size, np.bool_)),
        )
    return _with_own(heads, own)


def _with_own(events: Events, own: Own) -> Events:
    """*events* in the phase that their rows tell, where nothing else tells one."""
    if not (events.phases == UNKNOWN).any():
        return events
    by_row = own()
    if by_row is None:
        return events
    told = np.where(events.phases == UNKNOWN, by_row[events.source], events.phases)
    return Events(events.source, events.codes, events.times, events.labels, told, events.is_row)
