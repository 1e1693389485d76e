"""Rows about columns: all that installed modules can make, those of a plan, those of raw tables."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from basalt.core.catalog import Catalog
from basalt.core.datasets import PlannedColumn
from basalt.core.declaring import Analytic, Family, Module
from basalt.core.declaring.axes import REQUIRED, Axis
from basalt.core.errors import BasaltError, InvalidValue, UnknownName
from basalt.core.explaining import dtype_text, maker_of, module_of
from basalt.core.plans import Plan

ANY_DAY = "2026-01-05"
"""A day to plan for where none matters."""


def installed_rows(shelf: Catalog) -> list[dict[str, Any]]:
    """One row a measure of every installed module: closed axes expanded, open ones at their defaults.

    An open axis without a default stands in the name as `{axis}`. Modules and preprocessors that are functions of
    tables have the columns that they make by default; those that read passes have one row, as their columns depend on what they read.
    """
    rows = [row for name, module in shelf.modules.items() for row in _rows_of(name, module)]
    return rows + [row for name in shelf.preprocessors for row in _rows_alone("preprocess_modules", name)]


def _rows_of(name: str, module: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(module, Module):
        unknown = {"module": name, "column": "(depends on its inputs)", "unit": "", "rollup": None, "definition": _first_line(module.doc)}
        yield from _rows_alone("modules", name) or [unknown]
        return
    for family, analytic, axes in _offered(module):
        yield _measure_row(name, family.name, analytic, axes)


def _rows_alone(kind: str, name: str) -> list[dict[str, Any]]:
    """What a module or preprocessor makes of raw tables by default; nothing where it needs a pass before it."""
    from basalt.configuration.reading import read_config
    from basalt.core.planning import plan

    try:
        rows = planned_rows(plan(read_config({**_alone(kind, name), "start_date": ANY_DAY, "end_date": ANY_DAY})))
    except BasaltError:  # it needs passes, or a section, that only a config gives
        return []
    return [{key: value for key, value in row.items() if key != "pass"} for row in rows]


def _alone(kind: str, name: str) -> dict[str, Any]:
    return {"PASSES": [{"name": "asked", kind: [name]}]}


def config_for(shelf: Catalog, column: str) -> dict[str, Any]:
    """The smallest config whose pass makes *column*, by the first installed module that offers it.

    An open axis, which stands in listed names as `{axis}`, takes the number that *column* has there.

    Raises:
        UnknownName: No module lists the column.
    """
    known = []
    for name, module in shelf.modules.items():
        for family, analytic, axes in _offered(module):
            found = _column(analytic, axes)
            if (numbers := _numbers(found, column)) is not None:
                given = {field: numbers.get(axis, axes[axis]) for axis, field in family.axes.items() if axes.get(axis) is not None}
                entry = {**({family.selector: analytic.measure} if family.selector else {}), **given}
                return {"PASSES": [{"name": "asked", "modules": [name], module.config_key: {family.name: [entry]}}]}
            known.append(found)
    tables = [("modules", name) for name, module in shelf.modules.items() if not isinstance(module, Module)]
    for kind, name in [*tables, *(("preprocess_modules", name) for name in shelf.preprocessors)]:
        made = [row["column"] for row in _rows_alone(kind, name)]
        if column in made:
            return _alone(kind, name)
        known += made
    raise UnknownName.of(
        "column", column, known, where="--column", hint="see: basalt analytics list; columns that a config names: --pipeline FILE"
    )


def _numbers(listed: str, column: str) -> dict[str, float] | None:
    """What *column* has where the *listed* name has open axes; None if it is another name."""
    parts = [
        f"(?P<{part}>[0-9]+(?:[.][0-9]+)?)" if place % 2 else re.escape(part) for place, part in enumerate(re.split(r"\{(\w+)\}", listed))
    ]
    found = re.fullmatch("".join(parts), column)
    return {axis: float(said) if "." in said else int(said) for axis, said in found.groupdict().items()} if found else None


def _offered(module: Any) -> Iterator[tuple[Family, Analytic, dict[str, Any]]]:
    """Every measure of a module of formulas: its family, its analytic, its point."""
    for family in module.families if isinstance(module, Module) else ():
        for analytic in module.members(family):
            for axes in _points(analytic.axes):
                if module.makes is None or module.makes(axes):
                    yield family, analytic, axes


def _points(axes: Iterable[Axis]) -> Iterator[dict[str, Any]]:
    chosen = list(axes)
    for point in itertools.product(*(_values(axis) for axis in chosen)):
        yield dict(zip((axis.name for axis in chosen), point, strict=True))


def _values(axis: Axis) -> tuple[Any, ...]:
    if axis.is_closed:
        return axis.choices
    return (f"{{{axis.name}}}",) if axis.default is REQUIRED else (axis.default,)


def _measure_row(module: str, family: str, analytic: Analytic, axes: Mapping[str, Any]) -> dict[str, Any]:
    rule = analytic.rollup_at(axes)
    return {
        "module": module,
        "family": family,
        "measure": analytic.measure,
        "column": _column(analytic, axes),
        "unit": analytic.described(analytic.unit, axes),
        "rollup": rule.name if rule else None,
        "forward": analytic.forward,
        "definition": _first_line(analytic.described(analytic.doc, axes)),
    }


def _column(analytic: Analytic, axes: Mapping[str, Any]) -> str:
    try:
        return analytic.column_at(axes)
    except InvalidValue:  # the name depends on an axis that only a config gives
        return f"{analytic.name}({', '.join(map(str, axes.values()))})"


def planned_rows(plan: Plan) -> list[dict[str, Any]]:
    """One row a written column of every pass, and a column of every side table."""
    rows = []
    for each in plan.passes:
        rows += [
            _planned_row(column.measure.module if column.measure else module_of(each, column.name), each.name, column)
            for column in each.written
        ]
        rows += [_planned_row(maker_of(each, table), table.key, column) for table in each.side_tables for column in table.dataset.visible]
    return rows


def _planned_row(module: str, made_in: str, column: PlannedColumn) -> dict[str, Any]:
    return {
        "module": module,
        "pass": made_in,
        "column": column.name,
        "unit": column.unit,
        "dtype": dtype_text(column.dtype),
        "rollup": column.rollup.name if column.rollup else None,
        "forward": column.forward,
        "definition": _first_line(column.doc),
    }


def table_rows(shelf: Catalog) -> list[dict[str, Any]]:
    """One row a column of every raw table's contract."""
    return [
        {
            "table": table.name,
            "column": column.name,
            "dtype": dtype_text(column.dtype),
            "unit": column.unit,
            "stored": column.name in table.stored_names,
            "required": column.required,
            "doc": column.doc,
        }
        for table in shelf.tables.values()
        for column in table.available()
    ]


def _first_line(text: str) -> str:
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())
