"""The `trades` table: deals with codes, notionals and the quotes around them."""

from __future__ import annotations

import numpy as np
import polars as pl

from basalt.market.trades import HORIZONS_MS
from basalt.synthetic import kernel as k
from basalt.synthetic.book_tables import local_clocks, trade_ids
from basalt.synthetic.clocks import clock_columns, midnight, sequence
from basalt.synthetic.deals import CLASSES, executions, prints
from basalt.synthetic.group import Group
from basalt.synthetic.market import Listing
from basalt.synthetic.quotes import Best, Quotes, all_quotes, venue_quotes

NANOS_PER_MS = 1_000_000
BLOCK_EUR = 150_000.0
ROUND_LOT = 100
MULTIPLES = (1, 3, 10)
_SIZE_PARTS = 1e6
"""Sizes are whole multiples of a millionth, so that their sums are exact."""

_MMT_NONE = (
    "TransactionCategory",
    "CrossingTrade",
    "BenchmarkIndicator",
    "SpecialDividendIndicator",
    "DuplicativeIndicator",
)


def deals_of(group: Group) -> pl.DataFrame:
    """All trades of the chosen listings, in order of listing, then sequence, with their sequence numbers."""
    deals = pl.concat([executions(group), prints(group, all_quotes(group))])
    numbers = deals["number"].to_numpy()
    numbered = sequence(deals["nanos"].to_numpy(), group.slots[numbers], deals["tie"].to_numpy())
    return deals.with_columns(pl.Series("sequence", numbered)).sort("number", "sequence")


def trade_table(group: Group, deals: pl.DataFrame) -> pl.DataFrame:
    """The `trades` rows.

    Best quotes are those over all venues that trade continuously; `AtVenue` those of the own venue,
    `AtPrimary` those of the home venue, null while it does not trade continuously.
    """
    numbers, nanos = deals["number"].to_numpy(), deals["nanos"].to_numpy()
    facts = _listing_facts(group.listings)[numbers]
    return deals.select(*_codes(), *_deal_columns()).with_columns(
        *facts.drop("_factor", "_eur", "_usd", "_major"),
        *_notionals(deals, facts),
        *_times(group, deals),
        *_states(group, numbers, nanos),
        *_around(group, numbers, nanos, deals["price"].to_numpy()),
        *_after_volume(group, deals),
        trade_ids(numbers, deals["trade"].to_numpy(), group).alias("TradeId"),
        midnight(group.day).alias("TradeDate"),
    )


def _listing_facts(listings: tuple[Listing, ...]) -> pl.DataFrame:
    """What is the same in every trade of a listing."""
    return pl.DataFrame([_facts(listing) for listing in listings])


def _facts(listing: Listing) -> dict[str, object]:
    instrument = listing.instrument
    currency = instrument.currency
    return {
        "Ticker": instrument.ticker,
        "MIC": listing.venue.mic,
        "OPOL": instrument.home.mic,
        "ISOCountryCode": instrument.home.country,
        "SegmentCode": "MAIN",
        "InstrumentCurrencyCode": currency.code,
        "OriginalTradeType": "0",
        "PriceFormation": "P",
        "Jurisdiction": listing.venue.jurisdiction,
        "BlockNotionalCurrency": "EUR",
        **dict.fromkeys(_MMT_NONE, "-"),
        "ListingId": listing.listing_id,
        "InstrumentId": instrument.instrument_id,
        "MinorCurrencyFactor": currency.minor_factor,
        "BlockNotional": BLOCK_EUR,
        "_factor": currency.minor_factor,
        "_eur": currency.eur,
        "_usd": currency.usd,
        "_major": currency.major,
    }


def _by_class(values: dict[str, str], name: str) -> pl.Expr:
    return pl.col("kind").replace_strict(values, return_dtype=pl.String).alias(name)


def _codes() -> list[pl.Expr]:
    """Columns that follow from the class of a trade."""
    participant = pl.when("is_retail").then(pl.lit("RETAIL")).otherwise(pl.lit("UNKNOWN"))
    return [
        pl.col("kind").alias("Classification"),
        _by_class({each.name: each.trade_type for each in CLASSES}, "BMLLTradeType"),
        _by_class({each.name: each.mechanism for each in CLASSES}, "MarketMechanism"),
        _by_class({each.name: each.mode for each in CLASSES}, "TradingMode"),
        _by_class({each.name: each.automated for each in CLASSES}, "OffBookAutomatedIndicator"),
        _by_class({each.name: each.negotiated for each in CLASSES}, "NegotiatedTrade"),
        pl.when("is_algorithmic").then(pl.lit("H")).otherwise(pl.lit("-")).alias("AlgorithmicTrade"),
        pl.col("change").alias("ModificationIndicator"),
        pl.when("is_late").then(pl.lit("1")).otherwise(pl.lit("-")).alias("PublicationMode"),
        pl.when("is_late").then(pl.lit("2")).otherwise(pl.lit("-")).alias("DeferralType"),
        participant.alias("ParticipantType"),
        participant.alias("BMLLParticipantType"),
    ]


def _notionals(deals: pl.DataFrame, facts: pl.DataFrame) -> list[pl.Series]:
    """Prices and notionals: prints off the book are in pounds where the book is in pence."""
    in_major = pl.col("kind").is_in([each.name for each in CLASSES if each.in_major_currency])
    local, size = pl.col("price"), pl.col("size")
    price = pl.when(in_major).then((local * pl.col("_factor")).round(8)).otherwise(local)
    euros = local * size * pl.col("_eur")
    block = euros >= BLOCK_EUR
    joined = deals.with_columns(*facts.select("_factor", "_eur", "_usd", "_major", "InstrumentCurrencyCode"))
    return joined.select(
        price.alias("Price"),
        pl.when(in_major).then(pl.col("_major")).otherwise(pl.col("InstrumentCurrencyCode")).alias("CurrencyCode"),
        local.alias("InstrumentCurrencyPrice"),
        (price * size).alias("TradeNotional"),
        euros.alias("TradeNotionalEUR"),
        (local * size * pl.col("_usd")).alias("TradeNotionalUSD"),
        (euros / BLOCK_EUR * 10_000).alias("TradeNotionalBlockBps"),
        pl.when(block).then(pl.lit("TRUE")).otherwise(pl.lit("FALSE")).alias("IsBlock"),
    ).get_columns()


def _deal_columns() -> list[pl.Expr]:
    size = pl.col("size")
    lots = pl.when(size < ROUND_LOT).then(pl.lit("ODD")).when(size % ROUND_LOT == 0).then(pl.lit("ROUND")).otherwise(pl.lit("MIXED"))
    return [
        size.alias("Size"),
        lots.alias("LotType"),
        pl.col("aggressor").alias("AggressorSide"),
        pl.col("sequence").alias("BMLLSequenceNo"),
        pl.col("sequence").alias("ExchangeSequenceNo"),
        pl.col("source").alias("BMLLSequenceSource"),
        pl.col("remaining").alias("OrderRemainingQty"),
        pl.col("left").alias("BBORemainingQtyAtVenue"),
        pl.when(pl.col("kind") == "SI_ADDRESSABLE_BELOW_LIS").then(pl.lit("SINT")).alias("ExecutionVenue"),
    ]


def _times(group: Group, deals: pl.DataFrame) -> list[pl.Series]:
    numbers = deals["number"].to_numpy()
    columns: dict[str, pl.Series] = {}
    for what, clock in (("Trade", "nanos"), ("Publication", "published")):
        nanos = deals[clock].to_numpy()
        names = {f"{what}Timestamp": "us", f"{what}TimestampNanoseconds": "ns"}
        local = local_clocks(group, numbers, nanos, {f"Local{what}Timestamp": "us"})
        columns |= {each.name: each for each in (*clock_columns(group.day, nanos, names), *local)}
    return list(columns.values())


def _states(group: Group, numbers: np.ndarray, nanos: np.ndarray) -> list[pl.Expr]:
    """The phase of the own venue (not applicable to reports off the book), and of the home venue."""
    own, mics = pl.lit(group.states(numbers, nanos)), pl.lit(group.facts(numbers, "MIC"))
    reported = pl.col("BMLLTradeType") == "OTC"
    return [
        pl.when(reported).then(pl.lit("NOT_APPLICABLE")).otherwise(own).alias("MarketState"),
        pl.lit(group.states(group.primaries[numbers], nanos)).alias("MarketStateAtPrimary"),
        pl.col("ExecutionVenue").fill_null(mics),
    ]


def _around(group: Group, numbers: np.ndarray, nanos: np.ndarray, price: np.ndarray) -> list[pl.Series]:
    """Quotes before and after the trades, over all venues, on the own and on the home venue."""
    over_all, on_venue = all_quotes(group), venue_quotes(group)
    own = on_venue.before(numbers, nanos)
    best = over_all.before(numbers, nanos)
    columns = {
        **_surroundings(over_all, numbers, nanos, price, ""),
        **_surroundings(on_venue, group.primaries[numbers], nanos, price, "AtPrimary"),
        **_best_columns(own, "AtVenue"),
        "PricePointAtVenue": own.point(price),
    }
    names = {"BestBidVenue": best.bid_venue, "BestAskVenue": best.ask_venue}
    venues = [_venue_names(group, numbers, places).alias(name) for name, places in names.items()]
    return [*pl.DataFrame(columns, nan_to_null=True).get_columns(), *venues]


def _venue_names(group: Group, numbers: np.ndarray, venues: np.ndarray) -> pl.Series:
    mics = pl.Series([listing.venue.mic for listing in group.listings])
    known = venues != k.NOTHING
    return mics.gather(group.primaries[numbers] + np.where(known, venues, 0)).set(pl.Series(~known), None)


def _surroundings(quotes: Quotes, numbers: np.ndarray, nanos: np.ndarray, price: np.ndarray, at: str) -> dict[str, np.ndarray]:
    best = quotes.before(numbers, nanos)
    mids = {f"PreTradeMid{ms}ms{at}": quotes.mid_at(numbers, nanos - ms * NANOS_PER_MS) for ms in HORIZONS_MS}
    mids |= {f"PostTradeMid{ms}ms{at}": quotes.mid_at(numbers, nanos + ms * NANOS_PER_MS) for ms in HORIZONS_MS}
    return {
        **_best_columns(best, at),
        f"PricePoint{at}": best.point(price),
        f"PreTradeElapsedTimeChg{at}": quotes.since_change(numbers, nanos),
        f"PostTradeElapsedTimeChg{at}": quotes.until_change(numbers, nanos),
        f"PostTradeMid{at}": quotes.mid_at(numbers, nanos),
        **mids,
    }


def _best_columns(best: Best, at: str) -> dict[str, np.ndarray]:
    return {
        f"BestBidPrice{at}": best.bid,
        f"BestBidSize{at}": best.bid_size,
        f"BestAskPrice{at}": best.ask,
        f"BestAskSize{at}": best.ask_size,
    }


def _after_volume(group: Group, deals: pl.DataFrame) -> list[pl.Series]:
    """Best quotes over all venues once a multiple of a trade's size has traded after it; corrections do not count."""
    numbers, nanos = deals["number"].to_numpy(), deals["nanos"].to_numpy()
    parts = np.rint(deals["size"].to_numpy() * _SIZE_PARTS).astype(np.int64)
    counted = np.where(deals["change"].to_numpy() == "-", parts, 0)
    volume = np.cumsum(counted)
    quotes, columns = all_quotes(group), {}
    for multiple in MULTIPLES:
        places = np.searchsorted(volume, volume + multiple * parts, side="left")
        reached = np.append(numbers, -1)[places] == numbers
        best = quotes.at(numbers, np.append(nanos, 0)[np.where(reached, places, -1)])
        columns[f"PostTradeBestBid{multiple}V"] = np.where(reached, best.bid, np.nan)
        columns[f"PostTradeBestAsk{multiple}V"] = np.where(reached, best.ask, np.nan)
    return pl.DataFrame(columns, nan_to_null=True).get_columns()
