"""Read a LOBSTER pair: two CSV files into one typed, checked frame each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from basalt.core.errors import CorruptInput, UnsortedInput
from basalt.feeds.lobster.faults import EMPTY_PRICE, TIME, book_fault, first_fault, message_fault
from basalt.feeds.lobster.finding import NativeFile, Pair

CONTRACT_LEVELS = 10
DAY_NANOS = 86_400 * 1_000_000_000

_MESSAGE = {
    "Time": pl.String,
    "Type": pl.Int64,
    "OrderId": pl.Int64,
    "Size": pl.Int64,
    "Price": pl.Int64,
    "Direction": pl.Int64,
}


@dataclass(frozen=True)
class Recording:
    """A pair that was read.

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


def read_pair(pair: Pair) -> Recording:
    """Read and check both files of *pair*.

    Raises:
        CorruptInput: A line that is not what LOBSTER writes, no lines, or files of unequal length.
        UnsortedInput: Time goes backwards.
    """
    messages, book = read_messages(pair.messages), read_book(pair.book, pair.levels)
    if messages.height != book.height:
        raise CorruptInput(
            f"{messages.height} messages but {book.height} rows of the book",
            where=f"{pair.messages} and {pair.book}",
            hint="one of the files is cut short: fetch both again",
        )
    return Recording(pair, messages, book, min(pair.levels, CONTRACT_LEVELS))


def read_messages(file: NativeFile) -> pl.DataFrame:
    """The messages of *file*, with exact times: `Nanos` is Int64, finer decimals are cut off."""
    raw = _read(file, _MESSAGE, None, message_fault)
    if raw.null_count().sum_horizontal().item() or not raw.select(_is_message().all()).item():
        raise first_fault(file, message_fault, "a line that is not a message")
    messages = raw.select(_nanos(pl.col("Time")).alias("Nanos"), pl.exclude("Time"))
    if not messages.select((pl.col("Nanos") < DAY_NANOS).all()).item():
        raise first_fault(file, message_fault, "a time after the end of the day")
    _refuse_disorder(messages["Nanos"], file)
    return messages


def read_book(file: NativeFile, levels: int) -> pl.DataFrame:
    """The ten best levels (fewer if the file has fewer) of every row of *file*."""
    names = [f"{side}{what}{level}" for level in range(1, levels + 1) for side in ("Ask", "Bid") for what in ("Price", "Size")]
    kept = min(levels, CONTRACT_LEVELS)
    fault = book_fault(levels)
    book = _read(file, dict.fromkeys(names, pl.Int64), 4 * kept, fault)
    if book.null_count().sum_horizontal().item() or not _is_book(book, kept):
        raise first_fault(file, fault, "a line that is not a row of a book")
    return book


def _read(
    file: NativeFile, schema: dict[str, type[pl.DataType]], kept: int | None, fault: Callable[[list[str]], str | None]
) -> pl.DataFrame:
    columns = None if kept is None or kept == len(schema) else list(range(kept))
    try:
        frame = pl.read_csv(file.content(), has_header=False, schema=schema, columns=columns, quote_char=None)
    except pl.exceptions.PolarsError as problem:
        raise first_fault(file, fault, f"cannot be read: {str(problem).splitlines()[0]}") from problem
    except OSError as problem:
        raise CorruptInput(f"cannot be read: {problem}", where=str(file), hint="check the file") from problem
    if frame.is_empty():
        raise CorruptInput("the file has no lines", where=str(file), hint="fetch the file again")
    return frame


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


def _refuse_disorder(nanos: pl.Series, file: NativeFile) -> None:
    if nanos.is_sorted():
        return
    line = (nanos.diff() < 0).arg_true().item(0)
    raise UnsortedInput("time goes backwards", where=f"{file}, line {line + 1}", hint="keep the lines in the order that LOBSTER wrote them")
