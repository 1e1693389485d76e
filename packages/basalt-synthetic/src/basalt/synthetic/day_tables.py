"""The tables about a day and its listings: `marketstate`, `imbalance` and `reference`."""

from __future__ import annotations

import numpy as np
import polars as pl

from basalt.market.sides import Aggressor
from basalt.synthetic import kernel as k
from basalt.synthetic.book_tables import fact_columns, local_clocks, sequence_columns
from basalt.synthetic.clocks import NANOS_PER_MICRO, clock_columns, midnight
from basalt.synthetic.group import Group
from basalt.synthetic.market import Listing, indices_of
from basalt.synthetic.phases import CODES

(_TIME, _VENUE, _PRICE, _PAIRED, _SURPLUS, _LAST, _BID, _ASK) = range(k.CALL_COLUMNS)


def state_table(group: Group) -> pl.DataFrame:
    """The `marketstate` rows: one for each phase."""
    counts = [len(schedule.phases) * bool(chosen) for schedule, chosen in zip(group.schedules, group.chosen, strict=True)]
    numbers = np.repeat(np.arange(len(counts)), counts)
    phases = [phase for schedule, count in zip(group.schedules, counts, strict=True) for phase in schedule.phases[:count]]
    nanos = np.array([phase.start for phase in phases]) * NANOS_PER_MICRO + (group.slots % NANOS_PER_MICRO)[numbers]
    states = [phase.state for phase in phases]
    return pl.DataFrame({"MarketState": states, "ExchangeMarketState": [CODES[state] for state in states]}).with_columns(
        *fact_columns(group, numbers, ("MIC", "ListingId", "InstrumentId")),
        *clock_columns(group.day, nanos, {"TimestampNanoseconds": "ns"}),
        *sequence_columns(group, numbers, nanos, 0),
    )


def imbalance_table(group: Group) -> pl.DataFrame:
    """The `imbalance` rows: what an auction would do, while orders collect and just before it does it."""
    calls = group.session.calls
    numbers = np.repeat(group.firsts, group.counts("calls")) + calls[_VENUE]
    mine = group.chosen[numbers]
    calls, numbers = calls[:, mine], numbers[mine]
    nanos = calls[_TIME] * NANOS_PER_MICRO + (group.slots % NANOS_PER_MICRO)[numbers]
    crossed = calls[_PRICE] != k.NOTHING
    states = group.states(numbers, nanos)
    codes: dict[str, str] = {str(state): code for state, code in CODES.items()}
    sides = np.where(calls[_SURPLUS] > 0, int(Aggressor.BUY), np.where(calls[_SURPLUS] < 0, int(Aggressor.SELL), int(Aggressor.UNKNOWN)))
    columns = {
        "ImbalanceSide": np.where(crossed, sides, int(Aggressor.UNKNOWN)),
        "ReferencePrice": group.prices(numbers, calls[_LAST]),
        "IndicativeUncrossingPrice": group.prices(numbers, calls[_PRICE]),
        "PairedQuantity": calls[_PAIRED],
        "ImbalanceQuantity": np.abs(calls[_SURPLUS]),
        "IsCrossed": crossed,
        "BestBidPrice": group.prices(numbers, calls[_BID]),
        "BestAskPrice": group.prices(numbers, calls[_ASK]),
    }
    return pl.DataFrame(columns, nan_to_null=True).with_columns(
        *fact_columns(group, numbers, ("MIC", "Ticker", "ListingId", "InstrumentId", "CurrencyCode")),
        *clock_columns(group.day, nanos, {"Timestamp": "us", "TimestampNanoseconds": "ns"}),
        *[clock for clock in local_clocks(group, numbers, nanos, {"LocalTimestamp": "us"}) if clock.name != "TZOffset"],
        *sequence_columns(group, numbers, nanos, 0),
        midnight(group.day).alias("TradeDate"),
        states.alias("MarketState"),
        states.replace_strict(codes, return_dtype=pl.String).alias("ExchangeAuctionType"),
    )


def reference_table(group: Group) -> pl.DataFrame:
    """The `reference` rows: one for each listing."""
    chosen = [listing for listing, is_chosen in zip(group.listings, group.chosen, strict=True) if is_chosen]
    return pl.DataFrame([_reference_row(listing) for listing in chosen]).with_columns(midnight(group.day).alias("Date"))


def _reference_row(listing: Listing) -> dict[str, object]:
    instrument = listing.instrument
    return {
        "ListingId": listing.listing_id,
        "InstrumentId": instrument.instrument_id,
        "CurrencyCode": instrument.currency.code,
        "Description": f"{instrument.ticker} SYNTHETIC ORD",
        "DisplayName": f"{instrument.ticker} Synthetic",
        "ISIN": instrument.isin,
        "InstrumentType": "Equity",
        "IsAlive": True,
        "IsPrimary": listing.is_primary,
        "MIC": listing.venue.mic,
        "MarketDataLevel": "L3",
        "OPOL": instrument.home.mic,
        "OperatingMic": listing.venue.mic,
        "SegmentCode": "MAIN",
        "Ticker": instrument.ticker,
        "TickSize": listing.tick_size,
        "Index": ";".join(indices_of(listing)),
    }
