"""What did not fit, counted."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import polars as pl

from basalt.books.arrays import Longs


@dataclass(frozen=True)
class _Report:
    """Numbers by listing and over all of them."""

    by_listing: pl.DataFrame
    """One row a listing, in order of first appearance: `ListingId` and the numbers below."""

    @classmethod
    def of(cls, listings: Longs, counters: Longs) -> Self:
        """A report of the kernel's *counters*, whose columns are the fields in their order."""
        names = cls.names()
        columns = {name: counters[: listings.size, place].copy() for place, name in enumerate(names)}
        frame = pl.DataFrame({"ListingId": listings.copy(), **columns})
        return cls(frame, *(int(frame[name].sum()) for name in names))

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the numbers."""
        return tuple(each.name for each in fields(cls) if each.name != "by_listing")

    def __str__(self) -> str:
        return ", ".join(f"{name} {getattr(self, name)}" for name in self.names() if getattr(self, name))


@dataclass(frozen=True)
class BookReport(_Report):
    """What a `BookBuilder` met so far."""

    events: int
    """Rows that end an event."""
    snapshots: int
    """Times that a book was cleared."""
    gaps: int
    """Gaps that were told."""
    withheld_rows: int
    """Events between a gap and the next snapshot, not shown."""
    overdrawn_levels: int
    """Times that more was taken from a level than it held; the level was removed."""
    overdrawn_quantity: int
    """How much more."""
    missing_levels: int
    """Times that something was taken from a level that was not there."""
    missing_quantity: int
    """How much."""
    order_mismatches: int
    """Times that a level lost its last order but not its quantity, or its quantity but not its orders."""
    unplaced_changes: int
    """Sizes without a side or a price; nothing was done."""
    crossed_events: int
    """Events after which the best bid was above the best ask."""
    locked_events: int
    """Events after which they were equal."""

    @property
    def is_clean(self) -> bool:
        """Whether every change fitted the book; auctions may have crossed it, snapshots are no fault."""
        return not (self.gaps or self.overdrawn_levels or self.missing_levels or self.order_mismatches or self.unplaced_changes)


@dataclass(frozen=True)
class OrderReport(_Report):
    """What an `OrderTracker` met so far."""

    messages: int
    """Messages about orders."""
    unknown_orders: int
    """Took from an order that is not known; nothing was done."""
    unknown_modified: int
    """Modified an order that is not known; it entered the book if the message said side and price."""
    duplicate_orders: int
    """Entered under an id that was there; the new order replaced it (a renamed order is gone instead)."""
    overdrawn_orders: int
    """Took more from an order than was left; the order is gone."""
    side_conflicts: int
    """Named another side than that of the order."""
    unplaced_orders: int
    """Entered without side, price or size; nothing was done."""
    cleared_orders: int
    """Rested when their book was cleared."""

    @property
    def is_clean(self) -> bool:
        """Whether every message fitted the orders that were known."""
        return not any(getattr(self, name) for name in self.names() if name not in {"messages", "cleared_orders"})
