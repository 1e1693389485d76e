"""Are the values possible: sizes, prices, codes, states, levels, ticks?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import polars as pl

from basalt.market.books import BOOK_SIDES, LEVELS
from basalt.market.sides import Aggressor, LobAction, RestingSide
from basalt.market.states import MARKET_STATES
from basalt.market.ticks import attach_tick, is_on_grid
from basalt.quality.findings import hits
from basalt.quality.seen import Seen, on_book, trade_price

_SIZES = ("Size", "OldSize", "ExecutionSize", *(f"{side}Quantity{level}" for side in BOOK_SIDES for level in range(1, LEVELS + 1)))
_PRICES = ("Price", "OldPrice", "ExecutionPrice", *(f"{side}Price{level}" for side in BOOK_SIDES for level in range(1, LEVELS + 1)))
_CODES = {
    ("l3", "Side"): [each.value for each in RestingSide],
    ("l3", "LobAction"): [each.value for each in LobAction],
    ("trades", "AggressorSide"): [each.value for each in Aggressor],
}


def look(seen: Seen, ladders: pl.LazyFrame | None) -> Iterator[pl.LazyFrame]:
    """Hits about single values of one table."""
    yield from _sizes(seen)
    yield from _prices(seen)
    yield from _codes(seen)
    if seen.name in ("l2", "cbbo"):
        yield from _levels(seen)
    if ladders is not None:
        yield from _ticks(seen, ladders)


def _sizes(seen: Seen) -> Iterator[pl.LazyFrame]:
    names = seen.some(*_SIZES)
    if names:
        lowest = pl.min_horizontal(names)
        yield hits(seen.frame, "NEGATIVE_SIZE", seen.name, lowest < 0, detail=pl.format("{} in row {} of the file", lowest, "row"))


def _prices(seen: Seen) -> Iterator[pl.LazyFrame]:
    names = seen.some(*_PRICES)
    if not names:
        return
    prices = [pl.col(name).cast(pl.Float64()) for name in names]
    unreal = pl.any_horizontal((~price.is_finite()).fill_null(value=False) for price in prices)
    if seen.name == "trades":
        unreal = unreal | pl.col("Price").is_null()
    yield hits(seen.frame, "BAD_PRICE", seen.name, unreal, detail=pl.format("row {} of the file", "row"))
    lowest = pl.min_horizontal(pl.when(price.is_finite()).then(price) for price in prices)
    yield hits(seen.frame, "PRICE_NOT_POSITIVE", seen.name, lowest <= 0, detail=pl.format("{} in row {} of the file", lowest, "row"))


def _codes(seen: Seen) -> Iterator[pl.LazyFrame]:
    for (table, name), known in _CODES.items():
        if seen.name == table and seen.has(name):
            wrong = ~pl.col(name).is_in(known)
            yield hits(seen.frame, "UNKNOWN_CODE", seen.name, wrong, detail=pl.format("{} is {}", pl.lit(name), name))
    if seen.has("MarketState"):
        state = pl.col("MarketState").cast(pl.String())
        yield hits(seen.frame, "UNKNOWN_STATE", seen.name, ~state.is_in(MARKET_STATES), detail=pl.format("MarketState is {}", state))


def _levels(seen: Seen) -> Iterator[pl.LazyFrame]:
    wrong = pl.lit(value=False)
    for side, outwards in (("Bid", -1), ("Ask", 1)):
        names = seen.some(*(f"{side}Price{level}" for level in range(1, LEVELS + 1)))
        for before, after in pairwise(names):
            step = (pl.col(after) - pl.col(before)) * outwards
            wrong = wrong | (step <= 0).fill_null(value=False) | (pl.col(before).is_null() & pl.col(after).is_not_null())
    yield hits(seen.frame, "LEVELS_OUT_OF_ORDER", seen.name, wrong, detail=pl.format("row {} of the file", "row"))


def _ticks(seen: Seen, ladders: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
    if seen.name == "trades":
        rows = seen.frame.filter(on_book(seen))
        yield from _off_tick(seen, rows, trade_price(seen), ladders)
    if seen.name in ("l2", "l3"):
        for name in seen.some("BidPrice1", "AskPrice1", *(["Price"] if seen.name == "l3" else [])):
            yield from _off_tick(seen, seen.frame, pl.col(name), ladders)


def _off_tick(seen: Seen, rows: pl.LazyFrame, price: pl.Expr, ladders: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
    priced = rows.select("ListingId", "at", price.cast(pl.Float64()).alias("price")).filter(pl.col("price").is_not_null())
    ticked = attach_tick(priced, ladders, "price", name="tick")
    words = pl.format("{} with a tick of {}", "price", "tick")
    yield hits(ticked, "OFF_TICK", seen.name, ~is_on_grid(pl.col("price"), pl.col("tick")), detail=words)
