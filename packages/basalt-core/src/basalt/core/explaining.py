"""Explaining: why a column of a plan is what it is, from its definition down to stored columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from basalt.core.bucketing import DATE, NANOS_PER_SECOND, TIME_BUCKET, Clock
from basalt.core.catalog import catalog
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.declaring.analytics import Measure
from basalt.core.errors import MissingColumn, UnknownName, nearest
from basalt.core.fusing import root_names
from basalt.core.plans import Attached, PassPlan, Plan, Query, SideTable, Step

EMPTY = {
    "null": "null in a bucket of an open market without events",
    "zero": "0 in a bucket of an open market without events",
    "carry": "the value before it in a bucket of an open market without events",
}
CAUSAL = "known at the end of its bucket"
FORWARD = "forward-looking: depends on what happens after the end of its bucket, so it is no feature"
KEYS = {
    "ListingId": "One security on one venue.",
    "InstrumentId": "One security, whatever the venue.",
    DATE: "Trade date.",
    TIME_BUCKET: "Label of the bucket, UTC.",
    "MIC": "Market identifier code of the venue.",
    "Ticker": "Symbol of the listing at its venue.",
    "CurrencyCode": "Currency of the listing's prices.",
}


@dataclass(frozen=True)
class Link:
    """A column on the way from stored columns to the explained one: where it is, and what it says."""

    column: str
    doc: str


@dataclass(frozen=True)
class Explanation:
    """Everything that is said about one column of a pass.

    Attributes:
        column: Column name.
        pass_name: Pass that makes it.
        definition: What a value says, null rule included.
        formula: LaTeX.
        unit, dtype: Unit and type of the values.
        empty: Value where nothing happened.
        causality: When it is known.
        rollup: How fine buckets make a coarse one.
        buckets: Convention of the pass's buckets.
        source: Citation.
        module: Module that offers it.
        reference: `package.module:function` of the formula.
        axes: Parameters of the formula.
        rows: Rows that count.
        origin: Config entry that made it.
        reads: Raw table to the stored columns that it is made of.
        through: Columns in between, nearest first.
        also_in: Other passes with a column of that name.
    """

    column: str
    pass_name: str
    definition: str
    formula: str
    unit: str
    dtype: str
    empty: str
    causality: str
    rollup: str
    buckets: str
    source: str
    module: str
    reference: str
    axes: Mapping[str, str]
    rows: str
    origin: str
    reads: Mapping[str, tuple[str, ...]]
    through: tuple[Link, ...]
    also_in: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        through = [{"column": link.column, "doc": link.doc} for link in self.through]
        reads = {table: list(columns) for table, columns in self.reads.items()}
        plain = {**vars(self), "axes": dict(self.axes), "reads": reads, "through": through, "also_in": list(self.also_in)}
        return {("pass" if name == "pass_name" else name): value for name, value in plain.items()}

    def facts(self) -> dict[str, str]:
        """What is said, in words, by topic; topics without anything to say are left out."""
        reads = [f"{table}: {', '.join(columns)}" for table, columns in self.reads.items()]
        through = [f"{link.column}: {link.doc}" if link.doc else link.column for link in self.through]
        said = {
            "definition": unwrapped(self.definition),
            "formula": self.formula,
            "unit": self.unit,
            "type": self.dtype,
            "nulls": self.empty,
            "causality": self.causality,
            "roll-up": self.rollup,
            "buckets": self.buckets,
            "rows": self.rows,
            "axes": ", ".join(f"{name}={value}" for name, value in self.axes.items()),
            "asked by": self.origin,
            "reads": "\n".join(reads),
            "through": "\n".join(through),
            "source": self.source,
            "code": self.reference,
            "also in": ", ".join(self.also_in),
        }
        return {topic: text for topic, text in said.items() if text}

    def markdown(self) -> str:
        """The explanation as a Markdown section."""
        facts = self.facts()
        formula = facts.pop("formula", "")
        parts = [f"## {self.column}", facts.pop("definition"), *([f"$$\n{formula}\n$$"] if formula else [])]
        lines = [f"- **{topic}**: {text}" if "\n" not in text else _nested(topic, text) for topic, text in facts.items()]
        return "\n\n".join([*parts, "\n".join(lines)]) + "\n"


def unwrapped(text: str) -> str:
    """*text* with one line a paragraph."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def dtype_text(dtype: pl.DataType) -> str:
    """A type in short: `Datetime[ns]` for instants in UTC."""
    return f"Datetime[{dtype.time_unit}]" if isinstance(dtype, pl.Datetime) and dtype.time_zone is None else str(dtype)


def _nested(topic: str, text: str) -> str:
    return "\n".join([f"- **{topic}**:", *(f"  - {line}" for line in text.splitlines())])


def explain(plan: Plan, column: str, pass_name: str | None = None) -> Explanation:
    """Say why *column* is what it is.

    Args:
        plan: The plan that has it.
        column: Name of a written column, a key or a label.
        pass_name: The pass, or the key of a side table; the first that has the column if None, passes before side tables.

    Raises:
        MissingColumn: No pass has the column; the hint names the nearest one.
        UnknownName: There is no such pass.
    """
    owners = [each for each in plan.passes if column in _shown(each.dataset)]
    tables = {table.key: (each, table) for each in plan.passes for table in each.side_tables}
    for key, (maker, table) in tables.items():
        if pass_name == key or (pass_name is None and not owners and column in _shown(table.dataset)):
            return _explained_of_side(plan, maker, table, column)
    chosen = _pass_of(plan, pass_name) if pass_name else next(iter(owners), None)
    if chosen is None or chosen not in owners:
        searched = [chosen] if chosen else plan.passes
        known = {name for each in searched for name in _shown(each.dataset)}
        where = ", ".join(each.name for each in searched)
        raise MissingColumn(f"no column {column!r}", where=f"pass {where}", hint=nearest(column, known))
    others = tuple(each.name for each in owners if each is not chosen)
    planned = next((each for each in chosen.dataset.visible if each.name == column), None)
    if planned is None:
        return _explained_key(chosen, column, others)
    return _explained(plan, chosen, planned, others)


def _pass_of(plan: Plan, name: str) -> PassPlan:
    found = {each.name: each for each in plan.passes}
    if name not in found:
        raise UnknownName.of("pass", name, found, where="--pass")
    return found[name]


def _shown(dataset: Dataset) -> tuple[str, ...]:
    return (*dataset.keys, *(name for name, _ in dataset.labels), *(column.name for column in dataset.visible))


def _explained(plan: Plan, planned: PassPlan, column: PlannedColumn, others: tuple[str, ...]) -> Explanation:
    trace = _Trace(plan)
    trace.follow_column(planned, column.name)
    measure = column.measure
    analytic = measure.analytic if measure else None
    return Explanation(
        column=column.name,
        pass_name=planned.name,
        definition=column.doc,
        formula=analytic.math if analytic else "",
        unit=column.unit,
        dtype=dtype_text(column.dtype),
        empty=EMPTY[column.empty],
        causality=FORWARD if column.forward or trace.forward else CAUSAL,
        rollup=_rollup_text(column),
        buckets=clock_text(planned.clock),
        source=analytic.source if analytic else "",
        module=measure.module if measure else module_of(planned, column.name),
        reference=analytic.reference if analytic else "",
        axes={name: str(value) for name, value in measure.axes} if measure else {},
        rows=str(measure.rows) if measure else "",
        origin=column.origin,
        reads=trace.reads,
        through=tuple(trace.links),
        also_in=others,
    )


def _explained_of_side(plan: Plan, maker: PassPlan, table: SideTable, column: str) -> Explanation:
    """A column of a side table: what it says, and all that its preprocessor reads."""
    if column not in _shown(table.dataset):
        raise MissingColumn(f"no column {column!r}", where=f"side table {table.key}", hint=nearest(column, _shown(table.dataset)))
    made = next((each for each in table.dataset.visible if each.name == column), PlannedColumn(column, table.dataset.schema()[column]))
    clock, is_key = table.dataset.clock, column in table.dataset.keys
    nothing: dict[str, Any] = dict.fromkeys(("formula", "empty", "source", "reference", "rows"), "")
    definition = f"{KEYS.get(column, '')} Key of the table's rows.".strip() if is_key else made.doc
    return Explanation(
        column, table.key, definition, unit=made.unit, dtype=dtype_text(made.dtype), causality=FORWARD if made.forward else CAUSAL,
        rollup="" if made.rollup is None else _rollup_text(made), buckets="" if clock is None else clock_text(clock),
        module=maker_of(maker, table), axes={}, origin=made.origin, reads=_side_reads(plan, maker, table), through=(), also_in=(), **nothing,
    )  # fmt: skip


def _side_reads(plan: Plan, planned: PassPlan, table: SideTable) -> dict[str, tuple[str, ...]]:
    """What a side table is made of: what its maker says that it reads for it, else all that it reads."""
    step = next(each for each in planned.preprocessing if table.name in dict(each.produced))
    said = dict(step.produced)[table.name].reads
    trace = _Trace(plan)
    for name, read in step.inputs:
        trace.read(read, said.get(name, () if said else planned.reads.get(read, ())))
    return trace.reads


def maker_of(planned: PassPlan, table: SideTable) -> str:
    """The preprocessor that makes a side table of the pass."""
    return next(step.module for step in planned.preprocessing if table.name in dict(step.produced))


def _explained_key(planned: PassPlan, name: str, others: tuple[str, ...]) -> Explanation:
    role = "Key of the pass's rows." if name in planned.dataset.keys else "Describes the keys."
    definition = f"{KEYS.get(name, '')} {role}".strip()
    dtype = dtype_text(planned.dataset.schema()[name])
    nothing: dict[str, Any] = dict.fromkeys(("formula", "unit", "empty", "rollup", "source", "module", "reference", "rows", "origin"), "")
    return Explanation(
        name, planned.name, definition, dtype=dtype, causality=CAUSAL, buckets=clock_text(planned.clock), axes={}, reads={}, through=(),
        also_in=others, **nothing,
    )  # fmt: skip


def _rollup_text(column: PlannedColumn) -> str:
    rule = column.rollup
    if rule is None:
        return "none: coarser buckets must be computed directly"
    return f"{rule.name}, along the time of one listing only" if rule.along_time else rule.name


def clock_text(clock: Clock) -> str:
    """The convention of *clock* in words."""
    if clock.is_event or clock.is_daily:
        return str(clock)
    span = "(start, end]" if clock.closed == "right" else "[start, end)"
    return f"{clock.width_nanos / NANOS_PER_SECOND:g} s, {span}, labelled with the {clock.anchor}, {f'counted from {clock.origin}' if clock.origin else 'UTC'}"


def module_of(planned: PassPlan, column: str) -> str:
    """The table module that makes a column of the pass, or its timeline."""
    return next((step.module for step in planned.steps if column in _made_by(step)), planned.config.timeline_mode)


def _made_by(step: Step) -> set[str]:
    return {column.name for _, produced in step.produced for column in produced.columns}


# ---------------------------------------------------------------- tracing


@dataclass
class _Trace:
    """The way from a column down to stored columns, as it is followed."""

    plan: Plan
    reads: dict[str, tuple[str, ...]] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    forward: bool = False
    seen: set[tuple[str, str]] = field(default_factory=set)

    def follow_column(self, planned: PassPlan, name: str) -> None:
        """Follow the column *name* of a pass's result."""
        if name in planned.dataset.keys or name in dict(planned.dataset.labels):
            return
        column = planned.dataset.column(name)
        query = next((each for each in planned.queries if column.measure in each.measures), None)
        step = next((each for each in planned.steps if name in _made_by(each)), None)
        if query is not None and column.measure is not None:
            self._follow_names(planned, query, sorted(root_names(column.measure), key=_by_number))
        elif step is not None:
            self._follow_step(planned, step, name)
        elif column.measure is not None:
            self._follow_series(planned, column.measure)
        else:
            for each in planned.timeline.tables():
                self.read(each.table, each.columns)

    def _follow_series(self, planned: PassPlan, measure: Measure) -> None:
        for name in sorted(root_names(measure)):
            if name not in planned.dataset.keys and name not in dict(planned.dataset.labels):
                self._link(f"{planned.name}.{name}", planned.dataset.column(name).doc)
                self.follow_column(planned, name)

    def _follow_names(self, planned: PassPlan, query: Query, names: Iterable[str]) -> None:
        attached = {each.column: each for each in query.attached}
        rows = {measure.column: measure for layer in query.rows for measure in layer}
        for name in names:
            if (query.table, name) in self.seen:
                continue
            self.seen.add((query.table, name))
            if name in attached:
                self._follow_attached(planned, query, attached[name])
            elif name in rows:
                self._link(name, rows[name].doc)
                self.forward |= rows[name].analytic.forward
                self._follow_names(planned, query, sorted(root_names(rows[name]), key=_by_number))
            else:
                self.read(query.table, [name])

    def _follow_attached(self, planned: PassPlan, query: Query, attached: Attached) -> None:
        enrichment = attached.enrichment
        self._link(attached.column, enrichment.described(enrichment.doc, dict(attached.axes)))
        self.forward |= enrichment.forward
        self._follow_names(planned, query, enrichment.reads)
        self.read(enrichment.uses, enrichment.reads_other)

    def _follow_step(self, planned: PassPlan, step: Step, name: str) -> None:
        """Follow a table module: the input column it is made of where that is known, else all it reads."""
        found = [(table, theirs) for _, table in step.inputs for theirs in _same_column(self.plan.dataset(table), step, name)]
        for table, theirs in found:
            rule = planned.dataset.column(name).rollup
            self._link(f"{table}.{theirs}", f"combined by {step.module}" + (f" ({rule.name})" if rule else ""))
            self.read(table, [theirs])
        for _, table in step.inputs if not found else ():
            self.read(table, planned.reads.get(table, ()))

    def read(self, table: str, names: Iterable[str]) -> None:
        """Note stored columns of a raw table; follow columns of an earlier pass."""
        made = {each.name: each for each in self.plan.passes}
        for name in names:
            if table in made:
                self.follow_column(made[table], name)
            elif table in self.plan.raw:
                self._note(table, self._stored(table, name))
            else:
                self._follow_side_table(table)

    def _follow_side_table(self, key: str) -> None:
        """Follow all that the maker of the side table *key* reads."""
        for planned in self.plan.passes:
            for table in planned.side_tables:
                steps = [step for step in planned.preprocessing if table.name in dict(step.produced)] if table.key == key else []
                self._link(key, table.description or f"made by {steps[0].module}") if steps else None
                for name in (name for step in steps for _, name in step.inputs):
                    self.read(name, planned.reads.get(name, ()))

    def _stored(self, table: str, name: str) -> tuple[str, ...]:
        """The stored columns behind *name*, which a scan may derive."""
        contract = catalog().tables[table]
        stored = self.plan.bound.get(table, contract.stored_names)
        derived = next((each for each in contract.derived if each.column.name == name), None)
        chosen = derived.choose(stored) if derived else None
        if derived is None or chosen is None:
            return (name,)
        self._link(f"{table}.{name}", derived.column.doc or f"derived from {', '.join(chosen[0])}")
        return chosen[0]

    def _note(self, table: str, names: Iterable[str]) -> None:
        self.reads[table] = tuple(dict.fromkeys((*self.reads.get(table, ()), *names)))

    def _link(self, column: str, doc: str) -> None:
        link = Link(column, doc.split("\n", maxsplit=1)[0])
        if link not in self.links:
            self.links.append(link)


def _by_number(name: str) -> tuple[object, ...]:
    """Numbered columns, as levels of a book, in the order of their numbers."""
    return tuple(int(part) if place % 2 else part for place, part in enumerate(re.split(r"(\d+)", name)))


def _same_column(source: Dataset, step: Step, name: str) -> Iterator[str]:
    """The column of *source* that *step* makes *name* of, as far as names tell."""
    prefix = getattr(step.config, "metric_prefix", None) or ""
    known = {column.name for column in source.visible}
    yield from (each for each in dict.fromkeys((name.removeprefix(prefix), name)) if each in known)


__all__ = ["Explanation", "Link", "clock_text", "dtype_text", "explain", "unwrapped"]
