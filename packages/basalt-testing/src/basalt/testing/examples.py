"""Examples of a declaration as tests: the value that a formula gives on literal rows, through real fusing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from basalt.core.bucketing import DATE, TIME_BUCKET, Clock
from basalt.core.carrying import Carrier
from basalt.core.catalog import Catalog, using_catalog
from basalt.core.cells import KEY
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.declaring import Analytic, Carried, Example, Measure, Module
from basalt.core.fusing import add_series, fuse
from basalt.core.planning.needs import plan_query
from basalt.core.tables import Table
from basalt.testing.generating import OPENING_NANOS
from basalt.testing.tables import DAY

ROW = "example:row"


def value_of(module: Module, formula: Analytic, example: Example, shelf: Catalog) -> Any:
    """What *formula* gives on the rows of *example*: a value; a list of them for formulas of other grains than bucket.

    Raises:
        MissingColumn: The rows lack a column that the formula reads.
    """
    axes = {**formula.defaults(), **example.axes}
    measure = Measure(formula, tuple(axes.items()), formula.column_at(axes), module=module.name, origin=f"an example of {formula.name}")
    with using_catalog(shelf):
        if formula.grain in ("series", "section"):
            frame = add_series(_aggregated(example), [[measure]])
        else:
            contract = shelf.tables[formula.table or module.table]
            frame = _evaluated(contract, measure, example, shelf)
    found = frame.collect()[measure.column].to_list()
    return found[0] if formula.grain in ("bucket", "state") else found


def _evaluated(contract: Table, measure: Measure, example: Example, shelf: Catalog) -> pl.LazyFrame:
    events = _events(contract, example)
    columns = tuple(PlannedColumn(name, dtype) for name, dtype in events.schema.items())
    known = {contract.name: Dataset(contract.name, columns, is_raw=True)}
    if measure.analytic.grain == "row":
        return _with_value(events.lazy(), measure, contract.time)
    query, _ = plan_query(contract.name, contract, [measure], known, shelf)
    return fuse(query, {contract.name: events.lazy()}, Clock.daily())


def _with_value(events: pl.LazyFrame, measure: Measure, time: str) -> pl.LazyFrame:
    """*events* with the value of each row."""
    value, dtype = measure.build(), measure.analytic.dtype
    if isinstance(value, Carried):
        return Carrier(time, {measure.column: value}, {measure.column: dtype or pl.Null()}).at_once(events)
    assert isinstance(value, pl.Expr)
    return events.with_columns((value if dtype is None else value.cast(dtype)).alias(measure.column))


def _events(contract: Table, example: Example) -> pl.DataFrame:
    """The rows of *example* as events of one listing, a nanosecond apart unless they say when."""
    frame = _literal(example.rows, contract)
    count = pl.int_range(pl.len(), dtype=pl.Int64)
    clock = {contract.time: (OPENING_NANOS + count).cast(pl.Datetime("ns"))} if contract.time else {}
    missing = {KEY: pl.lit(1, pl.Int64), DATE: pl.lit(DAY), **clock}
    return frame.with_columns(expr.alias(name) for name, expr in missing.items() if name not in frame.columns)


def _literal(rows: Mapping[str, Sequence[Any]], contract: Table) -> pl.DataFrame:
    return pl.DataFrame([_series(name, values, contract) for name, values in rows.items()])


def _series(name: str, values: Sequence[Any], contract: Table) -> pl.Series:
    try:
        dtype = contract[name].dtype
    except KeyError:
        return pl.Series(name, values, strict=False)
    return pl.Series(name, values, dtype, strict=False)


def _aggregated(example: Example) -> pl.LazyFrame:
    """The rows of *example* as buckets of one listing, a minute apart."""
    frame = pl.DataFrame(dict(example.rows), strict=False)
    count = pl.int_range(pl.len(), dtype=pl.Int64)
    label = (OPENING_NANOS + count * 60_000_000_000).cast(pl.Datetime("ns"))
    missing = {KEY: pl.lit(1, pl.Int64), DATE: pl.lit(DAY), TIME_BUCKET: label}
    return frame.lazy().with_columns(expr.alias(name) for name, expr in missing.items() if name not in frame.columns)


def is_close(found: Any, wanted: Any) -> bool:
    """Whether *found* is what an example gives: floats to nine digits, lists value by value, null only for null."""
    if isinstance(wanted, list | tuple):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(is_close, found, wanted))
    if found is None or wanted is None or isinstance(wanted, str | bool):
        return found == wanted and type(found) is type(wanted)
    return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12)
