"""Export DBN: a day of a lake as files of order events, definitions and phases.

An execution of `l3` becomes the records T (once a trade), F and C, a change of size or price becomes C or M, as the vendor writes them; the last record of an event has the flag LAST.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import polars as pl
from databento_dbn import StatusAction

from basalt.feeds.dbn.fields import ADD, ASK, BID, CANCEL, FILL, LAST, MODIFY, NO_PRICE, PRICE_SCALE, SNAPSHOT, TRADE
from basalt.feeds.dbn.writing import dbn_file, encoded_header, encoded_records
from basalt.feeds.feed import Exported, ExportedFile, LakeDay, Progress, quietly
from basalt.feeds.outgoing import ROWS_AT_ONCE, DayPieces, rows_of, wanted_listings
from basalt.market.sides import Aggressor, LobAction, RestingSide
from basalt.market.states import MarketState
from basalt.market.tables import L3, MARKETSTATE, TRADES

NO_SIDE = ord("N")
_ACTIONS: dict[MarketState, str] = {
    "PRE_OPEN": "PRE_OPEN",
    "UNSCHEDULED_AUCTION": "QUOTING",
    "OPENING_AUCTION": "CROSS",
    "INTRADAY_AUCTION": "CROSS",
    "CONTINUOUS_TRADING": "TRADING",
    "HALTED": "HALT",
    "CLOSING_AUCTION": "PRE_CLOSE",
    "CLOSED": "CLOSE",
    "POST_TRADE": "POST_CLOSE",
}
"""What is said of each phase; which auction it is follows from its place in the day."""
_KEPT = ("Number", "Nanos", "Received", "Order", "Step", "Ends", "IsSnapshot")
_FIELDS = ("instrument_id", "ts_event", "ts_recv", "order_id", "price", "size", "flags", "action", "side", "sequence")


def export_dbn(source: LakeDay, out: Path, progress: Progress = quietly, *, rows_at_once: int = ROWS_AT_ONCE) -> Exported:
    """Write the listings of *source* as DBN files of mbo, definition and, where the lake has phases, status.

    Orders and trades are read a span of time after the other. Memory is that of a span and of the phases; where ids of orders are no numbers, all ids
    of the day are held too.

    Args:
        source: Market, day and listings.
        out: Folder of the files.
        progress: Told about each file.
        rows_at_once: Rows of `l3` that are held at once, about.

    Raises:
        MissingData: The lake lacks `l3` or `reference`, or a ticker.
        TargetFailed: *out* cannot be written.
    """
    listings = wanted_listings(source).with_row_index("Number", offset=1)
    numbers = listings.select("ListingId", pl.col("Number").cast(pl.Int64))
    symbols = dict(listings.select("Number", "Ticker").iter_rows())
    made: dict[str, Callable[[], Iterator[pl.DataFrame]]] = {
        "mbo": lambda: mbo_pieces(DayPieces(source, listings, rows_at_once), numbers),
        "definition": lambda: iter([definition_records(listings, source)]),
        "status": lambda: iter([status_records(rows_of(source, MARKETSTATE, listings, required=False), numbers)]),
    }
    files = []
    for done, (schema, make) in enumerate(made.items()):
        progress(f"exporting {schema} of {source.mic} {source.day}", done, len(made))
        pieces = (piece for piece in make() if not piece.is_empty())
        first = next(pieces, None)
        if first is not None:
            path = out / f"{source.mic.lower()}-basalt-{source.day:%Y%m%d}.{schema}.dbn.zst"
            header = encoded_header(f"{source.mic}.BASALT", schema, source.day, symbols)
            files.append(ExportedFile(schema, path, _written(path, schema, header, chain([first], pieces))))
    return Exported(tuple(files))


def _written(path: Path, schema: str, header: bytes, pieces: Iterable[pl.DataFrame]) -> int:
    """Write a file; gives the number of its records."""
    count = 0
    with dbn_file(path, header) as file:
        for records in pieces:
            file.write(encoded_records(schema, records))
            count += records.height
    return count


def mbo_pieces(day: DayPieces, numbers: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Records of kind `mbo` in order of events, a span of time after the other; *numbers* as of `OrderRecords`."""
    records = OrderRecords(numbers, order_numbers(day))
    for orders, trades in day.of(L3, TRADES):
        yield records.of(orders, trades)


def order_numbers(day: DayPieces) -> dict[str, int] | None:
    """Numbers of orders whose ids are none: their place among all ids in order; None where every id is a number."""
    ids = day.scan(L3).select("OrderId", "OldOrderId")
    is_number = (pl.all() == "") | pl.all().str.contains(r"^\d{1,19}$")
    if all(ids.select(is_number.all()).collect(engine="streaming").row(0)):
        return None
    found = (
        pl.concat([ids.select(pl.col(name).alias("id")) for name in ("OrderId", "OldOrderId")])
        .drop_nulls()
        .unique()
        .filter(pl.col("id") != "")
    )
    return {text: place for place, text in enumerate(found.collect(engine="streaming")["id"].sort(), start=1)}


@dataclass
class OrderRecords:
    """Records of kind `mbo` of a day that comes in spans of time.

    Attributes:
        numbers: `ListingId` and the `Number` of the instrument.
        ids: Numbers of ids that are none; None: all are numbers.
    """

    numbers: pl.DataFrame
    ids: dict[str, int] | None = None
    _orders: int = 0
    _records: int = 0

    def of(self, orders: pl.DataFrame, trades: pl.DataFrame) -> pl.DataFrame:
        """The records of the next span.

        Args:
            orders: Rows of `l3` with `Nanos`, in order of events, all of their time.
            trades: Rows of `trades` with `Nanos` of the same span; may be empty.
        """
        rows = _prepared(orders, self.numbers, self.ids, self._orders)
        prints = _prints(trades, rows, self.numbers, self._orders)
        self._orders += orders.height
        parts = [prints, _fills(rows), *_changes(rows)]
        records = pl.concat([part.select(*_KEPT, "order_id", "price", "size", "action", "side") for part in parts])
        records = records.sort("Nanos", "Order", "Step", maintain_order=True)
        first, self._records = self._records + 1, self._records + records.height
        flags = pl.when(_ends()).then(LAST).otherwise(0) + pl.when("IsSnapshot").then(SNAPSHOT).otherwise(0)
        return records.select(
            pl.col("Number").alias("instrument_id"),
            pl.col("Nanos").alias("ts_event"),
            pl.col("Received").alias("ts_recv"),
            "order_id",
            "price",
            pl.col("size").cast(pl.Int64),
            flags.alias("flags"),
            "action",
            "side",
            pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("sequence"),
        ).select(_FIELDS)


def _ends() -> pl.Expr:
    """Whether a record ends its event: nothing of the same row, instrument and time follows."""
    follows = [pl.col(name) != pl.col(name).shift(-1) for name in ("Order", "Number", "Nanos")]
    return pl.col("Ends") & pl.any_horizontal(follows).fill_null(value=True)


def _prepared(orders: pl.DataFrame, numbers: pl.DataFrame, ids: dict[str, int] | None, before: int) -> pl.DataFrame:
    """Rows of `l3`, *before* which there were so many, with what all of their records have."""
    names = set(orders.columns)
    received = pl.coalesce("ReceiveTimestamp", "Nanos") if "ReceiveTimestamp" in names else pl.col("Nanos")
    ends = pl.col("EndOfEvent").fill_null(value=True) if "EndOfEvent" in names else pl.lit(True)
    is_snapshot = (
        (pl.col("OriginalExchangeMessage") == "SNAPSHOT").fill_null(value=False) if "OriginalExchangeMessage" in names else pl.lit(False)
    )
    side = (
        pl.when(pl.col("Side") == RestingSide.BID.value)
        .then(BID)
        .when(pl.col("Side") == RestingSide.ASK.value)
        .then(ASK)
        .otherwise(NO_SIDE)
    )
    return orders.join(numbers, on="ListingId", maintain_order="left").with_columns(
        (pl.int_range(before, before + pl.len(), dtype=pl.Int64) * 2 + 1).alias("Order"),
        received.alias("Received"),
        ends.alias("Ends"),
        is_snapshot.alias("IsSnapshot"),
        side.cast(pl.UInt8).alias("side"),
        _id("OrderId", ids).alias("NewId"),
        _id("OldOrderId", ids).alias("OldId"),
        pl.col("OrderExecuted").fill_null(value=False),
    )


def _id(name: str, ids: dict[str, int] | None) -> pl.Expr:
    """An order's id as a number: its own where all are numbers, else that of *ids*."""
    named = pl.when(pl.col(name) != "").then(name)
    if ids is None:
        return named.cast(pl.UInt64).fill_null(0)
    return named.replace_strict(ids, default=0, return_dtype=pl.UInt64)


def _units(name: str) -> pl.Expr:
    return (pl.col(name) * PRICE_SCALE).round().cast(pl.Int64).fill_null(NO_PRICE)


def _as(rows: pl.DataFrame, action: int, step: int, order: str, price: str, size: pl.Expr) -> pl.DataFrame:
    """A record of each of *rows*."""
    return rows.with_columns(
        pl.lit(action, pl.UInt8).alias("action"),
        pl.lit(step, pl.Int8).alias("Step"),
        pl.col(order).alias("order_id"),
        _units(price).alias("price"),
        size.cast(pl.Int64).alias("size"),
    )


def _fills(rows: pl.DataFrame) -> pl.DataFrame:
    return _as(rows.filter("OrderExecuted"), FILL, 1, "OldId", "ExecutionPrice", pl.col("ExecutionSize"))


def _changes(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Entries, cancels and modifications."""
    action, size, old = pl.col("LobAction"), pl.col("Size"), pl.col("OldSize")
    is_update = action == LobAction.UPDATE.value
    is_renamed = is_update & (pl.col("NewId") != pl.col("OldId"))
    is_less = is_update & ~is_renamed & (pl.col("Price") == pl.col("OldPrice")) & (size < old)
    gone = rows.filter(((action == LobAction.REMOVE.value) | is_renamed) & (old > 0))
    return [
        _as(gone, CANCEL, 2, "OldId", "OldPrice", pl.when(pl.col("LobAction") == LobAction.REMOVE.value).then(old - size).otherwise(old)),
        _as(rows.filter(is_less), CANCEL, 2, "OldId", "OldPrice", old - size),
        _as(rows.filter(is_update & ~is_renamed & ~is_less), MODIFY, 2, "OldId", "Price", size),
        _as(rows.filter((action == LobAction.INSERT.value) | is_renamed), ADD, 3, "NewId", "Price", size),
    ]


def _prints(trades: pl.DataFrame, rows: pl.DataFrame, numbers: pl.DataFrame, before: int) -> pl.DataFrame:
    """A record T for each trade of the order book, before the first fill of it at its time, else behind all that happened until then."""
    if trades.is_empty():
        return _as(rows.clear(), TRADE, 0, "OldId", "Price", pl.col("Size"))
    tape = (
        trades.filter(pl.col("Classification").str.starts_with("LIT").fill_null(value=True))
        if "Classification" in trades.columns
        else trades
    )
    filled = rows.filter("OrderExecuted", pl.col("TradeId") != "").group_by("ListingId", "TradeId", "Nanos").agg(pl.col("Order").min())
    clock = rows.select("Nanos", pl.col("Order").alias("last")).unique("Nanos", keep="last", maintain_order=True).sort("Nanos")
    placed = (
        tape.join(numbers, on="ListingId", maintain_order="left")
        .join(filled, on=["ListingId", "TradeId", "Nanos"], how="left", maintain_order="left")
        .sort("Nanos", maintain_order=True)
        .join_asof(clock, on="Nanos", check_sortedness=False)
    )
    side = pl.when(pl.col("AggressorSide") == Aggressor.BUY.value).then(BID).when(pl.col("AggressorSide") == Aggressor.SELL.value).then(ASK)
    price = "InstrumentCurrencyPrice" if "InstrumentCurrencyPrice" in placed.columns else "Price"
    received = pl.coalesce("ReceiveTimestamp", "Nanos") if "ReceiveTimestamp" in placed.columns else pl.col("Nanos")
    return _as(
        placed.with_columns(
            pl.coalesce("Order", pl.col("last").fill_null(2 * before - 1) + 1).alias("Order"),
            pl.col("Order").is_null().alias("Ends"),
            received.alias("Received"),
            pl.lit(False).alias("IsSnapshot"),
            side.otherwise(NO_SIDE).cast(pl.UInt8).alias("side"),
            pl.lit(0, pl.UInt64).alias("none"),
        ),
        TRADE,
        0,
        "none",
        price,
        pl.col("Size"),
    )


def definition_records(listings: pl.DataFrame, source: LakeDay) -> pl.DataFrame:
    """Records of kind `definition`: symbol, currency, kind and step of prices."""
    names = set(listings.columns)
    start = pl.lit(source.day).cast(pl.Datetime("ns")).dt.epoch("ns")

    def text(name: str) -> pl.Expr:
        return pl.col(name).fill_null("") if name in names else pl.lit("")

    return listings.select(
        pl.col("Number").cast(pl.Int64).alias("instrument_id"),
        start.alias("ts_event"),
        start.alias("ts_recv"),
        pl.col("Ticker").alias("raw_symbol"),
        text("CurrencyCode").alias("currency"),
        text("InstrumentType").str.slice(0, 6).alias("security_type"),
        (_units("TickSize") if "TickSize" in names else pl.lit(NO_PRICE)).alias("min_price_increment"),
        pl.lit(source.mic).alias("exchange"),
        pl.lit(ord("A")).alias("security_update_action"),
    )


def status_records(phases: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """Records of kind `status`, for phases that the vendor has a word for."""
    if phases.is_empty():
        return phases
    named = phases.join(numbers, on="ListingId", maintain_order="left")
    codes = {state: getattr(StatusAction, action).value for state, action in _ACTIONS.items()}
    trades = pl.when(MarketState="CONTINUOUS_TRADING").then(ord("Y")).otherwise(ord("N"))
    return named.select(
        pl.col("Number").alias("instrument_id"),
        pl.col("Nanos").alias("ts_event"),
        pl.col("Nanos").alias("ts_recv"),
        pl.col("MarketState").replace_strict(codes, default=None, return_dtype=pl.Int64).alias("action"),
        trades.cast(pl.UInt8).alias("is_trading"),
    ).drop_nulls("action")
