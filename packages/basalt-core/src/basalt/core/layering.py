"""Sources in layers: each day of a table comes from the first source that has files of it on that day."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any, Self

import polars as pl

from basalt.core.facts import common_facts
from basalt.core.offers import Inventory, Source, SourceFile
from basalt.core.tables import Table


@dataclass(frozen=True)
class LayeredSource:
    """Several sources as one, for the files of one table.

    Attributes:
        sources: The sources, first choice first.
        owners: Path of a file to the number of the source that it is of.
    """

    sources: tuple[Source, ...]
    owners: Mapping[str, int] = field(default_factory=dict)

    def configured(self, settings: Mapping[str, Any]) -> Self:
        """The sources are configured already."""
        return self

    def inventory(self, table: Table, days: Sequence[date], markets: Sequence[str] | None) -> Inventory:
        """What there is, each day of the first source that has it."""
        return in_layers(table, days, self.sources, markets)[1]

    def scan(self, table: Table, files: Sequence[SourceFile], columns: Sequence[str]) -> pl.LazyFrame:
        """Rows of *files*, each read by its own source."""
        groups = groupby(files, key=lambda file: self.owners[file.path])
        frames = [self.sources[owner].scan(table, list(group), columns) for owner, group in groups]
        return pl.concat(frames, how="vertical") if frames else self.sources[0].scan(table, [], columns)

    def markets(self, table: Table, days: Sequence[date]) -> tuple[str, ...]:
        """Markets that any of the sources has."""
        return tuple(sorted({mic for source in self.sources for mic in source.markets(table, days)}))


def in_layers(table: Table, days: Sequence[date], sources: Sequence[Source], markets: Sequence[str] | None) -> tuple[Source, Inventory]:
    """The source to read *table* from, and what it holds.

    Later sources are asked only for the days of which those before have no file.

    Returns:
        One of *sources* where one has all files that there are; otherwise a `LayeredSource`.
    """
    asked: list[tuple[Source, Inventory]] = []
    left = list(days)
    for source in sources:
        if left:
            asked.append((source, source.inventory(table, left, markets)))
            left = [day for day in left if day not in _days(asked[-1][1])]
    having = [each for each in asked if each[1].files]
    if len(having) <= 1:
        return having[0] if having else asked[0]
    return _layered(having, asked[0][1], left)


def _days(inventory: Inventory) -> set[date]:
    return {file.day for file in inventory.files}


def _layered(parts: Sequence[tuple[Source, Inventory]], first: Inventory, left: Sequence[date]) -> tuple[Source, Inventory]:
    """The files of all *parts*; *left* are days of which nobody has any, missing as *first* says."""
    inventories = [inventory for _, inventory in parts]
    owners = {file.path: number for number, inventory in enumerate(inventories) for file in inventory.files}
    files = sorted((file for inventory in inventories for file in inventory.files), key=lambda file: (file.day, file.mic))
    missing = [each for inventory in inventories for each in inventory.missing if each[1] in _days(inventory)]
    missing += [each for each in first.missing if each[1] in left]
    columns = [inventory.columns for inventory in inventories if inventory.columns is not None]
    whole = Inventory(
        tuple(files),
        frozenset.intersection(*columns) if columns else None,
        tuple(missing),
        hashlib.sha256(" ".join(inventory.fingerprint for inventory in inventories).encode()).hexdigest(),
        common_facts(inventory.facts for inventory in inventories),
    )
    return LayeredSource(tuple(source for source, _ in parts), owners), whole
