"""Consolidated books: what the two preprocessors that make them have in common, and the one that reads `l2`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl
from pydantic import Field, field_validator, model_validator

from basalt.core import Clock, Input, ModuleConfig, Produced, Scope
from basalt.core.bucketing import DATE, TIME_BUCKET
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.errors import ConflictingSettings, MissingColumn
from basalt.market.books import BOOK_SIDES, LEVELS
from basalt.market.books import L2 as L2_TABLE
from basalt.market.states import CONTINUOUS_STATES, MarketState
from basalt.preprocessors.instruments import REFERENCE, IndexBy, members, reference_reads
from basalt.preprocessors.levels import ADMITTED, IS_PHASE, LABEL, LAST, ordered_levels, planned_levels
from basalt.preprocessors.streaming import Stepper, streamed

CLOCK, STATE, PHASES = "EventTimestamp", "MarketState", "marketstate"


def _continuous() -> list[MarketState] | None:
    return sorted(CONTINUOUS_STATES)


class CbboConfig(ModuleConfig):
    """What both preprocessors of consolidated books can be told."""

    index_by: IndexBy = Field("InstrumentId", description="What tells consolidated books apart: the instrument, or its primary listing.")
    top_n: int = Field(10, ge=1, le=10, description="Levels a side to show.")
    time_index: Literal["event", "timebucket"] = Field(
        "timebucket",
        description="event: a row for every instant at which a venue's book or part changes; timebucket: one for each bucket with such.",
    )
    emit_last_event_ts: bool = Field(False, description="Add LastEventTimestamp, the time of the last event in the bucket.")
    market_states: list[MarketState] | None = Field(
        default_factory=_continuous,
        description="A listing takes part while its phase, as the market-state table tells it, is one of these; null: always.",
    )

    @field_validator("market_states", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class CbboPreprocessConfig(CbboConfig):
    """Section `cbbo_preprocess` of a pass."""

    levels_in: int = Field(10, ge=1, description="Levels of `l2` to read.")
    include_mic_wide: bool = Field(False, description="Add the levels of each venue of mic_whitelist, as <column>_<MIC>.")
    mic_whitelist: list[str] | None = Field(None, min_length=1, description="Consolidate these venues only; null: all.")

    @model_validator(mode="after")
    def _check(self) -> Any:
        if self.include_mic_wide and self.mic_whitelist is None:
            raise ConflictingSettings(
                "include_mic_wide needs venues to make columns of",
                where="cbbo_preprocess.mic_whitelist",
                hint="columns are known before data are read: list the MICs",
            )
        return self


def plan_cbbo(config: CbboConfig, clock: Clock, reads: Mapping[str, tuple[str, ...]], more: Sequence[PlannedColumn] = ()) -> Produced:
    """Schema of a table of consolidated books."""
    is_event = config.time_index == "event"
    primary = PlannedColumn("PrimaryListingId", pl.Int64(), "", "Listing that stands for the instrument; the same as ListingId.")
    last = PlannedColumn(LAST, pl.Datetime("ns"), "", "Time of the last event in the bucket.")
    columns = (
        *((primary,) if config.index_by == "PrimaryListingId" else ()),
        *planned_levels(config.top_n),
        *((last,) if config.emit_last_event_ts and not is_event else ()),
        *more,
    )
    key = "ListingId" if config.index_by == "PrimaryListingId" else "InstrumentId"
    keys = (key, CLOCK if is_event else TIME_BUCKET)
    return Produced(columns, keys, Scope("instrument"), None if is_event else clock, reads=reads)


def book_reads(l2: Dataset, levels: int, config: CbboConfig, clock: Clock, where: str) -> tuple[str, ...]:
    """Columns to read of a table of books or order events, besides those that make levels of order events.

    Raises:
        MissingColumn: There is no market state to select by, or no trade date to make days of.
    """
    known = l2.schema()
    needed = {STATE: bool(config.market_states), "TradeDate": clock.is_daily and config.time_index == "timebucket"}
    for name, is_needed in needed.items():
        if is_needed and name not in known:
            hint = "market_states: null takes every row" if name == STATE else "set time_bucket_seconds"
            raise MissingColumn(f"{l2.name!r} has no column {name!r}", where=where, hint=hint)
    extra = [name for name, is_needed in needed.items() if is_needed]
    return ("ListingId", CLOCK, *extra, *(name for name in ordered_levels(levels) if name in known))


def consolidated(
    books: pl.LazyFrame, phases: pl.LazyFrame | None, reference: pl.LazyFrame, config: CbboConfig, clock: Clock, levels: int
) -> pl.LazyFrame:
    """The rows of `plan_cbbo`, without columns of single venues.

    Args:
        books: Books of listings, each listing's in order of events.
        phases: From when on each listing is in which state, in order; None when all count always.
        reference: The listings.
        config: The section.
        clock: Buckets of the rows.
        levels: Levels that *books* has.
    """
    is_event = config.time_index == "event"
    index, label = ("ListingId" if config.index_by == "PrimaryListingId" else "InstrumentId"), (CLOCK if is_event else TIME_BUCKET)
    dated = books.with_columns(pl.col("TradeDate").cast(pl.Date).alias(DATE)) if clock.is_daily and not is_event else books
    rows = (
        _with_phases(dated, phases, config)
        .join(members(reference, config.index_by).select("ListingId", "index"), on="ListingId", maintain_order="left")
        .with_columns((pl.col(CLOCK) if is_event else clock.label(pl.col(CLOCK))).alias(LABEL))
        .sort(CLOCK, maintain_order=True)
    )
    schema = {index: pl.Int64(), label: pl.Datetime("ns"), LAST: pl.Datetime("ns")}
    schema |= {column.name: column.dtype for column in planned_levels(config.top_n)}

    def consolidator() -> Stepper:
        from basalt.preprocessors.consolidating import Consolidator  # compiled code is loaded where it runs, not where runs are planned

        return Consolidator(levels, config.top_n, index, label)

    made = streamed(rows, schema, consolidator)
    return made.with_columns(pl.col(index).alias("PrimaryListingId")) if config.index_by == "PrimaryListingId" else made


def _with_phases(books: pl.LazyFrame, phases: pl.LazyFrame | None, config: CbboConfig) -> pl.LazyFrame:
    """Books, and beginnings of phases of their listings, with whether the listing takes part from then on."""
    if phases is None:
        return books.with_columns(pl.lit(value=True).alias(ADMITTED), pl.lit(value=False).alias(IS_PHASE))
    admitted = pl.col(STATE).is_in(list(config.market_states or ())).fill_null(value=False).alias(ADMITTED)
    last = phases.drop_nulls(STATE).unique(["ListingId", CLOCK], keep="last", maintain_order=True)  # at one instant the last phase counts
    begun = last.select("ListingId", CLOCK, admitted, pl.lit(value=True).alias(IS_PHASE))
    if DATE in books.collect_schema():
        begun = begun.join(books.group_by("ListingId").agg(pl.col(DATE).first()), on="ListingId", maintain_order="left")
    return pl.concat([begun, books.with_columns(admitted, pl.lit(value=False).alias(IS_PHASE)).drop(STATE)], how="diagonal_relaxed")


def phase_input(config: CbboConfig) -> tuple[Input, ...]:
    """The market-state table, where states matter."""
    return (Input(PHASES, PHASES, ("ListingId", CLOCK, STATE)),) if config.market_states else ()


@dataclass(frozen=True)
class CbboPreprocess:
    """The consolidated book of an instrument: the best over the venues that trade continuously at that instant.

    Each venue's book stands until it changes; the consolidated one is their sum, price by price. At one instant all
    events count before a row is made. A listing takes part from when its phase is one of the chosen states, with the book
    it then has, until it is not. The phase is that of the market-state table, which changes without a book; before its
    first row for the listing it is that of the book.
    """

    name: str = "cbbo_preprocess"
    config_key: str = "cbbo_preprocess"
    config_model: type[CbboPreprocessConfig] = CbboPreprocessConfig
    doc: str = "Consolidated books of instruments, from the books of all their venues."

    def inputs(self, config: CbboPreprocessConfig) -> tuple[Input, ...]:
        """Books, phases and reference data."""
        return (Input("l2", L2_TABLE.name), Input(REFERENCE, REFERENCE), *phase_input(config))

    def plan(self, config: CbboPreprocessConfig, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Mapping[str, Produced]:
        """The table `cbbo`.

        Raises:
            ConflictingSettings: Buckets are asked of a pass that has none.
            MissingColumn: A column is not there.
        """
        refuse_no_buckets(config, clock, where)
        levels = book_reads(inputs["l2"], min(config.levels_in, LEVELS), config, clock, where)
        reads = {"l2": levels, REFERENCE: reference_reads(inputs[REFERENCE])}
        wide = [column for mic in _wide(config) for column in planned_levels(config.top_n, f"_{mic}", mic)]
        return {"cbbo": plan_cbbo(config, clock, reads, wide)}

    def compute(
        self, config: CbboPreprocessConfig, inputs: Mapping[str, pl.LazyFrame], planned: Mapping[str, Dataset], clock: Clock
    ) -> Mapping[str, pl.LazyFrame]:
        """The rows of `plan`."""
        reference, levels = inputs[REFERENCE], min(config.levels_in, LEVELS)
        chosen = reference if config.mic_whitelist is None else reference.filter(pl.col("MIC").is_in(config.mic_whitelist))
        phases = inputs[PHASES] if config.market_states else None
        made = consolidated(inputs["l2"], phases, chosen, config, clock, levels)
        for mic in _wide(config):
            made = _beside(made, inputs["l2"], phases, reference, chosen, config, clock, mic)
        return {"cbbo": made}


def refuse_no_buckets(config: CbboConfig, clock: Clock, where: str) -> None:
    """Refuse buckets in a pass that has none."""
    if config.time_index == "timebucket" and clock.is_event:
        raise ConflictingSettings(
            "time_index 'timebucket' in a pass without buckets",
            where=f"{where}.time_index",
            hint="time_index: event, or a pass with buckets",
        )


def _wide(config: CbboPreprocessConfig) -> Sequence[str]:
    return config.mic_whitelist or () if config.include_mic_wide else ()


def _beside(
    made: pl.LazyFrame,
    books: pl.LazyFrame,
    phases: pl.LazyFrame | None,
    reference: pl.LazyFrame,
    chosen: pl.LazyFrame,
    config: CbboPreprocessConfig,
    clock: Clock,
    mic: str,
) -> pl.LazyFrame:
    """*made* with the levels that the venue *mic* showed at the same time."""
    of_venue = members(chosen, config.index_by).filter(pl.col("MIC") == mic)
    alone = reference.join(of_venue.select("ListingId"), on="ListingId", how="semi")
    venue = consolidated(books, phases, alone, config.model_copy(update={"time_index": "event"}), clock, min(config.levels_in, LEVELS))
    index = "ListingId" if config.index_by == "PrimaryListingId" else "InstrumentId"
    if config.index_by == "PrimaryListingId":
        names = members(chosen, config.index_by).select("ListingId", "index")
        venue = venue.join(names, on="ListingId", maintain_order="left").with_columns(pl.col("index").alias("ListingId"))
    names_of = [name for side in BOOK_SIDES for name in ordered_levels(config.top_n) if name.startswith(side)]
    right = venue.select(index, pl.col(CLOCK).alias("venue time"), *(pl.col(name).alias(f"{name}_{mic}") for name in names_of))
    left_on = LAST if config.time_index == "timebucket" else CLOCK
    joined = made.sort(left_on, maintain_order=True).join_asof(
        right.sort("venue time", maintain_order=True), left_on=left_on, right_on="venue time", by=index, check_sortedness=False
    )
    return joined.with_columns(
        pl.col(f"{side}Quantity{level}_{mic}").fill_null(0) for side in BOOK_SIDES for level in range(1, config.top_n + 1)
    )


CBBO_PREPROCESS = CbboPreprocess()
