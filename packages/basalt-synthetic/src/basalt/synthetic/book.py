"""A limit order book with price-time priority that writes a tape of what happens to it."""

from __future__ import annotations

from bisect import bisect_left

from basalt.market.sides import LobAction, RestingSide
from basalt.synthetic.tape import DEPTH, NOTHING, Row, Tape

BID, ASK = int(RestingSide.BID), int(RestingSide.ASK)
INSERT, REMOVE, UPDATE = int(LobAction.INSERT), int(LobAction.REMOVE), int(LobAction.UPDATE)
NO_LEVEL = 1 << 40
"""Key of an empty level: worse than any price."""
MOST_FILLS = 40
"""Executions that one incoming order can have; keeps the rows of one instant countable."""


class HalfBook:
    """One side. A level's key grows as its price gets worse: the tick of an ask, minus that of a bid.

    `keys`, `sizes` and `counts` run in parallel, best level first, and end with ten empty levels.
    """

    def __init__(self, side: int) -> None:
        self.side = side
        self.sign = -1 if side == BID else 1
        self.keys = [NO_LEVEL] * DEPTH
        self.sizes = [0] * DEPTH
        self.counts = [0] * DEPTH
        self.queues: dict[int, dict[int, int]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing rests on this side."""
        return self.keys[0] == NO_LEVEL

    @property
    def best(self) -> int:
        """Best price in ticks; only for a side that is not empty."""
        return self.keys[0] * self.sign

    def place_of(self, key: int) -> int:
        """Level of *key*, 1 being the best; 0 without such a level."""
        place = bisect_left(self.keys, key)
        return place + 1 if self.keys[place] == key else 0

    def ahead_of(self, key: int, order: int) -> tuple[int, int]:
        """Size and number of orders that execute before *order* at *key*."""
        place = bisect_left(self.keys, key)
        size, count = sum(self.sizes[:place]), sum(self.counts[:place])
        for other, other_size in self.queues[key].items():
            if other == order:
                break
            size += other_size
            count += 1
        return size, count

    def add(self, key: int, order: int, size: int) -> None:
        """Put *order* at the end of the queue at *key*."""
        place = bisect_left(self.keys, key)
        if self.keys[place] != key:
            self.keys.insert(place, key)
            self.sizes.insert(place, 0)
            self.counts.insert(place, 0)
            self.queues[key] = {}
        self.sizes[place] += size
        self.counts[place] += 1
        self.queues[key][order] = size

    def take(self, key: int, order: int) -> None:
        """Take *order* out of the queue at *key*; an empty level disappears."""
        place = bisect_left(self.keys, key)
        queue = self.queues[key]
        self.sizes[place] -= queue.pop(order)
        self.counts[place] -= 1
        if not queue:
            del self.keys[place], self.sizes[place], self.counts[place], self.queues[key]

    def shrink(self, key: int, order: int, size: int) -> None:
        """Set a smaller *size*; the order keeps its place."""
        queue = self.queues[key]
        self.sizes[bisect_left(self.keys, key)] -= queue[order] - size
        queue[order] = size

    def size_at(self, key: int) -> int:
        """Quantity at *key*; 0 without such a level."""
        place = bisect_left(self.keys, key)
        return self.sizes[place] if self.keys[place] == key else 0

    def first(self) -> tuple[int, int, int]:
        """Key, order and size of the order that executes next."""
        key = self.keys[0]
        order, size = next(iter(self.queues[key].items()))
        return key, order, size


class Book:
    """Both sides, the orders by number, and the tape."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.halves = {BID: HalfBook(BID), ASK: HalfBook(ASK)}
        self.resting: dict[int, tuple[HalfBook, int]] = {}
        self._live: list[int] = []
        self._positions: dict[int, int] = {}
        self._entered = 0
        self._trades = 0

    @property
    def live(self) -> int:
        """Number of resting orders."""
        return len(self._live)

    def pick(self, share: float) -> int:
        """A resting order, evenly distributed for *share* in [0, 1)."""
        return self._live[int(share * len(self._live))]

    def insert(self, time: int, side: int, tick: int, size: int) -> None:
        """Enter a new order."""
        half = self.halves[side]
        key = tick * half.sign
        self._entered += 1
        order = self._entered
        old_level = half.place_of(key)
        half.add(key, order, size)
        ahead, count = half.ahead_of(key, order)
        self.resting[order] = (half, key)
        self._positions[order] = len(self._live)
        self._live.append(order)
        self.tape.rows.append(
            Row(
                time=time,
                tie=self.tape.next_tie(time),
                side=side,
                action=INSERT,
                order=order,
                price=tick,
                size=size,
                old_price=NOTHING,
                old_size=0,
                level=half.place_of(key),
                old_level=old_level,
                size_ahead=ahead,
                orders_ahead=count,
                del_index=NOTHING,
                add_index=count,
            )
        )
        self._end_event(half)

    def remove(self, time: int, order: int) -> None:
        """Cancel an order."""
        half, key = self.resting[order]
        size, old_level = half.queues[key][order], half.place_of(key)
        ahead, count = half.ahead_of(key, order)
        half.take(key, order)
        self._forget(order)
        self.tape.rows.append(
            Row(
                time=time,
                tie=self.tape.next_tie(time),
                side=half.side,
                action=REMOVE,
                order=order,
                price=NOTHING,
                size=0,
                old_price=key * half.sign,
                old_size=size,
                level=half.place_of(key),
                old_level=old_level,
                size_ahead=ahead,
                orders_ahead=count,
                del_index=count,
                add_index=NOTHING,
            )
        )
        self._end_event(half)

    def shrink(self, time: int, order: int, size: int) -> None:
        """Lower an order's size; it keeps its priority."""
        half, key = self.resting[order]
        old_size, count = half.queues[key][order], half.ahead_of(key, order)[1]
        half.shrink(key, order, size)
        self._update(time, order, (key * half.sign, old_size, half.place_of(key), count))

    def move(self, time: int, order: int, tick: int) -> None:
        """Give an order another price; it goes to the end of the queue there."""
        half, old_key = self.resting[order]
        size, old_level, count = half.queues[old_key][order], half.place_of(old_key), half.ahead_of(old_key, order)[1]
        half.take(old_key, order)
        half.add(tick * half.sign, order, size)
        self.resting[order] = (half, tick * half.sign)
        self._update(time, order, (old_key * half.sign, size, old_level, count))

    def _update(self, time: int, order: int, old: tuple[int, int, int, int]) -> None:
        """Write that an order changed; *old* is its price, size, level and orders ahead before."""
        half, key = self.resting[order]
        ahead, count = half.ahead_of(key, order)
        old_price, old_size, old_level, old_count = old
        self.tape.rows.append(
            Row(
                time=time,
                tie=self.tape.next_tie(time),
                side=half.side,
                action=UPDATE,
                order=order,
                price=key * half.sign,
                size=half.queues[key][order],
                old_price=old_price,
                old_size=old_size,
                level=half.place_of(key),
                old_level=old_level,
                size_ahead=ahead,
                orders_ahead=count,
                del_index=old_count,
                add_index=count,
            )
        )
        self._end_event(half)

    def sweep(self, time: int, side: int, size: int, *, limit: int, tag: int) -> None:
        """Execute an incoming order against resting orders of *side*, up to the price *limit*.

        What cannot execute is cancelled. Each execution is a trade; the event ends with the last.
        """
        half = self.halves[side]
        worst = limit * half.sign
        fills = 0
        while size and fills < MOST_FILLS and half.keys[0] <= worst:
            key, _, resting = half.first()
            filled = min(size, resting)
            self._trades += 1
            self._execute(time, half, filled, price=key * half.sign, tag=tag)
            size -= filled
            fills += 1
        if fills:
            self._end_event(half)

    def match(self, time: int, tick: int) -> None:
        """Execute the first bid against the first ask at the price *tick*: one trade of an auction."""
        halves = self.halves.values()
        size = min(half.first()[2] for half in halves)
        self._trades += 1
        for half in halves:
            self._execute(time, half, size, price=tick, tag=0)
        self._end_event(*halves)

    def _execute(self, time: int, half: HalfBook, filled: int, *, price: int, tag: int) -> None:
        """Execute *filled* of the first order of *half* in the current trade."""
        key, order, old_size = half.first()
        tick, size = key * half.sign, old_size - filled
        if size:
            half.shrink(key, order, size)
        else:
            half.take(key, order)
            self._forget(order)
        self.tape.rows.append(
            Row(
                time=time,
                tie=self.tape.next_tie(time),
                side=half.side,
                action=UPDATE if size else REMOVE,
                order=order,
                price=tick if size else NOTHING,
                size=size,
                old_price=tick,
                old_size=old_size,
                level=half.place_of(key),
                old_level=1,
                size_ahead=0,
                orders_ahead=0,
                del_index=0,
                add_index=0 if size else NOTHING,
                execution_price=price,
                execution_size=filled,
                trade=self._trades,
                left=half.size_at(key),
                tag=tag,
            )
        )

    def _forget(self, order: int) -> None:
        """Drop an order that is gone; the last live order takes its position."""
        del self.resting[order]
        position, last = self._positions.pop(order), self._live.pop()
        if last != order:
            self._live[position] = last
            self._positions[last] = position

    def _end_event(self, *changed: HalfBook) -> None:
        for half in changed:
            self.tape.snapshot(half.side, half.keys, half.sizes, half.counts)
        self.tape.end_event()
