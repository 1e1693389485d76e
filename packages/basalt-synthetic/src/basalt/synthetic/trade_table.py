"""The `trades` table: deals with codes, notionals and the quotes around them."""

from __future__ import annotations

import numpy as np
import polars as pl

from basalt.market.tables import TRADES
from basalt.market.trades import HORIZONS_MS
from basalt.synthetic import world
from basalt.synthetic.book_tables import STATES
from basalt.synthetic.clocks import sequence
from basalt.synthetic.deals import CHANGES, CLASSES, Deals
from basalt.synthetic.entries import Entries
from basalt.synthetic.facts import INSTRUMENT_ID, LISTING_ID, MIC, TICKER
from basalt.synthetic.group import Group
from basalt.synthetic.layouts import Ahead, Clock, Exact, Fact, Kind, Layout, Name, Same, Sequence, Whole, Word
from basalt.synthetic.quotes import Best, Quotes, all_quotes, venue_quotes
from basalt.synthetic.venues import CURRENCIES, VENUES

NANOS_PER_MS = 1_000_000
BLOCK_EUR = 150_000.0
ROUND_LOT = 100
MULTIPLES = (1, 3, 10)
_SIZE_PARTS = 1e6
"""Sizes are whole multiples of a millionth, so that their sums are exact."""

_MICS = tuple(VENUES)
_MONIES = tuple(dict.fromkeys([*CURRENCIES, *(each.major for each in CURRENCIES.values())]))
_VENUES, _STATES = (*_MICS, "SINT"), (*STATES, "NOT_APPLICABLE")
_SYSTEMATIC = [each.name for each in CLASSES].index("SI_ADDRESSABLE_BELOW_LIS")
_LATER = np.array([-ms for ms in reversed(HORIZONS_MS)] + [0, *HORIZONS_MS]) * NANOS_PER_MS
_MIDS = [f"PreTradeMid{ms}ms" for ms in reversed(HORIZONS_MS)] + ["PostTradeMid", *(f"PostTradeMid{ms}ms" for ms in HORIZONS_MS)]
_BEST = ("BestBidPrice", "BestBidSize", "BestAskPrice", "BestAskSize", "PricePoint")
_SPANS = ("PreTradeElapsedTimeChg", "PostTradeElapsedTimeChg")
_PRICES = ("Price", "InstrumentCurrencyPrice", "Size", "OrderRemainingQty", "BBORemainingQtyAtVenue")
_NOTIONALS = ("TradeNotional", "TradeNotionalEUR", "TradeNotionalUSD", "TradeNotionalBlockBps")
_AFTER_VOLUME = tuple(f"PostTradeBest{side}{multiple}V" for multiple in MULTIPLES for side in ("Bid", "Ask"))
_AROUND = tuple(f"{name}{at}" for at in ("", "AtPrimary") for name in (*_MIDS, *_BEST, *_SPANS))
_EXACT = (*_AROUND, *(f"{name}AtVenue" for name in _BEST), *_PRICES, *_NOTIONALS, *_AFTER_VOLUME)
_MMT_NONE = ("TransactionCategory", "CrossingTrade", "BenchmarkIndicator", "SpecialDividendIndicator", "DuplicativeIndicator")

_CODES: dict[str, Kind] = {
    "Classification": Word("kind", tuple(each.name for each in CLASSES)),
    "BMLLTradeType": Word("kind", tuple(each.trade_type for each in CLASSES)),
    "MarketMechanism": Word("kind", tuple(each.mechanism for each in CLASSES)),
    "TradingMode": Word("kind", tuple(each.mode for each in CLASSES)),
    "OffBookAutomatedIndicator": Word("kind", tuple(each.automated for each in CLASSES)),
    "NegotiatedTrade": Word("kind", tuple(each.negotiated for each in CLASSES)),
    "AlgorithmicTrade": Word("algorithmic", ("-", "H")),
    "ModificationIndicator": Word("change", CHANGES),
    "PublicationMode": Word("late", ("-", "1")),
    "DeferralType": Word("late", ("-", "2")),
    "ParticipantType": Word("retail", ("UNKNOWN", "RETAIL")),
    "BMLLParticipantType": Word("retail", ("UNKNOWN", "RETAIL")),
    "LotType": Word("lot", ("ODD", "ROUND", "MIXED")),
    "IsBlock": Word("block", ("FALSE", "TRUE")),
    "CurrencyCode": Word("currency", _MONIES),
    "ExecutionVenue": Word("venue", _VENUES),
    "MarketState": Word("state", _STATES),
    "MarketStateAtPrimary": Word("primary_state", STATES),
    "BestBidVenue": Word("bid_venue", _MICS, may_miss=True),
    "BestAskVenue": Word("ask_venue", _MICS, may_miss=True),
}
_FACTS: dict[str, Kind] = {
    "Ticker": TICKER,
    "MIC": MIC,
    "ListingId": LISTING_ID,
    "InstrumentId": INSTRUMENT_ID,
    "OPOL": Fact(lambda listing: listing.instrument.home.mic),
    "ISOCountryCode": Fact(lambda listing: listing.instrument.home.country),
    "InstrumentCurrencyCode": Fact(lambda listing: listing.instrument.currency.code),
    "MinorCurrencyFactor": Fact(lambda listing: listing.instrument.currency.minor_factor),
    "Jurisdiction": Fact(lambda listing: listing.venue.jurisdiction),
    "SegmentCode": Same("MAIN"),
    "OriginalTradeType": Same("0"),
    "PriceFormation": Same("P"),
    "BlockNotionalCurrency": Same("EUR"),
    "BlockNotional": Same(BLOCK_EUR),
    **dict.fromkeys(_MMT_NONE, Same("-")),
}
_CLOCKS: dict[str, Kind] = {
    "TradeDate": Same(),
    "TradeTimestamp": Clock(),
    "TradeTimestampNanoseconds": Clock(),
    "LocalTradeTimestamp": Clock(local=True),
    "PublicationTimestamp": Clock("delay"),
    "PublicationTimestampNanoseconds": Clock("delay"),
    "LocalPublicationTimestamp": Clock("delay", local=True),
    "TZOffset": Ahead(),
}
_WORDS = tuple(dict.fromkeys(kind.of for kind in _CODES.values() if isinstance(kind, Word)))

DEALS = Layout(
    table=TRADES,
    whole=(*_WORDS, "aggressor", "source", "trade"),
    exact=(*_EXACT, "delay"),
    kinds={
        **_FACTS,
        **_CODES,
        **_CLOCKS,
        **{name: Exact(name) for name in _EXACT},
        "TradeId": Name("trade"),
        "ExchangeSequenceNo": Sequence(),
        "BMLLSequenceNo": Sequence(),
        "BMLLSequenceSource": Whole("source"),
        "AggressorSide": Whole("aggressor"),
    },
)
"""The `trades` rows.

Best quotes are those over all venues that trade continuously; `AtVenue` those of the own venue,
`AtPrimary` those of the home venue, null while it does not trade continuously.
"""


def trade_entries(group: Group, deals: Deals) -> Entries:
    """What becomes `trades`."""
    whole = np.empty((deals.nanos.size, 1 + len(DEALS.whole)), dtype=np.int32)
    exact = np.empty((deals.nanos.size, len(DEALS.exact)))
    whole[:, 0] = group.listing_numbers[deals.number]
    field = {name: array[:, DEALS.place(name)] for names, array in ((DEALS.whole, whole), (DEALS.exact, exact)) for name in names}
    for columns in (_codes(deals), _notionals(group, deals), _states(group, deals), _after_volume(group, deals)):
        for name, values in columns.items():
            field[name][:] = values
    _write_surroundings(group, deals, field, exact)
    return Entries(sequence(deals.nanos, group.slots[deals.number], deals.tie), whole, exact)


def _codes(deals: Deals) -> dict[str, np.ndarray]:
    size = deals.size
    return {
        "kind": deals.kind,
        "algorithmic": deals.is_algorithmic,
        "change": deals.change,
        "late": deals.is_late,
        "retail": deals.is_retail,
        "lot": np.where(size < ROUND_LOT, 0, np.where(size % ROUND_LOT == 0, 1, 2)),
        "aggressor": deals.aggressor,
        "source": deals.source,
        "trade": deals.trade,
        "Size": size,
        "OrderRemainingQty": deals.remaining,
        "BBORemainingQtyAtVenue": deals.left,
        "delay": deals.published - deals.nanos,
    }


def _notionals(group: Group, deals: Deals) -> dict[str, np.ndarray]:
    """Prices and notionals: prints off the book are in pounds where the book is in pence."""
    currencies = [listing.instrument.currency for listing in group.listings]
    factor, eur, usd = np.array([(each.minor_factor, each.eur, each.usd) for each in currencies])[deals.number].T
    minor, major = np.array([(_MONIES.index(each.code), _MONIES.index(each.major)) for each in currencies])[deals.number].T
    in_major = np.array([each.in_major_currency for each in CLASSES])[deals.kind]
    local, size = deals.price, deals.size
    price = np.where(in_major, pl.Series(local * factor).round(8).to_numpy(), local)
    euros = local * size * eur
    return {
        "Price": price,
        "currency": np.where(in_major, major, minor),
        "InstrumentCurrencyPrice": local,
        "TradeNotional": price * size,
        "TradeNotionalEUR": euros,
        "TradeNotionalUSD": local * size * usd,
        "TradeNotionalBlockBps": euros * (1 / BLOCK_EUR) * 10_000,
        "block": euros >= BLOCK_EUR,
    }


def _states(group: Group, deals: Deals) -> dict[str, np.ndarray]:
    """The phase of the own venue (not applicable to reports off the book), and of the home venue; where it executed."""
    reported = np.array([each.trade_type == "OTC" for each in CLASSES])[deals.kind]
    venues = np.array([_MICS.index(listing.venue.mic) for listing in group.listings])[deals.number]
    return {
        "state": np.where(reported, _STATES.index("NOT_APPLICABLE"), group.states(deals.number, deals.nanos)),
        "primary_state": group.states(group.primaries[deals.number], deals.nanos),
        "venue": np.where(deals.kind == _SYSTEMATIC, _VENUES.index("SINT"), venues),
    }


def _write_surroundings(group: Group, deals: Deals, field: dict[str, np.ndarray], exact: np.ndarray) -> None:
    """Quotes before and after the trades, over all venues, on the own and on the home venue."""
    over_all, on_venue = all_quotes(group), venue_quotes(group)
    best = over_all.before(deals.number, deals.nanos)
    _write_quotes(best, deals.price, field, "")
    _write_quotes(on_venue.before(deals.number, deals.nanos), deals.price, field, "AtVenue")
    primaries = group.primaries[deals.number]
    _write_quotes(on_venue.before(primaries, deals.nanos), deals.price, field, "AtPrimary")
    _write_spans(over_all, deals.number, deals.nanos, field, exact, "")
    _write_spans(on_venue, primaries, deals.nanos, field, exact, "AtPrimary")
    mics = np.array([_MICS.index(listing.venue.mic) for listing in group.listings])
    for name, venues in (("bid_venue", best.bid_venue), ("ask_venue", best.ask_venue)):
        field[name][:] = np.where(venues == world.NOTHING, world.NOTHING, mics[primaries + np.maximum(venues, 0)])


def _write_quotes(best: Best, price: np.ndarray, field: dict[str, np.ndarray], at: str) -> None:
    for name, values in zip(_BEST, (best.bid, best.bid_size, best.ask, best.ask_size, best.point(price)), strict=True):
        field[f"{name}{at}"][:] = values


def _write_spans(quotes: Quotes, numbers: np.ndarray, nanos: np.ndarray, field: dict[str, np.ndarray], exact: np.ndarray, at: str) -> None:
    """Mids at all horizons, and how long the quotes have stood and will."""
    first = DEALS.place(f"{_MIDS[0]}{at}")
    quotes.mids_at(numbers, nanos, _LATER, exact[:, first : first + len(_MIDS)])
    field[f"PreTradeElapsedTimeChg{at}"][:] = quotes.since_change(numbers, nanos)
    field[f"PostTradeElapsedTimeChg{at}"][:] = quotes.until_change(numbers, nanos)


def _after_volume(group: Group, deals: Deals) -> dict[str, np.ndarray]:
    """Best quotes over all venues once a multiple of a trade's size has traded after it; corrections do not count."""
    parts = np.rint(deals.size * _SIZE_PARTS).astype(np.int64)
    volume = np.cumsum(np.where(deals.change == 0, parts, 0))
    quotes, columns = all_quotes(group), {}
    for multiple in MULTIPLES:
        places = np.searchsorted(volume, volume + multiple * parts, side="left")
        reached = np.append(deals.number, -1)[places] == deals.number
        best = quotes.at(deals.number, np.append(deals.nanos, 0)[np.where(reached, places, -1)])
        columns[f"PostTradeBestBid{multiple}V"] = np.where(reached, best.bid, np.nan)
        columns[f"PostTradeBestAsk{multiple}V"] = np.where(reached, best.ask, np.nan)
    return columns
