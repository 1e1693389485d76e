"""Decoded DEEP messages as rows of Basalt's tables.

`BMLLSequenceNo` is the number that the transport protocol gives the message: it breaks ties in time, and it is the same in
all tables. The clock of a row is the time of its message, or that of an earlier message of the same security where that is
later, since a book is built in the order of messages; `FeedTimestamp` is the message's own time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from basalt.books import BookBuilder, BookMessage
from basalt.feeds.exactness import exact
from basalt.feeds.iex.decoding import Decoded
from basalt.feeds.iex.fields import PRICE_SCALE
from basalt.feeds.iex.securities import Securities
from basalt.feeds.quotes import QuoteTape
from basalt.feeds.telling import count_crossed
from basalt.market.sides import Aggressor, RestingSide
from basalt.market.states import MARKET_STATES

STREAM = 1
"""A capture is one stream of messages."""

EVENT_COMPLETE, ODD_LOT, SINGLE_PRICE_CROSS = 0x01, 0x20, 0x08
ROUND_LOT = 100
_SIDES = {ord("8"): RestingSide.BID.value, ord("5"): RestingSide.ASK.value}
_OFFICIAL = {ord("Q"): "OPENING_PRICE", ord("M"): "CLOSING_PRICE"}
_STATE_NAMES = pl.Series("MarketState", list(MARKET_STATES))


@dataclass
class RowMaker:
    """Makes rows of a day, a piece of the capture after the other.

    Attributes:
        securities: The securities.
        day: Trading day.
        crossed: Rows of `l2` with a crossed book, outside of auctions.
    """

    securities: Securities
    day: date
    books: BookBuilder = field(
        default_factory=lambda: BookBuilder(sample="change", price_scale=PRICE_SCALE, on_gap="keep", carry=("Security", "Phase", "Nanos"))
    )
    quotes: QuoteTape = field(default_factory=QuoteTape)
    crossed: int = 0
    _restricted: set[int] = field(default_factory=set)

    def make(self, decoded: Decoded) -> dict[str, pl.DataFrame]:
        """Rows of `l2`, `trades`, `marketstate`, `imbalance` and `statistics` that the messages bring."""
        messages = self._wanted(decoded.messages)
        levels = self._levels(messages)
        self.crossed += count_crossed(levels)
        return {
            "l2": levels,
            "trades": self.quotes.attach(self._trades(messages), levels.sort("TimestampNanoseconds", maintain_order=True)),
            "marketstate": self._market_states(decoded),
            "imbalance": self._imbalances(decoded),
            "statistics": self._official_prices(messages),
        }

    def _wanted(self, messages: pl.DataFrame) -> pl.DataFrame:
        """Messages about wanted securities, with what names them and the columns that all tables share."""
        known = messages.filter(pl.col("Security") >= 0)
        named = known.with_columns(series.gather(known["Security"]) for series in self.securities.columns())
        return named.filter(pl.col("ListingId") != 0).with_columns(
            pl.col("Nanos").cast(pl.Datetime("ns")).alias("TimestampNanoseconds"),
            pl.col("Captured").alias("ReceiveTimestamp"),
            pl.col("Flags").alias("FeedFlags"),
            *(pl.col("Sequence").alias(name) for name in ("ExchangeSequenceNo", "BMLLSequenceNo")),
            pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource"),
            pl.lit(_STATE_NAMES).gather(pl.col("Phase")).alias("MarketState"),
            pl.lit(self.day).cast(pl.Datetime("ms")).alias("TradeDate"),
            pl.lit(self.securities.mic).alias("MIC"),
            pl.lit(self.securities.currency).alias("CurrencyCode"),
        )

    def _levels(self, messages: pl.DataFrame) -> pl.DataFrame:
        """The book after each event that changed its ten best levels."""
        updates = messages.filter(pl.col("Kind").is_in(list(_SIDES))).with_columns(
            pl.lit(BookMessage.SET.value, pl.Int64).alias("BookMessage"),
            pl.col("Kind").replace_strict(_SIDES, return_dtype=pl.Int64).alias("Side"),
            (pl.col("Flags") & EVENT_COMPLETE != 0).alias("EndOfEvent"),
        )
        levels = pl.col("^(Bid|Ask)((Price|Quantity|NumOrders)[0-9]+|LevelCount)$")
        return self.books.feed(updates).select(*_SHARED, "CurrencyCode", "TimestampNanoseconds", "L2EventNo", levels)

    def _trades(self, messages: pl.DataFrame) -> pl.DataFrame:
        """One row a trade report. DEEP says neither the aggressor nor whether the resting order was displayed."""
        trades = messages.filter(pl.col("Kind") == ord("T")).sort("Nanos", "Sequence")
        size, flags = pl.col("Size"), pl.col("Flags")
        price, notional = exact(pl.col("Price"), PRICE_SCALE), exact(pl.col("Price") * size, PRICE_SCALE)
        currency = self.securities.currency
        is_cross = flags & SINGLE_PRICE_CROSS != 0
        lots = (
            pl.when(flags & ODD_LOT != 0).then(pl.lit("ODD")).when(size % ROUND_LOT == 0).then(pl.lit("ROUND")).otherwise(pl.lit("MIXED"))
        )
        return trades.select(
            *_SHARED,
            "InstrumentId",
            "CurrencyCode",
            pl.col("CurrencyCode").alias("InstrumentCurrencyCode"),
            pl.col("MIC").alias("ExecutionVenue"),
            pl.col("TimestampNanoseconds").alias("TradeTimestampNanoseconds"),
            pl.col("Sent").cast(pl.Datetime("ns")).alias("PublicationTimestampNanoseconds"),
            pl.col("TradeId").cast(pl.String),
            pl.lit(Aggressor.UNKNOWN.value, pl.Int64).alias("AggressorSide"),
            *(price.alias(name) for name in ("Price", "InstrumentCurrencyPrice")),
            size.cast(pl.Float64),
            pl.lit("LIT").alias("BMLLTradeType"),
            pl.when(is_cross).then(pl.lit("LIT_AUCTION")).otherwise(pl.lit("LIT_CONTINUOUS")).alias("Classification"),
            *(notional.alias(name) for name in ("TradeNotional", *(f"TradeNotional{currency}",) * (currency in {"USD", "EUR"}))),
            lots.alias("LotType"),
        )

    def _official_prices(self, messages: pl.DataFrame) -> pl.DataFrame:
        """One row an official opening or closing price."""
        prices = messages.filter(pl.col("Kind") == ord("X"), pl.col("Flags").is_in(list(_OFFICIAL)))
        return prices.select(
            *(name for name in _SHARED if name != "MarketState"),
            "InstrumentId",
            "TimestampNanoseconds",
            pl.col("Flags").replace_strict(_OFFICIAL, return_dtype=pl.String).alias("Statistic"),
            exact(pl.col("Price"), PRICE_SCALE).alias("Price"),
        )

    def _market_states(self, decoded: Decoded) -> pl.DataFrame:
        """Phases that begin, and short-sale price tests that begin or end, which leave the phase as it is."""
        changes = [(change.row, change.security, change.state, change.code or None) for change in decoded.changes]
        tests = self._short_sale_tests(decoded)
        phases = decoded.messages["Phase"].gather([row for row, _, _ in tests])
        told = [(row, security, MARKET_STATES[phase], code) for (row, security, code), phase in zip(tests, phases, strict=True)]
        rows = pl.DataFrame(
            sorted([*changes, *told], key=lambda each: each[0]),
            schema={"Row": pl.Int64, "Security": pl.Int64, "MarketState": pl.String, "ExchangeMarketState": pl.String},
            orient="row",
        )
        messages = decoded.messages.select("Nanos", "FeedTimestamp", "Flags", "Sequence", "Captured", "Sent", "Phase")[rows["Row"]]
        found = self._wanted(pl.concat([rows, messages], how="horizontal").rename({"MarketState": "Begins"}))
        nanos = pl.when(pl.col("Nanos") > 0).then("Nanos").otherwise("FeedTimestamp")
        return found.select(
            "ListingId",
            "InstrumentId",
            "MIC",
            nanos.cast(pl.Datetime("ns")).alias("TimestampNanoseconds"),
            pl.col("Begins").alias("MarketState"),
            "ExchangeMarketState",
            *_SEQUENCE,
        )

    def _short_sale_tests(self, decoded: Decoded) -> list[tuple[int, int, str]]:
        """Row, security and code (P, the status, the reason) of the tests that begin or end."""
        securities = decoded.messages["Security"].gather(decoded.short_sale_rows).to_list()
        found = []
        for row, security, message in zip(decoded.short_sale_rows.tolist(), securities, decoded.short_sales, strict=True):
            is_restricted = bool(message["status"])
            if is_restricted != (security in self._restricted):
                self._restricted ^= {security}
                found.append((row, security, f"P{int(message['status'])}{message['detail'].decode('latin-1').strip()}"))
        return found

    def _imbalances(self, decoded: Decoded) -> pl.DataFrame:
        """One row an auction message; prices of 0 are none."""
        said = decoded.auctions
        rows = self._wanted(
            decoded.messages[decoded.auction_rows].with_columns(
                pl.Series("Auction", [each.decode("latin-1") for each in said["auction"].tolist()], dtype=pl.String),
                pl.Series("Surplus", [each.decode("latin-1") for each in said["side"].tolist()], dtype=pl.String),
                *(pl.Series(name, said[name].astype(np.int64)) for name in ("paired", "imbalance", *_AUCTION_PRICES)),
            )
        )
        return rows.select(
            *_SHARED,
            "InstrumentId",
            "CurrencyCode",
            "TimestampNanoseconds",
            pl.col("Auction").alias("ExchangeAuctionType"),
            pl.col("Surplus").replace_strict({"B": 1, "S": 2}, default=None, return_dtype=pl.Int64).alias("ImbalanceSide"),
            pl.col("paired").cast(pl.Float64).alias("PairedQuantity"),
            pl.col("imbalance").cast(pl.Float64).alias("ImbalanceQuantity"),
            *(pl.when(pl.col(name) > 0).then(exact(pl.col(name), PRICE_SCALE)).alias(column) for name, column in _AUCTION_PRICES.items()),
        )


_SEQUENCE = ("ExchangeSequenceNo", "BMLLSequenceNo", "BMLLSequenceSource", "ReceiveTimestamp", "FeedTimestamp", "FeedFlags")
_SHARED = ("Ticker", "ListingId", "MIC", "TradeDate", "MarketState", *_SEQUENCE)
_AUCTION_PRICES = {"reference": "ReferencePrice", "indicative": "IndicativeUncrossingPrice", "auction_only": "AuctionOnlyIndicativePrice"}
