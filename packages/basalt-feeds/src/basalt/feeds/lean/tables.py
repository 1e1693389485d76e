"""LEAN ticks as rows of Basalt's tables.

`BMLLSequenceNo` is the number of the line. Quotes and trades are two streams, of which only the clock (milliseconds)
tells what came first.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from basalt.feeds.clocks import midnight_nanos
from basalt.feeds.exactness import exact
from basalt.feeds.identifiers import ListingDay
from basalt.feeds.lean.conditions import (
    AUCTION,
    EXCHANGES,
    NO_QUOTE,
    NOT_FIRM,
    ODD_LOT,
    OFF_EXCHANGE,
    OFFICIAL_CLOSE,
    OFFICIAL_OPEN,
)
from basalt.market.sessions import calendar_of
from basalt.market.sides import Aggressor

QUOTE_STREAM, TRADE_STREAM = 1, 2
PRICE_SCALE = 10_000
ROUND_LOT = 100
NEW_YORK = "America/New_York"
REGULAR_HOURS = (34_200 * 10**9, 57_600 * 10**9)
"""Opening and closing on a day that the calendar does not know (ns after midnight)."""


@dataclass(frozen=True)
class TradingDay:
    """A listing's day in New York.

    Attributes:
        of: Listing and day.
        midnight: Its start (UTC ns since 1970).
        open, close: Regular hours (ns after midnight), half days included.
    """

    of: ListingDay
    midnight: int
    open: int
    close: int

    @classmethod
    def find(cls, of: ListingDay) -> TradingDay:
        """The day with the hours of the New York Stock Exchange."""
        midnight, session = midnight_nanos(of.day, NEW_YORK), calendar_of("XNYS").session(of.day)
        hours = REGULAR_HOURS if session is None else (session.open_nanos - midnight, session.close_nanos - midnight)
        return cls(of, midnight, *hours)

    def clock(self, name: str) -> pl.Expr:
        """`Nanos` in UTC, as *name*."""
        return (pl.col("Nanos") + self.midnight).cast(pl.Datetime("ns")).alias(name)

    def phase(self) -> pl.Expr:
        """Phase of the day at `Nanos`."""
        nanos = pl.col("Nanos")
        phase = pl.when(nanos < self.open).then(pl.lit("PRE_OPEN")).when(nanos < self.close).then(pl.lit("CONTINUOUS_TRADING"))
        return phase.otherwise(pl.lit("POST_TRADE")).alias("MarketState")

    def named(self, *more: str) -> list[pl.Expr]:
        """Columns that name the listing and day."""
        listing = self.of.listing
        known = {
            "Ticker": pl.lit(listing.ticker),
            "ListingId": pl.lit(listing.listing_id, pl.Int64),
            "InstrumentId": pl.lit(listing.instrument_id, pl.Int64),
            "TradeDate": pl.lit(self.of.day).cast(pl.Datetime("ms")),
            "MIC": pl.lit(listing.mic),
            "CurrencyCode": pl.lit(listing.currency),
            "InstrumentCurrencyCode": pl.lit(listing.currency),
        }
        return [known[name].alias(name) for name in ("ListingId", "MIC", *more)]


@dataclass
class BestQuotes:
    """The best quotes over all exchanges, kept while a day is read a piece at a time.

    A line tells the best bid or the best ask of the country, at the exchange that it names; the other side is 0 and stays
    as an earlier line told it. A bid and the ask of the same time behind it are one quote.

    Attributes:
        crossed: Quotes whose bid is above the ask.
    """

    day: TradingDay
    crossed: int = 0
    _state: pl.DataFrame | None = None
    _shown: tuple[int, ...] = (0, 0, 0, 0)
    _rows: int = 0
    _waiting: pl.DataFrame | None = None

    def feed(self, ticks: pl.DataFrame) -> pl.DataFrame:
        """The best quotes wherever they change, in units of the file: `Nanos`, `Line`, prices and sizes (0 for none), exchanges.

        The last line waits, since the next may belong to it.
        """
        lines = ticks if self._waiting is None else pl.concat([self._waiting, ticks])
        self._waiting = lines.tail(1)
        return self._changes(lines)

    def finish(self) -> pl.DataFrame:
        """What the line that waits brings."""
        return pl.DataFrame() if self._waiting is None else self._changes(pl.concat([self._waiting, self._waiting.clear()]), is_last=True)

    def _changes(self, lines: pl.DataFrame, *, is_last: bool = False) -> pl.DataFrame:
        """Changes that all *lines* but the last bring; all of them if there are no others."""
        told = lines.with_columns(*_told("Bid"), *_told("Ask"), _is_half().alias("IsHalf"))
        ready = told if is_last else told.head(-1)
        followed = ready if self._state is None else pl.concat([self._state, ready], how="diagonal")
        filled = followed.with_columns(pl.col(_STATE).forward_fill())
        self._state = filled.tail(1).select(_STATE)
        best = filled.tail(ready.height).with_columns(pl.col(_NUMBERS).fill_null(0), pl.col(_EXCHANGES).fill_null(""))
        shown = best.filter(~pl.col("IsHalf"), _is_quote())
        before = [pl.col(name).shift(1, fill_value=value) for name, value in zip(_NUMBERS, self._shown, strict=True)]
        changed = shown.filter(pl.any_horizontal(pl.col(name) != old for name, old in zip(_NUMBERS, before, strict=True)))
        if not changed.is_empty():
            self._shown = changed.select(_NUMBERS).row(-1)
        self.crossed += changed.filter((pl.col("Bid") > pl.col("Ask")) & (pl.col("Ask") > 0)).height
        return changed

    def rows(self, changes: pl.DataFrame) -> pl.DataFrame:
        """Rows of `l2` with one level: one for every change."""
        first, self._rows = self._rows + 1, self._rows + changes.height
        return changes.select(
            *self.day.named("Ticker", "TradeDate", "CurrencyCode"),
            self.day.clock("TimestampNanoseconds"),
            pl.col("Line").alias("BMLLSequenceNo"),
            pl.lit(QUOTE_STREAM, pl.Int64).alias("BMLLSequenceSource"),
            pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("L2EventNo"),
            self.day.phase(),
            *(column for side in ("Bid", "Ask") for column in _level(side)),
            pl.col("Conditions").alias("FeedFlags"),
        )


_NUMBERS = ["Bid", "BidShown", "Ask", "AskShown"]
_EXCHANGES = ["BidExchange", "AskExchange"]
_STATE = [*_NUMBERS, *_EXCHANGES]


def _is_quote() -> pl.Expr:
    return ~pl.col("IsSuspicious") & (pl.col("Conditions") & NO_QUOTE == 0)


def _told(side: str) -> list[pl.Expr]:
    """What a line tells of one side: price, size (0 for none) and exchange; null when it tells nothing of it."""
    other = "Ask" if side == "Bid" else "Bid"
    price, size = pl.col(f"{side}Price"), pl.col(f"{side}Size")
    tells = _is_quote() & ((price > 0) | (pl.col(f"{other}Price") == 0))
    stands = (size > 0) & (price > 0) & (pl.col("Conditions") & NOT_FIRM == 0)
    return [
        pl.when(tells).then(pl.when(stands).then(price).otherwise(0)).alias(side),
        pl.when(tells).then(pl.when(stands).then(size).otherwise(0)).alias(f"{side}Shown"),
        pl.when(tells).then("Exchange").alias(f"{side}Exchange"),
    ]


def _is_half() -> pl.Expr:
    """Whether the line is a bid whose ask comes next."""
    is_bid, is_ask = pl.col("AskPrice") == 0, (pl.col("BidPrice") == 0) & (pl.col("AskPrice") > 0)
    same_time = pl.col("Nanos") == pl.col("Nanos").shift(-1)
    return (is_bid & (pl.col("BidPrice") > 0) & is_ask.shift(-1) & same_time & _is_quote().shift(-1)).fill_null(value=False)


def _level(side: str) -> list[pl.Expr]:
    price, size = pl.col(side), pl.col(f"{side}Shown")
    return [pl.when(price > 0).then(exact(price, PRICE_SCALE)).alias(f"{side}Price1"), size.alias(f"{side}Quantity1")]


def quotes_of(changes: pl.DataFrame, day: TradingDay) -> pl.DataFrame:
    """The best quotes as `trades` knows them, with the clock of their line."""
    sides = [
        column
        for side in ("Bid", "Ask")
        for column in (
            pl.when(pl.col(side) > 0).then(exact(pl.col(side), PRICE_SCALE)).alias(f"Best{side}Price"),
            pl.when(pl.col(side) > 0).then(pl.col(f"{side}Shown").cast(pl.Float64)).alias(f"Best{side}Size"),
            pl.when(pl.col(side) > 0).then(pl.col(f"{side}Exchange").replace(EXCHANGES)).alias(f"Best{side}Venue"),
        )
    ]
    return changes.select(day.clock("TimestampNanoseconds"), *sides)


def with_quotes(trades: pl.DataFrame, quotes: pl.LazyFrame) -> pl.DataFrame:
    """*trades* with the best quotes of before their millisecond, which place and what the quotes were behind them."""
    tape, clock = quotes.collect().rename({"TimestampNanoseconds": "TradeTimestampNanoseconds"}), "TradeTimestampNanoseconds"
    before = trades.join_asof(tape, on=clock, allow_exact_matches=False, check_sortedness=False)
    after = trades.join_asof(tape, on=clock, check_sortedness=False)
    spread = pl.col("BestAskPrice") - pl.col("BestBidPrice")
    return before.with_columns(
        pl.when(spread > 0).then((pl.col("Price") - pl.col("BestBidPrice")) / spread).alias("PricePoint"),
        after.select((pl.col("BestBidPrice") + pl.col("BestAskPrice")) / 2).to_series().alias("PostTradeMid"),
    )


def trade_rows(ticks: pl.DataFrame, day: TradingDay) -> pl.DataFrame:
    """Rows of `trades`: all lines but suspicious ones, reports of official prices, and those without price or size."""
    conditions, exchange, size = pl.col("Conditions"), pl.col("Exchange"), pl.col("Size")
    is_off, is_auction = exchange == OFF_EXCHANGE, conditions & AUCTION != 0
    lots = pl.when((conditions & ODD_LOT != 0) | (size < ROUND_LOT)).then(pl.lit("ODD"))
    notional = exact(pl.col("Price") * size, PRICE_SCALE)
    currency = day.of.listing.currency
    return ticks.filter(~pl.col("IsSuspicious"), ~_is_official(), size > 0, pl.col("Price") > 0).select(
        *day.named("Ticker", "InstrumentId", "TradeDate", "CurrencyCode", "InstrumentCurrencyCode"),
        day.clock("TradeTimestampNanoseconds"),
        pl.col("Line").alias("BMLLSequenceNo"),
        pl.lit(TRADE_STREAM, pl.Int64).alias("BMLLSequenceSource"),
        pl.when(is_off).then(pl.lit("NOT_APPLICABLE")).otherwise(day.phase()).alias("MarketState"),
        pl.lit(Aggressor.UNKNOWN.value, pl.Int64).alias("AggressorSide"),
        *(exact(pl.col("Price"), PRICE_SCALE).alias(name) for name in ("Price", "InstrumentCurrencyPrice")),
        size.cast(pl.Float64),
        exchange.replace(EXCHANGES).alias("ExecutionVenue"),
        _hexadecimal(ticks["Conditions"]).alias("OriginalTradeType"),
        conditions.alias("FeedFlags"),
        pl.when(is_off).then(pl.lit("OTC")).otherwise(pl.lit("LIT")).alias("BMLLTradeType"),
        pl.when(is_off)
        .then(pl.lit("OTC"))
        .when(is_auction)
        .then(pl.lit("LIT_AUCTION"))
        .otherwise(pl.lit("LIT_CONTINUOUS"))
        .alias("Classification"),
        *(notional.alias(name) for name in ("TradeNotional", *(f"TradeNotional{currency}",) * (currency in {"USD", "EUR"}))),
        lots.when(size % ROUND_LOT == 0).then(pl.lit("ROUND")).otherwise(pl.lit("MIXED")).alias("LotType"),
    )


def official_prices(ticks: pl.DataFrame, day: TradingDay) -> pl.DataFrame:
    """Rows of `statistics`: reports of official prices, which repeat the volume of an auction."""
    opening = pl.col("Conditions") & OFFICIAL_OPEN != 0
    return ticks.filter(~pl.col("IsSuspicious"), _is_official()).select(
        *day.named("Ticker", "InstrumentId", "TradeDate"),
        day.clock("TimestampNanoseconds"),
        pl.when(opening).then(pl.lit("OPENING_PRICE")).otherwise(pl.lit("CLOSING_PRICE")).alias("Statistic"),
        exact(pl.col("Price"), PRICE_SCALE).alias("Price"),
        pl.col("Size").cast(pl.Float64).alias("Quantity"),
        pl.col("Line").alias("BMLLSequenceNo"),
        pl.lit(TRADE_STREAM, pl.Int64).alias("BMLLSequenceSource"),
        pl.col("Conditions").alias("FeedFlags"),
    )


def _is_official() -> pl.Expr:
    return pl.col("Conditions") & (OFFICIAL_OPEN | OFFICIAL_CLOSE) != 0


def _hexadecimal(conditions: pl.Series) -> pl.Expr:
    found = conditions.unique()
    return pl.col("Conditions").replace_strict(found, [f"{value:X}" for value in found], return_dtype=pl.String)


def phase_rows(day: TradingDay, first: int) -> pl.DataFrame:
    """Rows of `marketstate`: before, during and after regular hours, from *first* (ns after midnight) on."""
    starts = sorted({min(first, day.open), day.open, day.close})
    return pl.DataFrame({"Nanos": starts}).select(
        *day.named("InstrumentId"),
        day.clock("TimestampNanoseconds"),
        day.phase(),
        pl.lit(0, pl.Int64).alias("BMLLSequenceNo"),
        pl.lit(TRADE_STREAM, pl.Int64).alias("BMLLSequenceSource"),
    )


def reference_rows(day: TradingDay, level: str) -> pl.DataFrame:
    """The row of `reference`; *level* is the deepest data that there are."""
    return pl.select(
        *day.named("Ticker", "InstrumentId", "CurrencyCode"),
        pl.lit("Equity").alias("InstrumentType"),
        pl.lit(value=True).alias("IsAlive"),
        pl.lit(level).alias("MarketDataLevel"),
        pl.lit(day.of.day).cast(pl.Datetime("ms")).alias("Date"),
    )
