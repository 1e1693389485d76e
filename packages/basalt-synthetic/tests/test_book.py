"""The book against a replay of its order events in plain Python."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from basalt.synthetic import simulate

HIDDEN_FILL, INSERT, REMOVE, UPDATE = 1, 2, 3, 4
BID, ASK = 1, 2
Queue = list[tuple[str, int]]


class Replay:
    """Orders in queues by side and price, kept by reading order events."""

    def __init__(self) -> None:
        self.queues: dict[int, dict[float, Queue]] = {BID: {}, ASK: {}}

    def prices(self, side: int) -> list[float]:
        return sorted(self.queues[side], reverse=side == BID)

    def level(self, side: int, price: float) -> int:
        return self.prices(side).index(price) + 1 if price in self.queues[side] else 0

    def ahead(self, side: int, price: float, order: str) -> tuple[int, int]:
        before = [size for other in self.prices(side)[: self.level(side, price) - 1] for _, size in self.queues[side][other]]
        for other, size in self.queues[side][price]:
            if other == order:
                break
            before.append(size)
        return sum(before), len(before)

    def take(self, side: int, price: float, order: str) -> int:
        queue = self.queues[side][price]
        (place,) = [place for place, (other, _) in enumerate(queue) if other == order]
        _, size = queue.pop(place)
        if not queue:
            del self.queues[side][price]
        return size

    def add(self, side: int, price: float, order: str, size: int) -> None:
        self.queues[side].setdefault(price, []).append((order, size))

    def keep_place(self, side: int, price: float, order: str, size: int) -> int:
        queue = self.queues[side][price]
        (place,) = [place for place, (other, _) in enumerate(queue) if other == order]
        old = queue[place][1]
        queue[place] = (order, size)
        return old

    def apply(self, row: dict[str, Any]) -> None:
        """Change the book, checking that the row speaks of the book as it is."""
        side, price, old_price = row["Side"], row["Price"], row["OldPrice"]
        if row["LobAction"] == HIDDEN_FILL:
            assert (price, old_price, row["Size"], row["OldSize"]) == (None, None, 0, 0)
            assert not row["PosChange"]
            return
        if row["LobAction"] == INSERT:
            assert (old_price, row["OldSize"], row["OldOrderId"]) == (None, 0, "")
            assert row["OldPriceLevel"] == self.level(side, price)
            self.add(side, price, row["OrderId"], row["Size"])
        else:
            order = row["OldOrderId"]
            assert row["OldPriceLevel"] == self.level(side, old_price)
            place = self.ahead(side, old_price, order)
            assert row["DelOrderIndex"] == place[1]
            if row["LobAction"] == REMOVE:
                assert (price, row["Size"], row["OrderId"], row["AddOrderIndex"]) == (None, 0, "", -1)
                assert (row["SizeAhead"], row["OrdersAhead"]) == place
                old_size = self.take(side, old_price, order)
            elif price == old_price and row["Size"] < row["OldSize"]:
                old_size = self.keep_place(side, price, order, row["Size"])
            else:
                old_size = self.take(side, old_price, order)
                self.add(side, price, row["OrderId"], row["Size"])
            assert old_size == row["OldSize"]
        if row["LobAction"] != REMOVE:
            assert (row["SizeAhead"], row["OrdersAhead"]) == self.ahead(side, price, row["OrderId"])
            assert row["AddOrderIndex"] == row["OrdersAhead"]
        assert row["PriceLevel"] == self.level(side, old_price if price is None else price)

    def ten_levels(self) -> dict[str, float | int | None]:
        shown: dict[str, float | int | None] = {}
        for name, side in (("Bid", BID), ("Ask", ASK)):
            prices = self.prices(side)
            for number in range(1, 11):
                price = prices[number - 1] if number <= len(prices) else None
                queue = self.queues[side].get(price, []) if price is not None else []
                shown[f"{name}Price{number}"] = price
                shown[f"{name}Quantity{number}"] = sum(size for _, size in queue)
                shown[f"{name}NumOrders{number}"] = len(queue)
        return shown

    def counts(self) -> tuple[int, int]:
        return len(self.queues[BID]), len(self.queues[ASK])


def events_of(tables: dict[str, pl.DataFrame], listing: int) -> list[dict[str, Any]]:
    return tables["l3"].filter(pl.col("ListingId") == listing).to_dicts()


LISTINGS = [100001, 100002, 100003, 100004]
THROUGH = {100002, 100004}
"""Listings whose venue executes what an iceberg hides together with what it shows."""


def check_replay(tables: dict[str, pl.DataFrame], listing: int) -> None:
    """Replaying the order events of *listing* gives every row of its book, and no other."""
    books = {row["BMLLSequenceNo"]: row for row in tables["l2"].filter(pl.col("ListingId") == listing).to_dicts()}
    replay = Replay()
    shown: dict[str, float | int | None] = {}
    for row in events_of(tables, listing):
        replay.apply(row)
        if not row["EndOfEvent"]:
            assert row["BMLLSequenceNo"] not in books
            continue
        now = replay.ten_levels()
        book = books.pop(row["BMLLSequenceNo"], None)
        assert (book is not None) == (now != shown)
        if book is not None:
            assert {name: book[name] for name in now} == now
            assert (book["BidLevelCount"], book["AskLevelCount"]) == replay.counts()
            assert book["TimestampNanoseconds"] == row["TimestampNanoseconds"]
        shown = now
    assert books == {}


@pytest.mark.parametrize("listing", LISTINGS)
def test_replaying_orders_gives_every_book(tables: dict[str, pl.DataFrame], listing: int) -> None:
    check_replay(tables, listing)


@pytest.mark.parametrize(("day", "seed"), [(date(2024, 2, 29), 0), (date(2030, 9, 27), 576330), (date(2015, 10, 18), 136758)])
def test_replay_holds_in_other_markets(day: date, seed: int) -> None:
    tables = simulate(day, listings=4, scale=0.03, seed=seed)
    for listing in LISTINGS:
        check_replay(tables, listing)


@pytest.mark.parametrize("listing", LISTINGS)
def test_book_without_flow_is_that_of_the_auctions(listing: int) -> None:
    tables = simulate(date(2026, 2, 1), listings=4, scale=1e-6, only=[listing])
    assert not set(tables["trades"]["Classification"]) - {"LIT_AUCTION"}
    assert tables["l3"].height > 50
    check_replay(tables, listing)


@pytest.mark.parametrize("listing", LISTINGS)
def test_executions_have_price_time_priority(tables: dict[str, pl.DataFrame], listing: int) -> None:
    replay = Replay()
    for row in events_of(tables, listing):
        side = row["Side"]
        if row["OrderExecuted"] and row["LobAction"] == HIDDEN_FILL:
            (inside, outside), sign = (replay.prices(3 - side), replay.prices(side)), 1 if side == BID else -1
            assert all(row["ExecutionPrice"] * sign < price * sign for price in inside[:1])
            assert all(row["ExecutionPrice"] * sign > price * sign for price in outside[:1])
        elif row["OrderExecuted"]:
            best = replay.prices(side)[0]
            assert row["OldPrice"] == best
            assert row["OldOrderId"] == replay.queues[side][best][0][0]
            shown = row["OldSize"] - row["Size"]
            assert shown == row["ExecutionSize"] or (listing in THROUGH and row["Size"] == 0 and shown < row["ExecutionSize"])
        replay.apply(row)


def test_book_is_never_crossed_while_orders_match(tables: dict[str, pl.DataFrame]) -> None:
    book = tables["l2"].filter(pl.col("MarketState") == "CONTINUOUS_TRADING")
    assert book.height > 1000
    assert (book["BidPrice1"] < book["AskPrice1"]).all()


@pytest.mark.parametrize(("listing", "tick"), [(100001, 0.02), (100002, 0.01), (100003, 0.01), (100004, 0.005)])
def test_prices_are_multiples_of_the_tick_of_their_venue(tables: dict[str, pl.DataFrame], listing: int, tick: float) -> None:
    mine = pl.col("ListingId") == listing
    assert tables["reference"].filter(mine)["TickSize"].item() == tick
    prices = tables["l2"].filter(mine)["BidPrice1"].drop_nulls()
    ticks = prices / tick
    assert (ticks - ticks.round()).abs().max() < 1e-6
    assert (prices.round(3) == prices).all()
