"""Columns of books: their names, and what they say."""

from __future__ import annotations

import polars as pl

from basalt.core.datasets import PlannedColumn
from basalt.market.books import BOOK_SIDES

INDEX, LABEL, ADMITTED, LAST = "index", "label", "admitted", "LastEventTimestamp"
"""Columns that consolidating reads beside `ListingId`, `EventTimestamp` and the levels, and one that it makes."""


def ordered_levels(levels: int) -> list[str]:
    """Level columns in the order of the `l2` table."""
    parts = ("Price", "Quantity", "NumOrders")
    return [f"{side}{part}{level}" for level in range(1, levels + 1) for side in BOOK_SIDES for part in parts]


def planned_levels(levels: int, suffix: str = "", of: str = "all venues together") -> tuple[PlannedColumn, ...]:
    """Columns of *levels*, as `l2` types them."""
    return tuple(_planned_level(name, suffix, of) for name in ordered_levels(levels))


def _planned_level(name: str, suffix: str, of: str) -> PlannedColumn:
    side, level = name[:3].lower(), "".join(filter(str.isdigit, name))
    if "Price" in name:
        return PlannedColumn(name + suffix, pl.Float64(), "{currency}", f"Price of {side} level {level} of {of}; null when it is empty.")
    if "Quantity" in name:
        return PlannedColumn(name + suffix, pl.Float64(), "shares", f"Quantity at {side} level {level} of {of}; 0 when it is empty.")
    return PlannedColumn(name + suffix, pl.Int32(), "orders", f"Orders at {side} level {level} of {of}; null when a venue does not tell.")
