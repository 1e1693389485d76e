"""Events: the rows of a batch and the changes of phase between them.

All arrays of an `Events` lie in the order in which rows come, those of a listing in order of time; ties keep the order of the
rows, and a change of phase comes before the row of its instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]
"""Numbers of rows, events and cells of one batch."""
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
UNKNOWN = -1
"""Code of a phase that nobody told."""
NEVER = np.iinfo(np.int64).max


def _none() -> Ints:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class Changes:
    """Changes of phase, those of a listing one after the other in order of time.

    Attributes:
        times: Nanoseconds.
        labels: Label of the bucket, ns.
        codes: Code of the phase that begins.
        places: By listing, its first change and the one after its last.
    """

    times: Ints = field(default_factory=_none)
    labels: Ints = field(default_factory=_none)
    codes: Ints = field(default_factory=_none)
    places: Mapping[int, tuple[int, int]] = field(default_factory=dict)


@dataclass
class Phases:
    """The phases of all listings, and how far each was followed.

    Attributes:
        changes: The changes.
        current: Phase of each listing by its code, `UNKNOWN` before the first change.
        following: Its next change.
        ends: The one after its last.
    """

    changes: Changes
    current: Ints = field(default_factory=_none)
    following: Ints = field(default_factory=_none)
    ends: Ints = field(default_factory=_none)

    def welcome(self, listings: list[int]) -> None:
        """Follow more listings; their codes are the next numbers."""
        places = np.array([self.changes.places.get(listing, (0, 0)) for listing in listings], np.int64).reshape(-1, 2)
        self.current = np.append(self.current, np.full(len(listings), UNKNOWN))
        self.following = np.append(self.following, places[:, 0])
        self.ends = np.append(self.ends, places[:, 1])

    @property
    def waiting(self) -> int:
        """Number of changes that were not followed yet."""
        return int((self.ends - self.following).sum())


@dataclass(frozen=True)
class Events:
    """Rows and changes of phase.

    Attributes:
        source: Row of the batch whose values stand from the event on.
        times: Nanoseconds.
        phases: Phase from the event on.
        of: Its cell.
        target: Cell of the next event of the listing; its own for the last one.
        previous: The event before of the listing; -1 for the first one.
        spans: Time until the next event of the listing, ns; 0 for the last one.
        is_row: The event is a row, not a change of phase.
    """

    source: Places
    times: Ints
    phases: Places
    of: Places
    target: Places
    previous: Places
    spans: Floats
    is_row: Bools

    @property
    def has_changes(self) -> bool:
        """Whether there are changes of phase among the events."""
        return not bool(self.is_row.all())
