"""Faults: what goes wrong with market data, put into a lake on purpose, one at a time and in a known place.

A checker of data is tested by whether it finds what was broken; an importer or a run by what it does about it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, get_args

import polars as pl

from basalt.core.bucketing import NANOS_PER_SECOND
from basalt.core.errors import InvalidValue
from basalt.core.lake import lake_path
from basalt.core.tables import Table
from basalt.market.tables import TABLES
from basalt.testing.tables import clock_column

Fault = Literal[
    "drop",
    "duplicate",
    "reorder",
    "wrong side",
    "negative size",
    "clock jump",
    "unknown id",
    "halt without resume",
    "truncated file",
]

JUMP_NANOS = 1800 * NANOS_PER_SECOND
UNKNOWN_ID = "order that nobody entered"
_OPEN = "CONTINUOUS_TRADING"
_QUANTITY = {"l2": "BidQuantity1"}
_EDGE = 0.25


@dataclass(frozen=True)
class Injected:
    """A fault that was put into a lake.

    Attributes:
        fault: Its kind.
        table, mic, day: The file.
        listing: The listing whose row was broken; None where it is the whole file.
        at: Time of the row, ns since 1970 UTC; None where it is the whole file.
        path: The file's path.
    """

    fault: Fault
    table: str
    mic: str
    day: date
    listing: int | None
    at: int | None
    path: Path


@dataclass(frozen=True)
class _File:
    """A file while a fault is put into it: its rows, in order of the file."""

    table: Table
    rows: pl.DataFrame
    source: random.Random

    @property
    def clock(self) -> str:
        return clock_column(self.table, self.rows.columns)

    def pick(self, *conditions: pl.Expr) -> int:
        """Place of a row in the middle of the day that meets all *conditions*."""
        met = [self._is_trading(), *conditions]
        places = self.rows.with_row_index("place").filter(*met)["place"].to_list()
        middle = places[int(len(places) * _EDGE) : int(len(places) * (1 - _EDGE)) + 1]
        if not middle:
            raise InvalidValue(f"{self.table.name} has no row that the fault could break", where="inject", hint="take a busier day")
        return int(self.source.choice(middle))

    def _is_trading(self) -> pl.Expr:
        return (
            pl.col("MarketState") == _OPEN
            if "MarketState" in self.rows.columns and self.table.name != "marketstate"
            else pl.lit(value=True)
        )

    def has(self, name: str) -> bool:
        return name in self.rows.columns

    def changed(self, place: int, **values: pl.Expr) -> pl.DataFrame:
        """The rows with other values in one of them."""
        here = pl.int_range(pl.len()) == place
        return self.rows.with_columns(pl.when(here).then(expr).otherwise(pl.col(name)).alias(name) for name, expr in values.items())


Break = Callable[[_File], tuple[pl.DataFrame, int]]
"""From a file to its broken rows and the place of the row that was broken."""


def inject(lake: str | Path, fault: Fault, table: str, mic: str, day: date, *, seed: int = 0) -> Injected:
    """Put one fault into a file of a lake.

    Args:
        lake: Root of the lake; the file is overwritten.
        fault: What goes wrong.
        table: Name of the table: `trades`, `l2`, `l3` or `marketstate`.
        mic, day: Market and day of the file.
        seed: Another seed breaks another row.

    Returns:
        Where the fault is.

    Raises:
        InvalidValue: The fault does not go with the table, or no row could be broken.
    """
    if fault not in get_args(Fault):
        raise InvalidValue(f"unknown fault {fault!r}", where="inject", hint=f"one of: {', '.join(get_args(Fault))}")
    contract = {each.name: each for each in TABLES}[table]
    path = Path(lake_path(str(lake), contract, mic, day))
    if fault == "truncated file":
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        return Injected(fault, table, mic, day, None, None, path)
    file = _File(contract, pl.read_parquet(path), random.Random(f"{seed} {fault} {table}"))  # noqa: S311 - reproducible, not secret
    broken, place = _BREAKS[fault](file)
    row = file.rows.row(place, named=True)
    at = file.rows.select(pl.col(file.clock).cast(pl.Datetime("ns")).cast(pl.Int64))[file.clock][place]
    broken.write_parquet(path)
    return Injected(fault, table, mic, day, int(row["ListingId"]), int(at), path)


def _drop(file: _File) -> tuple[pl.DataFrame, int]:
    place = file.pick(*([pl.col("Classification") == "LIT_CONTINUOUS"] if file.has("Classification") else []))
    return file.rows.filter(pl.int_range(pl.len()) != place), place


def _duplicate(file: _File) -> tuple[pl.DataFrame, int]:
    place = file.pick()
    return pl.concat([file.rows[: place + 1], file.rows[place:]]), place


def _reorder(file: _File) -> tuple[pl.DataFrame, int]:
    place = file.pick()
    clock = file.rows[file.clock]
    later = next(other for other in range(place + 1, file.rows.height) if clock[other] > clock[place])
    others = [*range(place), *range(place + 1, later + 1), place, *range(later + 1, file.rows.height)]
    return file.rows[others], place


def _wrong_side(file: _File) -> tuple[pl.DataFrame, int]:
    if file.has("AggressorSide"):
        place = file.pick(pl.col("AggressorSide").is_in([1, 2]), pl.col("Classification") == "LIT_CONTINUOUS")
        return file.changed(place, AggressorSide=3 - pl.col("AggressorSide")), place
    place = file.pick(_names_order("OldOrderId"))
    return file.changed(place, Side=3 - pl.col("Side")), place


def _negative_size(file: _File) -> tuple[pl.DataFrame, int]:
    name = _QUANTITY.get(file.table.name, "Size")
    place = file.pick(pl.col(name) > 0)
    return file.changed(place, **{name: -pl.col(name)}), place


def _clock_jump(file: _File) -> tuple[pl.DataFrame, int]:
    """A row half an hour late, and the file sorted by the clock again: nothing is out of order."""
    place = file.pick(*([pl.col("Classification") == "LIT_CONTINUOUS"] if file.has("Classification") else []))
    clocks = [name for name in file.table.time_from if file.has(name)]
    late = {
        name: pl.col(name) + pl.duration(nanoseconds=JUMP_NANOS, time_unit="ns").cast(pl.Duration(_precision(file, name)))
        for name in clocks
    }
    order = [clocks[0], *(name for name in file.table.order if file.has(name))]
    return file.changed(place, **late).sort(order, maintain_order=True), place


def _precision(file: _File, name: str) -> Literal["ns", "us", "ms"]:
    dtype = file.rows.schema[name]
    assert isinstance(dtype, pl.Datetime)
    return dtype.time_unit


def _unknown_id(file: _File) -> tuple[pl.DataFrame, int]:
    place = file.pick(_names_order("OldOrderId"))
    named = pl.when(_names_order("OrderId")).then(pl.lit(UNKNOWN_ID)).otherwise(pl.col("OrderId"))
    return file.changed(place, OldOrderId=pl.lit(UNKNOWN_ID), OrderId=named), place


def _halt(file: _File) -> tuple[pl.DataFrame, int]:
    """The last phase of continuous trading becomes a halt, and nothing follows."""
    places = file.rows.with_row_index("place").filter(pl.col("MarketState") == _OPEN)["place"]
    place = int(file.source.choice(places.to_list()))
    listing = file.rows["ListingId"][place]
    after = (pl.int_range(pl.len()) > place) & (pl.col("ListingId") == listing)
    return file.changed(place, MarketState=pl.lit("HALTED")).filter(~after), place


def _names_order(name: str) -> pl.Expr:
    return (pl.col(name).is_not_null() & (pl.col(name) != "")).fill_null(value=False)


_BREAKS: Mapping[str, Break] = {
    "drop": _drop,
    "duplicate": _duplicate,
    "reorder": _reorder,
    "wrong side": _wrong_side,
    "negative size": _negative_size,
    "clock jump": _clock_jump,
    "unknown id": _unknown_id,
    "halt without resume": _halt,
}

__all__ = ["JUMP_NANOS", "UNKNOWN_ID", "Fault", "Injected", "inject"]
