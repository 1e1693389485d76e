"""Preprocessor `book_preprocess`: books of any number of levels from order events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl
from pydantic import Field

from basalt.core import Clock, Input, ModuleConfig, Produced, Scope
from basalt.core.bucketing import DATE, TIME_BUCKET
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.errors import ConflictingSettings, MissingColumn
from basalt.preprocessors.levels import planned_levels
from basalt.preprocessors.streaming import chunks, sourced, stepped

CLOCK = "EventTimestamp"
Sample = Literal["event", "change", "bucket"]
NEEDED = ("ListingId", "Side", "Price", "Size", "OldPrice", "OldSize")
CARRIED = ("EventTimestamp", "TradeDate", "MarketState", "BMLLSequenceNo", "EventNo", "TimeBucket")
NUMBERS = {
    "BidLevelCount": "Price levels on the bid side of the whole book.",
    "AskLevelCount": "Price levels on the ask side of the whole book.",
}


class BookConfig(ModuleConfig):
    """Section `book_preprocess` of a pass."""

    levels: int = Field(10, ge=1, description="Levels a side to show.")
    sample: Sample = Field(
        "change",
        description="A row after every event, after every event that changes these levels, or at the end of every bucket with events.",
    )


def event_reads(l3: Dataset, where: str) -> tuple[str, ...]:
    """Columns of order events that a book is built from.

    Raises:
        MissingColumn: One of them is not there.
    """
    known = l3.schema()
    for name in NEEDED:
        if name not in known:
            raise MissingColumn(f"{l3.name!r} has no column {name!r}", where=where, hint="books need the size before and after every event")
    return (*NEEDED, *(name for name in ("EndOfEvent",) if name in known))


def book_schema(carried: Mapping[str, pl.DataType], levels: int, *, numbered: bool) -> dict[str, pl.DataType]:
    """Columns that `built_books` makes: those of the events that are carried over, counts and levels."""
    counts: dict[str, pl.DataType] = {name: pl.Int32() for name in NUMBERS}
    number: dict[str, pl.DataType] = {"L2EventNo": pl.Int64()} if numbered else {}
    return {**carried, **counts, **number, **{column.name: column.dtype for column in planned_levels(levels)}}


def books_after(events: pl.LazyFrame, *, levels: int, sample: Sample) -> Iterator[pl.DataFrame]:
    """Books after *events*, which are in order for each listing, some at a time."""
    from basalt.books import BookBuilder  # compiled code is loaded where it runs, not where runs are planned

    return stepped(chunks(events), BookBuilder(levels=levels, sample=sample, carry=CARRIED))


def built_books(events: pl.LazyFrame, *, levels: int, sample: Sample) -> pl.LazyFrame:
    """`books_after` as a lazy frame, in memory that does not grow with *events*."""
    types = events.collect_schema()
    carried = {"ListingId": types["ListingId"], **{name: types[name] for name in CARRIED if name in types}}
    schema = book_schema(carried, levels, numbered=sample != "bucket")
    return sourced(schema, lambda: books_after(events, levels=levels, sample=sample))


@dataclass(frozen=True)
class BookPreprocess:
    """Books of listings, built from their order events."""

    name: str = "book_preprocess"
    config_key: str = "book_preprocess"
    config_model: type[BookConfig] = BookConfig
    doc: str = "Books of any number of levels, from order events."

    def inputs(self, config: BookConfig) -> tuple[Input, ...]:
        """Order events."""
        return (Input("l3", "l3"),)

    def plan(self, config: BookConfig, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Mapping[str, Produced]:
        """The table `book`.

        Raises:
            ConflictingSettings: Buckets are asked of a pass that has none.
            MissingColumn: A column is not there.
        """
        is_bucket = config.sample == "bucket"
        if is_bucket and clock.is_event:
            raise ConflictingSettings("sample 'bucket' in a pass without buckets", where=f"{where}.sample", hint="sample: event or change")
        known = inputs["l3"].schema()
        day = ("TradeDate",) if is_bucket and clock.is_daily else ()
        carried = tuple(name for name in ("MarketState", "BMLLSequenceNo", "EventNo") if name in known and not is_bucket)
        reads = (*event_reads(inputs["l3"], where), CLOCK, *carried, *day)
        columns = (
            *(inputs["l3"].column(name) for name in carried),
            *(PlannedColumn(name, pl.Int32(), "levels", doc) for name, doc in NUMBERS.items()),
            *planned_levels(config.levels, of="the listing"),
        )
        number = PlannedColumn("L2EventNo", pl.Int64(), "", "Number of the row within the listing's day.")
        if is_bucket:
            return {"book": Produced(columns, ("ListingId", TIME_BUCKET), Scope(), clock, reads={"l3": reads})}
        listing = PlannedColumn("ListingId", pl.Int64(), "", "The listing.")
        time = PlannedColumn(CLOCK, pl.Datetime("ns"), "", "Time of the event, UTC.")
        return {"book": Produced((listing, time, number, *columns), (), Scope(), reads={"l3": reads})}

    def compute(
        self, config: BookConfig, inputs: Mapping[str, pl.LazyFrame], planned: Mapping[str, Dataset], clock: Clock
    ) -> Mapping[str, pl.LazyFrame]:
        """The rows of `plan`."""
        events = inputs["l3"]
        if config.sample == "bucket":
            dated = events.with_columns(pl.col("TradeDate").cast(pl.Date).alias(DATE)) if clock.is_daily else events
            events = dated.with_columns(clock.label(pl.col(CLOCK)).alias(TIME_BUCKET)).select(
                *NEEDED, TIME_BUCKET, *(["EndOfEvent"] if "EndOfEvent" in events.collect_schema() else [])
            )
        return {"book": built_books(events, levels=config.levels, sample=config.sample)}


BOOK_PREPROCESS = BookPreprocess()
