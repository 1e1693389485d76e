"""Files of a lake: which there are, by table, market and day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from basalt.core.errors import InvalidValue
from basalt.core.tables import Table

_DEPTH = 4  # market, year, month, day


@dataclass(frozen=True)
class FoundFile:
    """A file of a lake."""

    table: Table
    mic: str
    day: date
    path: Path

    @property
    def bytes(self) -> int:
        """Its size."""
        return self.path.stat().st_size


@dataclass(frozen=True)
class Wanted:
    """Which files are looked at; None and empty stand for all.

    Attributes:
        first, last: Days, both included.
        markets: Market identifier codes.
        tables: Names of tables.
    """

    first: date | None = None
    last: date | None = None
    markets: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()

    def has(self, file: FoundFile) -> bool:
        """Whether *file* is looked at, whatever its table."""
        begun = self.first is None or file.day >= self.first
        return begun and (self.last is None or file.day <= self.last) and (not self.markets or file.mic in self.markets)


def lake_folder(lake: str) -> Path:
    """The folder of a lake.

    Raises:
        InvalidValue: There is none, or it is no local folder.
    """
    if "://" in lake:
        raise InvalidValue(f"{lake!r} is no local folder", where="--lake", hint="copy the files here first")
    if not Path(lake).is_dir():
        raise InvalidValue(
            f"the lake {lake!r} is no folder", where="--lake", hint="make one: basalt data simulate --lake DIR --date 2026-02-02"
        )
    return Path(lake)


def files_of(lake: Path, tables: Iterable[Table], wanted: Wanted) -> tuple[FoundFile, ...]:
    """The files of *tables*, in order of market, day and table."""
    found = (file for table in tables for file in _files_of_table(lake, table) if wanted.has(file))
    return tuple(sorted(found, key=lambda file: (file.mic, file.day, file.table.name)))


def _files_of_table(lake: Path, table: Table) -> Iterator[FoundFile]:
    for path in sorted((lake / table.folder).glob("/".join("*" * _DEPTH) + f"/{table.prefix}*.parquet")):
        mic, *parts = path.parts[-_DEPTH - 1 : -1]
        day = _day_of(parts)
        if day and path.name == f"{table.prefix}{mic}-{day:%Y%m%d}.parquet":
            yield FoundFile(table, mic, day, path)


def _day_of(parts: Collection[str]) -> date | None:
    try:
        year, month, day = map(int, parts)
        return date(year, month, day)
    except ValueError:
        return None


def other_files(lake: Path, known: Iterable[FoundFile]) -> tuple[Path, ...]:
    """Parquet files of the lake that stand where no table has its files."""
    paths = {file.path for file in known}
    return tuple(path for path in sorted(lake.rglob("*.parquet")) if path not in paths and not path.name.startswith("."))
