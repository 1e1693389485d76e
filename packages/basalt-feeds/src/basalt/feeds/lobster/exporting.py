"""Export LOBSTER: a day of a lake as message and orderbook files.

Each message has a row of the book after it, built from the messages themselves, so that both files agree. An order that changes its price, its id or grows is
deleted and entered anew, at the same time. Orders that an uncrossing takes are deleted or cut before its message of type 6, since that message is no order's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import polars as pl

from basalt.books import BookBuilder
from basalt.core.errors import DataError, TargetFailed
from basalt.feeds.clocks import midnight_nanos
from basalt.feeds.feed import Exported, ExportedFile, LakeDay, Progress, quietly
from basalt.feeds.lobster.faults import EMPTY_PRICE
from basalt.feeds.lobster.tables import (
    ADD,
    CROSS,
    DELETE,
    EXECUTE_HIDDEN,
    EXECUTE_VISIBLE,
    HALT,
    NEW_YORK,
    PARTIAL_CANCEL,
    PRICE_SCALE,
)
from basalt.feeds.outgoing import DayPieces, rows_of, wanted_listings
from basalt.market.sides import Aggressor, LobAction, RestingSide
from basalt.market.tables import L3, MARKETSTATE, TRADES

LEVELS = 10
ROWS_AT_ONCE = 50_000
"""Rows of `l3` that are held at once, about: wide rows, and a book of ten levels for each."""

OPEN_MILLIS, CLOSE_MILLIS = 34_200_000, 57_600_000
_MESSAGE = ("Nanos", "Order", "Step", "Type", "OrderId", "Size", "Price", "Direction")
_NO_STOPS = pl.DataFrame(schema={"Nanos": pl.Int64, "Code": pl.Int32})
_CHANGE = ("Side", "BookPrice", "BookSize", "BookOldPrice", "BookOldSize")


def export_lobster(
    source: LakeDay, out: Path, *, levels: int = LEVELS, progress: Progress = quietly, rows_at_once: int = ROWS_AT_ONCE
) -> Exported:
    """Write the listings of *source* as pairs of CSV files of *levels* into the folder *out*.

    Made of `l3`, and of `trades` and `marketstate` where the lake has them. Orders and trades are read a span of time after the other: memory is
    that of a span, of the phases and of the orders that rest. Of listings whose orders have ids that are no numbers, all ids are held too.

    Args:
        rows_at_once: Rows of `l3` that are held at once, about.

    Raises:
        MissingData: The lake lacks `l3` or `reference`, or a ticker.
        DataError: A price is no multiple of 1/10,000, or a time is not of the day in New York.
        TargetFailed: *out* cannot be written.
    """
    listings = wanted_listings(source)
    day = DayPieces(source, listings, rows_at_once)
    numbers, halts = _order_numbers(day), _stops(rows_of(source, MARKETSTATE, listings, required=False))
    pairs = {
        listing: _PairWriter(source, ticker, out, levels, numbers.get(listing), halts.get(listing, _NO_STOPS))
        for ticker, listing in listings.select("Ticker", "ListingId").iter_rows()
    }
    with ExitStack() as undo:
        for pair in pairs.values():
            undo.callback(pair.discard)
        for orders, trades in day.of(L3, TRADES):
            progress(f"exporting {source.mic} {source.day}", 0, 1)
            spans = [(_by_listing(rows), rows.clear()) for rows in (orders, trades)]
            for listing, pair in pairs.items():
                pair.add(*(span.get(listing, none) for span, none in spans))
        return Exported(tuple(file for pair in pairs.values() for file in pair.close()))


def _by_listing(rows: pl.DataFrame) -> dict[int, pl.DataFrame]:
    parts = rows.partition_by("ListingId", maintain_order=True) if rows.width else []
    return {part["ListingId"].item(0): part for part in parts}


class _PairWriter:
    """The two files of a listing, in the making; they appear whole, or not at all, and only if there are messages.

    Args:
        numbers: Numbers of orders by id; None where ids are numbers.
        halts: `Nanos` and `Code` of the listing's halts, in order.
    """

    def __init__(self, source: LakeDay, ticker: str, out: Path, levels: int, numbers: dict[str, int] | None, halts: pl.DataFrame) -> None:
        self._source, self._ticker, self._levels, self._numbers, self._halts = source, ticker, levels, numbers, halts
        self._builder = BookBuilder(levels=levels, sample="event")
        self._rows, self._halt, self._none = 0, 0, pl.DataFrame()
        stem, end = f"{ticker}_{source.day}_{OPEN_MILLIS}_{CLOSE_MILLIS}", f".{uuid4().hex[:8]}.tmp"
        self._places = {half: out / f"{stem}_{half}_{levels}.csv" for half in ("message", "orderbook")}
        self._staged = {half: place.with_name(f".{place.name}{end}") for half, place in self._places.items()}

    def add(self, orders: pl.DataFrame, trades: pl.DataFrame) -> None:
        """Take the next rows; halts are told once something happens later, or with the last rows."""
        self._none = orders.clear()
        ends = [rows["Nanos"].max() for rows in (orders, trades) if not rows.is_empty()]
        until = max((end for end in ends if isinstance(end, int)), default=None)
        if until is not None:
            self._write(orders, trades, int((self._halts["Nanos"] <= until).sum()))

    def close(self) -> list[ExportedFile]:
        """Put the files into their places."""
        if self._halts.height > self._halt:
            self._write(self._none, pl.DataFrame(), self._halts.height)
        if not self._rows:
            return []
        for half, staged in self._staged.items():
            with _writing(self._places[half]):
                staged.replace(self._places[half])
        return [ExportedFile(half, place, self._rows) for half, place in self._places.items()]

    def discard(self) -> None:
        """Forget what is not in its place."""
        for staged in self._staged.values():
            staged.unlink(missing_ok=True)

    def _write(self, orders: pl.DataFrame, trades: pl.DataFrame, halt: int) -> None:
        halts, self._halt = self._halts[self._halt : halt], halt
        messages = message_rows(orders, trades, halts, self._numbers)
        if messages.is_empty():
            return
        self._rows += messages.height
        lines = {
            "message": _message_lines(messages, self._source, self._ticker),
            "orderbook": book_lines(messages, self._builder, self._levels),
        }
        for half, staged in self._staged.items():
            with _writing(self._places[half]):
                staged.parent.mkdir(parents=True, exist_ok=True)
                with staged.open("ab") as stream:
                    lines[half].write_csv(stream, include_header=False)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say which file could not be written."""
    try:
        yield
    except OSError as problem:
        raise TargetFailed(f"cannot write: {problem.strerror}", where=str(path), hint="check the folder and free space") from problem


def _order_numbers(day: DayPieces) -> dict[int, dict[str, int]]:
    """Numbers of orders by id, for listings that have ids which are no numbers from 1 to 10^18: their places in order."""
    both = day.scan(L3).select("ListingId", pl.concat_list("OrderId", "OldOrderId").alias("Id")).explode("Id", empty_as_null=False)
    named = both.filter(pl.col("Id") != "")
    odd = (
        named.filter(~pl.col("Id").str.contains(r"^0*[1-9]\d{0,17}$")).select("ListingId").unique().collect(engine="streaming")["ListingId"]
    )
    if odd.is_empty():
        return {}
    found = named.filter(pl.col("ListingId").is_in(odd.to_list())).unique().collect(engine="streaming").sort("ListingId", "Id")
    parts = found.partition_by("ListingId", maintain_order=True)
    return {part["ListingId"].item(0): {text: place for place, text in enumerate(part["Id"], start=1)} for part in parts}


def message_rows(orders: pl.DataFrame, trades: pl.DataFrame, halts: pl.DataFrame, numbers: dict[str, int] | None) -> pl.DataFrame:
    """Messages of one listing and span of time in order of events, with what each changes in the book.

    Args:
        orders: Rows of `l3` with `Nanos`.
        trades: Rows of `trades` with `Nanos`; may have no columns.
        halts: `Nanos` and `Code` of messages of type 7.
        numbers: Numbers of orders by id; None where ids are numbers.
    """
    placed = orders.with_columns(
        (pl.int_range(pl.len(), dtype=pl.Int64) * 2 + 1).alias("Order"), pl.col("OrderExecuted").fill_null(value=False)
    )
    tape = _tape(trades)
    crossed = tape.filter(pl.col("AggressorSide") == Aggressor.UNKNOWN.value)["TradeId"].to_list()
    rows = placed.with_columns((pl.col("OrderExecuted") & pl.col("TradeId").is_in(crossed)).alias("IsCrossed"), *_ids(numbers))
    parts = [*_order_messages(rows), _hidden_parts(rows, tape), _cross_messages(rows, tape), _halts(rows, halts)]
    known = [part.select(*_MESSAGE, *_CHANGE) for part in parts if not part.is_empty()]
    if not known:
        return pl.DataFrame()
    return pl.concat(known).sort("Nanos", "Order", "Step", maintain_order=True)


def _tape(trades: pl.DataFrame) -> pl.DataFrame:
    """Trades of the order book."""
    if not trades.width:
        return pl.DataFrame(
            schema={"TradeId": pl.String, "AggressorSide": pl.Int64, "Price": pl.Float64, "Size": pl.Float64, "Nanos": pl.Int64}
        )
    is_lit = pl.col("Classification").str.starts_with("LIT").fill_null(value=True) if "Classification" in trades.columns else pl.lit(True)
    price = pl.col("InstrumentCurrencyPrice" if "InstrumentCurrencyPrice" in trades.columns else "Price")
    return trades.filter(is_lit).select("TradeId", pl.col("AggressorSide").fill_null(0), price.alias("Price"), "Size", "Nanos")


def _ids(numbers: dict[str, int] | None) -> list[pl.Expr]:
    """Ids of orders as positive numbers; 0 without one."""
    return [
        (pl.col(name).cast(pl.Int64, strict=False).fill_null(0) if numbers is None else _numbered(name, numbers)).alias(alias)
        for name, alias in (("OrderId", "NewId"), ("OldOrderId", "OldId"))
    ]


def _numbered(name: str, numbers: dict[str, int]) -> pl.Expr:
    return pl.col(name).replace_strict(numbers, default=0, return_dtype=pl.Int64)


def _direction() -> pl.Expr:
    return pl.when(pl.col("Side") == RestingSide.BID.value).then(1).otherwise(-1).cast(pl.Int64)


def _as(rows: pl.DataFrame, kind: int, step: int, order: pl.Expr, price: pl.Expr, size: pl.Expr, *, change: str = "") -> pl.DataFrame:
    """A message for each of *rows*; *change* says what it does to the book: `enter`, `take` or nothing."""
    size, price = size.cast(pl.Int64), price.cast(pl.Float64)
    nothing, none = pl.lit(0, pl.Int64), pl.lit(None, pl.Float64)
    takes, enters = change == "take", change == "enter"
    left = (pl.col("OldSize") - size).clip(lower_bound=0) if takes else size
    return rows.with_columns(
        pl.lit(kind, pl.Int64).alias("Type"),
        pl.lit(step, pl.Int64).alias("Step"),
        order.cast(pl.Int64).alias("OrderId"),
        size.alias("Size"),
        (price * PRICE_SCALE).alias("Price"),
        _direction().alias("Direction"),
        pl.col("Side").cast(pl.Int8),
        (price if takes or enters else none).alias("BookPrice"),
        (left if takes or enters else nothing).alias("BookSize"),
        (price if takes else none).alias("BookOldPrice"),
        (pl.col("OldSize") if takes else nothing).cast(pl.Int64).alias("BookOldSize"),
    )


def _order_messages(rows: pl.DataFrame) -> list[pl.DataFrame]:
    action, size, old = pl.col("LobAction"), pl.col("Size"), pl.col("OldSize")
    is_gone, is_update, is_new = (action == each.value for each in (LobAction.REMOVE, LobAction.UPDATE, LobAction.INSERT))
    stays = is_update & (pl.col("NewId") == pl.col("OldId")) & (pl.col("Price") == pl.col("OldPrice")) & (size < old)
    is_replaced = is_update & ~stays
    is_visible = pl.col("OrderExecuted") & ~pl.col("IsCrossed")
    taken, old_id, old_price = old - pl.when(is_gone).then(0).otherwise(size), pl.col("OldId"), pl.col("OldPrice")
    return [
        _as(
            rows.filter((is_gone | stays) & is_visible & (taken > 0)),
            EXECUTE_VISIBLE,
            0,
            old_id,
            pl.col("ExecutionPrice"),
            taken,
            change="take",
        ),
        _as(rows.filter(is_gone & ~is_visible & (old > 0)), DELETE, 1, old_id, old_price, old, change="take"),
        _as(rows.filter(stays & ~is_visible), PARTIAL_CANCEL, 1, old_id, old_price, taken, change="take"),
        _as(rows.filter(is_replaced & (old > 0)), DELETE, 1, old_id, old_price, old, change="take"),
        _as(rows.filter(is_new | is_replaced), ADD, 2, pl.col("NewId"), pl.col("Price"), size, change="enter"),
    ]


def _hidden_parts(rows: pl.DataFrame, tape: pl.DataFrame) -> pl.DataFrame:
    """Executions of what the book did not show: hidden orders, and the hidden size of shown ones."""
    action = pl.col("LobAction")
    shown = pl.when(action == LobAction.EXECUTE.value).then(0).otherwise(pl.col("OldSize") - pl.col("Size"))
    found = (
        rows.filter(pl.col("OrderExecuted") & ~pl.col("IsCrossed"))
        .with_columns((pl.col("ExecutionSize") - shown).alias("Hidden"))
        .filter(pl.col("Hidden") > 0)
    )
    sides = tape.select("TradeId", "AggressorSide").unique("TradeId", keep="first", maintain_order=True)
    resting = pl.when(pl.col("AggressorSide") == Aggressor.BUY.value).then(RestingSide.ASK.value).otherwise(RestingSide.BID.value)
    sided = found.join(sides, on="TradeId", how="left", maintain_order="left").with_columns(
        pl.when(pl.col("Side").is_in([1, 2]) | pl.col("AggressorSide").is_null()).then("Side").otherwise(resting).alias("Side")
    )
    return _as(sided, EXECUTE_HIDDEN, 0, pl.lit(0), pl.col("ExecutionPrice"), pl.col("Hidden"))


def _cross_messages(rows: pl.DataFrame, tape: pl.DataFrame) -> pl.DataFrame:
    """A message of type 6 for each trade without an aggressor, after what it took from orders."""
    last = rows.filter("IsCrossed").group_by("TradeId").agg(pl.col("Order").max())
    clock = rows.select("Nanos", pl.col("Order").alias("Latest")).unique("Nanos", keep="last", maintain_order=True).sort("Nanos")
    found = tape.filter(pl.col("AggressorSide") == Aggressor.UNKNOWN.value).join(last, on="TradeId", how="left", maintain_order="left")
    placed = found.sort("Nanos", maintain_order=True).join_asof(clock, on="Nanos", check_sortedness=False)
    ordered = placed.with_columns(
        pl.coalesce("Order", pl.col("Latest").fill_null(0)).alias("Order"),
        pl.lit(2, pl.Int64).alias("Side"),
        pl.lit(0, pl.Int64).alias("OldSize"),
    )
    return _as(ordered, CROSS, 3, pl.lit(-1), pl.col("Price"), pl.col("Size"))


def _stops(phases: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """`Nanos` and `Code` of messages of type 7 by listing, where there are any: trading stops, quotes resume, trading resumes."""
    parts = _by_listing(phases).items()
    return {listing: _codes(rows) for listing, rows in parts if (rows["MarketState"] == "HALTED").any()}


def _codes(phases: pl.DataFrame) -> pl.DataFrame:
    state, before = pl.col("MarketState"), pl.col("MarketState").shift(1)
    was_stopped = before.is_in(["HALTED", "UNSCHEDULED_AUCTION"])
    code = (
        pl.when(state == "HALTED")
        .then(-1)
        .when((state == "UNSCHEDULED_AUCTION") & was_stopped)
        .then(0)
        .when((state == "CONTINUOUS_TRADING") & was_stopped)
        .then(1)
    )
    return phases.select("Nanos", code.alias("Code")).drop_nulls().sort("Nanos", maintain_order=True)


def _halts(rows: pl.DataFrame, halts: pl.DataFrame) -> pl.DataFrame:
    """Messages of type 7, behind the orders of their time."""
    if halts.is_empty():
        return pl.DataFrame()
    clock = rows.select("Nanos", "Order").sort("Nanos", maintain_order=True)
    placed = halts.join_asof(clock, on="Nanos", check_sortedness=False)
    found = placed.with_columns(pl.col("Order").fill_null(0), pl.lit(2, pl.Int64).alias("Side"), pl.lit(0, pl.Int64).alias("OldSize"))
    return _as(found, HALT, 4, pl.lit(0), pl.col("Code") / PRICE_SCALE, pl.lit(0))


# ---------------------------------------------------------------- lines


def _message_lines(messages: pl.DataFrame, source: LakeDay, ticker: str) -> pl.DataFrame:
    midnight = midnight_nanos(source.day, NEW_YORK)
    nanos, units = messages["Nanos"] - midnight, messages["Price"].round()
    if ((messages["Price"] - units).abs() > 1e-3).any():
        raise DataError(f"{ticker} has prices finer than 1/{PRICE_SCALE:,}", where=f"l3 of {source.mic}", hint="LOBSTER cannot hold them")
    if nanos.is_empty() or not nanos.is_between(0, timedelta(days=1) // timedelta(microseconds=1) * 1000 - 1).all():
        raise DataError(
            f"{ticker} has events of another day in New York", where=f"l3 of {source.mic}", hint="LOBSTER's days are those of New York"
        )
    seconds = pl.concat_str((pl.col("Nanos") // 10**9).cast(pl.String), pl.lit("."), (pl.col("Nanos") % 10**9).cast(pl.String).str.zfill(9))
    return messages.with_columns(nanos.alias("Nanos"), units.cast(pl.Int64).alias("Price")).select(
        seconds.alias("Time"), "Type", "OrderId", "Size", "Price", "Direction"
    )


def book_lines(messages: pl.DataFrame, builder: BookBuilder, levels: int) -> pl.DataFrame:
    """The best *levels* after each message, ask first, as LOBSTER writes them; *builder* knows the books of before."""
    renamed = {"BookPrice": "Price", "BookSize": "Size", "BookOldPrice": "OldPrice", "BookOldSize": "OldSize"}
    changes = messages.select(pl.lit(1, pl.Int64).alias("ListingId"), *_CHANGE).rename(renamed)
    books = builder.feed(changes)
    return books.select(
        column
        for level in range(1, levels + 1)
        for side, none in (("Ask", EMPTY_PRICE), ("Bid", -EMPTY_PRICE))
        for column in _level(side, level, none)
    )


def _level(side: str, level: int, none: int) -> tuple[pl.Expr, pl.Expr]:
    units = (pl.col(f"{side}Price{level}") * PRICE_SCALE).round().cast(pl.Int64).fill_null(none)
    return units.alias(f"{side}Price{level}"), pl.col(f"{side}Quantity{level}").cast(pl.Int64).alias(f"{side}Size{level}")
