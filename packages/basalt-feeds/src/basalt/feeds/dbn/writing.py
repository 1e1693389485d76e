"""Write DBN: metadata and records, as the vendor lays them out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import databento_dbn
import numpy as np
import polars as pl
import zstandard
from numpy.typing import NDArray

from basalt.core.errors import TargetFailed
from basalt.feeds.dbn.fields import DAY_NANOS
from basalt.feeds.dbn.records import KINDS, layout_of

VERSION = 3
_RTYPES = {kind: rtype for rtype, kind in KINDS.items()}
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class _Span:
    start_date: date
    end_date: date
    symbol: str


@dataclass(frozen=True)
class _Mapping:
    raw_symbol: str
    intervals: tuple[_Span, ...]


def encoded_header(dataset: str, schema: str, day: date, symbols: Mapping[int, str], *, version: int = VERSION) -> bytes:
    """The metadata of a file of one day; *symbols* by number of the instrument."""
    start = (day - _EPOCH).days * DAY_NANOS
    mappings = [_Mapping(symbol, (_Span(day, day + timedelta(days=1), str(number)),)) for number, symbol in symbols.items()]
    metadata = databento_dbn.Metadata(
        dataset=dataset,
        start=start,
        end=start + DAY_NANOS,
        stype_in=databento_dbn.SType.from_str("raw_symbol"),
        stype_out=databento_dbn.SType.from_str("instrument_id"),
        schema=databento_dbn.Schema.from_str(schema),
        symbols=list(symbols.values()),
        mappings=mappings,  # type: ignore[arg-type] # any objects with these attributes
        version=version,
    )
    return bytes(metadata.encode())


def encoded_records(kind: str, fields: pl.DataFrame, *, version: int = VERSION) -> bytes:
    """Records of *kind* with the given fields; those that are not given are what the vendor writes for nothing: 0."""
    layout = layout_of(version, kind)
    records = np.zeros(fields.height, layout)
    records["length"], records["rtype"] = layout.itemsize // 4, _RTYPES[kind]
    for name in fields.columns:
        records[name] = _values(fields[name], layout[name])
    return records.tobytes()


def _values(column: pl.Series, dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "S" and dtype.itemsize == 1 and column.dtype.is_integer():
        return column.cast(pl.UInt8).to_numpy().view("S1")
    if dtype.kind == "S":
        return np.array([value.encode() for value in column.to_list()], dtype)
    integers = pl.UInt64 if dtype.kind == "u" else pl.Int64
    return column.fill_null(0).cast(integers).to_numpy().astype(dtype)


@contextmanager
def dbn_file(path: Path, header: bytes) -> Iterator[Any]:
    """A zstd-compressed file that begins with *header* and appears whole at the end of the block, or not at all.

    Raises:
        TargetFailed: It cannot be written.
    """
    staged = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with staged.open("wb") as file, zstandard.ZstdCompressor().stream_writer(file) as packed:
            packed.write(header)
            yield packed
        staged.replace(path)
    except OSError as problem:
        raise TargetFailed(f"cannot write: {problem.strerror}", where=str(path), hint="check the folder and free space") from problem
    finally:
        staged.unlink(missing_ok=True)
