"""Read a LOBSTER pair: two CSV files into typed, checked frames, piece by piece and in step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from basalt.core.errors import CorruptInput, UnsortedInput
from basalt.feeds.lobster.faults import EMPTY_PRICE, TIME, book_fault, first_fault, message_fault
from basalt.feeds.lobster.finding import NativeFile, Pair

CONTRACT_LEVELS = 10
DAY_NANOS = 86_400 * 1_000_000_000
BLOCK_BYTES = 16 << 20
"""Bytes of the orderbook file that are read at once: about 60,000 rows of ten levels."""

MESSAGE_BYTES = 2 << 20
"""Bytes of the message file that are read at once."""

_MESSAGE = {
    "Time": pl.String,
    "Type": pl.Int64,
    "OrderId": pl.Int64,
    "Size": pl.Int64,
    "Price": pl.Int64,
    "Direction": pl.Int64,
}
_Fault = Callable[[list[str]], str | None]


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
    for raw in _frames(file, _MESSAGE, None, message_fault, block_bytes):
        if _has_nulls(raw) or not raw.select(_is_message().all()).item():
            raise first_fault(file, message_fault, "a line that is not a message")
        messages = raw.select(_nanos(pl.col("Time")).alias("Nanos"), pl.exclude("Time"))
        if not messages.select((pl.col("Nanos") < DAY_NANOS).all()).item():
            raise first_fault(file, message_fault, "a time after the end of the day")
        _refuse_disorder(messages["Nanos"], last, file, line)
        last, line = messages["Nanos"].item(-1), line + messages.height
        yield messages


def read_book(file: NativeFile, levels: int, *, block_bytes: int = BLOCK_BYTES) -> Iterator[pl.DataFrame]:
    """The ten best levels (fewer if the file has fewer) of every row of *file*."""
    names = [f"{side}{what}{level}" for level in range(1, levels + 1) for side in ("Ask", "Bid") for what in ("Price", "Size")]
    kept = min(levels, CONTRACT_LEVELS)
    fault = book_fault(levels)
    for book in _frames(file, dict.fromkeys(names, pl.Int64), 4 * kept, fault, block_bytes):
        if _has_nulls(book) or not _is_book(book, kept):
            raise first_fault(file, fault, "a line that is not a row of a book")
        yield book


def _frames(
    file: NativeFile, schema: dict[str, type[pl.DataType]], kept: int | None, fault: _Fault, block_bytes: int
) -> Iterator[pl.DataFrame]:
    columns = None if kept is None or kept == len(schema) else list(range(kept))
    is_empty = True
    for block in file.blocks(block_bytes):
        is_empty = False
        try:
            frame = pl.read_csv(block, has_header=False, schema=schema, columns=columns, quote_char=None)
        except pl.exceptions.PolarsError as problem:
            raise first_fault(file, fault, f"cannot be read: {str(problem).splitlines()[0]}") from problem
        if frame.height != block.count(b"\n") + (not block.endswith(b"\n")):
            raise first_fault(file, fault, "a line without fields")
        yield frame
    if is_empty:
        raise CorruptInput("the file has no lines", where=str(file), hint="fetch the file again")


def _has_nulls(frame: pl.DataFrame) -> bool:
    return any(column.null_count() for column in frame)


def _is_message() -> pl.Expr:
    kind, size, price, order = pl.col("Type"), pl.col("Size"), pl.col("Price"), pl.col("OrderId")
    is_deal = (size > 0) & (price > 0) & (pl.col("Direction").abs() == 1)
    return pl.col("Time").str.contains(f"^{TIME.pattern}$") & (
        pl.when(kind.is_between(1, 4))
        .then(is_deal & (order > 0))
        .when(kind == 5)
        .then(is_deal)
        .when(kind == 6)
        .then((size >= 0) & (price >= 0))
        .otherwise((kind == 7) & price.is_between(-1, 1))
    )


def _is_book(book: pl.DataFrame, levels: int) -> bool:
    sides = [(pl.col(f"{side}Price{level}"), pl.col(f"{side}Size{level}")) for side in ("Ask", "Bid") for level in range(1, levels + 1)]
    claims = [(size.min() >= 0) & ((price > 0) | (price == -EMPTY_PRICE)).all() for price, size in sides]
    return bool(book.select(pl.all_horizontal(claims)).item())


def _nanos(time: pl.Expr) -> pl.Expr:
    parts = time.str.split_exact(".", 1)
    fraction = parts.struct.field("field_1").fill_null("").str.head(9).str.pad_end(9, "0")
    return parts.struct.field("field_0").cast(pl.Int64) * 1_000_000_000 + fraction.cast(pl.Int64)


def _refuse_disorder(nanos: pl.Series, last: int, file: NativeFile, line: int) -> None:
    """Refuse times that go backwards, after *last*; the first is that of *line*."""
    if nanos.item(0) >= last and nanos.is_sorted():
        return
    place = line + (nanos.diff().fill_null(nanos.item(0) - last) < 0).arg_true().item(0)
    raise UnsortedInput("time goes backwards", where=f"{file}, line {place}", hint="keep the lines in the order that LOBSTER wrote them")
