"""Follow the update ids of depth messages: which of them make a book, from where, and where messages are missing.

A message changes levels to absolute quantities and covers the updates `U` to `u`. A snapshot holds the book as of
`lastUpdateId`, cut at a number of levels, and arrives after newer messages; so messages wait until a snapshot comes,
those that it contains are dropped, and the next one must join it: `pu` (futures) at most, or `U` (spot) at most one
past, its id. From then on `pu` is the `u` before, or `U` is one past it. When it is not, messages are missing and
the book is unknown until the next snapshot.

Source:
    Binance API documentation, "How to manage a local order book correctly", USD-M futures and spot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import polars as pl

MESSAGES_KEPT = 10_000
"""Messages that wait for a snapshot; a snapshot older than that joins nothing any more."""


class Step(IntEnum):
    """What to do with a message."""

    APPLY = 0
    """It follows: change the levels."""
    START = 1
    """The levels of a snapshot replace the book; the next message is applied on top of them."""
    LOSE = 2
    """Messages before it are missing: the book is unknown."""


@dataclass(frozen=True)
class Update:
    """Ids of a message: its line, first and last update, and the last update of the message before (futures)."""

    line: int
    first: int
    last: int
    before: int | None

    def joins(self, snapshot_id: int) -> bool:
        """Whether nothing lies between a snapshot and this message."""
        return self.first <= snapshot_id + 1 if self.before is None else self.before <= snapshot_id

    def follows(self, last: int) -> bool:
        """Whether nothing lies between the update *last* and this message."""
        return self.first == last + 1 if self.before is None else self.before == last


@dataclass(frozen=True)
class Snapshot:
    """Line and update id of a whole book."""

    line: int
    last: int


@dataclass
class Following:
    """Where a stream of depth messages stands, and what did not fit so far.

    Attributes:
        gaps: Times that messages were missing after a book was known.
        repeated: Messages that the book already had.
        unused_snapshots: Snapshots that came while the book was known, or that no message joins.
        dropped: Messages that waited for a snapshot for too long.
    """

    gaps: int = 0
    repeated: int = 0
    unused_snapshots: int = 0
    dropped: int = 0

    def __post_init__(self) -> None:
        self._last: int | None = None
        self._snapshot: Snapshot | None = None
        self._waiting: deque[Update] = deque()
        self._has_begun = False

    @property
    def last(self) -> int | None:
        """The last update that the book has; None while it is unknown."""
        return self._last

    @property
    def has_begun(self) -> bool:
        """Whether there was a depth message."""
        return self._has_begun

    def resume(self, last: int) -> None:
        """Go on from the update *last* of a book that is known."""
        self._last, self._snapshot = last, None

    @property
    def unknown(self) -> int:
        """Messages that no snapshot made a book of."""
        return self.dropped + len(self._waiting)

    @property
    def waiting_from(self) -> int | None:
        """Line of the first message or snapshot that still waits: what comes before is not asked for again."""
        lines = [self._waiting[0].line] if self._waiting else []
        return min(lines + ([self._snapshot.line] if self._snapshot else []), default=None)

    def steps(self, depths: pl.DataFrame, snapshots: pl.DataFrame) -> pl.DataFrame:
        """What to do, in the order to do it.

        Args:
            depths: `Line`, `U`, `u`, `pu`, in order of arrival.
            snapshots: `Line`, `lastUpdateId`, in order of arrival.

        Returns:
            `Line` of a message or snapshot of this call or an earlier one, and `Step`.
        """
        self._has_begun = self._has_begun or not depths.is_empty()
        arrived: list[Update | Snapshot] = [Update(*row) for row in depths.select("Line", "U", "u", "pu").iter_rows()]
        arrived += [Snapshot(*row) for row in snapshots.select("Line", "lastUpdateId").iter_rows()]
        arrived.sort(key=lambda each: each.line)
        steps = [step for each in arrived for step in self._take(each)]
        return pl.DataFrame(steps, schema={"Line": pl.Int64, "Step": pl.Int8}, orient="row")

    def _take(self, each: Update | Snapshot) -> Iterator[tuple[int, int]]:
        if isinstance(each, Snapshot):
            yield from self._start(each)
        elif self._last is None:
            yield from self._wait(each)
        elif each.last <= self._last:
            self.repeated += 1
        elif each.follows(self._last):
            yield self._apply(each)
        else:
            yield from self._lose(each)

    def _start(self, snapshot: Snapshot) -> Iterator[tuple[int, int]]:
        if self._last is not None:
            self.unused_snapshots += 1
            return
        self.unused_snapshots += self._snapshot is not None
        self._snapshot = snapshot
        waiting, self._waiting = self._waiting, deque()
        for update in waiting:
            yield from self._take(update)

    def _wait(self, update: Update) -> Iterator[tuple[int, int]]:
        snapshot = self._snapshot
        if snapshot is None or not (update.last <= snapshot.last or update.joins(snapshot.last)):
            self._keep(update)
        elif update.last > snapshot.last:
            yield snapshot.line, Step.START
            self._snapshot = None
            yield self._apply(update)

    def _keep(self, update: Update) -> None:
        if self._snapshot is not None:
            self.unused_snapshots += 1
            self._snapshot = None
        self._waiting.append(update)
        if len(self._waiting) > MESSAGES_KEPT:
            self._waiting.popleft()
            self.dropped += 1

    def _apply(self, update: Update) -> tuple[int, int]:
        self._last = update.last
        return update.line, Step.APPLY

    def _lose(self, update: Update) -> Iterator[tuple[int, int]]:
        self.gaps += 1
        self._last = None
        yield update.line, Step.LOSE
        self._waiting.append(update)
