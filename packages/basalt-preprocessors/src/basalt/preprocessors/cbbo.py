"""Consolidated books: what the two preprocessors that make them have in common, and the one that reads `l2`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from pydantic import Field, field_validator, model_validator

from basalt.core import Clock, Input, ModuleConfig, Produced, Scope
from basalt.core.bucketing import DATE, TIME_BUCKET
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.errors import ConflictingSettings, MissingColumn
from basalt.market.books import L2 as L2_TABLE
from basalt.market.books import LEVELS
from basalt.market.states import CONTINUOUS_STATES, MarketState
from basalt.preprocessors.instruments import REFERENCE, IndexBy, members, reference_reads
from basalt.preprocessors.levels import ADMITTED, INDEX, LABEL, LAST, ordered_levels, planned_levels
from basalt.preprocessors.streaming import chunks, groups, sourced

if TYPE_CHECKING:
    from basalt.preprocessors.merging import Events
    from basalt.preprocessors.shelving import WordShelf

CLOCK, STATE, PHASES, NUMBER = "EventTimestamp", "MarketState", "marketstate", "listing number"
Books = Callable[[], Iterator[pl.DataFrame]]
"""Gives books of listings, some at a time, anew for each reading."""


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
    books: Books,
    phases: pl.LazyFrame | None,
    reference: pl.LazyFrame,
    config: CbboConfig,
    clock: Clock,
    levels: int,
    venues: Sequence[str] = (),
) -> pl.LazyFrame:
    """The rows of `plan_cbbo`, in memory that does not grow with *books*.

    Books are put away listing by listing while they are read, then merged in order of time. For buckets only the last book
    of each listing in each is kept.

    Args:
        books: Books of listings, each listing's in order of events, some at a time, anew for each reading.
        phases: From when on each listing is in which state, in order; None when all count always.
        reference: The listings.
        config: The section.
        clock: Buckets of the rows.
        levels: Levels that *books* have.
        venues: MICs whose levels stand beside those of all.
    """
    is_event, has_primary = config.time_index == "event", config.index_by == "PrimaryListingId"
    index, label = ("ListingId" if has_primary else "InstrumentId"), (CLOCK if is_event else TIME_BUCKET)
    schema = {index: pl.Int64(), label: pl.Datetime("ns"), LAST: pl.Datetime("ns")}
    schema |= {each.name: each.dtype for mic in ("", *venues) for each in planned_levels(config.top_n, mic and f"_{mic}")}
    consolidation = Consolidation(config, clock, levels, index, label, tuple(venues))
    made = sourced(schema, lambda: consolidation.rows(books(), phases, reference))
    return made.with_columns(pl.col(index).alias("PrimaryListingId")) if has_primary else made


@dataclass(frozen=True)
class Consolidation:
    """How books of listings become those of instruments.

    Attributes:
        config: The section.
        clock: Buckets of the rows.
        levels: Levels that books have.
        index: Name of the column that tells instruments apart.
        label: Name of the column that tells rows of an instrument apart.
        venues: MICs whose levels stand beside those of all.
    """

    config: CbboConfig
    clock: Clock
    levels: int
    index: str
    label: str
    venues: tuple[str, ...]

    def rows(self, books: Iterator[pl.DataFrame], phases: pl.LazyFrame | None, reference: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        """Books of instruments, some at a time."""
        from basalt.preprocessors.consolidating import Consolidator  # compiled code is loaded where it runs, not where runs are planned
        from basalt.preprocessors.merging import merged, nothing
        from basalt.preprocessors.shelving import WordShelf

        listings = members(reference, self.config.index_by).collect().rename({"index": INDEX}).sort("ListingId")
        alone = {mic: listings.filter(pl.col("MIC") == mic)["ListingId"].to_list() for mic in self.venues}
        consolidator = Consolidator(listings, self.levels, self.config.top_n, self.index, self.label, alone)
        with WordShelf() as shelf:
            days = self._put_away(books, shelf, listings, decides=phases is None)
            begun = None if phases is None else self._begun(phases, listings, days)
            for group in groups(self._by_instrument(listings), shelf.heights):
                for events in merged(shelf, group, nothing() if begun is None else self._events(begun, group)):
                    yield from consolidator.feed(events)
            yield consolidator.finish(nothing())

    def _put_away(self, books: Iterator[pl.DataFrame], shelf: WordShelf, listings: pl.DataFrame, *, decides: bool) -> pl.DataFrame:
        """Put books away; gives the listings that have some, with their day where buckets are days."""
        from basalt.preprocessors.packing import Packer

        packer = Packer(listings["ListingId"].to_numpy(), self.levels, shelf)
        admitted = pl.lit(value=True) if decides else self._admits()
        days: dict[int, date | None] = {}
        for each in books:
            dated = each.with_columns(pl.col("TradeDate").cast(pl.Date).alias(DATE)) if self._is_daily else each
            named = dated.with_columns(self._labels(), admitted.alias(ADMITTED))
            first = dated.group_by("ListingId").agg(pl.col(DATE).first() if self._is_daily else pl.lit(None, pl.Date).alias(DATE))
            days = dict(first.iter_rows()) | days
            packer.put(self._last(named))
        return pl.DataFrame({"ListingId": list(days), DATE: list(days.values())}, schema={"ListingId": pl.Int64, DATE: pl.Date})

    def _last(self, books: pl.DataFrame) -> pl.DataFrame:
        """The last book of each listing in each bucket; an instant is no bucket, as another listing's may be in between."""
        if self.config.time_index == "event":
            return books
        is_followed = (pl.col("ListingId") == pl.col("ListingId").shift(-1)) & (pl.col(LABEL) == pl.col(LABEL).shift(-1))
        return books.filter(~is_followed.fill_null(value=False))

    def _begun(self, phases: pl.LazyFrame, listings: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
        """Beginnings of phases of listings that have books, in order of time; listings by dense number."""
        last = phases.drop_nulls(STATE).unique(
            ["ListingId", CLOCK], keep="last", maintain_order=True
        )  # at one instant the last phase counts
        numbered = listings.lazy().select("ListingId", pl.int_range(pl.len(), dtype=pl.Int64).alias(NUMBER))
        return (
            last.join(days.lazy(), on="ListingId", maintain_order="left")
            .join(numbered, on="ListingId", maintain_order="left")
            .select(NUMBER, CLOCK, self._labels(), self._admits().alias(ADMITTED))
            .sort(CLOCK, maintain_order=True)
            .collect()
        )

    @staticmethod
    def _events(begun: pl.DataFrame, listings: Sequence[int]) -> Events:
        """Phases of some listings as events."""
        from basalt.preprocessors.merging import Events

        own = begun.filter(pl.col(NUMBER).is_in(listings))
        number, time, label, admitted = (own[name].to_physical().to_numpy() for name in (NUMBER, CLOCK, LABEL, ADMITTED))
        return Events(number, time, label, np.full(own.height, -1, np.int64), admitted, np.empty(0, np.int64))

    @staticmethod
    def _by_instrument(listings: pl.DataFrame) -> dict[int, list[int]]:
        """Dense numbers of the listings of each instrument."""
        of: dict[int, list[int]] = {}
        for instrument, number in listings.with_row_index(NUMBER).sort(INDEX, "ListingId").select(INDEX, NUMBER).iter_rows():
            of.setdefault(instrument, []).append(number)
        return of

    @property
    def _is_daily(self) -> bool:
        return self.clock.is_daily and self.config.time_index == "timebucket"

    def _labels(self) -> pl.Expr:
        return (pl.col(CLOCK) if self.config.time_index == "event" else self.clock.label(pl.col(CLOCK))).alias(LABEL)

    def _admits(self) -> pl.Expr:
        return pl.col(STATE).is_in(list(self.config.market_states or ())).fill_null(value=False)


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
        reference, levels, l2 = inputs[REFERENCE], min(config.levels_in, LEVELS), inputs["l2"]
        needed = {"ListingId", CLOCK, "TradeDate", STATE, *ordered_levels(levels)}
        books = l2.select(name for name in l2.collect_schema() if name in needed)
        chosen = reference if config.mic_whitelist is None else reference.filter(pl.col("MIC").is_in(config.mic_whitelist))
        phases = inputs[PHASES] if config.market_states else None
        return {"cbbo": consolidated(lambda: chunks(books), phases, chosen, config, clock, levels, _wide(config))}


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


CBBO_PREPROCESS = CbboPreprocess()
