"""Read a LOBSTER pair: two CSV files into typed, checked frames, piece by piece and in step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from basalt.books.storage import frozen
from basalt.core.errors import CorruptInput, UnsortedInput
from basalt.feeds.lobster.faults import book_fault, first_fault, message_fault
from basalt.feeds.lobster.finding import NativeFile, Pair
from basalt.feeds.lobster.line_kernel import read_events, read_levels

CONTRACT_LEVELS = 10
BLOCK_BYTES = 8 << 20
"""Bytes of the orderbook file that are read at once: about 30,000 rows of ten levels."""

MESSAGE_BYTES = 2 << 20
"""Bytes of the message file that are read at once."""

_MESSAGE = ("Nanos", "Type", "OrderId", "Size", "Price", "Direction")


@dataclass(frozen=True)
class Book:
    """Rows of a book, its best levels.

    Attributes:
        numbers: Price and size of asks and bids, level by level (`AskPrice1`, `AskQuantity1`, `BidPrice1`, `BidQuantity1`, `AskPrice2` …), a row of the
            array each; an empty level has no price (NaN) and size 0.
        is_partial: Whether a row of the array has an empty level.
    """

    numbers: NDArray[np.float64]
    is_partial: NDArray[np.bool_]

    @property
    def height(self) -> int:
        """How many rows."""
        return int(self.numbers.shape[1])

    def frame(self) -> pl.DataFrame:
        """The rows with the names of `l2`; an empty level has a null for its price."""
        names = [
            f"{side}{what}{level}"
            for level in range(1, len(self.numbers) // 4 + 1)
            for side in ("Ask", "Bid")
            for what in ("Price", "Quantity")
        ]
        columns = zip(names, self.numbers, self.is_partial, strict=True)
        return pl.DataFrame([pl.Series(name, row, nan_to_null=True) if some else _column(name, row) for name, row, some in columns])


@dataclass(frozen=True)
class Recording:
    """Rows of a pair that were read: the whole, or a piece that follows others.

    Attributes:
        pair: Where it came from.
        messages: `Nanos` (after midnight in New York), `Type`, `OrderId`, `Size`, `Price` (1/10,000),
            `Direction`; file order.
        book: The book after each of `messages`.
    """

    pair: Pair
    messages: pl.DataFrame
    book: Book

    @property
    def levels(self) -> int:
        """Levels of the book: those of the file, at most ten."""
        return len(self.book.numbers) // 4


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
            yield Recording(pair, piece, book)
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


def read_book(file: NativeFile, levels: int, *, block_bytes: int = BLOCK_BYTES) -> Iterator[Book]:
    """The ten best levels (fewer if the file has fewer) of every row of *file*."""
    kept = 4 * min(levels, CONTRACT_LEVELS)
    for block in _blocks(file, block_bytes):
        numbers, is_partial = np.empty((kept, _lines(block)), np.float64), np.zeros(kept, np.bool_)
        if read_levels(block, 4 * levels, numbers, is_partial) < numbers.shape[1]:
            raise first_fault(file, book_fault(levels), "a line that is not a row of a book")
        yield Book(frozen(numbers), is_partial)


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
    return pl.DataFrame([_column(name, row) for name, row in zip(names, numbers, strict=True)])


def _column(name: str, numbers: np.ndarray) -> pl.Series:
    return pl.Series(name, pa.array(numbers))


def _refuse_disorder(nanos: pl.Series, last: int, file: NativeFile, line: int) -> None:
    """Refuse times that go backwards, after *last*; the first is that of *line*."""
    if nanos.item(0) >= last and nanos.is_sorted():
        return
    place = line + (nanos.diff().fill_null(nanos.item(0) - last) < 0).arg_true().item(0)
    raise UnsortedInput("time goes backwards", where=f"{file}, line {place}", hint="keep the lines in the order that LOBSTER wrote them")
