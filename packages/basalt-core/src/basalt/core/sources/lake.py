"""The source `lake`: Parquet files in the layout of `basalt.core.lake`, local or in an object store."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from basalt.core.errors import ConfigError, CorruptInput, InvalidValue, SchemaMismatch
from basalt.core.facts import Facts, Piece, Range, common_facts
from basalt.core.lake import ORDER_KEY, lake_path, order_columns
from basalt.core.offers import Inventory, SourceFile
from basalt.core.scanning import scan_files
from basalt.core.tables import Table


@dataclass(frozen=True)
class Footer:
    """What a Parquet file says of itself.

    Attributes:
        rows: Number of rows.
        schema: Its columns.
        order: The order that it was written in.
        complete: Columns without a null.
        ranges: Least and greatest value of whole numbers and times, times in ns since 1970.
        pieces: The row groups, by each column of times that could be their clock.
    """

    rows: int
    schema: pl.Schema
    order: str
    complete: frozenset[str]
    ranges: Mapping[str, Range]
    pieces: Mapping[str, tuple[Piece, ...]]

    def facts(self, table: Table, day: date) -> Facts:
        """What is known of the columns of a scan of the file, which is that of a *day*."""
        clock = table.clock(self.schema)
        others = Facts(self.complete, self.ranges).without({table.time})
        complete = others.complete | {table.time} if clock in self.complete else others.complete
        ranges = {**others.ranges, table.time: self.ranges[clock]} if clock and clock in self.ranges else others.ranges
        return Facts(complete, ranges, {day: self.pieces[clock]} if clock and clock in self.pieces else {})


@dataclass(frozen=True)
class LakeSource:
    """A lake as a source.

    Attributes:
        root: Folder or URL; empty until configured.
        storage_options: Options of an object store.
    """

    root: str = ""
    storage_options: Mapping[str, str] = field(default_factory=dict)

    def configured(self, settings: Mapping[str, Any]) -> LakeSource:
        """The source with the run's `lake` and `s3_storage_options`.

        Raises:
            InvalidValue: There is no lake, or it is no folder.
        """
        root = settings.get("lake") or os.environ.get("BASALT_LAKE") or ""
        if not root:
            raise InvalidValue("the source 'lake' has no folder", where="LAKE", hint="give --lake DIR, or set LAKE in the config")
        if not is_remote(root) and not Path(root).is_dir():
            raise InvalidValue(
                f"the lake {root!r} is no folder", where="LAKE", hint="make one: basalt data simulate --lake DIR --date 2026-02-02"
            )
        return replace(self, root=str(root), storage_options=dict(settings.get("s3_storage_options") or {}))

    def markets(self, table: Table, days: Sequence[date]) -> tuple[str, ...]:
        """Markets for which the lake has *table* on any of *days*."""
        names = _children(f"{self.root.rstrip('/')}/{table.folder}", self.storage_options)
        return tuple(mic for mic in names if any(self._exists(table, mic, day) for day in days))

    def inventory(self, table: Table, days: Sequence[date], markets: Sequence[str] | None) -> Inventory:
        """Files of *table*, checked against its contract by their footers."""
        wanted = self.markets(table, days) if markets is None else tuple(markets)
        files: list[SourceFile] = []
        missing: list[tuple[str, date]] = []
        columns: frozenset[str] | None = None
        facts: list[Facts] = []
        for day in days:
            for mic in wanted:
                found = self._file(table, mic, day)
                if found is None:
                    missing.append((mic, day))
                    continue
                file, footer = found
                files.append(file)
                columns = frozenset(footer.schema) if columns is None else columns & frozenset(footer.schema)
                facts.append(footer.facts(table, day))
        digest = hashlib.sha256("\n".join(f"{file.path} {file.stamp}" for file in files).encode()).hexdigest()
        return Inventory(tuple(files), columns, tuple(missing), digest, common_facts(facts))

    def scan(self, table: Table, files: Sequence[SourceFile], columns: Sequence[str]) -> pl.LazyFrame:
        """Rows of *files* with *columns* as the contract types them."""
        return scan_files(table, files, columns, self.storage_options)

    def _exists(self, table: Table, mic: str, day: date) -> bool:
        path = lake_path(self.root, table, mic, day)
        return _stamp(path, self.storage_options) is not None

    def _file(self, table: Table, mic: str, day: date) -> tuple[SourceFile, Footer] | None:
        path = lake_path(self.root, table, mic, day)
        stamp = _stamp(path, self.storage_options)
        if stamp is None:
            return None
        size, changed = stamp
        footer = read_footer(path, self.storage_options)
        check_schema(table, footer.schema, path)
        order = ",".join(order_columns(table, footer.schema.names()))
        known = "ordered" if footer.order == order and order else ""
        return SourceFile(mic, day, path, footer.rows, size, f"{size}-{changed}-{known}"), footer


def is_remote(root: str) -> bool:
    """Whether *root* is a URL of an object store."""
    return "://" in str(root)


def read_footer(path: str, storage_options: Mapping[str, str]) -> Footer:
    """The footer of a Parquet file.

    Raises:
        CorruptInput: It is no whole Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_file(path, storage_options) as file:
            metadata = pq.ParquetFile(file).metadata
            schema = metadata.schema.to_arrow_schema()
    except (pa.ArrowInvalid, OSError) as problem:
        raise CorruptInput(
            f"cannot read the file: {str(problem).splitlines()[0]}",
            where=path,
            hint="the file is truncated or no Parquet file: write it again",
        ) from problem
    stored = pl.DataFrame(schema.empty_table()).schema
    order = (metadata.metadata or {}).get(ORDER_KEY.encode(), b"").decode()
    ranges, pieces = _ranges(metadata, schema)
    return Footer(metadata.num_rows, stored, order, _without_nulls(metadata), ranges, pieces)


def _without_nulls(metadata: Any) -> frozenset[str]:
    """Columns that cannot hold nulls, or whose statistics say of every row group that no value is one."""
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    columns = [metadata.schema.column(index) for index in range(metadata.num_columns)]
    return frozenset(
        column.path
        for index, column in enumerate(columns)
        if column.max_definition_level == 0 or all(_has_no_null(group.column(index)) for group in groups)
    )


def _has_no_null(chunk: Any) -> bool:
    statistics = chunk.statistics
    return statistics is not None and statistics.has_null_count and statistics.null_count == 0


def _ranges(metadata: Any, schema: Any) -> tuple[dict[str, Range], dict[str, tuple[Piece, ...]]]:
    """Least and greatest value of the columns of whole numbers and times whose statistics say so of every row group.

    Times also row group by row group.
    """
    import pyarrow as pa

    found, pieces = {}, {}
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    for index in range(metadata.num_columns):
        name = metadata.schema.column(index).path
        dtype = schema.field(name).type if name in schema.names else pa.null()
        unit = _nanos_a_unit(dtype)
        chunks = [group.column(index).statistics for group in groups] if unit else []
        if chunks and all(each is not None and each.has_min_max for each in chunks):
            bounds = [(each.min_raw * unit, each.max_raw * unit) for each in chunks]
            found[name] = (min(first for first, _ in bounds), max(last for _, last in bounds))
            if pa.types.is_timestamp(dtype):
                pieces[name] = tuple(Piece(*each, group.num_rows) for each, group in zip(bounds, groups, strict=True))
    return found, pieces


def _nanos_a_unit(dtype: Any) -> int:
    """1 for whole numbers with a sign, the nanoseconds of a unit of time stamps, 0 for other types."""
    import pyarrow as pa

    if pa.types.is_timestamp(dtype):
        return {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}[dtype.unit]
    return int(pa.types.is_signed_integer(dtype))


def check_schema(table: Table, stored: pl.Schema, path: str) -> None:
    """Refuse a file whose columns do not keep the contract.

    Raises:
        SchemaMismatch: A required column or the clock is missing, or a column has another type.
    """
    lacking = sorted(table.required_names - set(stored))
    if table.time and not any(name in stored for name in table.time_from):
        lacking.append(" or ".join(table.time_from))
    if lacking:
        raise SchemaMismatch(f"{table.name} lacks {', '.join(lacking)}", where=path, hint=f"the file has {', '.join(list(stored)[:8])} …")
    for column in table.columns:
        is_day = column.name in table.time_from and stored.get(column.name) == pl.Date
        if column.name in stored and (is_day or not _fits(stored[column.name], column.dtype)):
            raise SchemaMismatch(
                f"{table.name}.{column.name} is {stored[column.name]}, not {column.dtype}",
                where=path,
                hint="cast the column and write the file again",
            )


def _fits(stored: pl.DataType, wanted: pl.DataType) -> bool:
    """Whether values of *stored* can be read as *wanted* without a change of meaning."""
    if stored in (wanted, pl.Null):
        return True
    if stored.is_integer():
        return wanted.is_integer() or wanted.is_float()
    if stored.is_float():
        return wanted.is_float()
    if isinstance(stored, pl.Datetime | pl.Date):
        return isinstance(wanted, pl.Datetime | pl.Date)
    return isinstance(stored, pl.Categorical | pl.Enum) and wanted == pl.String


def file_system(path: str, storage_options: Mapping[str, str]) -> tuple[Any, str]:
    """Pyarrow's file system of a path or URL, and the path in it.

    Raises:
        InvalidValue: No file system is known for the URL.
    """
    from pyarrow import fs

    if not is_remote(path):
        return fs.LocalFileSystem(), path
    scheme, _, rest = path.partition("://")
    if scheme != "s3":
        try:
            system, inner = fs.FileSystem.from_uri(path)
        except (ValueError, OSError) as problem:
            raise InvalidValue(
                f"no lake is behind the URL: {problem}", where=path, hint="give a folder, or a URL such as s3://bucket/lake"
            ) from problem
        return system, inner
    keys = {
        "aws_access_key_id": "access_key",
        "aws_secret_access_key": "secret_key",
        "aws_session_token": "session_token",
        "aws_region": "region",
        "region": "region",
        "aws_endpoint_url": "endpoint_override",
        "endpoint_url": "endpoint_override",
    }
    options = {keys[name]: value for name, value in storage_options.items() if name in keys}
    if options.get("endpoint_override", "").startswith("http://"):
        options["scheme"] = "http"
    return fs.S3FileSystem(**options), rest


def open_file(path: str, storage_options: Mapping[str, str]) -> Any:
    """A file of a lake, local or not, to read bytes from."""
    if not is_remote(path):
        return Path(path).open("rb")
    system, inner = file_system(path, storage_options)
    return system.open_input_file(inner)


def _stamp(path: str, storage_options: Mapping[str, str]) -> tuple[int, str] | None:
    """Size and time of change of a file; None when there is none."""
    if not is_remote(path):
        try:
            found = Path(path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_size, str(found.st_mtime_ns)
    system, inner = file_system(path, storage_options)
    info = system.get_file_info(inner)
    return (info.size, str(info.mtime_ns)) if info.is_file else None


def _children(folder: str, storage_options: Mapping[str, str]) -> tuple[str, ...]:
    if not is_remote(folder):
        path = Path(folder)
        return tuple(sorted(child.name for child in path.iterdir() if child.is_dir())) if path.is_dir() else ()
    from pyarrow import fs

    system, inner = file_system(folder, storage_options)
    try:
        infos = system.get_file_info(fs.FileSelector(inner, allow_not_found=True))
    except OSError as problem:
        raise ConfigError(f"cannot list the lake: {problem}", where=folder, hint="check the URL and S3_STORAGE_OPTIONS") from problem
    return tuple(sorted(info.base_name for info in infos if info.type == fs.FileType.Directory))
