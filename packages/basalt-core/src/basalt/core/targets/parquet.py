"""The output target `parquet`: one file a slot, put in place whole."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from basalt.core.errors import ConflictingSettings, InvalidValue, TargetFailed, nearest
from basalt.core.offers import Receipt, Slot
from basalt.core.tasks import PART_COMPRESSION, PART_LEVEL

DEFAULT_TEMPLATE = "basalt_output/{datasetname}/{universe}/{start_date}_{end_date}.parquet"

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

_FIELD = re.compile(r"\{(\w+)\}")
_TEMPORARY = re.compile(r"\.basalt-(\d+)\.tmp$")


class ParquetOptions(BaseModel):
    """Options of the target `parquet`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path_template: str = Field(
        DEFAULT_TEMPLATE, description="Path or URL; may use {datasetname} {pass} {universe} {start_date} {end_date} {bucket} {prefix}."
    )
    bucket: str | None = Field(None, description="Value of {bucket}.")
    prefix: str | None = Field(None, description="Value of {prefix}.")
    compression: Literal["zstd", "snappy", "lz4", "uncompressed"] = Field("zstd", description="Compression of the columns.")
    storage_options: dict[str, str] = Field(default_factory=dict, description="Options of an object store, for URLs.")


class ParquetTarget:
    """Write each slot as one Parquet file, atomically; a second run replaces it."""

    Options = ParquetOptions

    def location(self, options: ParquetOptions, slot: Slot) -> str:
        """The path or URL of *slot*.

        Raises:
            InvalidValue: The template uses a name that has no value.
        """
        values = {
            "datasetname": slot.dataset,
            "pass": slot.pass_name,
            "universe": slot.universe,
            "start_date": str(slot.start),
            "end_date": str(slot.end),
            "bucket": options.bucket,
            "prefix": options.prefix,
        }
        if not options.path_template or "{" in _FIELD.sub("", options.path_template) or "}" in _FIELD.sub("", options.path_template):
            raise InvalidValue(
                f"{options.path_template!r} is no template", where="path_template", hint="write names in braces, such as {datasetname}"
            )
        return _collapse(_FIELD.sub(lambda match: _value(match[1], values), options.path_template))

    def check(self, options: ParquetOptions, slots: Sequence[Slot]) -> None:
        """Refuse slots that share a path, and paths that cannot be written."""
        taken: dict[str, Slot] = {}
        for slot in slots:
            path = self.location(options, slot)
            if path in taken:
                lacking = [name for name in ("{start_date}", "{datasetname}") if name not in options.path_template]
                raise ConflictingSettings(
                    f"two outputs share {path!r}: {taken[path].dataset} from {taken[path].start} and {slot.dataset} from {slot.start}",
                    where="path_template",
                    hint=f"put {' and '.join(lacking)} into path_template, or choose a longer BATCH_FREQ",
                )
            taken[path] = slot
            if "://" not in path:
                _check_writable(Path(path))

    def commit(
        self,
        options: ParquetOptions,
        slot: Slot,
        parts: Sequence[Path],
        columns: Sequence[str],
        sort_keys: Sequence[str],
        metadata: Mapping[str, str],
    ) -> Receipt:
        """Write the rows of *parts*, in order, and rename the file into its place.

        Raises:
            TargetFailed: The file cannot be written; what was there before stays.
        """
        path = self.location(options, slot)
        try:
            if "://" not in path and len(parts) == 1 and _is_as_wanted(parts[0], options, columns, metadata):
                with _in_place(Path(path)) as temporary:
                    _link(parts[0], temporary)
                return Receipt(slot, path, _rows_in(Path(path)), Path(path).stat().st_size)
            return self._write(options, slot, parts, columns, sort_keys, metadata)
        except OSError as problem:
            raise TargetFailed(
                f"cannot write the output: {problem.strerror or problem}",
                where=path,
                hint="make room, and go on with --resume" if problem.errno in NO_ROOM else "choose another path_template",
            ) from problem

    def _write(
        self,
        options: ParquetOptions,
        slot: Slot,
        parts: Sequence[Path],
        columns: Sequence[str],
        sort_keys: Sequence[str],
        metadata: Mapping[str, str],
    ) -> Receipt:
        path = self.location(options, slot)
        frame = pl.scan_parquet(list(parts), missing_columns="raise")
        if len(parts) > 1:
            frame = frame.sort(list(sort_keys), maintain_order=True)
        frame = frame.select(columns)
        if "://" in path:
            frame.sink_parquet(
                path,
                compression=options.compression,
                compression_level=_level(options),
                metadata=dict(metadata),
                storage_options=options.storage_options or None,
            )
            return Receipt(slot, path, _rows_of(frame), 0)
        with _in_place(Path(path)) as temporary:
            frame.sink_parquet(temporary, compression=options.compression, compression_level=_level(options), metadata=dict(metadata))
        return Receipt(slot, path, _rows_in(Path(path)), Path(path).stat().st_size)


def _level(options: ParquetOptions) -> int | None:
    return PART_LEVEL if options.compression == PART_COMPRESSION else None


def _value(name: str, values: Mapping[str, Any]) -> str:
    if name not in values:
        raise InvalidValue(f"path_template names {{{name}}}", where="path_template", hint=nearest(name, values))
    if values[name] is None:
        raise InvalidValue(f"path_template uses {{{name}}}, which has no value", where="path_template", hint=f"set {name} in OUTPUT_TARGET")
    return str(values[name])


def _collapse(path: str) -> str:
    scheme, separator, rest = path.partition("://")
    return f"{scheme}{separator}{re.sub(r'/+', '/', rest)}" if separator else re.sub(r"/+", "/", path)


def _check_writable(path: Path) -> None:
    existing = next(parent for parent in (path.parent, *path.parent.absolute().parents) if parent.exists())
    if path.is_dir() or not existing.is_dir() or not os.access(existing, os.W_OK):
        raise TargetFailed("cannot write the output: no permission, or not a folder", where=str(path), hint="choose another path_template")


def _is_as_wanted(part: Path, options: ParquetOptions, columns: Sequence[str], metadata: Mapping[str, str]) -> bool:
    """Whether writing *part* again would give the same file."""
    if options.compression != PART_COMPRESSION or list(pl.read_parquet_schema(part)) != list(columns):
        return False
    stored = pl.read_parquet_metadata(part)
    return all(stored.get(key) == value for key, value in metadata.items())


def _link(part: Path, path: Path) -> None:
    """Give *part* a second name; copy it where a file cannot have one."""
    path.unlink(missing_ok=True)
    try:
        path.hardlink_to(part)
    except OSError:
        shutil.copyfile(part, path)


@contextmanager
def _in_place(path: Path) -> Iterator[Path]:
    """A temporary path beside *path* that takes its name when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path)
    temporary = path.with_name(f".{path.name}.basalt-{os.getpid()}.tmp")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(path: Path) -> None:
    """Remove what a killed run left beside *path*."""
    for other in path.parent.glob(f".{path.name}.basalt-*.tmp"):
        match = _TEMPORARY.search(other.name)
        if match and not _is_alive(int(match[1])):
            other.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _rows_in(path: Path) -> int:
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def _rows_of(frame: pl.LazyFrame) -> int:
    return int(frame.select(pl.len()).collect().item())
