"""The plan: what a run will do, as frozen values that travel to workers.

Expressions are not in it: a measure names its formula and axes, and is built where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from basalt.configuration.models import AnalyticsConfig, OutputTarget, PassConfig, QualityCheckConfig
from basalt.core.bucketing import Clock
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.declaring.analytics import Enrichment, Measure
from basalt.core.offers import Produced, Scope, Slot, Timeline


@dataclass(frozen=True)
class Attached:
    """An enrichment at one point of its axes: one column from another table."""

    enrichment: Enrichment
    axes: tuple[tuple[str, Any], ...]
    column: str


@dataclass(frozen=True)
class Query:
    """One fused query over one table: one scan, one group_by.

    Attributes:
        table: Name of the dataset that is scanned.
        contract: Name of the raw table whose vocabulary the formulas use.
        reads: Columns scanned, clock included.
        time: The clock column.
        attached: Columns from other tables, in order.
        rows: Layers of row-grain measures; each layer reads the ones before.
        measures: Bucket-grain measures, or state-grain ones.
        phases: Table that tells the phases in which states count; empty for none.
    """

    table: str
    contract: str
    reads: tuple[str, ...]
    time: str
    attached: tuple[Attached, ...]
    rows: tuple[tuple[Measure, ...], ...]
    measures: tuple[Measure, ...]
    phases: str = ""

    @property
    def is_held(self) -> bool:
        """Whether its measures are states that are followed from row to row."""
        return any(measure.analytic.grain == "state" for measure in self.measures)

    @cached_property
    def is_foldable(self) -> bool:
        """Whether rows need not be seen together: plain reductions only, of stored columns and carried values."""
        from basalt.core.declaring.carried import Carried
        from basalt.core.declaring.values import Composite

        if self.attached or len(self.rows) > 1 or (self.rows and self.is_held):
            return False
        if not all(isinstance(measure.build(), Carried) for layer in self.rows for measure in layer):
            return False
        return not any(isinstance(built, Composite) and built.rows for built in (measure.build() for measure in self.measures))


@dataclass(frozen=True)
class Step:
    """A table module or preprocessor in a pass.

    Attributes:
        module: Its name.
        is_preprocessor: It makes side tables instead of columns.
        config: Its validated section, as the module's model dumps it.
        inputs: Input name to dataset name.
        produced: What it makes: the one name `""` for a module, side names for a preprocessor.
    """

    module: str
    is_preprocessor: bool
    config: Any
    inputs: tuple[tuple[str, str], ...]
    produced: tuple[tuple[str, Produced], ...]

    @property
    def stands(self) -> bool:
        """Whether it also makes rows of buckets in which nothing happened."""
        return any(made.stands for _, made in self.produced)


@dataclass(frozen=True)
class SideTable:
    """A table that a pass makes besides its main result.

    Attributes:
        key: Name under which other passes read it.
        name: Its own name.
        dataset: Its schema.
        is_written: It goes to the output target.
        is_kept: A later pass reads it, or it is written.
    """

    key: str
    name: str
    dataset: Dataset
    is_written: bool
    is_kept: bool
    description: str = ""


@dataclass(frozen=True)
class PassPlan:
    """One pass, planned.

    Attributes:
        config: The user's pass.
        clock: Buckets of its rows.
        dataset: Schema of its result, hidden supporting columns included.
        queries: Fused queries, one a table.
        series: Layers of measures computed on the aggregated rows.
        steps: Table modules, in order.
        preprocessing: Preprocessors, in order.
        side_tables: What preprocessors make.
        scope: What it must see at once.
        reads: Dataset name to columns, of everything scanned.
        sort_keys: Order of the written rows.
        targets: Where results go.
        slots: Dates of each output.
        checks: Quality checks on its rows.
        timeline: Which buckets appear.
    """

    config: PassConfig
    clock: Clock
    dataset: Dataset
    queries: tuple[Query, ...]
    series: tuple[tuple[Measure, ...], ...]
    steps: tuple[Step, ...]
    preprocessing: tuple[Step, ...]
    side_tables: tuple[SideTable, ...]
    scope: Scope
    reads: Mapping[str, tuple[str, ...]]
    sort_keys: tuple[str, ...]
    targets: tuple[OutputTarget, ...]
    slots: tuple[Slot, ...]
    checks: QualityCheckConfig
    timeline: Timeline

    @property
    def name(self) -> str:
        """Name of the pass."""
        return self.config.name

    @property
    def written(self) -> tuple[PlannedColumn, ...]:
        """Columns besides keys and labels that are written."""
        return self.dataset.visible

    @property
    def is_foldable(self) -> bool:
        """Whether the pass can be computed in one streaming scan, without batches."""
        return not self.steps and not self.preprocessing and not self.series and all(query.is_foldable for query in self.queries)


@dataclass(frozen=True)
class Stage:
    """Consecutive passes that run batch by batch together."""

    index: int
    scope: Scope
    passes: tuple[PassPlan, ...]

    @property
    def raw_reads(self) -> dict[str, tuple[str, ...]]:
        """Raw tables scanned by the stage, with their columns."""
        return _raw_reads(self.passes)


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    Attributes:
        config: The run's config.
        stages: Stages in order.
        raw: Schemas of the raw tables that are scanned.
        days: Days of the run.
        bound: Columns that the files of each raw table have, as far as they were looked at.
    """

    config: AnalyticsConfig
    stages: tuple[Stage, ...]
    raw: Mapping[str, Dataset]
    days: tuple[date, ...]
    bound: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def passes(self) -> tuple[PassPlan, ...]:
        """All passes, in order."""
        return tuple(each for stage in self.stages for each in stage.passes)

    @property
    def raw_reads(self) -> dict[str, tuple[str, ...]]:
        """Raw tables scanned by the run, with their columns."""
        return _raw_reads(self.passes)

    def dataset(self, name: str) -> Dataset:
        """The schema of a raw table, a pass or a side table."""
        return self.datasets()[name]

    def datasets(self) -> dict[str, Dataset]:
        """All schemas by name."""
        made = {each.name: each.dataset for each in self.passes}
        side = {table.key: table.dataset for each in self.passes for table in each.side_tables}
        return {**self.raw, **made, **side}


def _raw_reads(passes: tuple[PassPlan, ...]) -> dict[str, tuple[str, ...]]:
    made = {each.name for each in passes} | {table.key for each in passes for table in each.side_tables}
    reads: dict[str, list[str]] = {}
    for each in passes:
        for name, columns in each.reads.items():
            if name not in made:
                reads.setdefault(name, []).extend(columns)
    return {name: tuple(dict.fromkeys(columns)) for name, columns in reads.items()}
