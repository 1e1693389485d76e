"""Module `generic`: rows of an earlier pass, resampled in time and regrouped by their labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl
from pydantic import Field, model_validator

from basalt.core import Clock, Input, Produced
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.errors import ConflictingSettings
from basalt.postprocessors.combining import Combination, Method, aggregated, carried, needs_of, outputs_of, refuse_all, rolled_up
from basalt.postprocessors.reducing import check_currencies, in_money, reads_of, reduce_groups
from basalt.postprocessors.regrouping import Grouping, RegroupConfig, plan_grouping

SOURCE = "source"
KEY = "generic_analytics"
CHOICE = "name the columns wanted in `columns`, or say how in `aggregations`, for example {{name}: mean}"


class GenericConfig(RegroupConfig):
    """Section `generic_analytics` of a pass.

    With neither `columns` nor `aggregations`, every column of the source is combined by the
    roll-up that it declares; with either, only the columns named.
    """

    key: ClassVar[str] = KEY

    aggregations: dict[str, Method] = Field(
        default_factory=dict, description="Column to method; `rollup` is the declared one. Nulls are skipped."
    )

    @model_validator(mode="after")
    def _one_way_each(self) -> Any:
        twice = [name for name in self.columns or () if name in self.aggregations]
        if twice:
            raise ConflictingSettings(
                f"{', '.join(twice)}: combined in two ways",
                where=f"{KEY}.aggregations",
                hint="name a column in `columns` or in `aggregations`",
            )
        return self


@dataclass(frozen=True)
class GenericModule:
    """Combines rows of an earlier pass into coarser buckets, or rows of fewer keys.

    Sums add up, first and last are taken in order of time, ratios and roots are computed again
    from their numerators and denominators, so that the result equals a direct computation.
    """

    name: str = "generic"
    config_key: str = KEY
    config_model: type[GenericConfig] = GenericConfig
    doc: str = "Resamples and regroups the rows of an earlier pass by what their columns declare."

    def inputs(self, config: GenericConfig) -> tuple[Input, ...]:
        """The pass whose rows are combined."""
        return (Input(SOURCE, config.source_pass),)

    def plan(self, config: GenericConfig, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Produced:
        """Keys, buckets and columns of the result.

        Raises:
            CannotRollUp: Columns that cannot be combined, with the reasons; or amounts of money
                whose currency the source does not tell.
            MissingColumn: A key or column that the source does not have.
            BucketConflict: Buckets that the source's do not fill.
        """
        source = inputs[SOURCE]
        grouping = plan_grouping(source, config, clock, where=where)
        combinations = _combinations(config, grouping, where)
        check_currencies(in_money(combinations), source, grouping, where=where)
        return Produced(
            outputs_of(combinations),
            grouping.keys,
            grouping.scope,
            grouping.clock,
            supports={SOURCE: needs_of(combinations)},
            labels=grouping.labels,
            reads={SOURCE: reads_of(grouping, combinations)},
        )

    def compute(
        self, config: GenericConfig, inputs: Mapping[str, pl.LazyFrame], planned: Mapping[str, Dataset], clock: Clock
    ) -> pl.LazyFrame:
        """The rows of `plan`."""
        grouping = plan_grouping(planned[SOURCE], config, clock, where=KEY)
        combinations = _combinations(config, grouping, KEY)
        if grouping.is_identity and not config.aggregations:
            return _unchanged(inputs[SOURCE], grouping, combinations)
        return reduce_groups(inputs[SOURCE], grouping, combinations, in_money(combinations))


def _unchanged(frame: pl.LazyFrame, grouping: Grouping, combinations: tuple[Combination, ...]) -> pl.LazyFrame:
    values = {name: expr for each in combinations for name, expr in each.reductions.items()}
    return frame.select(*grouping.keys, *grouping.labels, *(expr.alias(name) for name, expr in values.items()))


def _combinations(config: GenericConfig, grouping: Grouping, where: str) -> tuple[Combination, ...]:
    """The columns of the result, in order: by declaration, then by demand."""
    source = grouping.source
    prefix = config.metric_prefix or ""
    across = not grouping.keeps_entities
    declared = _declared(config, source, where)
    if grouping.is_identity and not config.aggregations:
        return tuple(carried(column, source, prefix=prefix) for column in declared)
    refuse_all(declared, source, across=across, where=where, hint=CHOICE)
    asked = {name: source.column(name, where=f"{where}.aggregations") for name in config.aggregations}
    by_declaration = tuple(rolled_up(column, source, prefix=prefix, clock=grouping.clock) for column in declared)
    return by_declaration + tuple(
        aggregated(
            column,
            config.aggregations[name],
            source,
            across=across,
            prefix=prefix,
            where=f"{where}.aggregations.{name}",
            clock=grouping.clock,
        )
        for name, column in asked.items()
    )


def _declared(config: GenericConfig, source: Dataset, where: str) -> tuple[PlannedColumn, ...]:
    if config.columns is not None:
        return tuple(source.column(name, where=f"{where}.columns") for name in config.columns)
    return () if config.aggregations else source.visible


GENERIC = GenericModule()
