"""Rows from a contract: what a market might deliver for any table, made from a short sketch.

A sketch says when something happens on which listing; everything else follows from it and a seed,
column by column: the contract's name, unit and type of a column decide which values it may have.
So that a failing sketch shrinks to a few events, the values of a row hang on its place alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from basalt.core.bucketing import NANOS_PER_SECOND
from basalt.core.tables import Column, Table
from basalt.testing.tables import DAY

MIDNIGHT_NANOS = int(datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp()) * NANOS_PER_SECOND
OPENING_NANOS = MIDNIGHT_NANOS + 9 * 3600 * NANOS_PER_SECOND
TICK = 0.01


@dataclass(frozen=True)
class Listing:
    """One security on one venue, as generated rows name it."""

    number: int
    mic: str
    instrument: int
    currency: str


LISTINGS = (Listing(1, "XONE", 11, "EUR"), Listing(2, "XONE", 22, "EUR"), Listing(3, "XTWO", 11, "GBX"))
"""Three listings on two venues; the first and the third are one instrument."""


@dataclass(frozen=True)
class Sketch:
    """When something happens, and on which listing.

    Attributes:
        gaps: Nanoseconds from each event to the next, 0 for events at one time; the first one counts from 09:00 UTC.
        places: Index into `LISTINGS` of each event.
        seed: Everything else.
    """

    gaps: tuple[int, ...] = ()
    places: tuple[int, ...] = ()
    seed: int = 0


VOCABULARY: Mapping[str, Sequence[Any]] = {
    "AggressorSide": (0, 1, 2, None),
    "Side": (1, 2),
    "ImbalanceSide": (1, 2, None),
    "LobAction": (1, 2, 3, 4),
    "MarketState": ("CONTINUOUS_TRADING", "CONTINUOUS_TRADING", "HALTED", "CLOSING_AUCTION", None),
    "MarketStateAtPrimary": ("CONTINUOUS_TRADING", "HALTED", None),
    "IsBlock": ("TRUE", "FALSE", None),
    "LotType": ("ROUND", "ODD", "MIXED", None),
    "BMLLParticipantType": ("RETAIL", "UNKNOWN", None),
    "BMLLTradeType": ("LIT", "DARK", "OTC", None),
    "Classification": ("LIT_CONTINUOUS", "LIT_AUCTION", "DARK", "OTC", None),
    "NegotiatedTrade": ("N", "-", None),
    "CrossingTrade": ("X", "-", None),
    "AlgorithmicTrade": ("H", "-", None),
    "TZOffset": (0,),
}
"""Values of columns that hold a code."""


@dataclass(frozen=True)
class Recipe:
    """How the columns of one table are filled.

    Attributes:
        table: The contract.
        columns: Stored columns to make.
        values: Values of single columns, instead of what name, unit and type suggest.
    """

    table: Table
    columns: tuple[str, ...]
    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def make_rows(recipe: Recipe, sketch: Sketch) -> pl.DataFrame:
    """The rows of *sketch* in event order, with the columns of *recipe* in the contract's types."""
    if not recipe.table.time:
        sketch = Sketch((0,) * len(LISTINGS), tuple(range(len(LISTINGS))), sketch.seed)
    book = _book(recipe, sketch)
    columns = [recipe.table[name] if name != recipe.table.time else _stored(recipe.table, name) for name in recipe.columns]
    return pl.DataFrame([_series(column, book.get(column.name) or _fill(column, recipe, sketch)) for column in columns])


def _stored(table: Table, name: str) -> Column:
    return next(column for column in table.columns if column.name == name)


def _series(column: Column, values: Sequence[Any]) -> pl.Series:
    if isinstance(column.dtype, pl.Datetime):
        return pl.Series(column.name, values, pl.Int64).cast(pl.Datetime("ns")).cast(column.dtype)
    return pl.Series(column.name, values, column.dtype, strict=False)


def times(sketch: Sketch) -> list[int]:
    """Time of each event, ns since the epoch."""
    found, now = [], OPENING_NANOS
    for gap in sketch.gaps:
        now += gap
        found.append(now)
    return found


def _fill(column: Column, recipe: Recipe, sketch: Sketch) -> list[Any]:
    name = column.name
    if name in recipe.values:
        return _drawn(recipe.values[name], name, sketch)
    if name == "TradeDate" or column.dtype == pl.Date:
        return [DAY if column.dtype == pl.Date else MIDNIGHT_NANOS] * len(sketch.gaps)
    if isinstance(column.dtype, pl.Datetime):
        return list(times(sketch))
    if name in recipe.table.order:
        return _numbers(sketch)
    labels = _labels(name)
    if labels:
        return [labels[place] for place in sketch.places]
    return _drawn(_choices(column), name, sketch)


def _numbers(sketch: Sketch) -> list[int]:
    """Sequence numbers: each venue counts its own messages, so numbers of two venues collide."""
    seen: dict[str, int] = {}
    found = []
    for place in sketch.places:
        mic = LISTINGS[place].mic
        seen[mic] = seen.get(mic, 0) + 1
        found.append(seen[mic])
    return found


def _labels(name: str) -> list[Any]:
    """The value of a label column for each of `LISTINGS`; nothing for other columns."""
    attributes = {
        "ListingId": "number",
        "MIC": "mic",
        "InstrumentId": "instrument",
        "CurrencyCode": "currency",
        "InstrumentCurrencyCode": "currency",
    }
    if name in attributes:
        return [getattr(listing, attributes[name]) for listing in LISTINGS]
    return [f"T{listing.number}" for listing in LISTINGS] if name == "Ticker" else []


def _drawn(choices: Sequence[Any], name: str, sketch: Sketch) -> list[Any]:
    source = random.Random(f"{sketch.seed} {name}")  # noqa: S311 - reproducible, not secret
    return [source.choice(choices) for _ in sketch.gaps]


def _choices(column: Column) -> Sequence[Any]:
    """Values that a column may have, by its name, its unit and its type."""
    if column.name in VOCABULARY:
        choices = VOCABULARY[column.name]
    elif column.dtype == pl.String:
        choices = ("A", "B", "-", None)
    elif column.dtype == pl.Boolean:
        choices = (True, False, None)
    else:
        choices = (*_quantities(column), None)
    return [value for value in choices if value is not None] if column.required else choices


def _quantities(column: Column) -> Sequence[float]:
    if column.unit.startswith("{") or column.unit in ("EUR", "USD"):
        values: Iterable[float] = (round(100 + step * TICK, 2) for step in (-7, -2, -1, 0, 0, 1, 3, 12))
    elif column.unit == "shares":
        values = (0, 1, 7, 100, 100, 250, 1000)
    elif column.unit == "ns":
        values = (0, 1, 999, 1_000_000, 5 * NANOS_PER_SECOND)
    else:
        values = (0.0, 0.25, 0.5, 1.0, -0.5, 2.0) if column.dtype.is_float() else (0, 1, 2, 3, 5)
    return [float(value) if column.dtype.is_float() else int(value) for value in values]


# ---------------------------------------------------------------- books


def _book(recipe: Recipe, sketch: Sketch) -> dict[str, list[Any]]:
    """Coherent levels for tables that hold a book: best prices outermost, gone levels null."""
    wanted = [name for name in recipe.columns if _level(name)]
    source = random.Random(f"{sketch.seed} book")  # noqa: S311 - reproducible, not secret
    rows = [_levels(source) for _ in sketch.gaps]
    return {name: [row[name] for row in rows] for name in wanted} if rows else {}


def _level(name: str) -> int:
    """Number of the level that a column of a book describes; 0 for other columns."""
    for side in ("Bid", "Ask"):
        for what in ("Price", "Quantity", "NumOrders"):
            digits = name.removeprefix(f"{side}{what}")
            if digits != name and digits.isdigit():
                return int(digits)
    return 0


def _levels(source: random.Random) -> dict[str, Any]:
    """Ten levels a side: mostly a spread of some ticks, at times locked, crossed, one-sided or empty."""
    bid = 10_000 + source.choice((-5, -1, 0, 1, 4))
    best = {"Bid": bid, "Ask": bid + source.choice((-1, 0, 1, 1, 2, 5))}
    depth = {side: source.choice((0, 1, 3, 10, 10, 10)) for side in best}
    row: dict[str, Any] = {}
    for side, direction in (("Bid", -1), ("Ask", 1)):
        for level in range(1, 11):
            there = level <= depth[side]
            row[f"{side}Price{level}"] = round((best[side] + direction * (level - 1)) * TICK, 2) if there else None
            row[f"{side}Quantity{level}"] = source.choice((1, 100, 300)) if there else None
            row[f"{side}NumOrders{level}"] = source.choice((1, 2, 5)) if there else None
    return row
