"""The tables about a day and its listings: `marketstate`, `imbalance`, `reference` and `ticksize`."""

from __future__ import annotations

import numpy as np

from basalt.market.sides import Aggressor
from basalt.market.tables import IMBALANCE, MARKETSTATE, REFERENCE
from basalt.market.ticks import TICKSIZE
from basalt.synthetic import world
from basalt.synthetic.book_tables import NUMBERED, STATES
from basalt.synthetic.clocks import NANOS_PER_MICRO, sequence
from basalt.synthetic.entries import Entries
from basalt.synthetic.facts import CURRENCY, INSTRUMENT_ID, LISTING_ID, MIC, TICK_SIZE, TICKER
from basalt.synthetic.group import Group
from basalt.synthetic.layouts import Clock, Fact, Flag, Layout, Price, Same, Whole, Word
from basalt.synthetic.market import indices_of
from basalt.synthetic.phases import CODES

(_TIME, _VENUE, _PRICE, _PAIRED, _SURPLUS, _LAST, _BID, _ASK) = range(world.CALL_COLUMNS)
_STATE_CODES = tuple(CODES.values())

PHASES = Layout(
    table=MARKETSTATE,
    whole=("state",),
    kinds={
        "MarketState": Word("state", STATES),
        "ExchangeMarketState": Word("state", _STATE_CODES),
        "MIC": MIC,
        "ListingId": LISTING_ID,
        "InstrumentId": INSTRUMENT_ID,
        "TimestampNanoseconds": Clock(),
        **NUMBERED,
    },
)
"""The `marketstate` rows: one for each phase."""

MESSAGES = Layout(
    table=IMBALANCE,
    whole=("side", "last", "price", "paired", "left", "crossed", "bid", "ask", "state"),
    kinds={
        "ImbalanceSide": Whole("side"),
        "ReferencePrice": Price("last"),
        "IndicativeUncrossingPrice": Price("price"),
        "PairedQuantity": Whole("paired"),
        "ImbalanceQuantity": Whole("left"),
        "IsCrossed": Flag("crossed"),
        "BestBidPrice": Price("bid"),
        "BestAskPrice": Price("ask"),
        "MIC": MIC,
        "Ticker": TICKER,
        "ListingId": LISTING_ID,
        "InstrumentId": INSTRUMENT_ID,
        "CurrencyCode": CURRENCY,
        "Timestamp": Clock(),
        "TimestampNanoseconds": Clock(),
        "LocalTimestamp": Clock(local=True),
        "TradeDate": Same(),
        "MarketState": Word("state", STATES),
        "ExchangeAuctionType": Word("state", _STATE_CODES),
        **NUMBERED,
    },
)
"""The `imbalance` rows: what an auction would do, while orders collect and just before it does it."""

LISTINGS = Layout(
    table=REFERENCE,
    kinds={
        "ListingId": LISTING_ID,
        "InstrumentId": INSTRUMENT_ID,
        "CurrencyCode": CURRENCY,
        "Description": Fact(lambda listing: f"{listing.instrument.ticker} SYNTHETIC ORD"),
        "DisplayName": Fact(lambda listing: f"{listing.instrument.ticker} Synthetic"),
        "ISIN": Fact(lambda listing: listing.instrument.isin),
        "InstrumentType": Same("Equity"),
        "IsAlive": Same(value=True),
        "IsPrimary": Fact(lambda listing: listing.is_primary),
        "MIC": MIC,
        "MarketDataLevel": Same("L3"),
        "OPOL": Fact(lambda listing: listing.instrument.home.mic),
        "OperatingMic": MIC,
        "SegmentCode": Same("MAIN"),
        "Ticker": TICKER,
        "TickSize": TICK_SIZE,
        "Index": Fact(lambda listing: ";".join(indices_of(listing))),
        "Date": Same(),
    },
)
"""The `reference` rows: one for each listing."""

STEPS = Layout(
    table=TICKSIZE,
    kinds={
        "ListingId": LISTING_ID,
        "MIC": MIC,
        "PriceFrom": Same(value=0.0),
        "TickSize": TICK_SIZE,
        "Source": Same("synthetic"),
    },
)
"""The `ticksize` rows: one for each listing, whose step is the same at all prices."""


def phase_entries(group: Group) -> Entries:
    """What becomes `marketstate`."""
    timeline, states, _ = group.phases
    mine = np.flatnonzero(group.chosen[timeline.things()])
    return _small(group, timeline.things()[mine], timeline.nanos(mine), states[mine])


def message_entries(group: Group) -> Entries:
    """What becomes `imbalance`."""
    calls = group.session.calls
    numbers = np.repeat(group.firsts, group.counts("calls")) + calls[_VENUE]
    mine = np.flatnonzero(group.chosen[numbers])
    calls, numbers = calls[:, mine], numbers[mine]
    nanos = calls[_TIME] * NANOS_PER_MICRO + (group.slots % NANOS_PER_MICRO)[numbers]
    crossed, surplus = calls[_PRICE] != world.NOTHING, calls[_SURPLUS]
    sides = np.where(surplus > 0, int(Aggressor.BUY), np.where(surplus < 0, int(Aggressor.SELL), int(Aggressor.UNKNOWN)))
    known = np.where(crossed, sides, int(Aggressor.UNKNOWN))
    prices = (calls[_LAST], calls[_PRICE], calls[_PAIRED], np.abs(surplus), crossed, calls[_BID], calls[_ASK])
    return _small(group, numbers, nanos, known, *prices, group.states(numbers, nanos))


def listing_entries(group: Group) -> Entries:
    """What becomes `reference` and `ticksize`; they have no clock, so that the listing's number is the key."""
    numbers = group.listing_numbers[group.chosen]
    return Entries(numbers, numbers[:, np.newaxis].astype(np.int32), np.empty((numbers.size, 0)))


def _small(group: Group, numbers: np.ndarray, nanos: np.ndarray, *fields: np.ndarray) -> Entries:
    whole = np.column_stack([group.listing_numbers[numbers], *fields]).astype(np.int32)
    return Entries(sequence(nanos, group.slots[numbers], 0), whole, np.empty((numbers.size, 0)))
