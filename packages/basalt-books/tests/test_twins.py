"""Kernels equal their plain twins on any stream, however it is cut into chunks."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any, Self

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.books import BookBuilder, OrderTracker

Row = dict[str, Any]
Level = tuple[float | None, int, int]


class PlainBooks:
    """Levels by listing, side and price: [quantity, orders]."""

    def __init__(self, *, withhold: bool = True) -> None:
        self.sides: dict[tuple[int, int], dict[float, list[int]]] = defaultdict(dict)
        self.stale: set[int] = set()
        self.counts: Counter[str] = Counter()
        self.withhold = withhold

    def apply(self, row: Row) -> None:
        listing, kind = row["ListingId"], row.get("BookMessage", 8)
        if kind == 5:
            self.sides[listing, 1], self.sides[listing, 2] = {}, {}
            self.stale.discard(listing)
            self.counts["snapshots"] += 1
        elif kind == 6:
            self.counts["gaps"] += 1
            if self.withhold:
                self.stale.add(listing)
        elif kind == 7:
            self._set(row)
        elif kind == 8:
            self._change(row)

    def _set(self, row: Row) -> None:
        if row["Side"] not in {1, 2} or row["Price"] is None:
            self.counts["unplaced_changes"] += 1
            return
        levels = self.sides[row["ListingId"], row["Side"]]
        if row["Size"] > 0:
            levels[row["Price"]] = [row["Size"], row.get("NumOrders", -1)]
        elif levels.pop(row["Price"], None) is None:
            self.counts["missing_levels"] += 1

    def _change(self, row: Row) -> None:
        old_side = row.get("OldSide", row["Side"])
        new = self._place(row["ListingId"], row["Side"], row["Price"], row["Size"])
        old = self._place(row["ListingId"], old_side, row["OldPrice"], row["OldSize"])
        if old and new and old == new:
            levels, price = new
            if price not in levels:
                self.counts["missing_levels"] += 1
                self.counts["missing_quantity"] += row["OldSize"]
                levels[price] = [row["Size"], 1]
                return
            others = levels[price][0] - row["OldSize"]
            if others < 0:
                self.counts["overdrawn_levels"] += 1
                self.counts["overdrawn_quantity"] -= others
            levels[price][0] = max(others, 0) + row["Size"]
            return
        if old:
            self._take(*old, row["OldSize"])
        if new:
            levels, price = new
            quantity, orders = levels.get(price, [0, 0])
            levels[price] = [quantity + row["Size"], orders + 1]

    def _place(self, listing: int, side: int, price: float | None, size: int) -> tuple[dict[float, list[int]], float] | None:
        if size <= 0:
            return None
        if side not in {1, 2} or price is None:
            self.counts["unplaced_changes"] += 1
            return None
        return _Place((self.sides[listing, side], price), (listing, side, price))

    def _take(self, levels: dict[float, list[int]], price: float, size: int) -> None:
        if price not in levels:
            self.counts["missing_levels"] += 1
            self.counts["missing_quantity"] += size
            return
        quantity, orders = levels[price]
        left = quantity - size
        if left <= 0:
            del levels[price]
            if left < 0:
                self.counts["overdrawn_levels"] += 1
                self.counts["overdrawn_quantity"] -= left
            elif orders != 1:
                self.counts["order_mismatches"] += 1
            return
        if orders <= 1:
            self.counts["order_mismatches"] += 1
        levels[price] = [left, max(orders - 1, 1)]

    def best(self, listing: int, side: int, levels: int) -> list[Level]:
        rows = self.sides[listing, side]
        best: list[Level] = [(price, *rows[price]) for price in sorted(rows, reverse=side == 1)[:levels]]
        return best + [(None, 0, 0)] * (levels - len(best))

    def shown(self, listing: int, levels: int) -> tuple[Level, ...]:
        """Bid and ask level by level, as the columns of a row."""
        bids, asks = self.best(listing, 1, levels), self.best(listing, 2, levels)
        return tuple(level for pair in zip(bids, asks, strict=True) for level in pair)

    def note_event(self, listing: int) -> bool:
        """Count an event; whether it may be shown."""
        self.counts["events"] += 1
        if listing in self.stale:
            self.counts["withheld_rows"] += 1
            return False
        bids, asks = self.sides[listing, 1], self.sides[listing, 2]
        if bids and asks:
            self.counts["crossed_events"] += max(bids) > min(asks)
            self.counts["locked_events"] += max(bids) == min(asks)
        return True


class _Place(tuple):  # noqa: SLOT001
    """A level's dictionary and price; equal to another at the same listing, side and price."""

    def __new__(cls, values: tuple[Any, ...], key: tuple[Any, ...]) -> Self:
        made = super().__new__(cls, values)
        made.key = key  # type: ignore[attr-defined]
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Place) and self.key == other.key  # type: ignore[attr-defined]

    __hash__ = None  # type: ignore[assignment]


class PlainOrders:
    """Orders by listing and id: [side, price, size]."""

    def __init__(self) -> None:
        self.orders: dict[tuple[int, int], tuple[int, Any, int]] = {}
        self.counts: Counter[str] = Counter()

    def apply(self, row: Row) -> tuple[tuple[int, Any, int], tuple[int, Any, int], str]:
        """The order after and before the message, and what is wrong; (0, None, 0) is no order."""
        nothing = (0, None, 0)
        listing, kind, order = row["ListingId"], row["BookMessage"], row["OrderId"]
        if kind == 5:
            gone = [key for key in self.orders if key[0] == listing]
            self.counts["cleared_orders"] += len(gone)
            for key in gone:
                del self.orders[key]
        if not 1 <= kind <= 4:
            return nothing, nothing, ""
        self.counts["messages"] += 1
        old = self.orders.pop((listing, order), None)
        target = (listing, (row.get("NewOrderId") or order) if kind == 4 else order)
        new, fault = self._after(kind, old, (row["Side"] or 0, row["Price"], row["Size"] or 0))
        if new and target in self.orders:
            new, fault = None, "duplicate_orders"
        if new:
            self.orders[target] = new
        if fault:
            self.counts[fault] += 1
        return new or nothing, old or nothing, fault

    @staticmethod
    def _after(  # noqa: PLR0911
        kind: int, old: Any, said: tuple[int, Any, int]
    ) -> tuple[Any, str]:
        side, price, size = said
        is_placed = side in {1, 2} and price is not None and size > 0
        if kind == 1:
            if not is_placed:
                return old, "unplaced_orders"
            return said, "duplicate_orders" if old else ""
        if old is None:
            if kind == 4:
                return (said if is_placed else None), "unknown_modified"
            return None, "unknown_orders"
        fault = "side_conflicts" if side and side != old[0] else ""
        if kind == 3:
            return None, fault
        if kind == 2:
            left = old[2] - size
            if left < 0:
                return None, "overdrawn_orders"
            return ((old[0], old[1], left) if left else None), fault
        new = (side if side in {1, 2} else old[0], old[1] if price is None else price, size)
        return (new if size > 0 else None), fault


LEVELS = 3
PRICES = st.sampled_from([None, -1.5, 0.0, 9.99, 10.0, 10.01, 10.02, 10.03, 10.04, 1e-9])
MAYBE_SIDES = st.sampled_from([0, 1, 1, 1, 2, 2, 2])
SIZES = st.integers(0, 4)
SCHEMA = {
    "ListingId": pl.Int64,
    "BookMessage": pl.Int64,
    "Side": pl.Int64,
    "Price": pl.Float64,
    "Size": pl.Int64,
    "NumOrders": pl.Int64,
    "OldSide": pl.Int64,
    "OldPrice": pl.Float64,
    "OldSize": pl.Int64,
    "EndOfEvent": pl.Boolean,
}


def change(listing: int, kind: int, new: tuple[Any, ...], old: tuple[Any, ...], *, ends: bool) -> Row:
    names = ("ListingId", "BookMessage", "Side", "Price", "Size", "OldSide", "OldPrice", "OldSize", "NumOrders", "EndOfEvent")
    return dict(zip(names, (listing, kind, *new, *old, new[2], ends), strict=True))


sided = st.tuples(MAYBE_SIDES, PRICES, SIZES)
changes = st.builds(
    change, st.sampled_from([5, -7, 2**40]), st.sampled_from([0, 5, 6, 7, 7, 8, 8, 8, 8, 8, 8, 8]), sided, sided, ends=st.booleans()
)


def chunked(frame: pl.DataFrame, cuts: list[int]) -> list[pl.DataFrame]:
    edges = sorted({0, frame.height, *(cut % (frame.height + 1) for cut in cuts)})
    return [frame[low:high] for low, high in pairwise(edges)] or [frame]


def rows_of(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    columns = [
        f"{side}{part}{level}" for level in range(1, LEVELS + 1) for side in ("Bid", "Ask") for part in ("Price", "Quantity", "NumOrders")
    ]
    levels = [
        (listing, number, *zip(*[iter(row)] * 3, strict=True))
        for (listing, number), row in zip(
            frame.select("ListingId", "L2EventNo").iter_rows(), frame.select(columns).iter_rows(), strict=True
        )
    ]
    return levels


def expected_rows(rows: list[Row], books: PlainBooks, *, only_changes: bool) -> list[tuple[Any, ...]]:
    shown: dict[int, Any] = {}
    numbers: dict[int, int] = {}
    expected = []
    for row in rows:
        books.apply(row)
        listing = row["ListingId"]
        if not row["EndOfEvent"] or not books.note_event(listing):
            continue
        levels = books.shown(listing, LEVELS)
        if only_changes and shown.get(listing) == levels:
            continue
        shown[listing] = levels
        numbers[listing] = numbers.get(listing, 0) + 1
        expected.append(
            (listing, numbers[listing], *((price, quantity, None if orders < 0 else orders) for price, quantity, orders in levels))
        )
    return expected


@settings(max_examples=250, deadline=None)
@given(st.lists(changes, max_size=60), st.lists(st.integers(0, 60), max_size=3), st.booleans(), st.booleans())
def test_levels_are_those_of_the_twin(rows: list[Row], cuts: list[int], only_changes: bool, withhold: bool) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA)
    books = PlainBooks(withhold=withhold)
    expected = expected_rows(rows, books, only_changes=only_changes)
    builder = BookBuilder(levels=LEVELS, sample="change" if only_changes else "event", on_gap="withhold" if withhold else "keep")
    got = [row for chunk in chunked(frame, cuts) for row in rows_of(builder.feed(chunk))]
    assert got == expected
    report = builder.report
    assert {name: getattr(report, name) for name in report.names() if getattr(report, name)} == {k: v for k, v in books.counts.items() if v}
    whole = [tuple(row) for row in builder.whole_books().select("ListingId", "Side", "Price", "Quantity").iter_rows()]
    plain = {(key, price, level[0]) for key, levels in books.sides.items() for price, level in levels.items()}
    assert {((listing, side), price, quantity) for listing, side, price, quantity in whole} == plain
    assert len(whole) == len(plain)


def message(listing: int, kind: int, order: int, new_order: int | None, said: tuple[Any, ...]) -> Row:
    names = ("ListingId", "BookMessage", "OrderId", "NewOrderId", "Side", "Price", "Size")
    return dict(zip(names, (listing, kind, order, new_order, *said), strict=True))


ids = st.sampled_from([1, 2, 3, 1025, 2**63, 2**64 - 1])
messages = st.builds(
    message,
    st.sampled_from([5, -7]),
    st.sampled_from([0, 1, 1, 1, 1, 2, 2, 3, 4, 4, 5, 6]),
    ids,
    st.one_of(st.none(), ids),
    sided,
)
MESSAGE_SCHEMA = {
    "ListingId": pl.Int64,
    "BookMessage": pl.Int64,
    "OrderId": pl.UInt64,
    "NewOrderId": pl.UInt64,
    "Side": pl.Int64,
    "Price": pl.Float64,
    "Size": pl.Int64,
}


@settings(max_examples=250, deadline=None)
@given(st.lists(messages, max_size=80), st.lists(st.integers(0, 80), max_size=3))
def test_orders_are_those_of_the_twin(rows: list[Row], cuts: list[int]) -> None:
    plain = PlainOrders()
    expected = [(new[0] or old[0], *new[1:], *old) for new, old, _ in map(plain.apply, rows)]
    tracker = OrderTracker()
    frames = [tracker.feed(chunk) for chunk in chunked(pl.DataFrame(rows, schema=MESSAGE_SCHEMA), cuts)]
    got = [row for frame in frames for row in frame.select("Side", "Price", "Size", "OldSide", "OldPrice", "OldSize").iter_rows()]
    assert got == expected
    assert tracker.resting == len(plain.orders)
    report = tracker.report
    assert {name: getattr(report, name) for name in report.names() if getattr(report, name)} == {k: v for k, v in plain.counts.items() if v}


@settings(max_examples=60, deadline=None)
@given(st.lists(messages, max_size=80))
def test_levels_hold_exactly_the_orders_that_rest(rows: list[Row]) -> None:
    tracker, builder, plain = OrderTracker(), BookBuilder(levels=1, on_gap="keep"), PlainOrders()
    builder.feed(tracker.feed(pl.DataFrame(rows, schema=MESSAGE_SCHEMA)))
    for row in rows:
        plain.apply(row)
    levels: dict[tuple[Any, ...], list[int]] = {}
    for (listing, _), (side, price, size) in plain.orders.items():
        level = levels.setdefault((listing, side, price), [0, 0])
        level[0] += size
        level[1] += 1
    got = builder.whole_books().drop("Level").iter_rows()
    assert {tuple(row[:3]): list(row[3:]) for row in got} == levels
    assert builder.report.missing_levels == builder.report.overdrawn_levels == builder.report.order_mismatches == 0
