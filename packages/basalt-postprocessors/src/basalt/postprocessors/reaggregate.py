"""Module `reaggregate`: rows of listings, put together for the groups that they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import Field, model_validator

from basalt.core import Clock, Input, Produced, Scope
from basalt.core.bucketing import DATE, TIME_BUCKET
from basalt.core.datasets import Dataset
from basalt.core.errors import ColumnClash, ConflictingSettings, InvalidValue, MissingColumn, nearest
from basalt.postprocessors.combining import Combination, needs_of, outputs_of, refuse_all, rolled_up, weighted_mean
from basalt.postprocessors.memberships import check_members, check_table, columns_of, listed_members, tabled_members
from basalt.postprocessors.reducing import check_currencies, in_money, reads_of, reduce_groups
from basalt.postprocessors.regrouping import Grouping, RegroupConfig, plan_grouping

SOURCE = "source"
GROUP = "group"
KEY = "reaggregate_analytics"
WEIGHT = "group:weight"
CHOICE = "name the columns wanted in `columns`, or average them: `weighted: [{name}]` with `weight_col`"


class ReaggregateConfig(RegroupConfig):
    """Section `reaggregate_analytics` of a pass.

    Columns are combined by the roll-up that they declare: those of `columns`, or all that are not
    listed in `weighted`. Those of `weighted` become weighted means.
    """

    key: ClassVar[str] = KEY

    group_by: list[str] = Field(["IndexId", TIME_BUCKET], description="Keys of the result; the trade date stays a key beside TimeBucket.")
    members: dict[str, list[int | str]] | None = Field(
        None, description="Group to the members that it has: {INDEX: [ListingId, …]}; instead of a table."
    )
    group_df_context_key: str = Field("group_df", description="Table of memberships, if neither members nor group_df_pass is set.")
    group_df_pass: str | None = Field(None, description="Pass or table of memberships, instead of group_df_context_key.")
    join_column: str = Field("ListingId", description="Column that members are matched by: key or label of the source.")
    group_column: str = Field("IndexId", description="Column of the memberships that names the group.")
    weighted: list[str] = Field(default_factory=list, description="Columns that become weighted means.")
    weight_col: str | None = Field(None, description="Column of the weights.")
    weight_mode: Literal["daily", "bucket"] = Field(
        "daily",
        description="daily: the sum of weight_col over the trade date, which intraday buckets cannot know yet; bucket: its value in each row.",
    )

    @model_validator(mode="after")
    def _check(self) -> Any:
        if self.group_column not in self.group_by:
            raise ConflictingSettings(
                f"group_by lacks the group_column {self.group_column!r}",
                where=f"{KEY}.group_by",
                hint="listings of several groups would be counted twice",
            )
        if bool(self.weighted) != (self.weight_col is not None):
            raise ConflictingSettings("weighted and weight_col go together", where=f"{KEY}.weight_col", hint="give both, or neither")
        if self.members is not None and self.group_df_pass is not None:
            raise ConflictingSettings("members and group_df_pass exclude each other", where=f"{KEY}.members", hint="keep one of them")
        twice = [name for name in self.columns or () if name in self.weighted]
        if twice:
            raise ConflictingSettings(
                f"{', '.join(twice)}: combined in two ways", where=f"{KEY}.weighted", hint="name a column in `columns` or in `weighted`"
            )
        return self


@dataclass(frozen=True)
class ReaggregateModule:
    """Combines rows of listings into rows of the groups (indices, sectors, baskets) they belong to.

    A listing counts in each of its groups, with its whole weight. Listings that belong to no group
    are left out. Memberships with a `Date` hold for that date, others for all.
    """

    name: str = "reaggregate"
    config_key: str = KEY
    config_model: type[ReaggregateConfig] = ReaggregateConfig
    doc: str = "Combines the rows of listings for the indices, sectors or baskets that they belong to."

    def inputs(self, config: ReaggregateConfig) -> tuple[Input, ...]:
        """The pass whose rows are combined, and the table of memberships if it is one."""
        source = Input(SOURCE, config.source_pass)
        if config.members is not None:
            return (source,)
        return (source, Input(GROUP, config.group_df_pass or config.group_df_context_key))

    def plan(self, config: ReaggregateConfig, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Produced:
        """Keys, buckets and columns of the result.

        Raises:
            CannotRollUp: Columns that cannot be combined, with the reasons; or amounts of money
                whose currency the source does not tell.
            MissingColumn: A key or column that a table does not have.
            BucketConflict: Buckets that the source's do not fill.
            ColumnClash: The source already has a column of the group's name.
        """
        source = inputs[SOURCE]
        grouping = plan_grouping(source, config, clock, where=where, added=(config.group_column,))
        _check_memberships(config, inputs, where)
        combinations = _combinations(config, grouping, where)
        check_currencies(_money(config, source, combinations), source, grouping, where=where)
        scope = Scope("universe", grouping.scope.all_dates)
        return Produced(
            outputs_of(combinations),
            grouping.keys,
            scope,
            grouping.clock,
            supports={SOURCE: needs_of(combinations)},
            labels=grouping.labels,
            reads={SOURCE: reads_of(grouping, combinations, config.join_column, config.weight_col), **_reads_of_groups(config, inputs)},
        )

    def compute(
        self, config: ReaggregateConfig, inputs: Mapping[str, pl.LazyFrame], planned: Mapping[str, Dataset], clock: Clock
    ) -> pl.LazyFrame:
        """The rows of `plan`."""
        source = planned[SOURCE]
        grouping = plan_grouping(source, config, clock, where=KEY, added=(config.group_column,))
        combinations = _combinations(config, grouping, KEY)
        members = _members(config, inputs, planned)
        dates = [DATE] if DATE in members.collect_schema() and DATE in source.keys else []
        joined = _weighed(inputs[SOURCE], config).join(members, on=[config.join_column, *dates], how="inner")
        return reduce_groups(joined, grouping, combinations, _money(config, source, combinations))


def _check_memberships(config: ReaggregateConfig, inputs: Mapping[str, Dataset], where: str) -> None:
    source = inputs[SOURCE]
    known = source.schema()
    if config.group_column in known:
        raise ColumnClash(
            f"{source.name!r} already has a column {config.group_column!r}",
            where=f"{where}.group_column",
            hint="group by it with the module generic",
        )
    if config.join_column not in known:
        raise MissingColumn(
            f"{source.name!r} has no column {config.join_column!r}", where=f"{where}.join_column", hint=nearest(config.join_column, known)
        )
    if config.members is not None:
        check_members(config.members, config.group_column, known[config.join_column], where=f"{where}.members")
    else:
        check_table(inputs[GROUP], config.join_column, config.group_column, where=where)


def _members(config: ReaggregateConfig, inputs: Mapping[str, pl.LazyFrame], planned: Mapping[str, Dataset]) -> pl.LazyFrame:
    dtype = planned[SOURCE].schema()[config.join_column]
    if config.members is not None:
        return listed_members(config.members, config.group_column, config.join_column, dtype)
    return tabled_members(inputs[GROUP], planned[GROUP], config.group_column, config.join_column, dtype)


# ---------------------------------------------------------------- columns


def _combinations(config: ReaggregateConfig, grouping: Grouping, where: str) -> tuple[Combination, ...]:
    source = grouping.source
    prefix = config.metric_prefix or ""
    averaged = _averaged(config, grouping, where)
    names = (
        config.columns if config.columns is not None else [column.name for column in source.visible if column.name not in config.weighted]
    )
    declared = tuple(source.column(name, where=f"{where}.columns") for name in names)
    refuse_all(declared, source, across=not grouping.keeps_entities, where=where, hint=CHOICE)
    return tuple(rolled_up(column, source, prefix=prefix, clock=grouping.clock) for column in declared) + averaged


def _reads_of_groups(config: ReaggregateConfig, inputs: Mapping[str, Dataset]) -> dict[str, tuple[str, ...]]:
    return {GROUP: columns_of(inputs[GROUP], config.group_column, config.join_column)} if GROUP in inputs else {}


def _averaged(config: ReaggregateConfig, grouping: Grouping, where: str) -> tuple[Combination, ...]:
    if config.weight_col is None:
        return ()
    source = grouping.source
    weight = source.column(config.weight_col, where=f"{where}.weight_col")
    if not weight.dtype.is_numeric():
        raise InvalidValue(
            f"{weight.name!r} is {weight.dtype}, no number to weigh by", where=f"{where}.weight_col", hint="choose a numeric column"
        )
    is_daily = config.weight_mode == "daily"
    if is_daily and DATE not in source.keys:
        raise ConflictingSettings(
            f"{source.name!r} has no {DATE} to sum weights over", where=f"{where}.weight_mode", hint="weight_mode: bucket"
        )
    sees_ahead = is_daily and grouping.clock is not None and not grouping.clock.is_daily
    return tuple(
        weighted_mean(
            source.column(name, where=f"{where}.weighted"),
            WEIGHT,
            prefix=config.metric_prefix or "",
            where=f"{where}.weighted[{index}]",
            forward=sees_ahead or weight.forward,
        )
        for index, name in enumerate(config.weighted)
    )


def _weighed(frame: pl.LazyFrame, config: ReaggregateConfig) -> pl.LazyFrame:
    """*frame* with the weight of each row, before a listing is counted in several groups."""
    if config.weight_col is None:
        return frame
    weight = pl.col(config.weight_col)
    daily = weight.sum().over(config.join_column, DATE)
    return frame.with_columns((daily if config.weight_mode == "daily" else weight).alias(WEIGHT))


def _money(config: ReaggregateConfig, source: Dataset, combinations: Sequence[Combination]) -> tuple[str, ...]:
    """Columns that must not mix currencies: amounts, and means whose weights are amounts."""
    weights = [source.column(config.weight_col).unit] if config.weight_col else []
    averaged = [each for each in combinations if each.source.name in config.weighted]
    money = (*in_money(combinations), *in_money(averaged, weights))
    return tuple(dict.fromkeys(money))


REAGGREGATE = ReaggregateModule()
