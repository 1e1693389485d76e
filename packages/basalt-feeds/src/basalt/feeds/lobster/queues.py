"""Where orders of a LOBSTER recording stand in their queues."""

from __future__ import annotations

import polars as pl

from basalt.feeds.exactness import exact

PRICE_SCALE = 10_000
"""Units of a price in LOBSTER's files."""


def size_ahead(levels: int) -> pl.Expr:
    """Displayed size before an order that enters: its level after the message and all better ones, without itself.

    That counts orders from before the file too. Null for all other messages, since of those orders nobody knows which are ahead, and
    where the order's price is not among *levels*.
    """
    price, is_bid = exact(pl.col("Price"), PRICE_SCALE), pl.col("Direction") == 1
    prices = [pl.when(is_bid).then(f"BidPrice{level}").otherwise(f"AskPrice{level}") for level in range(1, levels + 1)]
    sizes = [pl.when(is_bid).then(f"BidQuantity{level}").otherwise(f"AskQuantity{level}") for level in range(1, levels + 1)]
    at_least = [pl.when(is_bid).then(each >= price).otherwise(each <= price) for each in prices]
    total = pl.sum_horizontal(pl.when(is_ahead).then(size) for is_ahead, size in zip(at_least, sizes, strict=True))
    is_shown = pl.any_horizontal(each == price for each in prices)
    return pl.when(is_shown, total >= pl.col("Size")).then(total - pl.col("Size"))
