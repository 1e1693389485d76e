"""Sides of trades, orders and books, and the tokens that name them in columns."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal, get_args

import polars as pl

SideToken = Literal["Bid", "Ask", "Total", "Unknown"]
SIDE_TOKENS: tuple[SideToken, ...] = get_args(SideToken)


class Aggressor(IntEnum):
    """Who took liquidity, in `trades.AggressorSide`."""

    UNKNOWN = 0
    BUY = 1
    SELL = 2


class RestingSide(IntEnum):
    """Side that an order rests on, in `l3.Side`."""

    BID = 1
    ASK = 2


class LobAction(IntEnum):
    """What happened to an order, in `l3.LobAction`."""

    EXECUTE = 1
    INSERT = 2
    REMOVE = 3
    UPDATE = 4


AGGRESSOR_OF_TOKEN = {"Bid": Aggressor.SELL, "Ask": Aggressor.BUY}


def aggressor_sign(column: str = "AggressorSide") -> pl.Expr:
    """+1 for a buyer, -1 for a seller, null for an unknown aggressor (Int8)."""
    side = pl.col(column)
    return (
        pl.when(side == Aggressor.BUY.value)
        .then(pl.lit(1, pl.Int8))
        .when(side == Aggressor.SELL.value)
        .then(pl.lit(-1, pl.Int8))
        .otherwise(pl.lit(None, pl.Int8))
    )


def is_on_side(side: SideToken, column: str = "AggressorSide") -> pl.Expr:
    """Whether a trade belongs to *side*; true or false, never null.

    `Bid`: the bid was hit, so the aggressor sold. `Ask`: the ask was lifted. `Unknown`: neither is
    known. `Total`: every trade, so that Bid + Ask + Unknown = Total.
    """
    if side == "Total":
        return pl.lit(True)
    if side == "Unknown":
        return ~pl.col(column).is_in([Aggressor.BUY.value, Aggressor.SELL.value]).fill_null(False)
    return (pl.col(column) == AGGRESSOR_OF_TOKEN[side].value).fill_null(False)
