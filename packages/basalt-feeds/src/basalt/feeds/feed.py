"""What a feed is: a vendor's files into a lake, and a day of a lake into such files where the dialect can hold it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pydantic import BaseModel

    from basalt.core.lake import LakeFile

Progress = Callable[[str, int, int], None]
"""Told what is done next, how many steps are done, and how many there are."""


def quietly(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes:
        files: The files of the lake that were written; rows count all listings in the file.
        notices: Sentences about what was left out or found odd, for the reader of the command.
    """

    files: tuple[LakeFile, ...]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class LakeDay:
    """What is to be exported: listings of one market and day of a lake.

    Attributes:
        lake: Root of the lake.
        mic: Market.
        day: Trading day.
        tickers: Listings by their names; empty for all of the market.
    """

    lake: Path
    mic: str
    day: date
    tickers: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportedFile:
    """A file that an export wrote, with what it holds and how many records."""

    holds: str
    path: Path
    rows: int


@dataclass(frozen=True)
class Exported:
    """What an export did.

    Attributes:
        files: The files that were written.
        notices: Sentences about what was left out of this day, beside the dialect's declared losses.
    """

    files: tuple[ExportedFile, ...]
    notices: tuple[str, ...] = field(default=())


@runtime_checkable
class Feed(Protocol):
    """A vendor's files, into the tables of a lake.

    Its module imports nothing heavy: data frames and decoders are imported when a method runs.

    Attributes:
        Options: What a user may say besides paths and lake; a model whose fields all have
            descriptions. Each becomes an option of `basalt data import <feed>`.
    """

    Options: type[BaseModel]

    def import_files(self, paths: Sequence[Path], lake: Path, options: Any, progress: Progress) -> Imported:
        """Import *paths* (files, archives, folders) into *lake*.

        For one market and day either all tables appear or none. Rows of the same listing, day and table
        from times that the files cover are replaced, those of others stay: importing twice changes nothing.
        Rows of the same listing, day and table from other times stay too, or are refused to be dropped, unless the option
        `replace` is set (`basalt.feeds.options.ImportOptions`).

        Raises:
            ConflictingSettings: The lake has rows that would be dropped unasked.
            DataError: Files that are missing, cut short, or not what the vendor writes.
            TargetFailed: The lake cannot be written.
        """
        ...


@runtime_checkable
class Exporter(Protocol):
    """A feed that also writes its dialect.

    Attributes:
        ExportOptions: Options of `basalt data export <feed>`, as of `Feed.Options`.
        losses: What the dialect cannot carry, one sentence each; printed by the command.
    """

    ExportOptions: type[BaseModel]
    losses: tuple[str, ...]

    def export_day(self, source: LakeDay, out: Path, options: Any, progress: Progress) -> Exported:
        """Write the listings of *source* as the vendor would, into the folder *out*.

        Files appear whole or not at all; files of that name are replaced.

        Raises:
            MissingData: The lake lacks a table that the dialect is made of, or a ticker.
            TargetFailed: *out* cannot be written.
        """
        ...
