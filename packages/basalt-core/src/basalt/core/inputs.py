"""Inputs: the raw tables of a run, scanned for a day and some listings in event order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Literal

import polars as pl

from basalt.core.facts import NOTHING_KNOWN, Facts
from basalt.core.offers import Source, SourceFile
from basalt.core.scanning import drop_repeated, put_in_order
from basalt.core.tables import Table

Repair = Literal["sort", "drop repeated"]


@dataclass(frozen=True)
class TableInput:
    """A raw table of a run: its contract, where its rows are, and what is done about their order.

    Attributes:
        table: The contract.
        source: Where it is read from.
        files: Its files.
        columns: Columns to scan where rows are repaired, with those that the repairs need.
        repairs: What is done to the rows of files that need it, by path.
        facts: What the files tell of the columns of a scan.
    """

    table: Table
    source: Source
    files: tuple[SourceFile, ...]
    columns: tuple[str, ...]
    repairs: Mapping[str, frozenset[Repair]] = field(default_factory=dict)
    facts: Facts = NOTHING_KNOWN

    def repairs_of(self, file: SourceFile) -> tuple[Repair, ...]:
        """What is done to the rows of *file*."""
        return tuple(sorted(self.repairs.get(file.path, frozenset())))


def scan_input(
    given: TableInput, columns: Sequence[str], day: date, markets: Sequence[str] | None, listings: Sequence[int] | None
) -> pl.LazyFrame:
    """The rows of one day, each listing's in event order.

    Args:
        given: The table.
        columns: Columns wanted.
        day: The day.
        markets: Markets to read; None for all.
        listings: Listings wanted; None for all.
    """
    files = [file for file in given.files if file.day == day and (not markets or file.mic in markets)]
    groups = groupby(sorted(files, key=lambda file: (given.repairs_of(file), file.path)), key=given.repairs_of)
    frames = [_repaired(given, list(group), columns, listings, repairs) for repairs, group in groups]
    if not frames:
        return given.source.scan(given.table, [], columns)
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="vertical")


def _repaired(
    given: TableInput, files: Sequence[SourceFile], columns: Sequence[str], listings: Sequence[int] | None, repairs: Sequence[Repair]
) -> pl.LazyFrame:
    scanned = list(dict.fromkeys((*columns, *(given.columns if repairs else ()), *(("ListingId",) if listings is not None else ()))))
    frame = given.source.scan(given.table, files, scanned)
    if listings is not None:
        frame = frame.filter(pl.col("ListingId").is_in(list(listings)))
    if "drop repeated" in repairs:
        frame = drop_repeated(frame, given.table, scanned)
    if "sort" in repairs:
        frame = put_in_order(frame, given.table, scanned)
    return frame.select(columns)
