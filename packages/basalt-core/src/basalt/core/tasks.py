"""Tasks and their reports: the values that cross to workers and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

DONE, USER_ERROR, BAD_DATA, TRANSIENT, OUT_OF_MEMORY, INTERRUPTED = 0, 64, 65, 75, 137, 143
LESS_MEMORY = "lower NUM_WORKERS or MAX_LISTINGS_PER_BATCH, ask for fewer columns in the pass, or give the process more memory"
"""What to do about a worker that is out of memory."""

PART_COMPRESSION: Literal["zstd"] = "zstd"
PART_LEVEL = 1
"""Compression of parts; an output with the same one need not be written again."""


@dataclass(frozen=True)
class Task:
    """One stage on one batch.

    Attributes:
        key: Content hash: the same work on the same inputs has the same key.
        stage: Index of the stage.
        days: Days that it covers.
        listings: Listings that it covers; None for all of the universe.
        context: File with everything else that the worker needs.
        attempt: Number of the try, from 1.
    """

    key: str
    stage: int
    days: tuple[date, ...]
    listings: tuple[int, ...] | None
    context: Path
    attempt: int = 1

    def __str__(self) -> str:
        span = f"{self.days[0]}" if len(self.days) == 1 else f"{self.days[0]}..{self.days[-1]}"
        who = "all listings" if self.listings is None else "1 listing" if len(self.listings) == 1 else f"{len(self.listings)} listings"
        return f"stage {self.stage + 1}, {span}, {who}"


@dataclass(frozen=True)
class PartFile:
    """Rows of one dataset that a task left for the commit."""

    dataset: str
    path: Path
    rows: int
    bytes: int
    first_day: date
    last_day: date


@dataclass(frozen=True)
class Failure:
    """Why a task ended without a result."""

    kind: str
    what: str
    where: str | None = None
    hint: str | None = None
    trace: str = ""


@dataclass(frozen=True)
class TaskReport:
    """How a task ended.

    Attributes:
        task: The task.
        exit_code: 0 done, 64 config or user error, 65 bad data, 70 other failure, 75 transient,
            137 out of memory, 143 interrupted.
        parts: What it made.
        seconds: Wall time in the worker.
        peak_bytes: Highest resident memory of the worker.
        notices: Sentences about the data that the user should see.
    """

    task: Task
    exit_code: int
    parts: tuple[PartFile, ...] = ()
    seconds: float = 0.0
    peak_bytes: int = 0
    notices: tuple[str, ...] = ()
    failure: Failure | None = None
    rows_read: int = field(default=0)

    @property
    def is_done(self) -> bool:
        """Whether the task has a result."""
        return self.exit_code == DONE

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts)
