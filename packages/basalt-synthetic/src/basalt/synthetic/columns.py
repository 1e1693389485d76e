"""Columns of tables as Arrow arrays, made from entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa

from basalt.synthetic.clocks import NANOS_PER_MICRO, NANOS_PER_SECOND, midnight_nanos
from basalt.synthetic.entries import INSTANT, Entries, Rows
from basalt.synthetic.gathering import gather_exact, gather_prices, gather_whole
from basalt.synthetic.layouts import TYPES, Ahead, Clock, Exact, Fact, Flag, Kind, Layout, Name, Price, Same, Whole, Word
from basalt.synthetic.market import Listing
from basalt.synthetic.naming import DIGITS, write_names
from basalt.synthetic.phases import offset_seconds

_NANOS = {"ns": 1, "us": NANOS_PER_MICRO, "ms": 1_000_000}

Made = TypeVar("Made")


@dataclass(frozen=True)
class Market:
    """Listings by their number, and the day: what columns need besides entries."""

    listings: tuple[Listing, ...]
    day: date

    @cached_property
    def fractions(self) -> np.ndarray:
        """Numerator and denominator of a unit of each listing."""
        return np.array([listing.instrument.tick.fraction for listing in self.listings], dtype=np.int64)

    @cached_property
    def ahead(self) -> np.ndarray:
        """Nanoseconds that the clock of each listing's venue is ahead of UTC."""
        seconds = [offset_seconds(listing.venue.zone, self.day) for listing in self.listings]
        return np.array(seconds, dtype=np.int64) * NANOS_PER_SECOND

    @cached_property
    def _facts(self) -> dict[Callable[[Listing], Any], tuple[np.ndarray, list[Any]]]:
        return {}

    def fact(self, of: Callable[[Listing], Any]) -> tuple[np.ndarray, list[Any]]:
        """The code of each listing's fact, and what codes stand for."""
        if of not in self._facts:
            values = [of(listing) for listing in self.listings]
            codes = {value: code for code, value in enumerate(dict.fromkeys(values))}
            self._facts[of] = np.array([codes[value] for value in values], dtype=np.int32), list(codes)
        return self._facts[of]


class Room:
    """Memory for columns. That of a room that is `kept` is given out again: memory that is new costs more than its values."""

    def __init__(self, *, kept: bool) -> None:
        self._kept = kept
        self._arrays: dict[tuple[str, Any], np.ndarray] = {}

    def array(self, use: str, columns: int, size: int, dtype: Any) -> np.ndarray:
        """An array of *columns* times *size*; when kept, of the memory that the same *use* had before."""
        length = columns * size
        if not self._kept:
            return np.empty((columns, size), dtype)
        known = self._arrays.get((use, dtype))
        if known is None or known.size < length:
            known = self._arrays[use, dtype] = np.empty(length + length // 8, dtype)
        return known[:length].reshape(columns, size)


@dataclass(frozen=True)
class Columns:
    """The making of all columns of some rows.

    Attributes:
        layout: What they are.
        market: The listings and the day.
        rows: The rows.
        room: Memory for them.
    """

    layout: Layout
    market: Market
    rows: Rows
    room: Room = field(default_factory=lambda: Room(kept=False))

    def made(self) -> dict[str, pa.Array]:
        """All columns in the table's order; words are dictionaries, and columns that are made alike are one array."""
        return self._in_order({**self._varying(), **{name: self._same(kind.value, dtype) for name, kind, dtype in self._constant()}})

    def frame(self) -> pl.DataFrame:
        """All columns in the table's order; what is the same in all rows takes no memory."""
        arrays = self._varying()
        series = {id(array): _series(array) for array in arrays.values()}
        frame = pl.DataFrame([series[id(array)].alias(name) for name, array in arrays.items()])
        same = {name: pl.lit(self._value(kind.value, dtype)).cast(self.layout.table[name].dtype) for name, kind, dtype in self._constant()}
        return frame.with_columns(**same).select(*self._in_order({**arrays, **same}))

    def _in_order(self, found: Mapping[str, Made]) -> dict[str, Made]:
        return {column.name: found[column.name] for column in self.layout.table.columns if column.name in found}

    def _varying(self) -> dict[str, pa.Array]:
        """All columns but those that are the same in all rows."""
        found = {**self._prices(), **self._whole(), **self._exact()}
        alike: dict[tuple[Kind, pa.DataType], pa.Array] = {}
        for name, kind in self.layout.kinds.items():
            key = (kind, TYPES[self.layout.table[name].dtype])
            if name not in found and not isinstance(kind, Same):
                if key not in alike:
                    alike[key] = self._single(*key)
                found[name] = alike[key]
        return found

    def _constant(self) -> list[tuple[str, Same, pa.DataType]]:
        kinds = self.layout.kinds.items()
        return [(name, kind, TYPES[self.layout.table[name].dtype]) for name, kind in kinds if isinstance(kind, Same)]

    @cached_property
    def _nanos(self) -> np.ndarray:
        return self.rows.keys // INSTANT + midnight_nanos(self.market.day)

    def _prices(self) -> dict[str, pa.Array]:
        names = self.layout.named(Price).get(pa.float64(), [])
        values, present = self._space("prices", len(names), np.float64)
        for part, places, targets in self._parts():
            gather_prices(part.whole, places, targets, self._fields(names), self.market.fractions, values, present)
        return {name: _array(pa.float64(), *parts) for name, *parts in zip(names, values, present, strict=True)}

    def _whole(self) -> dict[str, pa.Array]:
        found: dict[str, pa.Array] = {}
        for dtype, names in self.layout.named(Whole).items():
            for may_miss in (False, True):
                some = [name for name in names if self.layout.kinds[name].may_miss == may_miss]  # type: ignore[union-attr]
                found |= self._of_whole(some, dtype, may_miss=may_miss)
        return found

    def _of_whole(self, names: list[str], dtype: pa.DataType, *, may_miss: bool) -> dict[str, pa.Array]:
        values, present = self._space(f"whole{may_miss}", len(names), dtype.to_pandas_dtype())
        for part, places, targets in self._parts():
            gather_whole(part.whole, places, targets, self._fields(names), values, present if may_miss else present[:0])
        return {name: _array(dtype, values[place], present[place] if may_miss else None) for place, name in enumerate(names)}

    def _exact(self) -> dict[str, pa.Array]:
        found: dict[str, pa.Array] = {}
        for dtype, names in self.layout.named(Exact).items():
            values, present = self._exact_values(self._fields(names), dtype.to_pandas_dtype())
            found |= {name: _array(dtype, *parts) for name, *parts in zip(names, values, present, strict=True)}
        return found

    def _exact_values(self, fields: np.ndarray, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
        values, present = self._space(f"exact{fields.size}", fields.size, dtype)
        for part, places, targets in self._parts():
            gather_exact(part.exact, places, targets, fields, values, present)
        return values, present

    @cached_property
    def _coded(self) -> dict[str, np.ndarray]:
        """All codes and numbers that become words, flags and names, by their names in entries."""
        kinds = self.layout.kinds.values()
        names = list(dict.fromkeys(kind.of for kind in kinds if isinstance(kind, Flag | Word | Name)))
        values, present = self._space("coded", len(names), np.int32)
        fields = np.array([self.layout.place(name) for name in names], dtype=np.int64)
        for part, places, targets in self._parts():
            gather_whole(part.whole, places, targets, fields, values, present[:0])
        return dict(zip(names, values, strict=True))

    def _fields(self, names: list[str]) -> np.ndarray:
        return np.array([self.layout.place(self.layout.kinds[name].of) for name in names], dtype=np.int64)  # type: ignore[union-attr,arg-type]

    def _parts(self) -> Iterator[tuple[Entries, np.ndarray, np.ndarray]]:
        return zip(self.rows.parts, self.rows.places, self.rows.targets, strict=True)

    def _space(self, use: str, columns: int, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
        """Room for values, and zeros for their bits."""
        words = self.room.array(f"{use} bits", columns, (self.rows.size + 63) // 64, np.uint64)
        words[:] = 0
        return self.room.array(use, columns, self.rows.size, dtype), words

    def _single(self, kind: Kind, dtype: pa.DataType) -> pa.Array:
        match kind:
            case Flag() | Word() | Name():
                return self._decoded(kind)
            case Fact():
                return self._facts(kind, dtype)
            case Clock():
                return self._clock(kind, dtype)
            case Ahead():
                return _array(dtype, np.take((self.market.ahead // NANOS_PER_SECOND).astype(np.int32), self.rows.numbers), None)
        return _array(dtype, self.rows.keys, None)

    def _decoded(self, kind: Flag | Word | Name) -> pa.Array:
        codes = self._coded[kind.of]
        match kind:
            case Flag():
                return _flags(codes, may_miss=kind.may_miss)
            case Name():
                return _names(self.rows.numbers, codes)
        words = list(dict.fromkeys(kind.words))
        lut = np.array([*(words.index(word) for word in kind.words), -1], dtype=_code_type(words))
        return _words(lut[codes], words, may_miss=kind.may_miss)

    def _facts(self, kind: Fact, dtype: pa.DataType) -> pa.Array:
        codes, values = self.market.fact(kind.of)
        if dtype == pa.string():
            return _words(np.take(codes.astype(_code_type(values)), self.rows.numbers), values)
        if dtype == pa.bool_():
            return _flags(np.take(np.array(values, dtype=np.int8)[codes], self.rows.numbers))
        return _array(dtype, np.take(np.array(values, dtype=dtype.to_pandas_dtype())[codes], self.rows.numbers), None)

    def _same(self, value: Any, dtype: pa.DataType) -> pa.Array:
        if dtype == pa.string():
            return _words(np.zeros(self.rows.size, dtype=np.int8), [value])
        if dtype == pa.bool_():
            return _flags(np.full(self.rows.size, int(value), dtype=np.int8))
        return _array(dtype, np.full(self.rows.size, self._value(value, dtype), dtype=_physical(dtype)), None)

    def _value(self, value: Any, dtype: pa.DataType) -> Any:
        """The value, or midnight of the day as clocks count it."""
        return midnight_nanos(self.market.day) // _NANOS[dtype.unit] if pa.types.is_timestamp(dtype) else value

    def _clock(self, kind: Clock, dtype: pa.DataType) -> pa.Array:
        nanos = self._nanos + kind.plus if kind.plus else self._nanos
        if kind.later:
            nanos = nanos + self._exact_values(np.array([self.layout.place(kind.later)]), np.int64)[0][0]
        if kind.local:
            nanos = nanos + np.take(self.market.ahead, self.rows.numbers)
        return _array(dtype, nanos if pa.types.is_integer(dtype) or dtype.unit == "ns" else nanos // _NANOS[dtype.unit], None)


def _physical(dtype: pa.DataType) -> Any:
    return np.int64 if pa.types.is_timestamp(dtype) else dtype.to_pandas_dtype()


def _array(dtype: pa.DataType, values: np.ndarray, present: np.ndarray | None) -> pa.Array:
    """An array on the memory of *values*; without bits, or with all of them, nothing is null."""
    missing = 0 if present is None else values.size - int(np.bitwise_count(present).sum())
    known = pa.py_buffer(present) if missing else None
    return pa.Array.from_buffers(dtype, values.size, [known, pa.py_buffer(values)], missing)


def _flags(codes: np.ndarray, *, may_miss: bool = False) -> pa.Array:
    return pa.Array.from_buffers(pa.bool_(), codes.size, [_known(codes, may_miss=may_miss), _bits(codes == 1)])


def _known(codes: np.ndarray, *, may_miss: bool) -> pa.Buffer | None:
    return _bits(codes >= 0) if may_miss else None


def _bits(truth: np.ndarray) -> pa.Buffer:
    return pa.py_buffer(np.packbits(truth, bitorder="little"))


def _code_type(words: list[Any]) -> Any:
    return np.int8 if len(words) < 127 else np.int16


def _words(codes: np.ndarray, words: list[str], *, may_miss: bool = False) -> pa.Array:
    """A dictionary on the memory of *codes*; made from buffers, since `pyarrow.array` imports Pandas for a second."""
    dtype = pa.int8() if codes.dtype == np.int8 else pa.int16()
    places = pa.Array.from_buffers(dtype, codes.size, [_known(codes, may_miss=may_miss), pa.py_buffer(codes)])
    texts = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    known = pa.Array.from_buffers(pa.string(), len(texts), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))])
    return pa.DictionaryArray.from_arrays(places, known)


def _names(listings: np.ndarray, numbers: np.ndarray) -> pa.Array:
    longest = DIGITS + len(str(int(listings.max(initial=0)) + 1))
    ends, text = np.empty(numbers.size + 1, np.int64), np.empty(longest * numbers.size, np.uint8)
    length = write_names(listings, numbers, ends, text)
    return pa.Array.from_buffers(pa.large_string(), numbers.size, [None, pa.py_buffer(ends), pa.py_buffer(text[:length])], 0)


def _series(array: pa.Array) -> pl.Series:
    return pl.Series(_viewed(array) if pa.types.is_dictionary(array.type) else array)


def _viewed(array: pa.DictionaryArray) -> pa.Array:
    """The words, each a view into the dictionary, as frames have them."""
    _, views, *texts = array.dictionary.cast(pa.string_view()).buffers()
    known, codes = array.indices.buffers()
    places = np.frombuffer(codes, array.indices.type.to_pandas_dtype(), len(array))
    each = np.take(np.frombuffer(views, np.complex128, len(array.dictionary)), places, mode="clip")
    return pa.Array.from_buffers(pa.string_view(), len(array), [known, pa.py_buffer(each), *texts])
