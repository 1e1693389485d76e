"""A LOBSTER recording as Basalt's tables.

Every row of every table carries the number of its message (1-based) in `BMLLSequenceNo`: it breaks
ties in time, and it is the same in `l3`, `l2` and `trades`.

Sizes of orders. LOBSTER says what an event takes away, never what is left. In all rows of `l3`,
`OldSize - Size` is the amount taken away (added: `Size - OldSize`), so levels can be derived. For
orders whose entry is in the file, both are the true sizes, as far as the file shows the order. For
orders from before the file, what is left is unknown: `OldSize` is the amount and `Size` is 0, and
`LobAction` stays 4 (update) unless LOBSTER says that the order is gone.

Places in queues are known of orders that enter: `SizeAhead` where the file shows their level, `OrdersAhead` where all orders before them entered within the file.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.core.tables import Table
from basalt.feeds.exactness import exact
from basalt.feeds.identifiers import ListingDay
from basalt.feeds.lobster import order_kernel as kernel
from basalt.feeds.lobster.orders import Orders, changes, named, nulled
from basalt.feeds.lobster.reading import CONTRACT_LEVELS, Recording
from basalt.feeds.streaming import Complete
from basalt.market.sides import Aggressor
from basalt.market.tables import L2, L3, MARKETSTATE, REFERENCE, TRADES

ADD, PARTIAL_CANCEL, DELETE, EXECUTE_VISIBLE, EXECUTE_HIDDEN, CROSS, HALT = range(1, 8)
PRICE_SCALE = 10_000
"""Units of a price in LOBSTER's files."""

OPEN_NANOS, CLOSE_NANOS = 34_200 * 1_000_000_000, 57_600 * 1_000_000_000
NEW_YORK = "America/New_York"
STREAM = 1
"""Every recording is one stream of messages."""

CLASSIFICATIONS = {EXECUTE_VISIBLE: "LIT_CONTINUOUS", EXECUTE_HIDDEN: "LIT_HIDDEN", CROSS: "LIT_AUCTION"}
_PHASES = {-1: "HALTED", 0: "UNSCHEDULED_AUCTION", 1: "CONTINUOUS_TRADING"}
_VENUE_CODES = {-1: "H", 0: "Q", 1: "T"}
_KINDS = pl.Series([str(kind) for kind in range(8)])


_NAMES = ("Ticker", "ListingId", "TradeDate", "BMLLSequenceNo", "BMLLSequenceSource", "MarketState")
_ORDERS = (
    "OriginalOrderId",
    "OrderId",
    "OldOrderId",
    "TradeId",
    "LobAction",
    "OrderExecuted",
    "ExecutionSize",
    "Printable",
    "OriginalExchangeMessage",
)
_VALUES = ("Price", "Size", "InstrumentCurrencyPrice", "TradeNotional")
_KINDS_OF_TRADES = ("TradeId", "AggressorSide", "BMLLTradeType", "Classification")
_CODES = ("MIC", "InstrumentId", "CurrencyCode", "OPOL", "ExecutionVenue", "InstrumentCurrencyCode")


def complete_columns(levels: int) -> Complete:
    """Columns without nulls in the tables of a file with as many *levels*, by the name of their table."""
    shown = range(1, min(levels, CONTRACT_LEVELS) + 1)
    sizes = (f"{side}Quantity{level}" for level in shown for side in ("Bid", "Ask"))
    return {
        L2.name: (*_NAMES, "TimestampNanoseconds", "MIC", "CurrencyCode", "L2EventNo", *sizes),
        L3.name: (*_NAMES, *_ORDERS, "TimestampNanoseconds", "InstrumentId", "EventNo", "Size", "OldSize", "EndOfEvent", "OrderType"),
        TRADES.name: (*_NAMES, *_CODES, *_VALUES, *_KINDS_OF_TRADES, "TradeTimestampNanoseconds"),
    }


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
        self._orders = Orders()
        self._top = pl.DataFrame([[None]] * len(_TOP), schema=dict.fromkeys(_TOP, pl.Float64))

    def events_of(self, piece: Recording) -> dict[Table, pl.DataFrame]:
        """`trades`, `l2` and `l3` of the next messages, each in order of events."""
        followed = self._orders.follow(piece.messages, piece.book.numbers)
        events = self._events(piece, followed[kernel.LEFT])
        made = {TRADES: _trades(events, self._of, self._top), L2: _l2(events, piece.levels, self._of), L3: _l3(events, followed, self._of)}
        self._top = events.select(_TOP).tail(1)
        return made

    def day(self) -> dict[Table, pl.DataFrame]:
        """`marketstate` and `reference`, after the last piece."""
        return {MARKETSTATE: _market_states(self._start, pl.concat(self._halts), self._of), REFERENCE: _reference(self._of)}

    def _events(self, piece: Recording, left: NDArray[np.int64]) -> pl.DataFrame:
        """Messages beside the book after them, with clock, sequence, phase and what is left of the order."""
        halt = pl.when(pl.col("Type") == HALT).then(pl.col("Price")).forward_fill().fill_null(pl.lit(self._halt, pl.Int64))
        messages = piece.messages.select(
            pl.all(),
            _clock(pl.col("Nanos"), self._of).alias("TimestampNanoseconds"),
            pl.int_range(self._rows + 1, self._rows + pl.len() + 1, dtype=pl.Int64).alias("BMLLSequenceNo"),
            _phase(pl.col("Nanos"), halt).alias("MarketState"),
            nulled("Left", left),
        )
        self._note(messages)
        return messages.hstack(piece.book.frame())

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


# ---------------------------------------------------------------- tables


def _l2(events: pl.DataFrame, levels: int, of: ListingDay) -> pl.DataFrame:
    """One row a message: the vendor's row; an empty level has no price and quantity 0, an absent level is null."""
    shown = [f"{side}{what}{level}" for level in range(1, levels + 1) for side in ("Bid", "Ask") for what in ("Price", "Quantity")]
    absent = [
        pl.lit(None, dtype).alias(f"{side}{what}{level}")
        for level in range(levels + 1, CONTRACT_LEVELS + 1)
        for side in ("Bid", "Ask")
        for what, dtype in (("Price", pl.Float64), ("Quantity", pl.Float64))
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


def _l3(events: pl.DataFrame, followed: NDArray[np.int64], of: ListingDay) -> pl.DataFrame:
    """One row a message except halts.

    Executions of hidden orders and crosses have `LobAction` 1: they belong to no displayed order
    and do not change the book, so price, sizes and order ids are empty.

    Args:
        followed: What `Orders.follow` says of all *events*.
    """
    places, values, (remains, existed, executed) = changes(events, followed[kernel.LEFT])
    rows = events.select(*_SAID, "TimestampNanoseconds", "BMLLSequenceNo", "MarketState")
    if places.size < rows.height:
        rows, followed = rows[places], followed[:, places]
    order, price = rows["OrderId"].cast(pl.String), rows.select(_price()).to_series().to_numpy()
    names = {"LobAction": kernel.ACTION, "Size": kernel.NOW, "OldSize": kernel.BEFORE, "ExecutionSize": kernel.EXECUTED_SIZE}
    return rows.select(*_identity(of, "InstrumentId"), *_sequence(), pl.col("BMLLSequenceNo").alias("EventNo")).hstack(
        [
            nulled("Side", values[kernel.SIDE], 0),
            *(pl.Series(name, values[place]) for name, place in names.items()),
            named("OriginalOrderId", order, remains | existed),
            named("OrderId", order, remains),
            named("OldOrderId", order, existed),
            *(_where(name, price, mask) for name, mask in (("Price", remains), ("OldPrice", existed), ("ExecutionPrice", executed))),
            *(pl.Series(name, executed) for name in ("OrderExecuted", "Printable")),
            _trade_ids(rows["BMLLSequenceNo"], executed),
            nulled("SizeAhead", followed[kernel.AHEAD]),
            nulled("OrdersAhead", followed[kernel.ORDERS_AHEAD]),
            *(pl.Series(name, [value]).new_from_index(0, rows.height) for name, value in (("EndOfEvent", True), ("OrderType", 1))),
            _KINDS.gather(rows["Type"]).alias("OriginalExchangeMessage"),
        ]
    )


def _where(name: str, prices: NDArray[np.float64], mask: NDArray[np.bool_]) -> pl.Series:
    """*prices* where it is so, else null."""
    return pl.Series(name, np.where(mask, prices, np.nan), nan_to_null=True)


def _trade_ids(numbers: pl.Series, executed: NDArray[np.bool_]) -> pl.Series:
    """Numbers of messages as text where they execute, else empty texts."""
    texts = pl.concat([pl.Series([""]), numbers.filter(pl.Series(executed)).cast(pl.String)])
    return texts.gather(np.where(executed, np.cumsum(executed), 0)).alias("TradeId")


def _trades(events: pl.DataFrame, of: ListingDay, top: pl.DataFrame) -> pl.DataFrame:
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
    places = np.flatnonzero(events.select(kind.is_in(list(CLASSIFICATIONS)) & (size > 0)).to_series().to_numpy())
    shown = pl.concat([top, events.select(_TOP)])
    mid = shown[places + 1].select(((pl.col("BidPrice1") + pl.col("AskPrice1")) / 2).alias("PostTradeMid"))
    said = events.select(*_SAID, "Left", "TimestampNanoseconds", "BMLLSequenceNo", "MarketState")[places]
    return (
        said.hstack(shown[places].select(_best_quotes()))
        .hstack(mid)
        .select(
            *_identity(of, "MIC", "InstrumentId", "CurrencyCode", "OPOL", "ExecutionVenue", "InstrumentCurrencyCode"),
            *_sequence("TradeTimestampNanoseconds"),
            pl.col("BMLLSequenceNo").cast(pl.String).alias("TradeId"),
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
    )


_SAID = ("Type", "OrderId", "Size", "Price", "Direction")
_QUOTE_NAMES = ("BestBidPrice", "BestBidSize", "BestAskPrice", "BestAskSize")


def _best_quotes() -> list[pl.Expr]:
    """The best quotes of a book; an empty side has no size."""
    return [
        quote
        for side in ("Bid", "Ask")
        for quote in (
            pl.col(f"{side}Price1").alias(f"Best{side}Price"),
            pl.when(pl.col(f"{side}Price1").is_not_null()).then(f"{side}Quantity1").alias(f"Best{side}Size"),
        )
    ]


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


def _code(source: pl.Expr, codes: dict[int, Aggressor]) -> pl.Expr:
    one, other = codes[1].value, codes[-1].value
    return pl.when(source == 1).then(one).when(source == -1).then(other).cast(pl.Int64)
