"""The tables of books and orders: `l3`, `l2` and `cbbo`."""

from __future__ import annotations

import numpy as np

from basalt.market.tables import CBBO, L2, L3
from basalt.synthetic import world
from basalt.synthetic.clocks import LIT_SOURCE, sequence
from basalt.synthetic.counting import counted
from basalt.synthetic.entries import Entries
from basalt.synthetic.facts import CURRENCY, INSTRUMENT_ID, LISTING_ID, MIC, TICKER
from basalt.synthetic.gathering import gather_acts
from basalt.synthetic.group import Group
from basalt.synthetic.layouts import Ahead, Clock, Flag, Kind, Layout, Name, Price, Same, Sequence, Whole, Word
from basalt.synthetic.phases import CODES

STATES: tuple[str, ...] = tuple(CODES)
CAPTURE_DELAY_NANOS = 9_000
NUMBERED: dict[str, Kind] = {
    "ExchangeSequenceNo": Sequence(),
    "BMLLSequenceNo": Sequence(),
    "BMLLSequenceSource": Same(LIT_SOURCE),
}
_AUCTION_SIDE = 1
"""Of the two executions of an auction's trade, the bid's counts."""
_ACTS = {
    "Side": world.SIDE,
    "LobAction": world.ACTION,
    "Size": world.SIZE,
    "OldSize": world.OLD_SIZE,
    "ExecutionSize": world.EXECUTION_SIZE,
    "PriceLevel": world.LEVEL,
    "OldPriceLevel": world.OLD_LEVEL,
    "SizeAhead": world.SIZE_AHEAD,
    "OrdersAhead": world.ORDERS_AHEAD,
    "DelOrderIndex": world.DEL_INDEX,
    "AddOrderIndex": world.ADD_INDEX,
    "Price": world.PRICE,
    "OldPrice": world.OLD_PRICE,
    "ExecutionPrice": world.EXECUTION_PRICE,
    "OrderId": world.ORDER,
    "OldOrderId": world.OLD_ORDER,
    "OriginalOrderId": world.ORIGINAL,
    "TradeId": world.TRADE,
    "EndOfEvent": world.END,
}
_COMPUTED = ("EventNo", "MarketState", "OrderExecuted", "Printable", "PosChange")

ORDERS = Layout(
    table=L3,
    whole=(*_ACTS, *_COMPUTED),
    tie="EventNo",
    kinds={
        **{name: Whole(name) for name in (*list(_ACTS)[:11], "EventNo")},
        **{name: Price(name) for name in ("Price", "OldPrice", "ExecutionPrice")},
        **{name: Name(name) for name in ("OrderId", "OldOrderId", "OriginalOrderId", "TradeId")},
        **{name: Flag(name) for name in ("OrderExecuted", "Printable", "PosChange", "EndOfEvent")},
        **NUMBERED,
        "MarketState": Word("MarketState", STATES),
        "OriginalExchangeMessage": Word("LobAction", ("", "E", "F", "D", "U")),
        "Ticker": TICKER,
        "ListingId": LISTING_ID,
        "InstrumentId": INSTRUMENT_ID,
        "TradeDate": Same(),
        "TimestampNanoseconds": Clock(),
        "ReceiveTimestamp": Clock(plus=CAPTURE_DELAY_NANOS),
        "MPIDAttribution": Same(""),
        "OrderType": Same(1),
    },
)
"""The `l3` rows. A trade of an auction is two executions, of which the bid's is printable."""


def acts_of(group: Group, shown: np.ndarray, fields: list[int], more: int) -> np.ndarray:
    """Listings and *fields* of the acts *shown*, side by side, and room for some *more* whole numbers."""
    whole = np.empty((shown.size, 1 + len(fields) + more), dtype=np.int32)
    whole[:, 0] = group.listing_numbers[group.numbers[shown]]
    gather_acts(group.rows, shown, np.array(fields), whole)
    return whole


def order_entries(group: Group) -> Entries:
    """What becomes `l3`."""
    shown = np.flatnonzero((group.rows[world.ACTION] != world.UNSEEN) & group.chosen[group.numbers])
    whole = acts_of(group, shown, list(_ACTS.values()), len(_COMPUTED))
    field = {name: whole[:, ORDERS.place(name)] for name in ORDERS.whole}
    numbers, nanos = group.numbers[shown], group.nanos[shown]
    hidden = field["LobAction"] == world.HIDDEN_FILL
    field["OrderExecuted"][:] = field["ExecutionSize"] > 0
    takers = group.rows[world.TAKER_SIDE][shown]
    field["Printable"][:] = (field["ExecutionSize"] > 0) & ((takers > 0) | (field["Side"] == _AUCTION_SIDE))
    field["PosChange"][:] = ~hidden
    field["EventNo"][:] = counted(numbers, len(group.listings))
    field["MarketState"][:] = group.states(numbers, nanos)
    field["OrderId"][field["Size"] == 0] = world.NOTHING
    field["OldOrderId"][field["OldSize"] == 0] = world.NOTHING
    field["OriginalOrderId"][hidden] = world.NOTHING
    return Entries(sequence(nanos, group.slots[numbers], group.rows[world.TIE][shown]), whole, np.empty((shown.size, 0)))


def _levels() -> dict[str, str]:
    """Names of the columns of books, in their order on the tape, and what they hold."""
    columns: dict[str, str] = {}
    for side in ("Bid", "Ask"):
        for what in ("Price", "Quantity", "NumOrders"):
            columns |= {f"{side}{what}{level + 1}": what for level in range(world.DEPTH)}
    return columns | {f"{side}LevelCount": "LevelCount" for side in ("Bid", "Ask")}


_LEVELS = _levels()
_BOOK_KINDS: dict[str, Kind] = {
    **{name: Price(name) if what == "Price" else Whole(name) for name, what in _LEVELS.items()},
    "L2EventNo": Whole("L2EventNo"),
    "Ticker": TICKER,
    "ListingId": LISTING_ID,
    "MIC": MIC,
    "CurrencyCode": CURRENCY,
    "EventTimestamp": Clock(),
    "TimestampNanoseconds": Clock(),
    "LocalTimestamp": Clock(local=True),
    "TZOffset": Ahead(),
    "TradeDate": Same(),
}
BOOKS = Layout(
    table=L2,
    whole=(*_LEVELS, "L2EventNo", "MarketState"),
    tie="L2EventNo",
    kinds={**_BOOK_KINDS, **NUMBERED, "MarketState": Word("MarketState", STATES)},
)
"""The `l2` rows: the book after each event that changed one of its ten best levels."""
CONSOLIDATED = Layout(table=CBBO, whole=(*_LEVELS, "L2EventNo"), tie="L2EventNo", kinds=_BOOK_KINDS)
"""The `cbbo` rows, under the primary listing: ten levels over all venues after each change of them."""


def book_entries(group: Group) -> Entries:
    """What becomes `l2`."""
    shown = np.flatnonzero(group.rows[world.BOOK] != world.NOTHING)
    mine = group.chosen[group.numbers[shown]]
    places, shown = np.flatnonzero(mine), shown[mine]
    numbers, nanos = group.numbers[shown], group.nanos[shown]
    whole = _side_by_side(group, numbers, group.session.books[places], 2)
    whole[:, -1] = group.states(numbers, nanos)
    return Entries(sequence(nanos, group.slots[numbers], group.rows[world.TIE][shown]), whole, np.empty((shown.size, 0)))


def consolidated_entries(group: Group) -> Entries:
    """What becomes `cbbo`."""
    numbers = np.repeat(group.firsts, group.counts("best"))
    mine = np.flatnonzero(group.chosen[numbers])
    whole = _side_by_side(group, numbers[mine], group.session.best[mine, : world.BOOK_COLUMNS], 1)
    return Entries(sequence(group.session.best_times[mine], np.zeros(1, np.int64), 0), whole, np.empty((mine.size, 0)))


def _side_by_side(group: Group, numbers: np.ndarray, books: np.ndarray, more: int) -> np.ndarray:
    """Listings, levels, numbers of events, and room for the rest of *more* whole numbers."""
    whole = np.empty((numbers.size, 1 + world.BOOK_COLUMNS + more), dtype=np.int32)
    whole[:, 0] = group.listing_numbers[numbers]
    whole[:, 1 : 1 + world.BOOK_COLUMNS] = books
    whole[:, 1 + world.BOOK_COLUMNS] = counted(numbers, len(group.listings))
    return whole
