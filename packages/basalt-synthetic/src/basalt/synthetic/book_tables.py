"""The tables of books and orders: `l3`, `l2` and `cbbo`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from basalt.synthetic import kernel as k
from basalt.synthetic.clocks import LIT_SOURCE, NANOS_PER_SECOND, clock_columns, midnight, midnight_nanos, sequence
from basalt.synthetic.group import Group
from basalt.synthetic.phases import offset_seconds

ORDER_IDS = 10**9
CAPTURE_DELAY_NANOS = 9_000
_MESSAGES = ("", "E", "F", "D", "U")
_AUCTION_SIDE = 1
"""Of the two executions of an auction's trade, the bid's counts."""


def order_ids(numbers: np.ndarray, orders: np.ndarray, group: Group) -> pl.Series:
    """Identifiers of orders, unique in the market; empty for none."""
    firsts = np.array([(listing.number + 1) * ORDER_IDS for listing in group.listings])
    names = pl.Series(firsts[numbers] + orders).cast(pl.String)
    return names.set(pl.Series(orders == k.NOTHING), "")


def trade_ids(numbers: np.ndarray, trades: np.ndarray, group: Group) -> pl.Series:
    """Identifiers of trades, unique in the market; empty for none."""
    return order_ids(numbers, trades, group)


def counted(numbers: np.ndarray) -> np.ndarray:
    """Place of each row among those of its listing, from 1 on."""
    order = np.argsort(numbers, kind="stable")
    grouped = numbers[order]
    starts = np.flatnonzero(np.concatenate([[True], grouped[1:] != grouped[:-1]])) if grouped.size else np.array([], dtype=np.int64)
    places = np.arange(grouped.size) - np.repeat(starts, np.diff(np.append(starts, grouped.size)))
    result = np.empty(numbers.size, dtype=np.int64)
    result[order] = places + 1
    return result


def sequence_columns(group: Group, numbers: np.ndarray, nanos: np.ndarray, ties: np.ndarray | int) -> list[pl.Series]:
    """The two sequence numbers and their stream."""
    values = sequence(nanos, group.slots[numbers], ties)
    source = pl.Series("BMLLSequenceSource", np.full(values.size, LIT_SOURCE))
    return [pl.Series("ExchangeSequenceNo", values), pl.Series("BMLLSequenceNo", values), source]


def fact_columns(group: Group, numbers: np.ndarray, names: Sequence[str]) -> list[pl.Series]:
    """Facts about the listing of each row."""
    return [group.facts(numbers, name) for name in names]


def _order(price: np.ndarray) -> pl.Series:
    return pl.Series(price, nan_to_null=True)


def order_table(group: Group) -> pl.DataFrame:
    """The `l3` rows. A trade of an auction is two executions, of which the bid's is printable."""
    shown = np.flatnonzero((group.rows[k.ACTION] != k.UNSEEN) & group.chosen[group.numbers])
    rows, numbers, nanos = group.rows[:, shown], group.numbers[shown], group.nanos[shown]
    executed = rows[k.EXECUTION_SIZE] > 0
    printable = executed & ((rows[k.TAKER_SIDE] > 0) | (rows[k.SIDE] == _AUCTION_SIDE))
    columns: dict[str, object] = {
        **{name: rows[column] for name, column in _WHOLE.items()},
        **{name: _order(group.prices(numbers, rows[column])) for name, column in _PRICES.items()},
        **{name: order_ids(numbers, np.where(rows[size] > 0, rows[column], k.NOTHING), group) for name, column, size in _IDS},
        "OriginalOrderId": order_ids(numbers, np.where(rows[k.ACTION] == k.HIDDEN_FILL, k.NOTHING, rows[k.ORIGINAL]), group),
        "TradeId": trade_ids(numbers, rows[k.TRADE], group),
        "OrderExecuted": executed,
        "Printable": printable,
        "PosChange": rows[k.ACTION] != k.HIDDEN_FILL,
        "EndOfEvent": rows[k.END] == 1,
        "EventNo": counted(numbers),
        "MarketState": group.states(numbers, nanos),
        "ReceiveTimestamp": nanos + midnight_nanos(group.day) + CAPTURE_DELAY_NANOS,
        "OriginalExchangeMessage": pl.Series(_MESSAGES).gather(rows[k.ACTION]),
    }
    return pl.DataFrame(columns).with_columns(
        *fact_columns(group, numbers, ("Ticker", "ListingId", "InstrumentId")),
        *clock_columns(group.day, nanos, {"TimestampNanoseconds": "ns"}),
        *sequence_columns(group, numbers, nanos, rows[k.TIE]),
        midnight(group.day).alias("TradeDate"),
        pl.lit("").alias("MPIDAttribution"),
        pl.lit(1, pl.Int64).alias("OrderType"),
    )


_WHOLE = {
    "Side": k.SIDE,
    "LobAction": k.ACTION,
    "Size": k.SIZE,
    "OldSize": k.OLD_SIZE,
    "ExecutionSize": k.EXECUTION_SIZE,
    "PriceLevel": k.LEVEL,
    "OldPriceLevel": k.OLD_LEVEL,
    "SizeAhead": k.SIZE_AHEAD,
    "OrdersAhead": k.ORDERS_AHEAD,
    "DelOrderIndex": k.DEL_INDEX,
    "AddOrderIndex": k.ADD_INDEX,
}
_PRICES = {"Price": k.PRICE, "OldPrice": k.OLD_PRICE, "ExecutionPrice": k.EXECUTION_PRICE}
_IDS = (("OrderId", k.ORDER, k.SIZE), ("OldOrderId", k.OLD_ORDER, k.OLD_SIZE))


def book_table(group: Group) -> pl.DataFrame:
    """The `l2` rows: the book after each event that changed one of its ten best levels."""
    shown = np.flatnonzero(group.rows[k.BOOK] != k.NOTHING)
    mine = group.chosen[group.numbers[shown]]
    shown, books = shown[mine], group.session.books[:, mine]
    numbers, nanos = group.numbers[shown], group.nanos[shown]
    return _level_columns(group, numbers, books).with_columns(
        *_book_columns(group, numbers, nanos),
        *sequence_columns(group, numbers, nanos, group.rows[k.TIE, shown]),
        group.states(numbers, nanos).alias("MarketState"),
    )


def consolidated_table(group: Group) -> pl.DataFrame:
    """The `cbbo` rows, under the primary listing: ten levels over all venues after each change of them."""
    numbers = np.repeat(group.firsts, group.counts("best"))
    mine = group.chosen[numbers]
    nanos, books = group.session.best_times[mine], group.session.best[:, mine]
    return _level_columns(group, numbers[mine], books).with_columns(*_book_columns(group, numbers[mine], nanos))


def _book_columns(group: Group, numbers: np.ndarray, nanos: np.ndarray) -> list[pl.Series | pl.Expr]:
    return [
        *fact_columns(group, numbers, ("Ticker", "ListingId", "MIC", "CurrencyCode")),
        *clock_columns(group.day, nanos, {"EventTimestamp": "us", "TimestampNanoseconds": "ns"}),
        *local_clocks(group, numbers, nanos, {"LocalTimestamp": "us"}),
        midnight(group.day).alias("TradeDate"),
        pl.Series("L2EventNo", counted(numbers)),
    ]


def local_clocks(group: Group, numbers: np.ndarray, nanos: np.ndarray, names: dict[str, str]) -> list[pl.Series]:
    """Instants on the venues' wall clocks, and how many seconds these are ahead of UTC."""
    seconds = np.array([offset_seconds(listing.venue.zone, group.day) for listing in group.listings])[numbers]
    return [*clock_columns(group.day, nanos + seconds * NANOS_PER_SECOND, names), pl.Series("TZOffset", seconds)]


def _level_columns(group: Group, numbers: np.ndarray, books: np.ndarray) -> pl.DataFrame:
    columns: dict[str, object] = {}
    for side, name in enumerate(("Bid", "Ask")):
        for level in range(k.DEPTH):
            first = 3 * k.DEPTH * side + level
            columns[f"{name}Price{level + 1}"] = group.prices(numbers, books[first])
            columns[f"{name}Quantity{level + 1}"] = books[first + k.DEPTH]
            columns[f"{name}NumOrders{level + 1}"] = books[first + 2 * k.DEPTH]
        columns[f"{name}LevelCount"] = books[6 * k.DEPTH + side]
    return pl.DataFrame(columns, nan_to_null=True)
