"""Contract of the trades: `trades`.

Prices of one listing's trades may come in several currencies: a London share prints in pence on
the book and in pounds off it. `Price` and `TradeNotional` are in `CurrencyCode`, so they must not be
added up over rows; `LocalPrice` and `LocalNotional` are in the currency of the listing and may.
"""

from __future__ import annotations

import polars as pl

from basalt.core.tables import Column, DerivedColumn, Table
from basalt.market.columns import (
    CURRENCY,
    FEED_COLUMNS,
    INSTRUMENT_ID,
    LISTING_ID,
    MARKET_STATE,
    NANOS,
    PRICE,
    RECEIVE_CLOCK,
    SHARES,
    TICKER,
    TIME_ZONE_OFFSET,
    TRADE_DATE,
    instant,
    integer,
    number,
    sequence_numbers,
    text,
)

HORIZONS_MS = (1, 2, 5, 10, 25, 50, 100, 200, 500, 1000, 5000, 15000, 30000, 60000, 300000)
_AT = ("", "AtPrimary")
_TRADE_CURRENCY = "{trade_currency}"

_IDENTITY = (
    TICKER,
    text("MIC", "Venue, as an ISO 10383 market identifier code.", required=True),
    text("OPOL", "Primary market of the security (official place of listing)."),
    text("ISOCountryCode", "Country of the primary market."),
    text("SegmentCode", "Segment of the venue."),
    text("InstrumentCurrencyCode", "Currency of the listing."),
    LISTING_ID,
    INSTRUMENT_ID,
)

_CLOCKS = (
    TRADE_DATE,
    instant("TradeTimestamp", "us", "Time of the trade, UTC."),
    instant("PublicationTimestamp", "us", "Time at which the trade was published, UTC."),
    instant("LocalTradeTimestamp", "us", "Time of the trade on the venue's wall clock."),
    instant("LocalPublicationTimestamp", "us", "Time of publication on the venue's wall clock."),
    instant("TradeTimestampNanoseconds", "ns", "Time of the trade, UTC."),
    instant("PublicationTimestampNanoseconds", "ns", "Time at which the trade was published, UTC."),
    TIME_ZONE_OFFSET,
    text("TradeId", "Identifier of the trade at its venue; the same in `l3`."),
    *sequence_numbers(),
)

_DEAL = (
    integer("AggressorSide", "", "Who took liquidity: 1 buyer, 2 seller, 0 or null unknown."),
    number("Price", _TRADE_CURRENCY, "Price in CurrencyCode; see LocalPrice for one currency a listing.", required=True),
    number("Size", SHARES, "Traded quantity; fractions occur.", required=True),
    CURRENCY,
    number("InstrumentCurrencyPrice", PRICE, "Price in the currency of the listing."),
    number("MinorCurrencyFactor", "", "One unit of the listing's minor currency in units of the major one."),
    text("ExecutionVenue", "Venue or systematic internaliser that executed the trade."),
)

_TYPE_CODES = (
    text("OriginalTradeType", "Type of the trade in the venue's own code."),
    text("MarketMechanism", "MMT level 1: order book, off book, dark …"),
    text("TradingMode", "MMT level 2: continuous, auction, on exchange, systematic internaliser …"),
    text("TransactionCategory", "MMT level 3.1."),
    text("NegotiatedTrade", "MMT level 3.2: negotiation; `-` for none."),
    text("CrossingTrade", "MMT level 3.3: agency cross; `-` for none."),
    text("ModificationIndicator", "MMT level 3.4: amended or cancelled; `-` for neither."),
    text("BenchmarkIndicator", "MMT level 3.5: benchmark or reference price."),
    text("SpecialDividendIndicator", "MMT level 3.6."),
    text("OffBookAutomatedIndicator", "MMT level 3.7."),
    text("PriceFormation", "MMT level 3.8: whether the trade adds to price formation."),
    text("AlgorithmicTrade", "MMT level 3.9: `H` for an algorithmic trade, `-` for none."),
    text("PublicationMode", "MMT level 4.1: immediate or deferred."),
    text("DeferralType", "MMT level 4.2."),
    text("DuplicativeIndicator", "MMT level 5: duplicate report."),
    text("BrokerIdBuyer", "Broker of the buyer, where the venue tells."),
    text("BrokerIdSeller", "Broker of the seller, where the venue tells."),
    text("Jurisdiction", "Rule book that the trade falls under."),
)

_CLASSES = (
    MARKET_STATE,
    text("MarketStateAtPrimary", "Phase of the primary market at the time of the trade."),
    text("BMLLTradeType", "Coarse class: LIT, DARK, OTC …"),
    text("Classification", "Fine class: LIT_CONTINUOUS, LIT_AUCTION, DARK, OFF_BOOK_ON_EXCHANGE …"),
    number("TradeNotional", _TRADE_CURRENCY, "Price times size, in CurrencyCode."),
    number("TradeNotionalUSD", "USD", "Notional in US dollars."),
    number("TradeNotionalEUR", "EUR", "Notional in euros."),
    number("BlockSize", SHARES, "Size from which a trade is a block."),
    number("BlockNotional", "{block_currency}", "Notional from which a trade is a block, in BlockNotionalCurrency."),
    text("BlockNotionalCurrency", "Currency of BlockNotional."),
    number("TradeNotionalBlockBps", "bps", "Notional of the trade over that of a block."),
    text("IsBlock", "Whether the trade is a block: TRUE or FALSE."),
    text("LotType", "ROUND, ODD or MIXED lots."),
    text("ParticipantType", "Kind of participant, as the venue tells."),
    text("BMLLParticipantType", "Kind of participant: RETAIL, UNKNOWN …"),
)

_BEST = (
    number("BestBidPrice", PRICE, "Best bid over all venues just before the trade."),
    number("BestBidSize", SHARES, "Size at the best bid over all venues."),
    text("BestBidVenue", "Venue of the best bid."),
    number("BestAskPrice", PRICE, "Best ask over all venues just before the trade."),
    number("BestAskSize", SHARES, "Size at the best ask over all venues."),
    text("BestAskVenue", "Venue of the best ask."),
)


def _best_at(place: str) -> tuple[Column, ...]:
    words = "its own venue" if place == "Venue" else "the primary market"
    return tuple(
        number(f"Best{side}{what}At{place}", unit, f"{what} of the best {side.lower()} at {words} just before the trade.")
        for side in ("Bid", "Ask")
        for what, unit in (("Price", PRICE), ("Size", SHARES))
    )


def _elapsed() -> tuple[Column, ...]:
    return tuple(
        integer(f"{when}TradeElapsedTimeChg{at}", NANOS, f"Time {words} the trade without a change of the best quotes.")
        for at in _AT
        for when, words in (("Pre", "before"), ("Post", "after"))
    )


def _mids(at: str) -> tuple[Column, ...]:
    market = "the primary market" if at else "all venues"
    before = tuple(number(f"PreTradeMid{h}ms{at}", PRICE, f"Mid over {market} {h} ms before the trade.") for h in reversed(HORIZONS_MS))
    after = tuple(number(f"PostTradeMid{h}ms{at}", PRICE, f"Mid over {market} {h} ms after the trade.") for h in HORIZONS_MS)
    return (*before, *after)


_QUOTES = (
    *_BEST,
    *_best_at("Venue"),
    *_best_at("Primary"),
    integer("PriorQuoteSizeRank", "", "Rank of the venue by size at the price that was hit."),
    *_elapsed(),
    number("PricePoint", "", "Place of the price in the spread: 0 at the best bid, 1 at the best ask."),
    number("PricePointAtVenue", "", "Place of the price in the spread of its own venue."),
    number("PricePointAtPrimary", "", "Place of the price in the spread of the primary market."),
    number("OrderRemainingQty", SHARES, "What is left of the resting order after the trade."),
    number("BBORemainingQtyAtVenue", SHARES, "What is left at the price that was hit after the trade."),
    *_mids(""),
    *_mids("AtPrimary"),
    number("PostTradeMid", PRICE, "Mid over all venues just after the trade."),
    number("PostTradeMidAtPrimary", PRICE, "Mid of the primary market just after the trade."),
    *(
        number(f"PostTradeBest{side}{multiple}V", PRICE, f"Best {side.lower()} once {multiple} times the trade's size has traded after it.")
        for multiple in (1, 3, 10)
        for side in ("Bid", "Ask")
    ),
)


def _converted_price() -> pl.Expr:
    return pl.col("InstrumentCurrencyPrice")


def _stored_price() -> pl.Expr:
    return pl.col("Price")


def _converted_notional() -> pl.Expr:
    return pl.col("InstrumentCurrencyPrice") * pl.col("Size")


def _stored_notional() -> pl.Expr:
    return pl.col("Price") * pl.col("Size")


def _stored_mid() -> pl.Expr:
    return pl.col("PreTradeMid")


def _mid_one_millisecond_before() -> pl.Expr:
    return pl.col("PreTradeMid1ms")


def _mid_of_best_quotes() -> pl.Expr:
    return (pl.col("BestBidPrice") + pl.col("BestAskPrice")) / 2


LOCAL_PRICE = DerivedColumn(
    number("LocalPrice", PRICE, "Price in the currency of the listing, exactly as stored; null where the vendor could not convert it."),
    (
        (("InstrumentCurrencyPrice",), _converted_price),
        (("Price",), _stored_price),
    ),
    is_total=True,
)

LOCAL_NOTIONAL = DerivedColumn(
    number("LocalNotional", PRICE, "LocalPrice times Size: notional in the currency of the listing."),
    (
        (("InstrumentCurrencyPrice", "Size"), _converted_notional),
        (("Price", "Size"), _stored_notional),
    ),
    is_total=True,
)


def _euro_price() -> pl.Expr:
    size = pl.col("Size")
    return pl.when(size != 0).then(pl.col("TradeNotionalEUR") / size)


PRICE_EUR = DerivedColumn(
    number("PriceEUR", "EUR", "Notional in euros over size; null for a trade of size 0."),
    ((("TradeNotionalEUR", "Size"), _euro_price),),
)

PRE_TRADE_MID = DerivedColumn(
    number(
        "PreTradeMid",
        PRICE,
        "Mid before the trade; where the file has none, the mid 1 ms before it, or that of the best quotes just before it.",
    ),
    (
        (("PreTradeMid",), _stored_mid),
        (("PreTradeMid1ms",), _mid_one_millisecond_before),
        (("BestBidPrice", "BestAskPrice"), _mid_of_best_quotes),
    ),
    is_total=True,
)

TRADES = Table(
    name="trades",
    columns=(*_IDENTITY, *_CLOCKS, *_DEAL, *_TYPE_CODES, *_CLASSES, *_QUOTES, RECEIVE_CLOCK, *FEED_COLUMNS),
    derived=(LOCAL_PRICE, LOCAL_NOTIONAL, PRICE_EUR, PRE_TRADE_MID),
    time="TradeTimestamp",
    time_from=("TradeTimestampNanoseconds", "TradeTimestamp"),
    order=("BMLLSequenceNo",),
    identity=("ListingId", "TradeTimestamp", "BMLLSequenceSource", "BMLLSequenceNo", "TradeId", "Price", "Size"),
    folder="Trades-Plus",
    prefix="trades-plus-",
    vendor_name="trades-plus",
    doc="One row per trade, on and off the book, with the quotes around it.",
)
