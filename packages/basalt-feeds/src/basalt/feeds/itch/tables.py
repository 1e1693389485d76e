"""Decoded messages as rows of Basalt's tables.

`BMLLSequenceNo` is the number of the message in the file, from 1: it breaks ties in time, and it is the same in all tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from basalt.books import BookBuilder, BookMessage, OrderFault, OrderTracker, QueueTracker
from basalt.feeds.exactness import exact
from basalt.feeds.itch.decoding import Decoded
from basalt.feeds.itch.directory import Directory
from basalt.feeds.itch.fields import FIELDS, LOCATES
from basalt.feeds.itch.layouts import PRICE_SCALE, nanos_of, texts_of
from basalt.feeds.itch.roots import new_roots, trace_roots
from basalt.feeds.itch.states import CROSSES
from basalt.feeds.phases import CODES, Change
from basalt.feeds.quotes import QuoteTape
from basalt.feeds.telling import count_crossed
from basalt.market.sides import Aggressor, LobAction
from basalt.market.states import AUCTION_STATES, MARKET_STATES

STREAM = 1
"""A file is one stream of messages."""

SIDE_OF_HIDDEN_UNTIL = date(2014, 7, 14)
"""From this day on, prints of hidden orders say B, whichever side the order was on."""

_MESSAGES = {
    **dict.fromkeys("AF", BookMessage.ADD),
    **dict.fromkeys("ECX", BookMessage.REDUCE),
    "D": BookMessage.DELETE,
    "U": BookMessage.MODIFY,
    **dict.fromkeys("PQ", BookMessage.NONE),
}
_PLACES = ("PriceLevel", "OldPriceLevel", "SizeAhead", "OrdersAhead", "DelOrderIndex", "AddOrderIndex")
_DROPPED = (OrderFault.UNKNOWN, OrderFault.UNKNOWN_MODIFIED, OrderFault.UNPLACED)


@dataclass
class RowMaker:
    """Makes rows of a day, a piece of the file after the other.

    Attributes:
        directory: The securities.
        day: Trading day.
        midnight: Midnight in New York at its start (UTC ns since 1970).
        queues: Whether rows of `l3` say where orders stand in their queues.
        faults: Messages by fault: how many, and the number of the first.
        crossed: Rows of `l2` with a crossed book, outside of auctions.
    """

    directory: Directory
    day: date
    midnight: int
    queues: bool = True
    orders: OrderTracker = field(default_factory=OrderTracker)
    books: BookBuilder = field(
        default_factory=lambda: BookBuilder(sample="change", price_scale=PRICE_SCALE, carry=("Locate", "Phase", "Nanos"))
    )
    quotes: QuoteTape = field(default_factory=QuoteTape)
    faults: dict[OrderFault, tuple[int, int]] = field(default_factory=dict)
    crossed: int = 0
    _places: QueueTracker = field(default_factory=lambda: QueueTracker(price_scale=PRICE_SCALE))
    _roots: object = field(default_factory=new_roots)
    _events: np.ndarray = field(default_factory=lambda: np.zeros(LOCATES, dtype=np.int64))

    def make(self, decoded: Decoded) -> dict[str, pl.DataFrame]:
        """Rows of `l3`, `l2`, `trades`, `marketstate` and `imbalance` that the messages bring, each in order of the messages."""
        names = self.directory.names()
        tracked = self._track(decoded)
        levels = self._levels(tracked, names)
        self.crossed += count_crossed(levels)
        return {
            "l3": self._l3(tracked, names),
            "l2": levels,
            "trades": self._trades(tracked, names, levels),
            "marketstate": self._market_states(decoded),
            "imbalance": self._imbalances(decoded, names),
        }

    # ------------------------------------------------------------ orders

    def _track(self, decoded: Decoded) -> pl.DataFrame:
        """The messages about wanted orders and trades, with what they did to the order."""
        messages = self._messages(decoded)
        tracked = self.orders.feed(messages)
        self._note_faults(tracked)
        kept = tracked.filter(~pl.col("OrderFault").is_in([fault.value for fault in _DROPPED]))
        is_replacement = (pl.col("Kind") == ord("U")) & ~pl.col("IsEviction")
        named = kept.with_columns(pl.when(is_replacement).then("NewOrderId").otherwise("OrderId").alias("NewOrderId"))
        placed = self._places.feed(named) if self.queues else named
        ends = pl.col("BMLLSequenceNo").ne_missing(pl.col("BMLLSequenceNo").shift(-1)).alias("EndOfEvent")
        return placed.with_columns(self._event_numbers(named), self._first_ids(named), ends)

    def _messages(self, decoded: Decoded) -> pl.DataFrame:
        kinds = decoded.fields[FIELDS.index("Kind")]
        message = np.full(256, -1, dtype=np.int64)
        message[[ord(kind) for kind in _MESSAGES]] = list(_MESSAGES.values())
        sizes = decoded.fields[FIELDS.index("Size")]
        wanted = self.directory.wanted[decoded.fields[FIELDS.index("Locate")]]
        rows = np.flatnonzero((message[kinds] >= 0) & wanted & ((sizes > 0) | (kinds == ord("D"))))
        rows, is_eviction = _with_evictions(rows, decoded.fields)
        columns = {name: decoded.fields[place, rows] for place, name in enumerate(FIELDS)}
        columns["OrderId"] = np.where(is_eviction, columns["NewOrderId"], columns["OrderId"])
        messages = np.where(is_eviction, BookMessage.DELETE.value, message[kinds[rows]])
        frame = pl.DataFrame(columns | {"BMLLSequenceNo": decoded.numbers[rows], "BookMessage": messages})
        locates = columns["Locate"]
        return frame.with_columns(
            pl.Series("IsEviction", is_eviction),
            pl.Series("ListingId", self.directory.listing_ids[locates]),
            pl.Series("InstrumentId", self.directory.instrument_ids[locates]),
            pl.Series("RoundLot", self.directory.round_lots[locates]),
            pl.col("Price").alias("SaidPrice"),
            pl.col("Size").alias("SaidSize"),
            pl.col("Side").alias("SaidSide"),
        )

    def _note_faults(self, tracked: pl.DataFrame) -> None:
        """Remember how many messages had which fault, and the first of them."""
        fault = pl.when("IsEviction").then(OrderFault.DUPLICATE.value).otherwise("OrderFault").alias("OrderFault")
        counts = pl.when("IsEviction").then(pl.col("LobAction").is_not_null()).otherwise(pl.col("OrderFault") != 0)
        found = tracked.filter(counts).group_by(fault).agg(pl.len(), pl.col("BMLLSequenceNo").min())
        for fault, count, first in found.iter_rows():
            earlier = self.faults.get(OrderFault(fault), (0, first))
            self.faults[OrderFault(fault)] = (earlier[0] + count, earlier[1])

    def _event_numbers(self, kept: pl.DataFrame) -> pl.Series:
        locates = kept["Locate"].to_numpy()
        within = kept.select(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("Locate")).to_series().to_numpy()
        numbers = self._events[locates] + within
        self._events += np.bincount(locates, minlength=LOCATES)
        return pl.Series("EventNo", numbers)

    def _first_ids(self, kept: pl.DataFrame) -> pl.Series:
        is_order = ~kept["Kind"].is_in([ord("P"), ord("Q")])
        first = np.zeros(kept.height, dtype=np.int64)
        columns = (kept["OrderId"], pl.select(pl.when(kept["Kind"] == ord("U")).then(kept["NewOrderId"]).otherwise(0)).to_series())
        truths = (kept["Kind"].is_in([ord("A"), ord("F")]), is_order & (kept["Size"] == 0))
        order, new_order, is_entry, is_gone = (np.array(column.to_numpy()) for column in (*columns, *truths))
        trace_roots(order, new_order, is_entry, is_gone, self._roots, first)
        return pl.Series("FirstId", first)

    def _levels(self, tracked: pl.DataFrame, names: pl.Series) -> pl.DataFrame:
        """The book after each message that changed it within ten levels."""
        rows = self.books.feed(tracked)
        return rows.select(
            *_identity(names),
            pl.lit(self.directory.mic).alias("MIC"),
            pl.lit(self.directory.currency).alias("CurrencyCode"),
            *self._common(),
            "L2EventNo",
            pl.col("^(Bid|Ask)(Price|Quantity|NumOrders)[0-9]+$"),
            pl.col("^(Bid|Ask)LevelCount$"),
        )

    # ------------------------------------------------------------ tables

    def _l3(self, tracked: pl.DataFrame, names: pl.Series) -> pl.DataFrame:
        """One row a message. Prints of hidden orders and crosses have `LobAction` 1 and belong to no order."""
        is_execution = _is_kind("ECPQ")
        is_order, remains, existed = ~_is_kind("PQ"), pl.col("Size") > 0, pl.col("OldSize") > 0
        return tracked.select(
            *_identity(names),
            "InstrumentId",
            *self._common(),
            "EventNo",
            self._side().alias("Side"),
            pl.when(is_order).then("LobAction").otherwise(LobAction.EXECUTE.value).cast(pl.Int64).alias("LobAction"),
            _id_where(is_order, "FirstId").alias("OriginalOrderId"),
            pl.when(is_order & remains).then(exact(pl.col("Price"), PRICE_SCALE)).alias("Price"),
            pl.when(is_order).then("Size").otherwise(0).alias("Size"),
            _id_where(is_order & remains, "NewOrderId").alias("OrderId"),
            pl.when(existed).then(exact(pl.col("OldPrice"), PRICE_SCALE)).alias("OldPrice"),
            pl.col("OldSize").fill_null(0),
            _id_where(is_order & existed, "OrderId").alias("OldOrderId"),
            is_execution.alias("OrderExecuted"),
            pl.when(is_execution).then(_execution_price()).alias("ExecutionPrice"),
            pl.when(is_execution).then("SaidSize").otherwise(0).alias("ExecutionSize"),
            _id_where(is_execution, "Match").alias("TradeId"),
            "EndOfEvent",
            *(_where_known(name) for name in _PLACES if self.queues),
            (pl.col("Printable") != 0).alias("Printable"),
            _attribution(tracked["Attribution"]),
            pl.lit(1, pl.Int64).alias("OrderType"),
            _kind().alias("OriginalExchangeMessage"),
        )

    def _side(self) -> pl.Expr:
        """Resting side: that of the order; of a hidden one as said, while it was said truly."""
        of_order = pl.when(pl.col("Side") > 0).then("Side").otherwise("OldSide")
        hidden = pl.when(self.day < SIDE_OF_HIDDEN_UNTIL).then("SaidSide")
        side = pl.when(_is_kind("P")).then(hidden).when(~_is_kind("Q")).then(of_order)
        return side.cast(pl.Int64)

    def _trades(self, tracked: pl.DataFrame, names: pl.Series, levels: pl.DataFrame) -> pl.DataFrame:
        """One row a print: executions that the venue's volume counts, hidden orders, crosses.

        Executions of displayed orders in a quotation-only period are those of an auction.
        """
        prints = tracked.filter(_is_kind("ECPQ"), pl.col("Printable") != 0)
        side, size, lot = self._side(), pl.col("SaidSize"), pl.col("RoundLot")
        is_auction = _is_kind("Q") | pl.col("Phase").is_in(_AUCTION_CODES)
        aggressor = pl.when(is_auction).then(None).when(side == 1).then(Aggressor.SELL.value).when(side == 2).then(Aggressor.BUY.value)
        notional = exact(_execution_units() * size, PRICE_SCALE)
        currency = self.directory.currency
        crossing = pl.col("Cross").replace_strict({ord(kind): CODES[state] for kind, state in CROSSES.items()}, default=pl.col("Phase"))
        rows = prints.with_columns(pl.when(_is_kind("Q")).then(crossing).otherwise("Phase").alias("Phase")).select(
            *_identity(names),
            "InstrumentId",
            *(pl.lit(self.directory.mic).alias(name) for name in ("MIC", "ExecutionVenue")),
            *(pl.lit(currency).alias(name) for name in ("CurrencyCode", "InstrumentCurrencyCode")),
            *self._common("TradeTimestampNanoseconds"),
            pl.col("Match").cast(pl.String).alias("TradeId"),
            aggressor.fill_null(Aggressor.UNKNOWN.value).cast(pl.Int64).alias("AggressorSide"),
            *(_execution_price().alias(name) for name in ("Price", "InstrumentCurrencyPrice")),
            size.cast(pl.Float64).alias("Size"),
            pl.when(_is_kind("Q")).then(pl.col("Cross").map_elements(chr, pl.String)).otherwise(_kind()).alias("OriginalTradeType"),
            pl.lit("LIT").alias("BMLLTradeType"),
            pl.when(is_auction)
            .then(pl.lit("LIT_AUCTION"))
            .when(_is_kind("P"))
            .then(pl.lit("LIT_HIDDEN"))
            .otherwise(pl.lit("LIT_CONTINUOUS"))
            .alias("Classification"),
            *(notional.alias(name) for name in ("TradeNotional", *(f"TradeNotional{currency}",) * (currency in {"USD", "EUR"}))),
            pl.when(size < lot).then(pl.lit("ODD")).when(size % lot == 0).then(pl.lit("ROUND")).otherwise(pl.lit("MIXED")).alias("LotType"),
            pl.when(_is_kind("EC")).then("Size").cast(pl.Float64).alias("OrderRemainingQty"),
        )
        return self.quotes.attach(rows, levels)

    def _market_states(self, decoded: Decoded) -> pl.DataFrame:
        wanted = [change for change in decoded.changes if self.directory.listing_ids[change.security]]
        locates = np.array([change.security for change in wanted], dtype=np.int64)
        rows = np.array([change.row for change in wanted], dtype=np.int64)
        return pl.DataFrame(
            {
                "TimestampNanoseconds": decoded.fields[FIELDS.index("Nanos"), rows] + self.midnight,
                "MarketState": pl.Series([change.state for change in wanted], dtype=pl.String),
                "MIC": pl.Series([self.directory.mic] * len(wanted), dtype=pl.String),
                "ExchangeMarketState": _codes_of(wanted),
                "ListingId": self.directory.listing_ids[locates],
                "InstrumentId": self.directory.instrument_ids[locates],
                "BMLLSequenceNo": decoded.numbers[rows],
                "BMLLSequenceSource": np.full(len(wanted), STREAM, dtype=np.int64),
            }
        ).with_columns(pl.col("TimestampNanoseconds").cast(pl.Datetime("ns")))

    def _imbalances(self, decoded: Decoded, names: pl.Series) -> pl.DataFrame:
        """One row an imbalance message; prices of 0 are none."""
        messages, rows = decoded.imbalances, decoded.imbalance_rows
        locates = messages["locate"].astype(np.int64)
        prices = {"Near": "IndicativeUncrossingPrice", "Far": "AuctionOnlyIndicativePrice", "Reference": "ReferencePrice"}
        frame = pl.DataFrame(
            {
                "Locate": locates,
                "ListingId": self.directory.listing_ids[locates],
                "InstrumentId": self.directory.instrument_ids[locates],
                "Nanos": nanos_of(messages),
                "BMLLSequenceNo": decoded.numbers[rows],
                "Phase": decoded.fields[FIELDS.index("Phase"), rows],
                "ExchangeAuctionType": pl.Series(texts_of(messages["cross"]), dtype=pl.String),
                "Direction": pl.Series(texts_of(messages["direction"]), dtype=pl.String),
                "PairedQuantity": messages["paired"].astype(np.float64),
                "ImbalanceQuantity": messages["imbalance"].astype(np.float64),
                **{name: messages[name.lower()].astype(np.int64) for name in prices},
            }
        )
        return frame.filter(pl.col("ListingId") != 0).select(
            *_identity(names),
            "InstrumentId",
            pl.lit(self.directory.mic).alias("MIC"),
            pl.lit(self.directory.currency).alias("CurrencyCode"),
            *self._common(),
            "ExchangeAuctionType",
            pl.col("Direction").replace_strict({"B": 1, "S": 2}, default=None, return_dtype=pl.Int64).alias("ImbalanceSide"),
            *(pl.when(pl.col(name) > 0).then(exact(pl.col(name), PRICE_SCALE)).alias(column) for name, column in prices.items()),
            "PairedQuantity",
            "ImbalanceQuantity",
        )

    def _common(self, clock: str = "TimestampNanoseconds") -> list[pl.Expr]:
        """Day, clock, sequence and phase, from `Nanos`, `BMLLSequenceNo` and `Phase`."""
        return [
            pl.lit(self.day).cast(pl.Datetime("ms")).alias("TradeDate"),
            (pl.col("Nanos") + self.midnight).cast(pl.Datetime("ns")).alias(clock),
            pl.col("BMLLSequenceNo"),
            pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource"),
            pl.lit(_STATE_NAMES).gather(pl.col("Phase")).alias("MarketState"),
        ]


_AUCTION_CODES = [CODES[state] for state in AUCTION_STATES]
_STATE_NAMES = pl.Series("MarketState", list(MARKET_STATES))


def _with_evictions(rows: np.ndarray, fields: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """*rows* with each replacement twice, and which of them are the first of two: what rests under the new identifier leaves before it.

    An identifier is given once a day. If one is given again, the message that ended its order is missing, and the newest message counts.
    """
    renames = (fields[FIELDS.index("Kind"), rows] == ord("U")) & (
        fields[FIELDS.index("NewOrderId"), rows] != fields[FIELDS.index("OrderId"), rows]
    )
    twice = np.repeat(rows, 1 + renames)
    is_first = np.zeros(twice.size, dtype=np.bool_)
    is_first[np.flatnonzero(renames) + np.arange(np.count_nonzero(renames))] = True
    return twice, is_first


def _where_known(name: str) -> pl.Expr:
    """A column of places in queues; null for prints, which belong to no displayed order."""
    return pl.when(~_is_kind("PQ")).then(name).alias(name)


def _identity(names: pl.Series) -> list[pl.Expr]:
    return [pl.lit(names).gather(pl.col("Locate")).alias("Ticker"), pl.col("ListingId")]


def _is_kind(kinds: str) -> pl.Expr:
    return pl.col("Kind").is_in([ord(kind) for kind in kinds])


def _kind() -> pl.Expr:
    return pl.col("Kind").replace_strict({ord(kind): kind for kind in _MESSAGES}, return_dtype=pl.String)


def _id_where(is_there: pl.Expr, name: str) -> pl.Expr:
    return pl.when(is_there).then(pl.col(name).cast(pl.String)).otherwise(pl.lit(""))


def _execution_units() -> pl.Expr:
    """Price of an execution in ten-thousandths: that of the order, unless the message says another."""
    return pl.when(_is_kind("E")).then("OldPrice").otherwise("SaidPrice")


def _execution_price() -> pl.Expr:
    return exact(_execution_units(), PRICE_SCALE)


def _attribution(numbers: pl.Series) -> pl.Series:
    """Market participants: four letters as a number; nothing for 0."""
    found = numbers.unique()
    names = [int(number).to_bytes(4, "big").decode("latin-1").rstrip() if number else "" for number in found]
    return numbers.replace_strict(found, pl.Series(names, dtype=pl.String), return_dtype=pl.String).alias("MPIDAttribution")


def _codes_of(changes: list[Change]) -> pl.Series:
    return pl.Series([change.code or None for change in changes], dtype=pl.String)
