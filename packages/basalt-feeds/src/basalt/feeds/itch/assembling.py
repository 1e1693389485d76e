"""Columns to the bytes of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from basalt.core.errors import DataError
from basalt.feeds.itch.layouts import LAYOUTS, PRICE_SCALE


@dataclass(frozen=True)
class Batch:
    """Messages of one type.

    Attributes:
        kind: Their type.
        nanos: Times (ns after midnight, int64).
        numbers: What orders messages of one time (int64).
        rank: What orders messages of one time and number.
        fields: Values of the other fields by name, a column each; a field that is not given is 0 or spaces.
    """

    kind: str
    nanos: np.ndarray
    numbers: np.ndarray
    rank: int
    fields: Mapping[str, Any]

    def up_to(self, nanos: int, after: int) -> Batch:
        """The messages from behind the time *after* up to *nanos*."""
        chosen = (self.nanos > after) & (self.nanos <= nanos)
        fields = {name: values[chosen] if isinstance(values, np.ndarray) else values for name, values in self.fields.items()}
        return replace(self, nanos=self.nanos[chosen], numbers=self.numbers[chosen], fields=fields)

    def messages(self) -> np.ndarray:
        """The messages as a structured array."""
        layout = LAYOUTS[self.kind]
        out = np.zeros(len(self.nanos), dtype=layout)
        for name in layout.names or ():
            if layout[name].kind == "S":
                out[name] = b" " * layout[name].itemsize
        out["kind"] = self.kind
        out["nanos"] = np.asarray(self.nanos, dtype=">u8").view(np.uint8).reshape(-1, 8)[:, 2:]
        for name, values in self.fields.items():
            out[name] = values
        return out


def texts(values: Sequence[str | None], length: int) -> np.ndarray:
    """Texts padded with spaces, as fields hold them; none is all spaces."""
    return np.array([(value or "").ljust(length).encode("latin-1") for value in values], dtype=f"S{length}")


def assemble(batches: Sequence[Batch]) -> np.ndarray:
    """The messages of all *batches* in order of time, number and rank, each behind its length (uint8)."""
    filled = [batch for batch in batches if len(batch.nanos)]
    if not filled:
        return np.zeros(0, dtype=np.uint8)
    lengths = np.concatenate([np.full(len(batch.nanos), LAYOUTS[batch.kind].itemsize + 2) for batch in filled])
    ranks = np.concatenate([np.full(len(batch.nanos), batch.rank) for batch in filled])
    numbers, nanos = (np.concatenate([getattr(batch, name) for batch in filled]) for name in ("numbers", "nanos"))
    order = np.lexsort((ranks, numbers, nanos))
    ends = np.empty(len(order), dtype=np.int64)
    ends[order] = np.cumsum(lengths[order])
    out, first = np.zeros(int(lengths.sum()), dtype=np.uint8), 0
    for batch in filled:
        starts = (ends - lengths)[first : first + len(batch.nanos)]
        _place(out, starts, batch)
        first += len(batch.nanos)
    return out


def _place(out: np.ndarray, starts: np.ndarray, batch: Batch) -> None:
    size = LAYOUTS[batch.kind].itemsize
    out[starts + 1] = size
    out[starts[:, None] + 2 + np.arange(size)] = batch.messages().view(np.uint8).reshape(-1, size)


def units(rows: pl.DataFrame, column: str) -> np.ndarray:
    """Prices of *column* in ten-thousandths (int64); null is 0.

    Raises:
        DataError: A price that is finer, negative, or above 429,496.7295.
    """
    prices = rows[column].fill_null(0.0).to_numpy()
    whole = np.rint(prices * PRICE_SCALE)
    bad = np.flatnonzero((whole / PRICE_SCALE != prices) | (whole < 0) | (whole >= 2**32))
    if bad.size:
        raise _cannot_hold(rows, int(bad[0]), column, "prices up to 429,496.7295 in steps of 0.0001")
    return np.asarray(whole.astype(np.int64))


def shares(rows: pl.DataFrame, column: str, largest: int = 2**31 - 1) -> np.ndarray:
    """Sizes of *column* (int64).

    Raises:
        DataError: A size that is no whole number from 1 to *largest*.
    """
    sizes = rows[column].fill_null(0).to_numpy()
    bad = np.flatnonzero((sizes != np.rint(sizes)) | (sizes < 1) | (sizes > largest))
    if bad.size:
        raise _cannot_hold(rows, int(bad[0]), column, f"whole sizes from 1 to {largest:,}")
    return np.asarray(sizes.astype(np.int64))


def _cannot_hold(rows: pl.DataFrame, row: int, column: str, what: str) -> DataError:
    where = f"{rows['Stock'][row]}, BMLLSequenceNo {rows['BMLLSequenceNo'][row]}"
    return DataError(f"{column} {rows[column][row]} does not fit: ITCH holds {what}", where=where, hint="leave the listing out")
