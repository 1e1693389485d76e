"""Regrouping: the keys, buckets and labels of rows that are put together from finer ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl
from pydantic import Field, field_validator, model_validator

from basalt.core import Clock, ModuleConfig, Scope
from basalt.core.bucketing import DATE, TIME_BUCKET
from basalt.core.datasets import Dataset
from basalt.core.errors import ConflictingSettings, InvalidValue, MissingColumn, nearest
from basalt.postprocessors.periods import checked_period, coarser_clock

LISTING = "ListingId"
INSTRUMENT = "InstrumentId"
CURRENCY = "CurrencyCode"
TIME_KEYS = (DATE, TIME_BUCKET)


class RegroupConfig(ModuleConfig):
    """What the modules that regroup rows have in common."""

    key: ClassVar[str] = ""

    source_pass: str = Field("pass1", description="Pass or side table whose rows are combined.")
    group_by: list[str] = Field([LISTING, TIME_BUCKET], description="Keys of the result; the trade date stays a key beside TimeBucket.")
    resample_rule: str | None = Field(
        None, description="Length of the result's buckets, a multiple of the source's: 15m, 1h; 1d is one a trade date."
    )
    columns: list[str] | None = Field(None, description="Columns combined by the roll-up that they declare; if unset, all of the source.")

    @field_validator("group_by")
    @classmethod
    def _check_keys(cls, value: list[str]) -> list[str]:
        if not value:
            raise InvalidValue("group_by is empty", where=f"{cls.key}.group_by", hint="name at least one key, for example TimeBucket")
        return list(dict.fromkeys(value))

    @field_validator("resample_rule")
    @classmethod
    def _check_rule(cls, value: str | None) -> str | None:
        return checked_period(value, where=f"{cls.key}.resample_rule")

    @model_validator(mode="after")
    def _rule_needs_buckets(self) -> Any:
        if self.resample_rule and TIME_BUCKET not in self.group_by:
            raise ConflictingSettings(
                "resample_rule needs TimeBucket in group_by",
                where=f"{self.key}.resample_rule",
                hint="add TimeBucket to group_by, or leave resample_rule out",
            )
        return self


@dataclass(frozen=True)
class Grouping:
    """How rows of a source come together.

    Attributes:
        source: Schema of the rows.
        keys: Keys of the result.
        clock: Buckets of the result; None when it has none.
        scope: What must be seen at once.
        labels: Labels that the result keeps.
        is_identity: Each row is a group of its own, in its own bucket.
        keeps_entities: Rows of one group belong to one listing (or whatever the source's rows
            belong to) and differ in time only.
    """

    source: Dataset
    keys: tuple[str, ...]
    clock: Clock | None
    scope: Scope
    labels: tuple[str, ...]
    is_identity: bool
    keeps_entities: bool

    def mixes(self, column: str) -> bool:
        """Whether rows that differ in the label *column* may come together."""
        return LISTING not in self.keys and column not in self.keys and not self.is_identity

    def bucketed(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """*frame* with the labels of the result's buckets."""
        if self.clock is None or self.source.clock is None or self.clock == self.source.clock:
            return frame
        return frame.with_columns(self.clock.relabel(pl.col(TIME_BUCKET), self.source.clock).alias(TIME_BUCKET))

    def in_time_order(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """*frame* with the rows of each listing in order of time; as it is where it is so already."""
        times = [name for name in TIME_KEYS if name in self.source.keys]
        if not times or self._is_in_time_order(times):
            return frame
        return frame.sort(times, maintain_order=True)

    def _is_in_time_order(self, times: Sequence[str]) -> bool:
        """Whether the source's order, among rows of one listing, is that of time."""
        along = [name for name in self.source.order if name in times or name not in self.source.keys]
        return along[: len(times)] == list(times) or along[:1] == [TIME_BUCKET]


def plan_grouping(source: Dataset, config: RegroupConfig, own: Clock, *, where: str, added: Sequence[str] = ()) -> Grouping:
    """The grouping that *config* asks for.

    Args:
        source: Schema of the rows.
        config: Keys and buckets asked for.
        own: Buckets of the pass.
        where: Path of the section, for messages.
        added: Further keys that the rows get (an index).

    Raises:
        InvalidValue: The source is a raw table.
        MissingColumn: A key is neither key nor label of the source.
        BucketConflict: Its buckets do not fill those asked for.
    """
    if source.is_raw or not source.keys:
        raise InvalidValue(
            f"{source.name!r} is a raw table; its rows are events, not results",
            where=f"{where}.source_pass",
            hint="name a pass that comes before this one",
        )
    labels = tuple(name for name, _ in source.labels if name not in source.keys)
    _check_known(config.group_by, (*source.keys, *labels, *added), source.name, where)
    keys = _with_date(config.group_by, source)
    clock = _clock_of(source, keys, config, own, where)
    is_identity = not added and set(keys) == set(source.keys) and clock == (source.clock if TIME_BUCKET in keys else None)
    entities = {name for name in source.keys if name not in TIME_KEYS}
    return Grouping(
        source,
        keys,
        clock,
        Scope(_entities(keys), DATE not in keys),
        labels if is_identity else _kept_labels(keys, (*source.keys, *labels), labels),
        is_identity,
        keeps_entities=entities <= set(keys),
    )


def _check_known(asked: Sequence[str], known: Sequence[str], source: str, where: str) -> None:
    for name in asked:
        if name not in known:
            raise MissingColumn(f"{source!r} has no key or label {name!r}", where=f"{where}.group_by", hint=nearest(name, known))


def _with_date(asked: Sequence[str], source: Dataset) -> tuple[str, ...]:
    if TIME_BUCKET not in asked or DATE not in source.keys:
        return tuple(asked)
    others = [name for name in asked if name not in TIME_KEYS]
    return (*others, *TIME_KEYS)


def _clock_of(source: Dataset, keys: Sequence[str], config: RegroupConfig, own: Clock, where: str) -> Clock | None:
    if TIME_BUCKET not in keys or source.clock is None:
        return None
    return coarser_clock(source.clock, config.resample_rule, own, where=f"{where}.resample_rule")


def _entities(keys: Sequence[str]) -> Any:
    if LISTING in keys:
        return "listing"
    return "instrument" if INSTRUMENT in keys else "universe"


def _kept_labels(keys: Sequence[str], known: Sequence[str], labels: tuple[str, ...]) -> tuple[str, ...]:
    """All labels while rows stay those of a listing; otherwise the currency alone."""
    if LISTING in keys:
        return tuple(name for name in labels if name not in keys)
    return (CURRENCY,) if CURRENCY in known and CURRENCY not in keys else ()
