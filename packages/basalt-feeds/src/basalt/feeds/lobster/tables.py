"""A LOBSTER recording as Basalt's tables.

Every row of every table carries the number of its message (1-based) in `BMLLSequenceNo`: it breaks
ties in time, and it is the same in `l3`, `l2` and `trades`.

Sizes of orders. LOBSTER says what an event takes away, never what is left. In all rows of `l3`,
`OldSize - Size` is the amount taken away (added: `Size - OldSize`), so levels can be derived. For
orders whose entry is in the file, both are the true sizes, as far as the file shows the order. For
orders from before the file, what is left is unknown: `OldSize` is the amount and `Size` is 0, and
`LobAction` stays 4 (update) unless LOBSTER says that the order is gone.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from basalt.core.tables import Table
from basalt.feeds.exactness import exact
from basalt.feeds.identifiers import ListingDay
from basalt.feeds.lobster.faults import EMPTY_PRICE
from basalt.feeds.lobster.queues import PRICE_SCALE, size_ahead
from basalt.feeds.lobster.reading import CONTRACT_LEVELS, Recording
from basalt.market.sides import Aggressor, LobAction, RestingSide
from basalt.market.tables import L2, L3, MARKETSTATE, REFERENCE, TRADES

ADD, PARTIAL_CANCEL, DELETE, EXECUTE_VISIBLE, EXECUTE_HIDDEN, CROSS, HALT = range(1, 8)
OPEN_NANOS, CLOSE_NANOS = 34_200 * 1_000_000_000, 57_600 * 1_000_000_000
NEW_YORK = "America/New_York"
STREAM = 1
"""Every recording is one stream of messages."""

CLASSIFICATIONS = {EXECUTE_VISIBLE: "LIT_CONTINUOUS", EXECUTE_HIDDEN: "LIT_HIDDEN", CROSS: "LIT_AUCTION"}
_PHASES = {-1: "HALTED", 0: "UNSCHEDULED_AUCTION", 1: "CONTINUOUS_TRADING"}
_VENUE_CODES = {-1: "H", 0: "Q", 1: "T"}


class TableMaker:
    """Tables of one listing and day, from pieces of its recording that follow each other.

    Columns are a subset of the contracts in `basalt.market.tables`; prices are exact (the nearest
    float to the integer over 10,000), times are UTC nanoseconds.
    """

    def __init__(self, of: ListingDay) -> None:
        self._of = of
        self._rows = 0
        self._start = 0
        self._halts: list[pl.DataFrame] = []
        self._halt: int | None = None
        self._orders = _NO_ORDERS
        self._top: dict[str, float | int | None] = dict.fromkeys(_TOP)

    def events_of(self, piece: Recording) -> dict[Table, pl.DataFrame]:
        """`trades`, `l2` and `l3` of the next messages, each in order of events."""
        events = self._events(piece)
        made = {
            TRADES: _trades(events, self._of, self._top),
            L2: _l2(events, piece.levels, self._of),
            L3: _l3(events, piece.levels, self._of),
        }
        self._top = events.select(_TOP).row(-1, named=True)
        return made

    def day(self) -> dict[Table, pl.DataFrame]:
        """`marketstate` and `reference`, after the last piece."""
        return {MARKETSTATE: _market_states(self._start, pl.concat(self._halts), self._of), REFERENCE: _reference(self._of)}

    def _events(self, piece: Recording) -> pl.DataFrame:
        """Messages beside the book after them, with clock, sequence, phase and what is left of the order."""
        left, self._orders = _left(piece.messages, self._orders)
        halt = pl.when(pl.col("Type") == HALT).then(pl.col("Price")).forward_fill().fill_null(pl.lit(self._halt, pl.Int64))
        messages = piece.messages.select(
            pl.all(),
            _clock(pl.col("Nanos"), self._of).alias("TimestampNanoseconds"),
            pl.int_range(self._rows + 1, self._rows + pl.len() + 1, dtype=pl.Int64).alias("BMLLSequenceNo"),
            _phase(pl.col("Nanos"), halt).alias("MarketState"),
            left,
        )
        self._note(messages)
        return pl.concat([messages, piece.book.select(_level_columns(piece.levels))], how="horizontal")

    def _note(self, messages: pl.DataFrame) -> None:
        """Remember what later pieces need of *messages*."""
        if not self._rows:
            self._start = messages["Nanos"].item(0)
        self._rows += messages.height
        halts = messages.filter(pl.col("Type") == HALT).select("Nanos", "BMLLSequenceNo", pl.col("Price").alias("Halt"))
        self._halts.append(halts)
        if halts.height:
            self._halt = halts["Halt"].item(-1)


_TOP = ("BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1")
_NO_ORDERS = pl.DataFrame(schema={"OrderId": pl.Int64, "Change": pl.Int64, "IsEntry": pl.Boolean})
"""Orders that live on: what is left of each by its messages, and whether they show it from its entry."""


def midnight_nanos(of: ListingDay) -> int:
    """Midnight in New York at the start of the day, in UTC nanoseconds since 1970."""
    local = pl.Series([of.day]).cast(pl.Datetime("ns"))
    return int(local.dt.replace_time_zone(NEW_YORK).dt.epoch("ns").item())


def _clock(nanos: pl.Expr, of: ListingDay) -> pl.Expr:
    return (nanos + midnight_nanos(of)).cast(pl.Datetime("ns"))


def _phase(nanos: pl.Expr, halt: pl.Expr) -> pl.Expr:
    """Phase of the day at *nanos*, when the last halt message had the price *halt* (null: none yet)."""
    return (
        pl.when(nanos >= CLOSE_NANOS)
        .then(pl.lit("CLOSED"))
        .when(halt == -1)
        .then(pl.lit(_PHASES[-1]))
        .when(halt == 0)
        .then(pl.lit(_PHASES[0]))
        .when(nanos < OPEN_NANOS)
        .then(pl.lit("PRE_OPEN"))
        .otherwise(pl.lit("CONTINUOUS_TRADING"))
    )


def _left(messages: pl.DataFrame, orders: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """Size of the order after its message; null for orders that the file does not show from their entry.

    Args:
        orders: Orders of before, as `_NO_ORDERS`.

    Returns:
        The sizes, and orders for the messages that follow: those that are gone are left out.
    """
    kind, size = pl.col("Type"), pl.col("Size")
    change = pl.when(kind == ADD).then(size).when(kind.is_between(PARTIAL_CANCEL, EXECUTE_VISIBLE)).then(-size).otherwise(0)
    now = messages.select("OrderId", change.alias("Change"), (kind == ADD).alias("IsEntry"), (kind == DELETE).alias("IsDeletion"))
    by_order = pl.concat([orders, now.with_row_index("Row")], how="diagonal").sort("OrderId", maintain_order=True)
    order, total = pl.col("OrderId"), pl.col("Change").cum_sum()
    is_first, is_last = order.ne_missing(order.shift()), order.ne_missing(order.shift(-1))
    sums = by_order.select(
        "Row",
        "OrderId",
        (total - pl.when(is_first).then(total - pl.col("Change")).forward_fill()).alias("Change"),
        pl.when(is_first).then("IsEntry").forward_fill(),
        pl.col("IsDeletion").fill_null(value=False),
        is_last.alias("IsLast"),
    )
    left = sums.drop_nulls("Row").select("Row", pl.when(pl.col("IsEntry") & (pl.col("Change") >= 0)).then("Change").alias("Left"))
    is_gone = pl.col("IsDeletion") | (pl.col("IsEntry") & (pl.col("Change") == 0))
    return left.sort("Row")["Left"], sums.filter("IsLast", ~is_gone).select(_NO_ORDERS.columns)


def _level_columns(levels: int) -> list[pl.Expr]:
    return [
        column
        for level in range(1, levels + 1)
        for side in ("Bid", "Ask")
        for column in _level(pl.col(f"{side}Price{level}"), pl.col(f"{side}Size{level}"), f"{side}Price{level}", f"{side}Quantity{level}")
    ]


def _level(price: pl.Expr, size: pl.Expr, price_name: str, size_name: str) -> tuple[pl.Expr, pl.Expr]:
    is_empty = (price.abs() == EMPTY_PRICE) | (size == 0)
    filled = pl.when(~is_empty)
    return filled.then(exact(price, PRICE_SCALE)).alias(price_name), filled.then(size).otherwise(0).alias(size_name)


# ---------------------------------------------------------------- tables


def _l2(events: pl.DataFrame, levels: int, of: ListingDay) -> pl.DataFrame:
    """One row a message: the vendor's row; an empty level has no price and quantity 0, an absent level is null."""
    shown = [f"{side}{what}{level}" for level in range(1, levels + 1) for side in ("Bid", "Ask") for what in ("Price", "Quantity")]
    absent = [
        pl.lit(None, dtype).alias(f"{side}{what}{level}")
        for level in range(levels + 1, CONTRACT_LEVELS + 1)
        for side in ("Bid", "Ask")
        for what, dtype in (("Price", pl.Float64), ("Quantity", pl.Int64))
    ]
    unknown = [
        pl.lit(None, pl.Int32).alias(f"{side}NumOrders{level}") for level in range(1, CONTRACT_LEVELS + 1) for side in ("Bid", "Ask")
    ]
    return events.select(
        *_identity(of, "MIC", "CurrencyCode"),
        *_sequence(),
        pl.col("BMLLSequenceNo").alias("L2EventNo"),
        *shown,
        *absent,
        *unknown,
    )


def _l3(events: pl.DataFrame, levels: int, of: ListingDay) -> pl.DataFrame:
    """One row a message except halts.

    Executions of hidden orders and crosses have `LobAction` 1: they belong to no displayed order
    and do not change the book, so price, sizes and order ids are empty.
    """
    kind, size, left = pl.col("Type"), pl.col("Size"), pl.col("Left")
    is_execution = kind.is_in(list(CLASSIFICATIONS))
    on_book, is_new = kind <= EXECUTE_VISIBLE, kind == ADD
    is_gone = (kind == DELETE) | ((kind == EXECUTE_VISIBLE) & (left == 0).fill_null(False))
    remains, existed = on_book & ~is_gone, on_book & ~is_new
    after = pl.when(is_gone | ~on_book).then(0).otherwise(left.fill_null(0))
    order, price = pl.col("OrderId").cast(pl.String), _price()
    entries = events.filter(is_new)
    ahead = entries.select("BMLLSequenceNo", size_ahead(levels).alias("SizeAhead"))
    known = events.filter(kind != HALT).join(ahead, on="BMLLSequenceNo", how="left", maintain_order="left")
    return known.select(
        *_identity(of, "InstrumentId"),
        *_sequence(),
        pl.col("BMLLSequenceNo").alias("EventNo"),
        _code(pl.col("Direction"), {1: RestingSide.BID, -1: RestingSide.ASK}).alias("Side"),
        _action(on_book, is_new, is_gone).alias("LobAction"),
        _text(on_book, order).alias("OriginalOrderId"),
        pl.when(remains).then(price).alias("Price"),
        pl.when(is_new).then(size).otherwise(after).alias("Size"),
        _text(remains, order).alias("OrderId"),
        pl.when(existed).then(price).alias("OldPrice"),
        pl.when(existed).then(after + size).otherwise(0).alias("OldSize"),
        _text(existed, order).alias("OldOrderId"),
        is_execution.alias("OrderExecuted"),
        pl.when(is_execution).then(price).alias("ExecutionPrice"),
        pl.when(is_execution).then(size).otherwise(0).alias("ExecutionSize"),
        _text(is_execution, _trade_id()).alias("TradeId"),
        "SizeAhead",
        pl.lit(True).alias("EndOfEvent"),
        is_execution.alias("Printable"),
        pl.lit(1, pl.Int64).alias("OrderType"),
        kind.cast(pl.String).alias("OriginalExchangeMessage"),
    )


def _action(on_book: pl.Expr, is_new: pl.Expr, is_gone: pl.Expr) -> pl.Expr:
    action = (
        pl.when(~on_book)
        .then(LobAction.EXECUTE.value)
        .when(is_new)
        .then(LobAction.INSERT.value)
        .when(is_gone)
        .then(LobAction.REMOVE.value)
        .otherwise(LobAction.UPDATE.value)
    )
    return action.cast(pl.Int64)


def _trades(events: pl.DataFrame, of: ListingDay, top: Mapping[str, float | int | None]) -> pl.DataFrame:
    """One row an execution, visible and hidden, and one a cross, with the book just before it.

    Quotes are the row of the book before the message (null for the first message), `PostTradeMid`
    is the row of the message itself. LOBSTER is one venue: the best quotes are those of the venue.

    Args:
        top: The best level of the row of the book before *events*.
    """
    kind, size = pl.col("Type"), pl.col("Size")
    currency = of.listing.currency
    notional = exact(pl.col("Price") * size, PRICE_SCALE)
    converted = [notional.alias(f"TradeNotional{currency}")] * (currency in {"USD", "EUR"})
    aggressor = _code(pl.col("Direction"), {1: Aggressor.SELL, -1: Aggressor.BUY})
    before = events.with_columns(*_quotes_before(top), ((pl.col("BidPrice1") + pl.col("AskPrice1")) / 2).alias("PostTradeMid"))
    deals = before.filter(kind.is_in(list(CLASSIFICATIONS)), size > 0)
    return deals.select(
        *_identity(of, "MIC", "InstrumentId", "CurrencyCode", "OPOL", "ExecutionVenue", "InstrumentCurrencyCode"),
        *_sequence("TradeTimestampNanoseconds"),
        _trade_id().alias("TradeId"),
        pl.when(kind == CROSS).then(Aggressor.UNKNOWN.value).otherwise(aggressor).cast(pl.Int64).alias("AggressorSide"),
        _price().alias("Price"),
        size.cast(pl.Float64),
        _price().alias("InstrumentCurrencyPrice"),
        pl.lit("LIT").alias("BMLLTradeType"),
        kind.replace_strict(CLASSIFICATIONS, return_dtype=pl.String).alias("Classification"),
        notional.alias("TradeNotional"),
        *converted,
        *(pl.col(name).alias(f"{name}{at}") for name in _QUOTE_NAMES for at in ("", "AtVenue")),
        *(_price_point().alias(f"PricePoint{at}") for at in ("", "AtVenue")),
        pl.when(kind == EXECUTE_VISIBLE).then(pl.col("Left")).cast(pl.Float64).alias("OrderRemainingQty"),
        "PostTradeMid",
    )


_QUOTE_NAMES = ("BestBidPrice", "BestBidSize", "BestAskPrice", "BestAskSize")


def _quotes_before(top: Mapping[str, float | int | None]) -> list[pl.Expr]:
    """The best quotes before each message; *top* before the first."""
    return [
        expression
        for side in ("Bid", "Ask")
        for expression in (
            _before(pl.col(f"{side}Price1"), top[f"{side}Price1"]).alias(f"Best{side}Price"),
            _before(
                pl.when(pl.col(f"{side}Price1").is_not_null()).then(pl.col(f"{side}Quantity1")).cast(pl.Float64),
                None if top[f"{side}Price1"] is None else top[f"{side}Quantity1"],
            ).alias(f"Best{side}Size"),
        )
    ]


def _before(values: pl.Expr, first: float | None) -> pl.Expr:
    return values.shift(fill_value=pl.lit(first, pl.Float64))


def _price_point() -> pl.Expr:
    spread = pl.col("BestAskPrice") - pl.col("BestBidPrice")
    return pl.when(spread > 0).then((_price() - pl.col("BestBidPrice")) / spread)


def _market_states(start: int, halts: pl.DataFrame, of: ListingDay) -> pl.DataFrame:
    """The regular session and the halts: a row wherever the phase begins.

    Args:
        start: `Nanos` of the first message.
        halts: `Nanos`, `BMLLSequenceNo` and price (`Halt`) of all halt messages.
    """
    session = [min(start, OPEN_NANOS), OPEN_NANOS, CLOSE_NANOS]
    edges = pl.DataFrame({"Nanos": sorted(set(session))}).with_columns(BMLLSequenceNo=pl.lit(0, pl.Int64), Halt=pl.lit(None, pl.Int64))
    rows = pl.concat([edges, halts]).sort("Nanos", "BMLLSequenceNo", maintain_order=True)
    phase = _phase(pl.col("Nanos"), pl.col("Halt").forward_fill())
    return rows.with_columns(phase.alias("MarketState")).select(
        *_identity(of, "MIC", "InstrumentId", without=("Ticker", "TradeDate")),
        _clock(pl.col("Nanos"), of).alias("TimestampNanoseconds"),
        "BMLLSequenceNo",
        pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource"),
        "MarketState",
        pl.col("Halt").replace_strict(_VENUE_CODES, default=None, return_dtype=pl.String).alias("ExchangeMarketState"),
    )


def _reference(of: ListingDay) -> pl.DataFrame:
    return pl.select(
        *_identity(of, "MIC", "InstrumentId", "CurrencyCode", "OPOL", without=("TradeDate",)),
        pl.lit(True).alias("IsAlive"),
        pl.lit(True).alias("IsPrimary"),
        pl.lit("L3").alias("MarketDataLevel"),
        pl.lit(of.day).cast(pl.Datetime("ms")).alias("Date"),
    )


# ---------------------------------------------------------------- columns


def _identity(of: ListingDay, *more: str, without: tuple[str, ...] = ()) -> list[pl.Expr]:
    listing = of.listing
    known = {
        "Ticker": pl.lit(listing.ticker),
        "ListingId": pl.lit(listing.listing_id, pl.Int64),
        "TradeDate": pl.lit(of.day).cast(pl.Datetime("ms")),
        "InstrumentId": pl.lit(listing.instrument_id, pl.Int64),
        "MIC": pl.lit(listing.mic),
        "OPOL": pl.lit(listing.mic),
        "ExecutionVenue": pl.lit(listing.mic),
        "CurrencyCode": pl.lit(listing.currency),
        "InstrumentCurrencyCode": pl.lit(listing.currency),
    }
    names = [name for name in ("Ticker", "ListingId", "TradeDate", *more) if name not in without]
    return [known[name].alias(name) for name in names]


def _sequence(clock: str = "TimestampNanoseconds") -> list[pl.Expr]:
    return [
        pl.col("TimestampNanoseconds").alias(clock),
        pl.col("BMLLSequenceNo"),
        pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource"),
        pl.col("MarketState"),
    ]


def _price() -> pl.Expr:
    return exact(pl.col("Price"), PRICE_SCALE)


def _trade_id() -> pl.Expr:
    return pl.col("BMLLSequenceNo").cast(pl.String)


def _text(is_there: pl.Expr, text: pl.Expr) -> pl.Expr:
    return pl.when(is_there).then(text).otherwise(pl.lit(""))


def _code(source: pl.Expr, codes: dict[int, Aggressor] | dict[int, RestingSide]) -> pl.Expr:
    one, other = codes[1].value, codes[-1].value
    return pl.when(source == 1).then(one).when(source == -1).then(other).cast(pl.Int64)
