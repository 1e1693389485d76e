"""Read a LOBSTER pair: two CSV files into typed, checked frames, piece by piece and in step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from basalt.core.errors import CorruptInput, UnsortedInput
from basalt.feeds.lobster.faults import book_fault, first_fault, message_fault
from basalt.feeds.lobster.finding import NativeFile, Pair
from basalt.feeds.lobster.line_kernel import read_events, read_levels

CONTRACT_LEVELS = 10
BLOCK_BYTES = 16 << 20
"""Bytes of the orderbook file that are read at once: about 60,000 rows of ten levels."""

MESSAGE_BYTES = 2 << 20
"""Bytes of the message file that are read at once."""

_MESSAGE = ("Nanos", "Type", "OrderId", "Size", "Price", "Direction")


@dataclass(frozen=True)
class Recording:
    """Rows of a pair that were read: the whole, or a piece that follows others.

    Attributes:
        pair: Where it came from.
        messages: `Nanos` (after midnight in New York), `Type`, `OrderId`, `Size`, `Price` (1/10,000),
            `Direction`; file order.
        book: `AskPrice1`, `AskSize1`, `BidPrice1`, `BidSize1`, `AskPrice2` …, as in the file; as
            many rows as `messages`.
        levels: Levels in `book`: those of the file, at most ten.
    """

    pair: Pair
    messages: pl.DataFrame
    book: pl.DataFrame
    levels: int


def read_pair(pair: Pair, *, block_bytes: int = BLOCK_BYTES) -> Iterator[Recording]:
    """Read and check both files of *pair*, a piece after the other.

    Args:
        block_bytes: Bytes of the orderbook file that are read at once.

    Raises:
        CorruptInput: A line that is not what LOBSTER writes, no lines, or files of unequal length.
        UnsortedInput: Time goes backwards.
    """
    messages = _Rows(read_messages(pair.messages, block_bytes=min(block_bytes, MESSAGE_BYTES)))
    count = 0
    for book in read_book(pair.book, pair.levels, block_bytes=block_bytes):
        count += book.height
        piece = messages.take(book.height)
        if piece.height == book.height:
            yield Recording(pair, piece, book, min(pair.levels, CONTRACT_LEVELS))
    total = messages.count_all()
    if total != count:
        raise CorruptInput(
            f"{total} messages but {count} rows of the book",
            where=f"{pair.messages} and {pair.book}",
            hint="one of the files is cut short: fetch both again",
        )


class _Rows:
    """Rows of frames, as many at once as asked for."""

    def __init__(self, frames: Iterator[pl.DataFrame]) -> None:
        self._frames, self._rest, self._taken = frames, pl.DataFrame(), 0

    def take(self, count: int) -> pl.DataFrame:
        """The next *count* rows, fewer at the end."""
        parts = [self._rest]
        while sum(part.height for part in parts) < count and (frame := next(self._frames, None)) is not None:
            parts.append(frame)
        rows = pl.concat([part for part in parts if part.height] or [self._rest])
        self._rest = rows.slice(count)
        piece = rows.head(count)
        self._taken += piece.height
        return piece

    def count_all(self) -> int:
        """How many rows there are, taken or not; none are left."""
        return self._taken + self._rest.height + sum(frame.height for frame in self._frames)


def read_messages(file: NativeFile, *, block_bytes: int = MESSAGE_BYTES) -> Iterator[pl.DataFrame]:
    """The messages of *file*, with exact times: `Nanos` is Int64, finer decimals are cut off."""
    last, line = 0, 1
    for block in _blocks(file, block_bytes):
        numbers = np.empty((len(_MESSAGE), _lines(block)), np.int64)
        if read_events(block, numbers) < numbers.shape[1]:
            raise first_fault(file, message_fault, "a line that is not a message")
        messages = _frame(_MESSAGE, numbers)
        _refuse_disorder(messages["Nanos"], last, file, line)
        last, line = messages["Nanos"].item(-1), line + messages.height
        yield messages


def read_book(file: NativeFile, levels: int, *, block_bytes: int = BLOCK_BYTES) -> Iterator[pl.DataFrame]:
    """The ten best levels (fewer if the file has fewer) of every row of *file*."""
    kept = range(1, min(levels, CONTRACT_LEVELS) + 1)
    names = [f"{side}{what}{level}" for level in kept for side in ("Ask", "Bid") for what in ("Price", "Size")]
    for block in _blocks(file, block_bytes):
        numbers = np.empty((len(names), _lines(block)), np.int64)
        if read_levels(block, 4 * levels, numbers) < numbers.shape[1]:
            raise first_fault(file, book_fault(levels), "a line that is not a row of a book")
        yield _frame(names, numbers)


def _blocks(file: NativeFile, block_bytes: int) -> Iterator[np.ndarray]:
    """Whole lines, each with its end (uint8)."""
    is_empty = True
    for block in file.blocks(block_bytes):
        is_empty = False
        yield np.frombuffer(block if block.endswith(b"\n") else block + b"\n", np.uint8)
    if is_empty:
        raise CorruptInput("the file has no lines", where=str(file), hint="fetch the file again")


def _lines(block: np.ndarray) -> int:
    return int(np.count_nonzero(block == ord("\n")))


def _frame(names: Sequence[str], numbers: np.ndarray) -> pl.DataFrame:
    """A column a row of *numbers*, which are not copied."""
    columns = [pa.array(row) for row in numbers]
    return pl.DataFrame(pa.Table.from_arrays(columns, names=list(names)))


def _refuse_disorder(nanos: pl.Series, last: int, file: NativeFile, line: int) -> None:
    """Refuse times that go backwards, after *last*; the first is that of *line*."""
    if nanos.item(0) >= last and nanos.is_sorted():
        return
    place = line + (nanos.diff().fill_null(nanos.item(0) - last) < 0).arg_true().item(0)
    raise UnsortedInput("time goes backwards", where=f"{file}, line {place}", hint="keep the lines in the order that LOBSTER wrote them")
