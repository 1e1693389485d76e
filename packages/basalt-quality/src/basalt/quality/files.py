"""Files of a lake, local or in an object store: which there are, by table, market and day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from basalt.core.errors import ConfigError, InvalidValue
from basalt.core.lake import lake_path
from basalt.core.sources.lake import file_system, is_remote, open_file
from basalt.core.tables import Table

if TYPE_CHECKING:
    import polars as pl

_DEPTH = 4  # market, year, month, day


@dataclass(frozen=True)
class Lake:
    """Where a lake is.

    Attributes:
        root: Folder or URL, without a slash at its end.
        storage_options: Options of an object store.
    """

    root: str
    storage_options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, root: str | Path, storage_options: Mapping[str, str] | None = None) -> Lake:
        """The lake at a folder or URL.

        Raises:
            InvalidValue: There is no such folder.
        """
        if not is_remote(str(root)) and not Path(root).is_dir():
            raise InvalidValue(
                f"the lake {str(root)!r} is no folder", where="--lake", hint="make one: basalt data simulate --lake DIR --date 2026-02-02"
            )
        return cls(str(root).rstrip("/") or "/", storage_options or {})

    def listed(self, folder: str = "") -> Iterator[tuple[str, int]]:
        """Parquet files under a *folder* of the lake, at any depth: path within the lake, and bytes; those whose names, or whose folders' names, begin with a dot are left out.

        Raises:
            InvalidValue: No file system is known for the URL.
            ConfigError: The lake cannot be listed.
        """
        from pyarrow import fs

        system, inner = file_system(self.root, self.storage_options)
        try:
            found = system.get_file_info(fs.FileSelector(f"{inner}/{folder}".rstrip("/"), recursive=True, allow_not_found=True))
        except OSError as problem:
            raise ConfigError(f"cannot list the lake: {problem}", where=self.root, hint="check the URL and --storage-option") from problem
        for info in found:
            place = info.path[len(inner) :].strip("/")
            if info.is_file and place.endswith(".parquet") and not any(part.startswith(".") for part in place.split("/")):
                yield place, info.size

    def open(self, path: str) -> Any:
        """A file of the lake, to read bytes from."""
        return open_file(path, self.storage_options)

    def scan(self, path: str, **options: Any) -> pl.LazyFrame:
        """The rows of a file of the lake."""
        import polars as pl

        return pl.scan_parquet(path, storage_options=dict(self.storage_options) or None, **options)

    @property
    def folder(self) -> str | None:
        """The lake's folder, if it is one, which a URL may name too."""
        from pyarrow import fs

        system, inner = file_system(self.root, self.storage_options)
        return str(inner) if isinstance(system, fs.LocalFileSystem) else None

    def put(self, local: Path, place: str) -> None:
        """Copy a *local* file to the path *place* of an object store, where it appears whole or not at all.

        Raises:
            OSError: The lake cannot be written.
        """
        system, inner = file_system(f"{self.root}/{place}", self.storage_options)
        with local.open("rb") as source, system.open_output_stream(inner) as target:
            while chunk := source.read(1 << 20):
                target.write(chunk)


@dataclass(frozen=True)
class FoundFile:
    """A file of a lake: whose it is, its path or URL, and its size."""

    table: Table
    mic: str
    day: date
    path: str
    bytes: int


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


def files_of(lake: Lake, tables: Iterable[Table], wanted: Wanted) -> tuple[FoundFile, ...]:
    """The files of *tables*, in order of market, day and table."""
    found = (file for table in tables for file in _files_of_table(lake, table) if wanted.has(file))
    return tuple(sorted(found, key=lambda file: (file.mic, file.day, file.table.name)))


def _files_of_table(lake: Lake, table: Table) -> Iterator[FoundFile]:
    for place, size in lake.listed(table.folder):
        parts = place.removeprefix(f"{table.folder}/").split("/")
        day = _day_of(parts[1:-1]) if len(parts) == _DEPTH + 1 else None
        if day and f"{lake.root}/{place}" == lake_path(lake.root, table, parts[0], day):
            yield FoundFile(table, parts[0], day, f"{lake.root}/{place}", size)


def _day_of(parts: Collection[str]) -> date | None:
    try:
        year, month, day = map(int, parts)
        return date(year, month, day)
    except ValueError:
        return None


def other_files(lake: Lake, known: Iterable[FoundFile]) -> tuple[str, ...]:
    """Parquet files of the lake that stand where no table has its files."""
    paths = {file.path for file in known}
    return tuple(sorted(path for path in (f"{lake.root}/{place}" for place, _ in lake.listed()) if path not in paths))
