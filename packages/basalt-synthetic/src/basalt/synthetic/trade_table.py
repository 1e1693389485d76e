"""The `trades` table of a listing-day: deals with codes, notionals and the quotes around them."""

from __future__ import annotations

import numpy as np
import polars as pl

from basalt.market.trades import HORIZONS_MS
from basalt.synthetic.clocks import clock_columns, midnight
from basalt.synthetic.day import ListingDay
from basalt.synthetic.deals import CLASSES, executions, prints
from basalt.synthetic.market import Listing
from basalt.synthetic.quotes import Best, Quotes

NANOS_PER_MS = 1_000_000
BLOCK_EUR = 150_000.0
ROUND_LOT = 100

_CLOCKS = {
    f"{prefix}{what}Timestamp{suffix}": unit
    for what in ("Trade", "Publication")
    for prefix, suffix, unit in (("", "", "us"), ("Local", "", "us"), ("", "Nanoseconds", "ns"))
}
_MMT_NONE = (
    "TransactionCategory",
    "CrossingTrade",
    "ModificationIndicator",
    "BenchmarkIndicator",
    "SpecialDividendIndicator",
    "PublicationMode",
    "DeferralType",
    "DuplicativeIndicator",
)


def trade_table(simulated: ListingDay, quotes: Quotes, primary: ListingDay, primary_quotes: Quotes) -> pl.DataFrame:
    """The trades of a listing-day in order of (time, sequence).

    Quotes are those of the listing's own venue; the `AtPrimary` columns those of the home venue.
    They are null while that venue is not in continuous trading.
    """
    deals = pl.concat([executions(simulated), prints(simulated, quotes)]).sort("sequence")
    nanos, price = deals["nanos"].to_numpy(), deals["price"].to_numpy()
    around = {**_around(nanos, price, quotes, ""), **_around(nanos, price, primary_quotes, "AtPrimary")}
    table = deals.select(*_facts(simulated.listing), *_codes(), *_notionals(simulated.listing), *_deal_columns())
    return table.with_columns(
        *clock_columns(simulated.day, nanos, _CLOCKS),
        midnight(simulated.day).alias("TradeDate"),
        *_states(simulated, nanos, primary),
        *pl.DataFrame(around, nan_to_null=True).with_columns(pl.col("^.*ElapsedTimeChg.*$").cast(pl.Int64)),
        pl.lit(simulated.listing.venue.mic).alias("BestBidVenue"),
        pl.lit(simulated.listing.venue.mic).alias("BestAskVenue"),
    )


def _facts(listing: Listing) -> list[pl.Expr]:
    """What is the same in every trade of a listing."""
    instrument = listing.instrument
    texts = {
        "Ticker": instrument.ticker,
        "MIC": listing.venue.mic,
        "OPOL": instrument.home.mic,
        "ISOCountryCode": instrument.home.country,
        "SegmentCode": "MAIN",
        "InstrumentCurrencyCode": instrument.currency.code,
        "OriginalTradeType": "0",
        "PriceFormation": "P",
        "Jurisdiction": "UK" if instrument.home.country == "GB" else "EU",
        "BlockNotionalCurrency": "EUR",
        **dict.fromkeys(_MMT_NONE, "-"),
    }
    numbers = {"ListingId": listing.listing_id, "InstrumentId": instrument.instrument_id}
    return [
        *(pl.lit(value).alias(name) for name, value in texts.items()),
        *(pl.lit(value, pl.Int64).alias(name) for name, value in numbers.items()),
        pl.lit(0, pl.Int32).alias("TZOffset"),
        pl.lit(instrument.currency.minor_factor).alias("MinorCurrencyFactor"),
        pl.lit(BLOCK_EUR).alias("BlockNotional"),
    ]


def _by_class(values: dict[str, str], name: str) -> pl.Expr:
    return pl.col("kind").replace_strict(values, return_dtype=pl.String).alias(name)


def _codes() -> list[pl.Expr]:
    """Columns that follow from the class of a trade."""
    systematic = pl.col("kind") == "SI_ADDRESSABLE_BELOW_LIS"
    participant = pl.when("is_retail").then(pl.lit("RETAIL")).otherwise(pl.lit("UNKNOWN"))
    return [
        pl.col("kind").alias("Classification"),
        _by_class({each.name: each.trade_type for each in CLASSES}, "BMLLTradeType"),
        _by_class({each.name: each.mechanism for each in CLASSES}, "MarketMechanism"),
        _by_class({each.name: each.mode for each in CLASSES}, "TradingMode"),
        _by_class({each.name: each.automated for each in CLASSES}, "OffBookAutomatedIndicator"),
        _by_class({each.name: each.negotiated for each in CLASSES}, "NegotiatedTrade"),
        pl.when("is_algorithmic").then(pl.lit("H")).otherwise(pl.lit("-")).alias("AlgorithmicTrade"),
        pl.when(systematic).then(pl.lit("SINT")).otherwise(pl.lit(None, pl.String)).alias("_systematic"),
        participant.alias("ParticipantType"),
        participant.alias("BMLLParticipantType"),
    ]


def _notionals(listing: Listing) -> list[pl.Expr]:
    """Prices and notionals: prints off the book are in pounds where the book is in pence."""
    currency = listing.instrument.currency
    in_major = pl.col("kind").is_in([each.name for each in CLASSES if each.in_major_currency])
    local = pl.col("price")
    price = pl.when(in_major).then((local * currency.minor_factor).round(8)).otherwise(local)
    euros = local * pl.col("size") * currency.eur
    return [
        price.alias("Price"),
        pl.when(in_major).then(pl.lit(currency.major)).otherwise(pl.lit(currency.code)).alias("CurrencyCode"),
        local.alias("InstrumentCurrencyPrice"),
        (price * pl.col("size")).alias("TradeNotional"),
        euros.alias("TradeNotionalEUR"),
        (local * pl.col("size") * currency.usd).alias("TradeNotionalUSD"),
        (euros / BLOCK_EUR * 10_000).alias("TradeNotionalBlockBps"),
        pl.when(euros >= BLOCK_EUR).then(pl.lit("TRUE")).otherwise(pl.lit("FALSE")).alias("IsBlock"),
    ]


def _deal_columns() -> list[pl.Expr]:
    size = pl.col("size")
    lots = pl.when(size < ROUND_LOT).then(pl.lit("ODD")).when(size % ROUND_LOT == 0).then(pl.lit("ROUND")).otherwise(pl.lit("MIXED"))
    return [
        size.alias("Size"),
        lots.alias("LotType"),
        pl.col("trade_id").cast(pl.String).alias("TradeId"),
        pl.col("aggressor").alias("AggressorSide"),
        pl.col("sequence").alias("BMLLSequenceNo"),
        pl.col("sequence").alias("ExchangeSequenceNo"),
        pl.col("source").alias("BMLLSequenceSource"),
        pl.col("remaining").alias("OrderRemainingQty"),
        pl.col("left").alias("BBORemainingQtyAtVenue"),
    ]


def _states(simulated: ListingDay, nanos: np.ndarray, primary: ListingDay) -> list[pl.Expr]:
    """The phase of the own venue (not applicable to reports off the book), and of the home venue."""
    own = pl.Series(_state_names(simulated, nanos))
    reported = pl.col("BMLLTradeType") == "OTC"
    return [
        pl.when(reported).then(pl.lit("NOT_APPLICABLE")).otherwise(own).alias("MarketState"),
        pl.lit(pl.Series(_state_names(primary, nanos))).alias("MarketStateAtPrimary"),
        pl.col("_systematic").fill_null(pl.lit(simulated.listing.venue.mic)).alias("ExecutionVenue"),
    ]


def _state_names(simulated: ListingDay, nanos: np.ndarray) -> np.ndarray:
    names = np.array([phase.state for phase in simulated.schedule.phases], dtype=object)
    return names[simulated.schedule.index_at((nanos - simulated.listing.slot) // 1_000)]


def _around(nanos: np.ndarray, price: np.ndarray, quotes: Quotes, at: str) -> dict[str, np.ndarray]:
    """Quotes before and after the trades; *at* ends the names of the columns."""
    best = quotes.before(nanos)
    mids = {f"PreTradeMid{ms}ms{at}": quotes.at(nanos - ms * NANOS_PER_MS).mid for ms in HORIZONS_MS}
    mids |= {f"PostTradeMid{ms}ms{at}": quotes.at(nanos + ms * NANOS_PER_MS).mid for ms in HORIZONS_MS}
    columns = {
        **_best_columns(best, at),
        f"PricePoint{at}": best.point(price),
        f"PreTradeElapsedTimeChg{at}": quotes.since_change(nanos),
        f"PostTradeElapsedTimeChg{at}": quotes.until_change(nanos),
        f"PostTradeMid{at}": quotes.at(nanos).mid,
        **mids,
    }
    if not at:
        columns |= {**_best_columns(best, "AtVenue"), "PricePointAtVenue": best.point(price)}
    return columns


def _best_columns(best: Best, at: str) -> dict[str, np.ndarray]:
    return {
        f"BestBidPrice{at}": best.bid,
        f"BestBidSize{at}": best.bid_size,
        f"BestAskPrice{at}": best.ask,
        f"BestAskSize{at}": best.ask_size,
    }
