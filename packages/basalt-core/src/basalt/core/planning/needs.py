"""Needs: which columns a set of measures reads, and which formulas provide those that no table has.

A formula's needs are the root names of its expression. A name that is no column of the table must
be a row-grain analytic or an enrichment of the same module, at the axes of the formula that needs
it. Provided columns are looked up in a dictionary of names, never by pattern.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from basalt.core.catalog import Catalog
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.declaring.analytics import Analytic, Declared, Enrichment, Measure
from basalt.core.declaring.axes import REQUIRED
from basalt.core.declaring.modules import Module
from basalt.core.errors import CyclicInputs, MissingColumn, MissingTable, nearest
from basalt.core.fusing import root_names
from basalt.core.holding.values import PHASE_COLUMN
from basalt.core.plans import Attached, Query
from basalt.core.tables import Table

PHASES = "marketstate"
"""Table of the phases of a listing's day."""


def raw_dataset(table: Table, stored: frozenset[str] | None) -> Dataset:
    """The schema that a scan of *table* has when its files hold *stored*."""
    columns = tuple(PlannedColumn(each.name, each.dtype, each.unit, each.doc) for each in table.available(stored))
    return Dataset(table.name, columns, is_raw=True)


@dataclass
class Needs:
    """What the measures over one table need, as it is found.

    Attributes:
        available: Columns that a scan of the table delivers.
        reads: Columns of the table that are used.
        attached: Enrichments, by column.
        rows: Row-grain measures, by column.
        depth: Layer of each row-grain measure.
        others: Columns read of other tables.
    """

    available: frozenset[str]
    reads: dict[str, None] = field(default_factory=dict)
    attached: dict[str, Attached] = field(default_factory=dict)
    rows: dict[str, Measure] = field(default_factory=dict)
    depth: dict[str, int] = field(default_factory=dict)
    others: dict[str, list[str]] = field(default_factory=dict)


def plan_query(
    table: str, contract: Table, measures: Iterable[Measure], known: Mapping[str, Dataset], shelf: Catalog
) -> tuple[Query, dict[str, tuple[str, ...]]]:
    """The fused query of *measures* over the dataset *table*, and all that it scans.

    Raises:
        MissingColumn: A formula reads what nothing provides.
        MissingTable: An enrichment reads a table that is not known.
        CyclicInputs: Row-grain formulas that need each other.
    """
    wanted = tuple(measures)
    needs = Needs(frozenset(known[table].schema()))
    for measure in wanted:
        for name in sorted(root_names(measure)):
            _provide(name, measure, needs, shelf, known, ())
    needs.reads[contract.time] = None
    needs.reads["ListingId"] = None
    layers: dict[int, list[Measure]] = {}
    for column, measure in needs.rows.items():
        layers.setdefault(needs.depth[column], []).append(measure)
    reads = tuple(sorted(needs.reads))
    query = Query(
        table,
        contract.name,
        reads,
        contract.time,
        tuple(needs.attached.values()),
        tuple(tuple(layers[depth]) for depth in sorted(layers)),
        wanted,
    )
    if query.is_held:
        query = replace(query, reads=_with_own_phase(reads, needs), phases=PHASES if PHASES in known else "")
        needs.others.setdefault(query.phases, []).extend(("ListingId", "EventTimestamp", PHASE_COLUMN))
    scans = {table: [*query.reads, *needs.others.pop(table, ())], **needs.others}
    scans.pop("", None)
    return query, {name: tuple(dict.fromkeys(columns)) for name, columns in scans.items()}


def _with_own_phase(reads: Sequence[str], needs: Needs) -> tuple[str, ...]:
    """*reads*, and the phase that rows tell themselves, where they do."""
    return tuple(sorted({*reads, *({PHASE_COLUMN} & needs.available)}))


def _provide(name: str, asker: Measure, needs: Needs, shelf: Catalog, known: Mapping[str, Dataset], path: tuple[str, ...]) -> int:
    """Find where the column *name* comes from; returns its layer, -1 for stored columns."""
    if name in needs.available:
        needs.reads[name] = None
        return -1
    if name in needs.attached:
        return -1
    if name in path:
        raise CyclicInputs(f"{' -> '.join((*path, name))} need each other", where=asker.origin or None)
    if name in needs.depth:
        return needs.depth[name]
    provider, axes = _find_provider(name, asker, needs, shelf)
    if isinstance(provider, Enrichment):
        _attach(provider, axes, name, asker, needs, shelf, known, (*path, name))
        return -1
    assert isinstance(provider, Analytic)
    measure = Measure(provider, axes, name, module=asker.module, origin=asker.origin)
    depths = [_provide(root, measure, needs, shelf, known, (*path, name)) for root in sorted(root_names(measure))]
    needs.rows[name] = measure
    needs.depth[name] = max(depths, default=-1) + 1
    return needs.depth[name]


def _attach(
    provider: Enrichment,
    axes: tuple[tuple[str, object], ...],
    name: str,
    asker: Measure,
    needs: Needs,
    shelf: Catalog,
    known: Mapping[str, Dataset],
    path: tuple[str, ...],
) -> None:
    if provider.uses not in known:
        raise MissingTable(
            f"column {name!r} comes from the table {provider.uses!r}, which no source offers",
            where=asker.origin or None,
            hint=nearest(provider.uses, known),
        )
    for column in provider.reads:
        _provide(column, asker, needs, shelf, known, path)
    other = known[provider.uses].schema()
    for column in provider.reads_other:
        if column not in other:
            raise MissingColumn(
                f"column {name!r} needs {provider.uses}.{column}", where=asker.origin or None, hint="the files of that table do not have it"
            )
    needs.others.setdefault(provider.uses, []).extend((*provider.reads_other, "ListingId"))
    needs.attached[name] = Attached(provider, axes, name)


def _find_provider(name: str, asker: Measure, needs: Needs, shelf: Catalog) -> tuple[Declared, tuple[tuple[str, object], ...]]:
    module = shelf.modules.get(asker.module)
    home = getattr(module, "table", "")
    same_table = [each for each in getattr(module, "analytics", ()) if (each.table or home) == (asker.analytic.table or home)]
    candidates = [each for each in same_table if isinstance(each, Enrichment) or each.grain == "row"]
    offered: dict[str, tuple[Declared, tuple[tuple[str, object], ...]]] = {}
    for candidate in candidates:
        for axes in _points(candidate, dict(asker.axes)):
            offered.setdefault(candidate.column_at(dict(axes)), (candidate, axes))
    if name in offered:
        return offered[name]
    raise MissingColumn(
        f"{asker.column!r} reads the column {name!r}, which {asker.analytic.table or 'its table'} does not have",
        where=asker.origin or None,
        hint=nearest(name, [*needs.available, *offered]),
    )


def _points(candidate: Declared, given: Mapping[str, object]) -> Iterable[tuple[tuple[str, object], ...]]:
    """The axes of *candidate*: as *given* where the name is the same, else all choices or the default."""
    values: list[list[object]] = []
    for axis in candidate.axes:
        if axis.name in given:
            values.append([given[axis.name]])
        elif axis.is_closed:
            values.append(list(axis.choices))
        elif axis.default is not REQUIRED:
            values.append([axis.default])
        else:
            return
    names = [axis.name for axis in candidate.axes]
    for point in itertools.product(*values):
        yield tuple(zip(names, point, strict=True))


def table_of(measure: Measure, module: Module) -> str:
    """The raw table that *measure* reads."""
    return measure.analytic.table or module.table
