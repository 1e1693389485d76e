"""The `l3`, `l2`, `marketstate` and `reference` tables of a listing-day."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from basalt.synthetic.book import ASK, BID
from basalt.synthetic.clocks import LIT_SOURCE, clock_columns, midnight, nanos_of_day, sequence
from basalt.synthetic.day import ListingDay
from basalt.synthetic.deals import trade_ids
from basalt.synthetic.market import Listing, Tick, indices_of
from basalt.synthetic.quotes import BookRows, prices
from basalt.synthetic.tape import DEPTH, NOTHING

ORDER_IDS = 10**9
CAPTURE_DELAY_NANOS = 9_000
_MESSAGES = {2: "F", 3: "D", 4: "U"}


def _sequence_columns(numbers: np.ndarray) -> list[pl.Series]:
    return [pl.Series("ExchangeSequenceNo", numbers), pl.Series("BMLLSequenceNo", numbers)]


def _listing_columns(listing: Listing, day: date) -> list[pl.Expr]:
    return [
        pl.lit(listing.instrument.ticker).alias("Ticker"),
        pl.lit(listing.listing_id, pl.Int64).alias("ListingId"),
        pl.lit(listing.instrument.instrument_id, pl.Int64).alias("InstrumentId"),
        midnight(day).alias("TradeDate"),
        pl.lit(LIT_SOURCE, pl.Int64).alias("BMLLSequenceSource"),
    ]


def _states(simulated: ListingDay, micros: np.ndarray) -> pl.Series:
    names = pl.Series("MarketState", [phase.state for phase in simulated.schedule.phases])
    return names.gather(simulated.schedule.index_at(micros))


def order_table(simulated: ListingDay) -> pl.DataFrame:
    """The `l3` rows in order of events.

    A trade of an auction is two executions, of which the bid's is printable.
    """
    listing, events = simulated.listing, simulated.record.events
    nanos = nanos_of_day(listing, events["time"])
    ends = np.zeros(nanos.size, dtype=bool)
    ends[simulated.record.ends[:, 0]] = True
    rows = pl.DataFrame(events).select(*_order_columns(simulated, events))
    (receipt,) = clock_columns(simulated.day, nanos + CAPTURE_DELAY_NANOS, {"ReceiveTimestamp": "ns"})
    return rows.with_columns(
        *_listing_columns(listing, simulated.day),
        *clock_columns(simulated.day, nanos, {"TimestampNanoseconds": "ns"}),
        *_sequence_columns(sequence(nanos, events["tie"])),
        _states(simulated, events["time"]),
        receipt.cast(pl.Int64),
        pl.Series("EndOfEvent", ends),
        pl.int_range(1, nanos.size + 1, dtype=pl.Int64).alias("EventNo"),
    )


def _order_columns(simulated: ListingDay, events: dict[str, np.ndarray]) -> list[pl.Expr | pl.Series]:
    tick = simulated.listing.instrument.tick
    order = (pl.col("order") + (simulated.listing.number + 1) * ORDER_IDS).cast(pl.String)
    is_execution = pl.col("execution_size") > 0
    is_auction = pl.Series(~simulated.schedule.is_continuous_at(events["time"]))
    trade = pl.Series(trade_ids(simulated, events["trade"])).cast(pl.String)
    return [
        *(pl.col(name).alias(column) for name, column in _PLAIN.items()),
        *(_price(events[name], tick).alias(column) for name, column in _PRICES.items()),
        order.alias("OriginalOrderId"),
        pl.when(pl.col("size") > 0).then(order).otherwise(pl.lit("")).alias("OrderId"),
        pl.when(pl.col("old_size") > 0).then(order).otherwise(pl.lit("")).alias("OldOrderId"),
        is_execution.alias("OrderExecuted"),
        (is_execution & ~(is_auction & (pl.col("side") == ASK))).alias("Printable"),
        pl.when(is_execution).then(trade).otherwise(pl.lit("")).alias("TradeId"),
        pl.lit(True).alias("PosChange"),
        pl.lit("").alias("MPIDAttribution"),
        pl.lit(1, pl.Int64).alias("OrderType"),
        pl.col("action").replace_strict(_MESSAGES, return_dtype=pl.String).alias("OriginalExchangeMessage"),
    ]


_PLAIN = {
    "side": "Side",
    "action": "LobAction",
    "size": "Size",
    "old_size": "OldSize",
    "execution_size": "ExecutionSize",
    "level": "PriceLevel",
    "old_level": "OldPriceLevel",
    "size_ahead": "SizeAhead",
    "orders_ahead": "OrdersAhead",
    "del_index": "DelOrderIndex",
    "add_index": "AddOrderIndex",
}
_PRICES = {"price": "Price", "old_price": "OldPrice", "execution_price": "ExecutionPrice"}


def _price(ticks: np.ndarray, tick: Tick) -> pl.Series:
    """Prices of *ticks*; null for none. Polars would divide by a constant inexactly, NumPy does not."""
    return pl.Series(np.where(ticks == NOTHING, np.nan, tick.prices(ticks)), nan_to_null=True)


def book_table(simulated: ListingDay, book: BookRows) -> pl.DataFrame:
    """The `l2` rows: the book after each event that changed it within ten levels."""
    listing, events = simulated.listing, simulated.record.events
    micros = events["time"][book.rows]
    nanos = nanos_of_day(listing, micros)
    clocks = {"EventTimestamp": "us", "LocalTimestamp": "us", "TimestampNanoseconds": "ns"}
    return _level_columns(book, listing.instrument.tick).with_columns(
        *_listing_columns(listing, simulated.day),
        *clock_columns(simulated.day, nanos, clocks),
        *_sequence_columns(sequence(nanos, events["tie"][book.rows])),
        _states(simulated, micros),
        pl.lit(listing.venue.mic).alias("MIC"),
        pl.lit(listing.instrument.currency.code).alias("CurrencyCode"),
        pl.lit(0, pl.Int32).alias("TZOffset"),
        pl.int_range(1, nanos.size + 1, dtype=pl.Int64).alias("L2EventNo"),
    )


def _level_columns(book: BookRows, tick: Tick) -> pl.DataFrame:
    columns: dict[str, np.ndarray] = {}
    for name, side, rows in (("Bid", BID, book.bids), ("Ask", ASK, book.asks)):
        levels = prices(rows[:, :DEPTH], side, tick)
        columns |= {f"{name}Price{level + 1}": levels[:, level] for level in range(DEPTH)}
        columns |= {f"{name}Quantity{level + 1}": rows[:, DEPTH + level] for level in range(DEPTH)}
        columns |= {f"{name}NumOrders{level + 1}": rows[:, 2 * DEPTH + level] for level in range(DEPTH)}
        columns[f"{name}LevelCount"] = rows[:, 3 * DEPTH]
    return pl.DataFrame(columns, nan_to_null=True)


def state_table(simulated: ListingDay) -> pl.DataFrame:
    """The `marketstate` rows: one for each phase."""
    phases = simulated.schedule.phases
    nanos = nanos_of_day(simulated.listing, simulated.schedule.starts())
    codes = pl.DataFrame({"ExchangeMarketState": [phase.code for phase in phases], "MarketState": [phase.state for phase in phases]})
    return codes.with_columns(
        *_listing_columns(simulated.listing, simulated.day),
        *clock_columns(simulated.day, nanos, {"TimestampNanoseconds": "ns"}),
        *_sequence_columns(sequence(nanos, 0)),
        pl.lit(simulated.listing.venue.mic).alias("MIC"),
    )


def reference_table(listings: tuple[Listing, ...], day: date) -> pl.DataFrame:
    """The `reference` rows: one for each listing."""
    return pl.DataFrame([_reference_row(listing) for listing in listings]).with_columns(midnight(day).alias("Date"))


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
        "Index": ";".join(indices_of(listing)),
    }
