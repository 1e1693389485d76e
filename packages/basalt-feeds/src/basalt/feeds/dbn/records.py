"""Records of a DBN file as frames, one a kind of record.

The metadata, the layouts of the records of each version and the meaning of their codes are those of the vendor's package `databento_dbn`. Records are
of fixed size, so a block of them is an array: no record becomes a Python object.

Source:
    Databento, DBN encoding, versions 1 to 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import databento_dbn
import numpy as np
import polars as pl
from databento_dbn import v1, v2, v3
from numba import njit
from numpy.typing import NDArray

from basalt.core.errors import CorruptInput
from basalt.feeds.dbn.naming import Symbols
from basalt.feeds.dbn.opening import pieces

RECORDS_AT_ONCE = 100_000
"""Records that are held at once; books of ten levels need twenty times the memory of what they are made from."""

KINDS = {
    0: "trades",
    1: "mbp-1",
    10: "mbp-10",
    18: "status",
    19: "definition",
    20: "imbalance",
    22: "mapping",
    24: "statistics",
    160: "mbo",
}
"""Kinds of records that are read, by their `rtype`."""

_CLASSES = {
    "trades": "TradeMsg",
    "mbp-1": "MBP1Msg",
    "mbp-10": "MBP10Msg",
    "status": "StatusMsg",
    "definition": "InstrumentDefMsg",
    "imbalance": "ImbalanceMsg",
    "mapping": "SymbolMappingMsg",
    "statistics": "StatMsg",
    "mbo": "MBOMsg",
}
_VERSIONS = {1: v1, 2: v2, 3: v3}
_PREFIX = 8
_UNIT = 4
_UNTOLD = {"length", "rtype", "_reserved"}


@dataclass(frozen=True)
class Header:
    """What a file says about itself.

    Attributes:
        path: The file.
        dataset: Name of the data set, as in `GLBX.MDP3`; empty when the file does not tell.
        schema: Kind of its records; empty for a mixture.
        symbols: Symbols of its numbers.
        version: Version of DBN; 0 for text.
        has_sent_time: Whether each record ends with the time at which the vendor sent it.
        size: Bytes before the first record.
    """

    path: Path
    dataset: str
    schema: str
    symbols: Symbols = field(default_factory=Symbols)
    version: int = 0
    has_sent_time: bool = False
    size: int = 0


def parse_header(start: bytes, path: Path) -> Header:
    """The metadata at the *start* of a file.

    Raises:
        CorruptInput: It is none, or of a version that nobody knows.
    """
    if start[:3] != b"DBN" or len(start) < _PREFIX:
        raise CorruptInput("not a DBN file", where=str(path), hint="DBN files begin with the letters DBN, behind zstd or not")
    version, size = start[3], _PREFIX + int.from_bytes(start[4:_PREFIX], "little")
    if version not in _VERSIONS:
        raise CorruptInput(f"DBN of version {version}", where=str(path), hint=f"versions {min(_VERSIONS)} to {max(_VERSIONS)} are read")
    if len(start) < size:
        raise CorruptInput("the file ends within its metadata", where=str(path), hint="fetch the file again")
    try:
        metadata = databento_dbn.Metadata.decode(start[:size])
    except (databento_dbn.DBNError, ValueError) as problem:
        raise CorruptInput(f"the metadata cannot be read: {problem}", where=str(path), hint="fetch the file again") from problem
    symbols = Symbols()
    symbols.add_mappings(metadata.mappings, numbers_are_symbols=str(metadata.stype_in) == "instrument_id")
    return Header(path, metadata.dataset, str(metadata.schema or ""), symbols, version, bool(metadata.ts_out), size)


def read_dbn(path: Path, records_at_once: int = RECORDS_AT_ONCE) -> Iterator[tuple[Header, str, pl.DataFrame]]:
    """The records of a DBN file, a block after the other.

    Yields:
        The header, a kind of `KINDS`, and the records of that kind: the vendor's fields (characters as their codes, times and prices as they are) and
        `position`, the number of the record in the file from 0. Kinds that are not in `KINDS` are passed over.

    Raises:
        CorruptInput: The file is damaged, or ends within a record.
    """
    rest, header, position = b"", None, 0
    for piece in pieces(path, records_at_once * 56):
        data = rest + piece
        if header is None:
            if _ends_within_header(data):
                rest = data
                continue
            header = parse_header(data, path)
            data = data[header.size :]
        starts, used = find_records(data, path)
        yield from _frames(header, data, starts, position)
        position += starts.size
        rest = data[used:]
    if header is None:
        if rest:
            parse_header(rest, path)
        raise CorruptInput("the file is empty", where=str(path), hint="fetch the file again")
    if rest:
        raise CorruptInput(f"the file ends within record {position}", where=str(path), hint="it was cut short: fetch it again")


def _ends_within_header(start: bytes) -> bool:
    return b"DBN".startswith(start[:3]) and len(start) < _PREFIX + int.from_bytes(start[4:_PREFIX], "little")


def find_records(data: bytes, path: Path) -> tuple[NDArray[np.int64], int]:
    """Where whole records start in *data*, and how many bytes they take.

    Raises:
        CorruptInput: A record of length 0.
    """
    buffer = np.frombuffer(data, np.uint8)
    if not buffer.size:
        return np.zeros(0, np.int64), 0
    length = int(buffer[0]) * _UNIT
    whole = buffer.size // length if length else 0
    if whole and (buffer[: whole * length : length] == buffer[0]).all() and buffer.size - whole * length < length:
        return np.arange(whole, dtype=np.int64) * length, whole * length
    starts = np.empty(buffer.size // _UNIT + 1, np.int64)
    count, used = _walk(buffer, starts)
    if used < 0:
        raise CorruptInput("a record without length", where=f"{path}, record {count}", hint="fetch the file again")
    return starts[:count], used


@njit(cache=True, nogil=True)
def _walk(buffer, starts):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    at, count = np.int64(0), 0
    while at < buffer.size:
        length = np.int64(buffer[at]) * 4
        if length == 0:
            return count, -1
        if at + length > buffer.size:
            break
        starts[count] = at
        count += 1
        at += length
    return count, at


def _frames(header: Header, data: bytes, starts: NDArray[np.int64], position: int) -> Iterator[tuple[Header, str, pl.DataFrame]]:
    buffer = np.frombuffer(data, np.uint8)
    rtypes = buffer[starts + 1]
    for rtype in np.unique(rtypes):
        kind = KINDS.get(int(rtype))
        if kind is None:
            continue
        layout = layout_of(header.version, kind, has_sent_time=header.has_sent_time)
        places = np.flatnonzero(rtypes == rtype)
        records = _records(buffer, starts[places], layout, header)
        yield header, kind, _as_frame(records, pl.Series("position", places + position))


@cache
def layout_of(version: int, kind: str, *, has_sent_time: bool = False) -> np.dtype[Any]:
    """The layout of a record of *kind*."""
    fields = list(getattr(_VERSIONS[version], _CLASSES[kind])._dtypes)  # noqa: SLF001 - what the vendor's own client decodes with
    return np.dtype([*fields, ("ts_out", "u8")] if has_sent_time else fields)


def _records(buffer: NDArray[np.uint8], starts: NDArray[np.int64], layout: np.dtype[Any], header: Header) -> NDArray[Any]:
    size = layout.itemsize
    lengths = buffer[starts].astype(np.int64) * _UNIT
    if (lengths != size).any():
        raise CorruptInput(
            f"a record of {int(lengths[lengths != size][0])} bytes where the vendor's have {size}",
            where=str(header.path),
            hint="fetch the file again",
        )
    first, last = int(starts[0]), int(starts[-1])
    if last - first == (starts.size - 1) * size:
        return np.frombuffer(buffer[first : last + size], layout)
    return buffer[starts[:, None] + np.arange(size)].reshape(-1).view(layout)


def _as_frame(records: NDArray[Any], position: pl.Series) -> pl.DataFrame:
    names = records.dtype.names or ()
    return pl.DataFrame([position, *(_series(name, records[name]) for name in names if name not in _UNTOLD)])


def _series(name: str, values: NDArray[Any]) -> pl.Series:
    if values.dtype.kind != "S":
        return pl.Series(name, np.ascontiguousarray(values))
    if values.dtype.itemsize == 1:
        return pl.Series(name, np.ascontiguousarray(values).view(np.uint8))
    return pl.Series(name, [value.decode("utf-8", "replace") for value in values.tolist()], dtype=pl.String)
