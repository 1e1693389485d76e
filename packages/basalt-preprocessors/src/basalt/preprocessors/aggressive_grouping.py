"""Executions with the number of the incoming order that caused them, and orders made of their executions, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from basalt.market.sides import Aggressor, RestingSide
from basalt.market.states import AUCTION_STATES
from basalt.preprocessors.streaming import chunks, sourced, stepped

ORDER, EXECUTION = "AggressiveOrderId", "AggressiveExecutionId"
SIDE, GAP, NUMBER = "AggressorSide", "TimeSincePrev", "ConsolidatedTrades"
RUN, PLACE, SAME = "SequenceNumber", "SameSideSequence", "IsSameGroup"
EVENT, CARRIED = "event number", "is of before"
NANOS_PER_SECOND = 1_000_000_000
NUMBERS = (RUN, NUMBER, EXECUTION, PLACE)
"""What goes on counting from chunk to chunk."""


@dataclass(frozen=True)
class Source:
    """Columns of executions in one of the tables that have them."""

    table: str
    clock: str
    size: str
    price: str
    needed: tuple[str, ...]
    optional: tuple[str, ...]


SOURCES = {
    "trades": Source("trades", "TradeTimestamp", "Size", "LocalPrice", (SIDE,), ("MarketState",)),
    "l3": Source("l3", "EventTimestamp", "ExecutionSize", "ExecutionPrice", ("Side",), ("MarketState", "Printable", "EndOfEvent")),
}


def execution_schema(known: Mapping[str, pl.DataType]) -> dict[str, pl.DataType]:
    """Columns of `executions_of` and their types: those of the source and what is found."""
    found = dict.fromkeys((SIDE, GAP, *NUMBERS), pl.Int64())
    return {**known, **found, SAME: pl.Boolean(), "AggressiveExecutionSize": pl.Float64()}


def grouped(rows: pl.LazyFrame, source: Source, seconds: float) -> pl.LazyFrame:
    """`executions_of` as a lazy frame."""
    return sourced(execution_schema(rows.collect_schema()), lambda: executions_of(rows, source, seconds))


def executions_of(rows: pl.LazyFrame, source: Source, seconds: float) -> Iterator[pl.DataFrame]:
    """The executions among *rows* with the number of the incoming order, and how it was found, some at a time.

    Args:
        rows: Rows of the source, each listing's in order of events.
        source: Its columns.
        seconds: Longest time between two executions of an order.
    """
    return stepped(chunks(rows), Grouping(source, round(seconds * NANOS_PER_SECOND)))


def orders_of(executions: Iterator[pl.DataFrame], source: Source, columns: Mapping[str, pl.Expr]) -> Iterator[pl.DataFrame]:
    """One row an incoming order: when it began, and *columns* of its *executions*."""
    return stepped(executions, Ordering(source, columns))


class Grouping:
    """Numbers of executions. Remembered are the last execution of each listing, and how many events of the venue were before."""

    def __init__(self, source: Source, tolerance: int) -> None:
        self.source, self.tolerance = source, tolerance
        self._last: pl.DataFrame | None = None
        self._ended: dict[int, int] = {}

    def feed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The executions among *rows*, numbered."""
        took = self._took(self._with_events(rows))
        known = took if self._last is None else pl.concat([self._last, took])
        numbered = self._numbered(self._held_against_before(known))
        kept = numbered.select(took.columns)
        self._last = kept.unique("ListingId", keep="last", maintain_order=True).with_columns(pl.lit(value=True).alias(CARRIED))
        return numbered.filter(~pl.col(CARRIED))

    def finish(self) -> pl.DataFrame:
        """Nothing waits."""
        return pl.DataFrame()

    def _with_events(self, rows: pl.DataFrame) -> pl.DataFrame:
        """*rows* with the number of the venue's event that each belongs to, where rows tell which of them end one."""
        if "EndOfEvent" not in rows.columns:
            return rows.with_columns(pl.lit(None, pl.Int64).alias(EVENT))
        ends = pl.col("EndOfEvent").fill_null(value=True).cast(pl.Int64)
        before = pl.col("ListingId").replace_strict(self._ended, default=0, return_dtype=pl.Int64) if self._ended else 0
        counted = rows.with_columns((ends.cum_sum().over("ListingId") + before).alias("ended"))
        self._ended |= dict(counted.group_by("ListingId").agg(pl.col("ended").last()).iter_rows())
        return counted.with_columns((pl.col("ended") - ends).alias(EVENT)).drop("ended")

    def _took(self, rows: pl.DataFrame) -> pl.DataFrame:
        side = pl.col(SIDE).cast(pl.Int64) if SIDE in rows.columns else _aggressor_of(pl.col("Side")).cast(pl.Int64)
        sides = [Aggressor.BUY.value, Aggressor.SELL.value]
        return (
            rows.with_columns(side.alias(SIDE))
            .filter(pl.col(self.source.size) > 0, pl.col(SIDE).is_in(sides), *_lit(rows.columns))
            .with_columns(*(pl.lit(None, pl.Int64).alias(name) for name in NUMBERS), pl.lit(value=False).alias(CARRIED))
        )

    def _held_against_before(self, known: pl.DataFrame) -> pl.DataFrame:
        """How each execution differs from that of its listing before it."""
        price = pl.col(self.source.price)
        gap = (pl.col(self.source.clock) - _before(self.source.clock)).cast(pl.Int64)
        is_buyer = pl.col(SIDE) == Aggressor.BUY.value
        worse = pl.when(is_buyer).then(price >= _before(self.source.price)).otherwise(price <= _before(self.source.price))
        is_near = (gap <= self.tolerance) | (pl.col(EVENT) == _before(EVENT)).fill_null(value=False)
        changed = (pl.col(SIDE) != _before(SIDE)).fill_null(value=True)
        return known.with_columns(gap.alias(GAP), changed.alias("changed"), (is_near & worse & ~changed).fill_null(value=False).alias(SAME))

    def _numbered(self, marked: pl.DataFrame) -> pl.DataFrame:
        """Numbers go on from those of the last execution before this chunk."""
        steps = {RUN: pl.col("changed").cast(pl.Int64), NUMBER: (~pl.col(SAME)).cast(pl.Int64), EXECUTION: pl.lit(1, pl.Int64)}
        numbered = marked.with_columns(_running(name, step).over("ListingId").alias(name) for name, step in steps.items())
        return numbered.with_columns(
            _running(PLACE, pl.lit(1, pl.Int64)).over("ListingId", RUN).alias(PLACE),
            pl.col(self.source.size).cast(pl.Float64).alias("AggressiveExecutionSize"),
        ).drop("changed")


class Ordering:
    """Orders, once an execution of the next one of their listing is there. Remembered are the executions of each listing's last order."""

    def __init__(self, source: Source, columns: Mapping[str, pl.Expr]) -> None:
        self.source, self.columns = source, columns
        self._open: pl.DataFrame | None = None

    def feed(self, executions: pl.DataFrame) -> pl.DataFrame:
        """Orders that are over."""
        known = executions if self._open is None else pl.concat([self._open, executions])
        is_last = pl.col(NUMBER) == pl.col(NUMBER).max().over("ListingId")
        self._open = known.filter(is_last)
        return self._summarised(known.filter(~is_last))

    def finish(self) -> pl.DataFrame:
        """The last order of each listing."""
        return pl.DataFrame() if self._open is None else self._summarised(self._open)

    def _summarised(self, executions: pl.DataFrame) -> pl.DataFrame:
        made = [expression.alias(name) for name, expression in self.columns.items()]
        orders = executions.group_by("ListingId", NUMBER, maintain_order=True).agg(pl.col(self.source.clock).first(), *made)
        return orders.rename({NUMBER: ORDER})


def _before(name: str) -> pl.Expr:
    return pl.col(name).shift().over("ListingId")


def _running(name: str, step: pl.Expr) -> pl.Expr:
    """Sum of *step* over rows, from the number that the row of before has."""
    return pl.when(CARRIED).then(name).otherwise(step).cum_sum()


def _aggressor_of(resting: pl.Expr) -> pl.Expr:
    """Who took from an order that rested on that side."""
    return (
        pl.when(resting == RestingSide.BID.value)
        .then(Aggressor.SELL.value)
        .when(resting == RestingSide.ASK.value)
        .then(Aggressor.BUY.value)
    )


def _lit(known: list[str]) -> list[pl.Expr]:
    """Executions that somebody's incoming order can have caused, told once."""
    in_auction = pl.col("MarketState").is_in(sorted(AUCTION_STATES)).fill_null(value=False)
    printable = pl.col("Printable").fill_null(value=True)
    return [*([~in_auction] if "MarketState" in known else []), *([printable] if "Printable" in known else [])]
