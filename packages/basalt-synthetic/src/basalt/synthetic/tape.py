"""What a simulated book writes down: one row per order event, and the book after each event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

DEPTH = 10
NOTHING = -1
"""Stands for an absent price, place or trade in rows of whole numbers."""


class Row(NamedTuple):
    """One order event. Prices are ticks, times microseconds; `NOTHING` where there is none.

    Attributes:
        tie: Number of rows before it at the same time.
        level, old_level: Place of the new and the old price among its side's levels after and
            before the event, 1 being the best; 0 where there is no such level. An order that is
            gone or new counts with the one price that it has.
        size_ahead, orders_ahead: What executes before the order; before the event if it is gone.
        del_index, add_index: Orders ahead in the place that was left and in the one taken.
        left: Quantity left at the price after an execution.
        tag: Mark of the incoming order that executed.
    """

    time: int
    tie: int
    side: int
    action: int
    order: int
    price: int
    size: int
    old_price: int
    old_size: int
    level: int
    old_level: int
    size_ahead: int
    orders_ahead: int
    del_index: int
    add_index: int
    execution_price: int = NOTHING
    execution_size: int = 0
    trade: int = NOTHING
    left: int = NOTHING
    tag: int = 0


@dataclass(frozen=True)
class Record:
    """A finished tape.

    Attributes:
        events: The fields of `Row` by name, one value a row.
        ends: Row number, bid snapshot and ask snapshot (-1 before the first) of each complete event.
        bids, asks: Snapshots of a side: ten keys, ten sizes, ten counts, number of levels.
    """

    events: dict[str, np.ndarray]
    ends: np.ndarray
    bids: np.ndarray
    asks: np.ndarray


class Tape:
    """Rows in order of events, and the ten best levels after each complete event."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._levels: dict[int, list[int]] = {1: [], 2: []}
        self._snapshots = {1: -1, 2: -1}
        self._ends: list[tuple[int, int, int]] = []

    def next_tie(self, time: int) -> int:
        """Number of rows written at *time* so far."""
        if self.rows and self.rows[-1][0] == time:
            return self.rows[-1][1] + 1
        return 0

    def snapshot(self, side: int, keys: list[int], sizes: list[int], counts: list[int]) -> None:
        """Note the ten best levels of a side that changed."""
        levels = self._levels[side]
        levels += keys[:DEPTH]
        levels += sizes[:DEPTH]
        levels += counts[:DEPTH]
        levels.append(len(keys) - DEPTH)
        self._snapshots[side] += 1

    def end_event(self) -> None:
        """The book is consistent after the last row."""
        self._ends.append((len(self.rows) - 1, self._snapshots[1], self._snapshots[2]))

    def record(self) -> Record:
        """What was written, as arrays."""
        table = np.array(self.rows, dtype=np.int64).reshape(-1, len(Row._fields))
        return Record(
            events={name: table[:, column] for column, name in enumerate(Row._fields)},
            ends=np.array(self._ends, dtype=np.int64).reshape(-1, 3),
            bids=_snapshots(self._levels[1]),
            asks=_snapshots(self._levels[2]),
        )


def _snapshots(levels: list[int]) -> np.ndarray:
    return np.array(levels, dtype=np.int64).reshape(-1, 3 * DEPTH + 1)
