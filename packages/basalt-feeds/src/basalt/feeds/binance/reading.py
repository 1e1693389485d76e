"""Read a capture: lines of `nanoseconds JSON` into one typed frame a kind of message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from basalt.core.errors import CorruptInput
from basalt.core.tables import Table
from basalt.feeds.lines import BYTES_AT_ONCE, numbered_lines, pieces_of_lines
from basalt.market.tables import L2, TRADES

_PAIRS = pl.List(pl.List(pl.String))
_NUMBER = {"s": pl.String, "E": pl.Int64, "T": pl.Int64}

DEPTH = pl.Struct({**_NUMBER, "U": pl.Int64, "u": pl.Int64, "pu": pl.Int64, "b": _PAIRS, "a": _PAIRS})
SNAPSHOT = pl.Struct({"lastUpdateId": pl.Int64, "E": pl.Int64, "T": pl.Int64, "bids": _PAIRS, "asks": _PAIRS})
TRADE = pl.Struct({**_NUMBER, "t": pl.Int64, "p": pl.String, "q": pl.String, "m": pl.Boolean, "X": pl.String})
AGGREGATE = pl.Struct(
    {**_NUMBER, "a": pl.Int64, "f": pl.Int64, "l": pl.Int64, "p": pl.String, "q": pl.String, "m": pl.Boolean, "M": pl.Boolean}
)
TICKER = pl.Struct({**_NUMBER, "u": pl.Int64, "b": pl.String, "B": pl.String, "a": pl.String, "A": pl.String})

KINDS = {"depthUpdate": DEPTH, "snapshot": SNAPSHOT, "trade": TRADE, "bookTicker": TICKER, "aggTrade": AGGREGATE}
"""Messages that are read, and their fields; messages of other streams are counted and left out."""

_SIGN = "prices and quantities are not negative"
_FORM = "a line of a capture is the time of arrival in nanoseconds, a space, and the message as JSON"


@dataclass(frozen=True)
class Messages:
    """The messages of a piece of a capture, in order of arrival.

    Every frame has `Line` (1-based, over all files of a capture), `Receive` (ns since 1970) and `Number`: the time of arrival in ns, moved on
    by one where the line before has it already, so that it puts the messages of all files in order, however they are imported.

    Attributes:
        depths: Changes of price levels: `U`, `u`, `pu` (null for spot), `b`, `a`, clocks `E`, `T` (ms).
        snapshots: Whole books: `lastUpdateId`, `bids`, `asks`, `E`, `T` (null for spot).
        trades: `t`, `p`, `q`, `m`, `X` (null for spot), `E`, `T`.
        tickers: Best quotes: `u`, `b`, `B`, `a`, `A`, `E`, `T` (null for spot).
        aggregates: Trades of one order at one price in one message: `a`, first and last trade `f` and `l`, `p`, `q`, `m`, `M` (null for
            futures), `E`, `T`.
        others: Lines of other streams.
        lines: Lines of the piece.
        span: First and last time of arrival; None without lines.
        ahead: How far numbers are ahead of the lines, for the piece after it.
    """

    depths: pl.DataFrame
    snapshots: pl.DataFrame
    trades: pl.DataFrame
    tickers: pl.DataFrame
    aggregates: pl.DataFrame
    others: int
    lines: int
    span: tuple[int, int] | None
    ahead: int

    def symbols(self) -> set[str]:
        """Symbols that the messages name."""
        return {symbol for frame in (self.depths, self.trades, self.tickers, self.aggregates) for symbol in frame["s"].unique() if symbol}

    def tables(self) -> tuple[Table, ...]:
        """Tables that the messages have rows for."""
        has_books = not (self.depths.is_empty() and self.snapshots.is_empty())
        has_trades = not (self.trades.is_empty() and self.aggregates.is_empty())
        return (*(L2,) * has_books, *(TRADES,) * has_trades)


def read_capture(path: Path, first: int = 1, ahead: int = 0, *, bytes_at_once: int = BYTES_AT_ONCE) -> Iterator[Messages]:
    """The messages of one file, a piece after the other; *first* is the number of its first line, *ahead* that of the piece before.

    Raises:
        CorruptInput: The file ends early, or a line is none of a capture.
    """
    line = first
    for piece in pieces_of_lines(path, bytes_at_once=bytes_at_once):
        lines = numbered_lines(piece, line)
        messages = _messages(lines, path, first, ahead)
        yield messages
        line, ahead = line + lines.height, messages.ahead


def _messages(lines: pl.DataFrame, path: Path, first: int, ahead: int) -> Messages:
    cut = pl.col("Text").str.splitn(" ", 2)
    known = lines.filter(pl.col("Text").str.len_bytes() > 0).select(
        "Line",
        cut.struct.field("field_0").cast(pl.Int64, strict=False).alias("Receive"),
        cut.struct.field("field_1").alias("Json"),
    )
    known = known.with_columns(_kind().alias("Kind"))
    _refuse(known, pl.col("Receive").is_null() | ~pl.col("Json").str.starts_with("{").fill_null(False), _FORM, path, first)
    _refuse(known, pl.col("Kind").is_in(list(KINDS)) & pl.col("Json").str.contains('"-', literal=True), _SIGN, path, first)
    leads = known.select(pl.max_horizontal((pl.col("Receive") - pl.col("Line")).cum_max(), pl.lit(ahead))).to_series()
    known = known.with_columns((pl.col("Line") + leads).alias("Number"))
    read = [_decoded(known.filter(pl.col("Kind") == kind), fields, path, first) for kind, fields in KINDS.items()]
    depths, snapshots, trades, tickers, aggregates = read
    others = known.height - sum(frame.height for frame in read)
    arrivals = known["Receive"].to_list()
    span = (min(arrivals), max(arrivals)) if arrivals else None
    ahead = leads.item(-1) if arrivals else ahead
    return Messages(depths, snapshots, trades, tickers, aggregates, others, lines.height, span, ahead)


def _kind() -> pl.Expr:
    """What a message is: by its event type; spot's bookTicker and snapshots have none."""
    json = pl.col("Json")
    return pl.coalesce(
        json.str.extract(r'"e"\s*:\s*"(\w+)"'),
        json.str.extract(r'"stream"\s*:\s*"[^"]*@(bookTicker)"'),
        pl.when(json.str.contains('"lastUpdateId"', literal=True)).then(pl.lit("snapshot")),
        pl.when(json.str.contains(r'"B"\s*:') & json.str.contains(r'"A"\s*:')).then(pl.lit("bookTicker")),
        pl.lit("other"),
    )


def _decoded(lines: pl.DataFrame, fields: pl.Struct, path: Path, first: int) -> pl.DataFrame:
    """The fields of messages of one kind, whether they stand in `data` of a combined stream or alone."""
    wrapped = pl.Struct({"data": fields, **{field.name: field.dtype for field in fields.fields}})
    try:
        decoded = lines.select("Line", "Receive", "Number", pl.col("Json").str.json_decode(wrapped).alias("Json"))
    except pl.exceptions.PolarsError as problem:
        raise CorruptInput(
            f"a message that is no JSON of its kind: {str(problem).splitlines()[0]}",
            where=f"{path}, lines {lines['Line'][0] - first + 1} to {lines['Line'][-1] - first + 1}",
            hint="fetch the file again, or remove the line",
        ) from problem
    inner = pl.col("Json").struct.field("data")
    names = [field.name for field in fields.fields]
    said = (pl.coalesce(inner.struct.field(name), pl.col("Json").struct.field(name)).alias(name) for name in names)
    return decoded.select("Line", "Receive", "Number", *said)


def _refuse(lines: pl.DataFrame, is_wrong: pl.Expr, what: str, path: Path, first: int) -> None:
    wrong = lines.filter(is_wrong)
    if not wrong.is_empty():
        where = f"{path}, line {wrong['Line'][0] - first + 1}"
        raise CorruptInput("a line that is no message", where=where, hint=what)
