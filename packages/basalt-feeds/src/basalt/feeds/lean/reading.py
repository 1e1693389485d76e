"""Read LEAN tick files: typed, checked frames, a piece at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from basalt.core.errors import CorruptInput, UnsortedInput
from basalt.feeds.lean.finding import TickFile

BYTES_AT_ONCE = 1 << 24
"""Text that is held at once."""

DAY_NANOS = 86_400 * 10**9
_TAIL = r"[^,]*,[0-9A-Fa-f]{0,8},[01]"
LINES = {
    "quote": re.compile(r"\d+(\.\d+)?,\d+,\d+,\d+,\d+," + _TAIL),
    "trade": re.compile(r"\d+(\.\d+)?,\d+,\d+," + _TAIL),
}
_WHAT = {"quote": "time, bid price and size, ask price and size", "trade": "time, price and size"}
_NUMBERS = {"quote": ("BidPrice", "BidSize", "AskPrice", "AskSize"), "trade": ("Price", "Size")}
_TEXTS = {"Exchange": pl.String, "Conditions": pl.String}


def read_ticks(file: TickFile, bytes_at_once: int = BYTES_AT_ONCE) -> Iterator[pl.DataFrame]:
    """The lines of *file*, a piece at a time.

    Yields:
        `Line` (from 1), `Nanos` after midnight in New York (exact), the numbers of the line (prices in ten-thousandths),
        `Exchange`, `Conditions` (Int64), `IsSuspicious`; in order of the file.

    Raises:
        CorruptInput: A line that LEAN does not write, no lines, a damaged archive.
        UnsortedInput: Time goes backwards.
    """
    first, since = 1, 0
    for piece in file.pieces(bytes_at_once):
        ticks = _typed(file, piece, first)
        _refuse_disorder(file, ticks, since)
        first, since = first + ticks.height, ticks["Nanos"][-1]
        yield ticks
    if first == 1:
        raise CorruptInput("the file has no lines", where=str(file), hint="fetch the file again")


def _typed(file: TickFile, piece: bytes, first: int) -> pl.DataFrame:
    numbers = dict.fromkeys(_NUMBERS[file.kind], pl.Int64)
    schema = {"Time": pl.String, **numbers, **_TEXTS, "Suspicious": pl.Int64}
    try:
        raw = pl.read_csv(piece, has_header=False, schema=schema, quote_char=None)
        ticks = raw.select(
            pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("Line"),
            _nanos(pl.col("Time")).alias("Nanos"),
            *numbers,
            pl.col("Exchange").fill_null(""),
            pl.col("Conditions").fill_null("0").str.to_integer(base=16, dtype=pl.Int64),
            pl.when(pl.col("Suspicious").is_between(0, 1)).then(pl.col("Suspicious") == 1).alias("IsSuspicious"),
        )
    except pl.exceptions.PolarsError as problem:
        raise _first_fault(file, piece, first, str(problem).splitlines()[0]) from problem
    sound = pl.all_horizontal(*(pl.col(name) >= 0 for name in numbers), pl.col("Nanos") < DAY_NANOS, pl.col("IsSuspicious").is_not_null())
    if ticks.height != piece.rstrip(b"\n").count(b"\n") + 1 or not ticks.select(sound.fill_null(value=False).all()).item():
        raise _first_fault(file, piece, first, "a value that cannot be")
    return ticks


def _nanos(milliseconds: pl.Expr) -> pl.Expr:
    parts = milliseconds.str.split_exact(".", 1)
    fraction = parts.struct.field("field_1").fill_null("").str.head(6).str.pad_end(6, "0")
    return parts.struct.field("field_0").cast(pl.Int64) * 1_000_000 + fraction.cast(pl.Int64)


def _first_fault(file: TickFile, piece: bytes, first: int, otherwise: str) -> CorruptInput:
    """The error for the first line that LEAN does not write."""
    for number, line in enumerate(piece.decode("utf-8", "backslashreplace").splitlines(), first):
        if not LINES[file.kind].fullmatch(line) or float(line.partition(",")[0]) >= DAY_NANOS / 1_000_000:
            hint = f"a {file.kind} has {_WHAT[file.kind]}, exchange, conditions, and whether it is suspicious"
            return CorruptInput(f"{line[:80]!r} is no {file.kind}", where=f"{file}, line {number}", hint=hint)
    return CorruptInput(otherwise, where=f"{file}, lines from {first}", hint="fetch the file again")


def _refuse_disorder(file: TickFile, ticks: pl.DataFrame, since: int) -> None:
    before = ticks["Nanos"].shift(1, fill_value=since)
    late = (ticks["Nanos"] < before).arg_true()
    if len(late):
        line = ticks["Line"][int(late[0])]
        raise UnsortedInput("time goes backwards", where=f"{file}, line {line}", hint="keep the lines in the order that LEAN wrote them")
