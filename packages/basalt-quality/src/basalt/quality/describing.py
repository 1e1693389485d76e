"""Describing a lake: what it holds, without judging it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from basalt.core.tables import Table
from basalt.quality.files import FoundFile, Lake, Wanted, files_of, other_files

_INTERNAL = (b"ARROW:schema", b"pandas")


@dataclass(frozen=True)
class Holding:
    """The files of one table and market.

    Attributes:
        table, mic: Which.
        first, last: First and last day.
        days, rows, bytes, listings: How many; listings are counted over all days.
        lacking: Columns of the contract that no file has.
        beyond: Columns that the contract does not have.
        producers: What files say of who made them: key to the values that occur.
        broken: Files that cannot be read.
    """

    table: str
    mic: str
    first: str
    last: str
    days: int
    rows: int
    bytes: int
    listings: int
    lacking: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    producers: Mapping[str, tuple[str, ...]] | None = None
    broken: tuple[str, ...] = ()


def describe_lake(lake: Lake | Path | str, tables: Mapping[str, Table], wanted: Wanted) -> tuple[list[Holding], tuple[str, ...]]:
    """What the *lake*, a folder or URL, holds by table and market, and Parquet files that belong to no table."""
    place = lake if isinstance(lake, Lake) else Lake.at(lake)
    placed = [table for table in tables.values() if table.folder]
    chosen = [table for table in placed if not wanted.tables or table.name in wanted.tables]
    files = sorted(files_of(place, chosen, wanted), key=lambda file: (file.table.name, file.mic, file.day))
    holdings = [_holding(place, list(group)) for _, group in groupby(files, key=lambda file: (file.table.name, file.mic))]
    return holdings, other_files(place, files_of(place, placed, Wanted()))


def _holding(lake: Lake, files: list[FoundFile]) -> Holding:
    table = files[0].table
    footers = {file.path: _footer(lake, file.path) for file in files}
    sound = [metadata for metadata in footers.values() if metadata is not None]
    stored = {name for metadata in sound for name in metadata.schema.to_arrow_schema().names}
    return Holding(
        table.name,
        files[0].mic,
        str(files[0].day),
        str(files[-1].day),
        len(files),
        sum(metadata.num_rows for metadata in sound),
        sum(file.bytes for file in files),
        _listings(lake, [path for path, metadata in footers.items() if metadata is not None]) if "ListingId" in stored else 0,
        tuple(column.name for column in table.columns if column.name not in stored) if sound else (),
        tuple(sorted(stored - table.stored_names)),
        _producers(sound),
        tuple(path for path, metadata in footers.items() if metadata is None),
    )


def _footer(lake: Lake, path: str) -> Any:
    try:
        with lake.open(path) as file:
            return pq.read_metadata(file)
    except (pa.ArrowInvalid, OSError):
        return None


def _listings(lake: Lake, paths: Iterable[str]) -> int:
    frames = [lake.scan(path).select(pl.col("ListingId").cast(pl.Int64())) for path in paths]
    return int(pl.concat(frames).select(pl.col("ListingId").n_unique()).collect(engine="streaming").item()) if frames else 0


def _producers(metadata: Iterable[Any]) -> dict[str, tuple[str, ...]]:
    """Text that files carry about themselves, by key."""
    said: dict[str, set[str]] = {}
    for each in metadata:
        said.setdefault("created by", set()).add(str(each.created_by))
        for key, value in (each.metadata or {}).items():
            if key not in _INTERNAL:
                said.setdefault(key.decode(errors="replace"), set()).add(value.decode(errors="replace"))
    return {key: tuple(sorted(values)) for key, values in sorted(said.items())}
