"""Does every order come before it changes, with the size and side that it had?

A light account of each order identifier; books are not built.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from basalt.quality.findings import hits
from basalt.quality.seen import Seen

NEEDED = ("OrderId", "OldOrderId", "Side")
_LEAVES, _STANDS = 0, 1


def look(seen: Seen) -> Iterator[pl.LazyFrame]:
    """Hits about orders of the table `l3`."""
    if seen.name != "l3" or not seen.has(*NEEDED):
        return
    account = _account(seen)
    leaves, stood = pl.col("kind") == _LEAVES, pl.col("last:kind") == _STANDS
    words = pl.format("order {} in row {} of the file", "order", "row")
    yield hits(account, "UNKNOWN_ORDER", seen.name, leaves & ~stood.fill_null(value=False), detail=words)
    yield hits(account, "REPEATED_ORDER", seen.name, (pl.col("kind") == _STANDS) & stood, detail=words)
    yield hits(account, "SIDE_MISMATCH", seen.name, leaves & stood & (pl.col("Side") != pl.col("last:Side")), detail=words)
    if seen.has("Size", "OldSize"):
        sizes = pl.format("order {} had {}, not {}", "order", "last:size", "size")
        is_known = pl.col("first:kind") == _STANDS
        yield hits(account, "SIZE_MISMATCH", seen.name, leaves & stood & is_known & (pl.col("size") != pl.col("last:size")), detail=sizes)


def _account(seen: Seen) -> pl.LazyFrame:
    """One row for each time that an order leaves its place or takes one, with the one before of the same order, and the kind of its first.

    An event that changes an order leaves the old place and takes the new one. An order that leaves first is from before the file: what it has left nobody knows.
    """
    keys = ("ListingId", "at", "row", "Side")
    frame = seen.frame.sort("at", *seen.some("BMLLSequenceNo", "EventNo"), "row").with_row_index("place")
    left = frame.filter(_is_id("OldOrderId")).select(
        *keys, "place", pl.col("OldOrderId").alias("order"), _size(seen, "OldSize"), pl.lit(_LEAVES).alias("kind")
    )
    taken = frame.filter(_is_id("OrderId")).select(
        *keys, "place", pl.col("OrderId").alias("order"), _size(seen, "Size"), pl.lit(_STANDS).alias("kind")
    )
    along = ["ListingId", "order"]
    both = pl.concat([left, taken]).sort(*along, "place", "kind")
    before = pl.col("kind", "Side", "size").shift(1).over(along).name.prefix("last:")
    return both.with_columns(before, pl.col("kind").first().over(along).alias("first:kind"))


def _is_id(name: str) -> pl.Expr:
    return pl.col(name).is_not_null() & (pl.col(name) != "")


def _size(seen: Seen, name: str) -> pl.Expr:
    return (pl.col(name) if seen.has(name) else pl.lit(None)).cast(pl.Float64()).alias("size")
