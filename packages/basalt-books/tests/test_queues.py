"""Queues against plain lists, and by eye."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.books import OrderTracker, QueueTracker

TOLD = ["PriceLevel", "OldPriceLevel", "SizeAhead", "OrdersAhead", "DelOrderIndex", "AddOrderIndex"]


class PlainQueues:
    """Lists of [id, size] by listing, side and price, in order of priority."""

    def __init__(self) -> None:
        self.queues: dict[tuple[int, int, float], list[list[int]]] = {}

    def level(self, place: tuple[int, int, float]) -> int:
        prices = sorted((price for listing, side, price in self.queues if (listing, side) == place[:2]), reverse=place[1] == 1)
        return prices.index(place[2]) + 1 if place in self.queues else 0

    def find(self, listing: int, order: int) -> tuple[int, int, float] | None:
        return next((place for place, queue in self.queues.items() if place[0] == listing and order in [each[0] for each in queue]), None)

    def ahead(self, place: tuple[int, int, float], order: int) -> tuple[int, int]:
        better = [
            each
            for other, queue in self.queues.items()
            if other[:2] == place[:2] and (other[2] > place[2] if place[1] == 1 else other[2] < place[2])
            for each in queue
        ]
        queue = self.queues[place]
        before = queue[: [each[0] for each in queue].index(order)]
        return sum(each[1] for each in better + before), len(better) + len(before)

    def drop(self, place: tuple[int, int, float], order: int) -> None:
        self.queues[place] = [each for each in self.queues[place] if each[0] != order]
        if not self.queues[place]:
            del self.queues[place]

    def apply(self, row: dict[str, Any]) -> tuple[int | None, ...]:
        listing, old_order, order = row["ListingId"], row["OrderId"], row["NewOrderId"] or row["OrderId"]
        if row["BookMessage"] == 5:
            self.queues = {place: queue for place, queue in self.queues.items() if place[0] != listing}
        if row["BookMessage"] != 8:
            return 0, 0, 0, 0, -1, -1
        old = self.find(listing, old_order) if row["OldSize"] else None
        new = (listing, row["Side"], row["Price"]) if row["Size"] else None
        size, count, left, old_level = 0, 0, -1, self.level(new) if new and not row["OldSize"] else 0
        if old:
            size, count = self.ahead(old, old_order)
            left, old_level = count, self.level(old)
        mine = next((each for each in self.queues[old] if each[0] == old_order), None) if old else None
        if mine and old == new and order == old_order and row["Size"] <= mine[1]:
            mine[1] = row["Size"]
            return self.level(old), old_level, size, count, left, count  # type: ignore[arg-type]
        if old:
            self.drop(old, old_order)
        if not new:
            assert old is not None
            return self.level(old), old_level, size, count, left, -1
        self.queues.setdefault(new, []).append([order, row["Size"]])
        size, count = self.ahead(new, order)
        return self.level(new), old_level, size, count, left, count


acts = st.tuples(
    st.sampled_from([1, 2]),
    st.sampled_from([1, 1, 1, 1, 2, 2, 3, 4, 4, 4, 5]),
    st.integers(1, 12),
    st.sampled_from([0, 0, 0, 13, 14]),
    st.sampled_from([1, 2]),
    st.sampled_from([9.0, 10.0, 11.0]),
    st.integers(1, 5),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(acts, max_size=60), st.lists(st.integers(0, 60), max_size=2))
def test_places_are_those_of_the_lists(drawn: list[tuple[Any, ...]], cuts: list[int]) -> None:
    names = ["ListingId", "BookMessage", "OrderId", "NewOrderId", "Side", "Price", "Size"]
    types = dict.fromkeys(names, pl.Int64) | {"Price": pl.Float64}
    orders = OrderTracker().feed(pl.DataFrame(drawn, schema=types, orient="row"))
    plain = PlainQueues()
    expected = [plain.apply(row) for row in orders.iter_rows(named=True)]
    edges = sorted({0, orders.height, *(cut % (orders.height + 1) for cut in cuts)})
    tracker = QueueTracker()
    parts = [tracker.feed(orders[low:high]) for low, high in pairwise(edges)] or [tracker.feed(orders)]
    assert [row for part in parts for row in part.select(TOLD).rows()] == expected


def test_an_order_from_before_has_no_known_place() -> None:
    rows = pl.DataFrame(
        {
            "ListingId": 1,
            "OldOrderId": ["5", ""],
            "OrderId": ["", "6"],
            "Side": 1,
            "Price": [None, 10.0],
            "Size": [0, 3],
            "OldPrice": [10.0, None],
            "OldSize": [4, 0],
        }
    )
    assert QueueTracker().feed(rows).select(TOLD).rows() == [(0, None, None, None, None, -1), (1, 0, 0, 0, -1, 0)]


def test_many_orders_and_prices() -> None:
    count = 5_000
    rows = pl.DataFrame(
        {
            "ListingId": 1,
            "OrderId": list(range(1, count + 1)),
            "Side": 2,
            "Price": [float(n // 2) for n in range(count)],
            "Size": 1,
            "OldSize": 0,
        }
    )
    found = QueueTracker().feed(rows)
    assert found["OrdersAhead"].to_list() == list(range(count))
    assert found["PriceLevel"].to_list() == [n // 2 + 1 for n in range(count)]
