"""Consolidated books: what the two preprocessors that make them have in common, and the one that reads `l2`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

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
from basalt.preprocessors.levels import ADMITTED, INDEX, IS_PHASE, LABEL, LAST, ordered_levels, planned_levels
from basalt.preprocessors.merging import groups, merged
from basalt.preprocessors.shelving import Shelf
from basalt.preprocessors.streaming import chunks, sourced, stepped

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
    books: pl.LazyFrame,
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
        books: Books of listings, each listing's in order of events.
        phases: From when on each listing is in which state, in order; None when all count always.
        reference: The listings.
        config: The section.
        clock: Buckets of the rows.
        levels: Levels that *books* has.
        venues: MICs whose levels stand beside those of all.
    """
    is_event, has_primary = config.time_index == "event", config.index_by == "PrimaryListingId"
    index, label = ("ListingId" if has_primary else "InstrumentId"), (CLOCK if is_event else TIME_BUCKET)
    schema = {index: pl.Int64(), label: pl.Datetime("ns"), LAST: pl.Datetime("ns")}
    schema |= {each.name: each.dtype for mic in ("", *venues) for each in planned_levels(config.top_n, mic and f"_{mic}")}
    consolidation = Consolidation(config, clock, levels, index, label, tuple(venues))
    made = sourced(schema, lambda: consolidation.rows(books, phases, reference))
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

    def rows(self, books: pl.LazyFrame, phases: pl.LazyFrame | None, reference: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        """Books of instruments, some at a time."""
        from basalt.preprocessors.consolidating import Consolidator  # compiled code is loaded where it runs, not where runs are planned

        listings = members(reference, self.config.index_by).collect().rename({"index": INDEX})
        alone = {mic: listings.filter(pl.col("MIC") == mic)["ListingId"].to_list() for mic in self.venues}
        stepper = Consolidator(self.levels, self.config.top_n, self.index, self.label, alone)
        with Shelf() as shelf:
            days = self._put_away(books, shelf, listings, decides=phases is None)
            begun = None if phases is None else self._begun(phases, listings, days)
            yield from stepped(self._in_order(shelf, listings, begun), stepper)

    def _put_away(self, books: pl.LazyFrame, shelf: Shelf, listings: pl.DataFrame, *, decides: bool) -> pl.DataFrame:
        """Put books away; gives the listings that have some, with their day where buckets are days."""
        dated = books.with_columns(pl.col("TradeDate").cast(pl.Date).alias(DATE)) if self._is_daily else books
        admitted = pl.lit(value=True) if decides else self._admits()
        known = [name for name in ordered_levels(self.levels) if name in dated.collect_schema()]
        named = dated.select(
            "ListingId",
            CLOCK,
            *([DATE] if self._is_daily else []),
            self._labels(),
            admitted.alias(ADMITTED),
            pl.lit(value=False).alias(IS_PHASE),
            *known,
        )
        found = []
        for each in chunks(named):
            found.append(each.group_by("ListingId").first().select("ListingId", *([DATE] if self._is_daily else [])))
            shelf.put(self._last(each).join(listings.select("ListingId", INDEX), on="ListingId", maintain_order="left"))
        present = pl.concat(found) if found else pl.DataFrame(schema={"ListingId": pl.Int64, **({DATE: pl.Date} if self._is_daily else {})})
        return present.unique("ListingId", keep="first", maintain_order=True)

    def _last(self, books: pl.DataFrame) -> pl.DataFrame:
        """The last book of each listing in each bucket; an instant is no bucket, as another listing's may be in between."""
        if self.config.time_index == "event":
            return books
        is_followed = (pl.col("ListingId") == pl.col("ListingId").shift(-1)) & (pl.col(LABEL) == pl.col(LABEL).shift(-1))
        return books.filter(~is_followed.fill_null(value=False))

    def _begun(self, phases: pl.LazyFrame, listings: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
        """Beginnings of phases of listings that have books, in order of time."""
        last = phases.drop_nulls(STATE).unique(
            ["ListingId", CLOCK], keep="last", maintain_order=True
        )  # at one instant the last phase counts
        return (
            last.join(days.lazy(), on="ListingId", maintain_order="left")
            .join(listings.lazy().select("ListingId", INDEX), on="ListingId", maintain_order="left")
            .select("ListingId", CLOCK, self._labels(), self._admits().alias(ADMITTED), pl.lit(value=True).alias(IS_PHASE), INDEX)
            .sort(CLOCK, maintain_order=True)
            .collect()
        )

    def _in_order(self, shelf: Shelf, listings: pl.DataFrame, begun: pl.DataFrame | None) -> Iterator[pl.DataFrame]:
        of: dict[int, list[int]] = {}
        for listing, instrument in listings.sort(INDEX, "ListingId").select("ListingId", INDEX).iter_rows():
            of.setdefault(instrument, []).append(listing)
        for group in groups(of, shelf.heights):
            own = pl.DataFrame() if begun is None else begun.filter(pl.col("ListingId").is_in(group))
            yield from merged(shelf, group, own)

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
        reference, levels = inputs[REFERENCE], min(config.levels_in, LEVELS)
        chosen = reference if config.mic_whitelist is None else reference.filter(pl.col("MIC").is_in(config.mic_whitelist))
        phases = inputs[PHASES] if config.market_states else None
        return {"cbbo": consolidated(inputs["l2"], phases, chosen, config, clock, levels, _wide(config))}


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
