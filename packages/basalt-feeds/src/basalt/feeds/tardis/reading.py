"""Read a Tardis file piece by piece into typed rows; rows that arrived together come together."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import polars as pl

from basalt.core.errors import CorruptInput, UnsortedInput
from basalt.feeds.lines import BYTES_AT_ONCE, pieces_of_lines
from basalt.feeds.tardis.finding import NativeFile

_TYPES: dict[str, pl.DataType] = {
    "timestamp": pl.Int64(),
    "local_timestamp": pl.Int64(),
    "price": pl.Float64(),
    "amount": pl.Float64(),
    "is_snapshot": pl.Boolean(),
}
_TEXT = {"exchange", "symbol", "id", "side"}
_VALUES = {"side": {"incremental_book_L2": ["bid", "ask"], "trades": ["buy", "sell", "unknown"]}}


def read_file(file: NativeFile, *, bytes_at_once: int = BYTES_AT_ONCE) -> Iterator[pl.DataFrame]:
    """The rows of *file* in pieces that do not part rows of one `local_timestamp`.

    Raises:
        CorruptInput: The file ends early, or a line is none of its kind.
        UnsortedInput: The time of arrival goes backwards.
    """
    first, kept, last = 1, None, None
    for piece in pieces_of_lines(file.path, bytes_at_once=bytes_at_once):
        rows = _typed(piece, file, first)
        first += piece.count(b"\n")
        if rows.is_empty():
            continue
        if not rows["local_timestamp"].is_sorted() or (last is not None and rows["local_timestamp"][0] < last):
            hint = "Tardis sorts its files by local_timestamp: fetch the file again"
            raise UnsortedInput("the time of arrival goes backwards", where=str(file.path), hint=hint)
        last = rows["local_timestamp"][-1]
        rows = rows if kept is None else pl.concat([kept, rows])
        is_last = pl.col("local_timestamp") == last
        kept = rows.filter(is_last)
        yield rows.filter(~is_last)
    if kept is not None:
        yield kept


def _typed(piece: bytes, file: NativeFile, first: int) -> pl.DataFrame:
    schema = {name: pl.String() if name in _TEXT else _TYPES.get(name, pl.Float64()) for name in file.columns}
    try:
        rows = pl.read_csv(BytesIO(piece), has_header=False, skip_rows=int(first == 1), schema=schema, raise_if_empty=False)
    except pl.exceptions.PolarsError as problem:
        raise _refused(file, first, piece, str(problem).splitlines()[0]) from problem
    known = ["symbol", *(name for name in _TYPES if name in file.columns)]
    if rows.select(pl.any_horizontal(pl.col(known).is_null().any())).item():
        raise _refused(file, first, piece, "a row without a symbol, a time, a price or an amount")
    amounts = [name for name in file.columns if name.endswith("amount")]
    if amounts and rows.select(pl.any_horizontal(pl.col(amounts) < 0).any()).item():
        raise _refused(file, first, piece, "a negative amount")
    allowed = _VALUES["side"].get(file.kind)
    if allowed and not rows["side"].is_in(allowed).all():
        raise _refused(file, first, piece, f"a side that is none of {', '.join(allowed)}")
    return rows


def _refused(file: NativeFile, first: int, piece: bytes, what: str) -> CorruptInput:
    last = first + piece.count(b"\n") - 1
    return CorruptInput(what, where=f"{file.path}, lines {first} to {last}", hint="fetch the file again, or remove the line")
