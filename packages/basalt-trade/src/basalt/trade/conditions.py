"""Which trades count: the side of the aggressor, and what is known of a trade."""

from __future__ import annotations

import polars as pl

from basalt.market.sides import SideToken, is_on_side

Side = SideToken
PRICE = "LocalPrice"
SIZE = "Size"
NOTIONAL = "LocalNotional"


def on_side(side: Side) -> pl.Expr | None:
    """The trades of *side*; None, no condition, for `Total`."""
    return None if side == "Total" else is_on_side(side)


def price() -> pl.Expr:
    """Price of a trade in the currency of the listing; null where it could not be converted."""
    return pl.col(PRICE)


def size() -> pl.Expr:
    """Traded quantity."""
    return pl.col(SIZE)


def notional() -> pl.Expr:
    """Price times size in the currency of the listing; null where the price is."""
    return pl.col(NOTIONAL)


def is_retail() -> pl.Expr:
    """Whether the vendor says that a retail participant took part; null where it says nothing.

    The label is the provider's. It covers what venues and facilities mark as retail, not all retail
    flow, and nothing is inferred from prices.
    """
    return pl.col("BMLLParticipantType") == "RETAIL"
