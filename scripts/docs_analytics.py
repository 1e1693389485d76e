"""The page of all analytics, from their declarations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from basalt.core.catalog import Catalog
from basalt.core.cli.settings import option_rows
from basalt.core.declaring import Analytic, ByAxis, Enrichment, Example, Family, Measure, Module
from basalt.core.declaring.axes import REQUIRED, Axis
from basalt.core.errors import InvalidValue
from basalt.core.fusing import root_names
from docs_markdown import anchor, code, first_line, listed, page, points, prose, table

SHOWN_COLUMNS = 8
EMPTY = {"null": "null", "zero": "0", "carry": "the value before it"}
INTRODUCTION = """\
Every module that the packages of this repository offer, with the columns that it can make. A config names modules in `modules` and
configures each in its section of the pass; an entry of a family's list expands over its axes, one column for each point.

*Empty buckets* says what a column holds where the market was open and nothing happened; the timeline `dense` makes such rows. Everywhere
else an undefined value is null, as the definition says. *Roll-up* says how fine buckets make coarse ones, and what `generic` and
`reaggregate` go by. `{currency}` is the currency of the listing, the label `CurrencyCode`. The same facts about one column of your own
pipeline: `basalt analytics explain --pipeline FILE --column NAME`. All names, expanded: `basalt analytics list --json`."""


def analytics_page(shelf: Catalog) -> str:
    """All modules by name."""
    modules = [shelf.modules[name] for name in sorted(shelf.modules)]
    contents = "\n".join(f"- [`{each.name}`](#{anchor(f'module {each.name}')}): {first_line(each.doc)}" for each in modules)
    options = option_rows(shelf)
    return page("Analytics", INTRODUCTION, contents, *(_module(each, shelf, options) for each in modules))


def _module(module: Any, shelf: Catalog, options: list[dict[str, Any]]) -> str:
    heading = f"## Module `{module.name}`"
    origin = f"Comes with `{shelf.owner('module', module.name)}`; its section is `{module.config_key}`."
    if not isinstance(module, Module):
        depends = "Its columns depend on what it reads: those of its source, under their own names."
        return "\n\n".join([heading, prose(type(module).__doc__ or module.doc), origin, _settings(options, module.config_key, 1), depends])
    families = [_family(module, family, options) for family in module.families]
    head = [heading, prose(module.doc), f"{origin} Reads `{module.table}` unless a measure says otherwise.", _defaults(module)]
    return "\n\n".join([*head, _settings(options, module.config_key, 1), *families, _providers(module)])


def _defaults(module: Module) -> str:
    default = "; ".join(f"`{select.family}: {dict(select.entry)}`" for select in module.defaults(module.config_model()))
    always = "; ".join(f"`{select.family}: {dict(select.entry)}`" for select in module.always)
    return points([("With an empty section", default), ("Always", always)])


def _settings(options: list[dict[str, Any]], key: str, depth: int) -> str:
    """Keys below *key*, none deeper than *depth*."""
    prefix = f"PASSES[].{key}."
    found = [row for row in options if row["key"].startswith(prefix) and row["key"].removeprefix(prefix).count(".") < depth]
    rows = [[code(row["key"].removeprefix(prefix)), code(row["type"]), default_words(row["default"]), row["description"]] for row in found]
    return table(("key", "type", "default", "meaning"), rows)


def default_words(text: str) -> str:
    """A default as code; nothing where there is none to show."""
    return code(text) if text not in ("", "required") else text


# ---------------------------------------------------------------- families


def _family(module: Module, family: Family, options: list[dict[str, Any]]) -> str:
    parts = [
        f"### `{family.name}`",
        prose(family.doc),
        _settings(options, f"{module.config_key}.{family.name}[]", 1),
        *(_analytic(each, family) for each in module.members(family)),
    ]
    return "\n\n".join(part for part in parts if part)


def _analytic(each: Analytic, family: Family) -> str:
    named = f"`{family.selector}: {each.measure}`" if family.selector else "every entry"
    formula = f"$$\n{each.math}\n$$" if each.math else ""
    facts = [
        ("Asked by", named),
        ("Columns", _columns(each)),
        ("Reads", _reads(each)),
        ("Unit", code(each.unit) if each.unit else "none"),
        ("Empty buckets", _empty(each)),
        ("Roll-up", _rollup(each)),
        ("Known", "**after the bucket's end**: forward-looking" if each.forward else "at the bucket's end"),
        ("Source", each.source),
        ("Formula in the code", code(each.reference)),
    ]
    parts = [f"#### {each.measure}", prose(each.doc), formula, points(facts), _examples(each.examples)]
    return "\n\n".join(part for part in parts if part)


def _points_of(each: Analytic) -> Iterator[dict[str, Any]]:
    """Points of the axes: all choices of closed ones, defaults of open ones, the default point first."""
    choices = [sorted(_values(axis), key=lambda value, axis=axis: value != axis.default) for axis in each.axes]  # type: ignore[misc]
    for point in itertools.product(*choices):
        yield dict(zip((axis.name for axis in each.axes), point, strict=True))


def _values(axis: Axis) -> tuple[Any, ...]:
    if axis.is_closed:
        return axis.choices
    return (f"{{{axis.name}}}",) if axis.default is REQUIRED else (axis.default,)


def _columns(each: Analytic) -> str:
    try:
        names = list(dict.fromkeys(each.column_at(point) for point in _points_of(each)))
    except InvalidValue:  # the name depends on an open axis without a default
        return code(each.column) if isinstance(each.column, str) else "named after the axes"
    rest = f" and {len(names) - SHOWN_COLUMNS} more" if len(names) > SHOWN_COLUMNS else ""
    is_open = any(not axis.is_closed for axis in each.axes)
    return listed(names[:SHOWN_COLUMNS]) + rest + (f" (open axes at their defaults: {', '.join(_open_axes(each))})" if is_open else "")


def _reads(each: Analytic) -> str:
    """Columns of the formula at all points of its axes; those that every point reads come first."""
    found = [root_names(Measure(each, tuple(point.items()), each.name)) for point in _points_of(each) if not _has_place(point)]
    if not found:
        return ""
    always, sometimes = set.intersection(*found), set.union(*found)
    rest = sorted(sometimes - always)
    if len(rest) > SHOWN_COLUMNS:
        return f"{listed(sorted(always))}, others by axis"
    return "; ".join(filter(None, (listed(sorted(always)), f"by axis {listed(rest)}" if rest else "")))


def _has_place(point: Mapping[str, Any]) -> bool:
    return any(str(value).startswith("{") for value in point.values())


def _open_axes(each: Analytic) -> list[str]:
    return [code(axis.name) for axis in each.axes if not axis.is_closed]


def _empty(each: Analytic) -> str:
    rules: dict[str, list[Mapping[str, Any]]] = {}
    every: list[Mapping[str, Any]] = list(_points_of(each))
    for point in every:
        rules.setdefault(EMPTY[each.empty_at(point)], []).append(point)
    if len(rules) == 1:
        return next(iter(rules))
    ordered = sorted(rules.items(), key=lambda rule: -len(rule[1]))
    return ", ".join(f"{text} for {_differing(found, every)}" for text, found in ordered[1:]) + f", else {ordered[0][0]}"


def _differing(found: list[Mapping[str, Any]], every: list[Mapping[str, Any]]) -> str:
    """Axes that have one value in all of *found*, and several in *every* point."""
    same = {name: value for name, value in found[0].items() if all(point[name] == value for point in found)}
    return listed(f"{name}={value}" for name, value in same.items() if any(point[name] != value for point in every))


def _rollup(each: Analytic) -> str:
    if isinstance(each.rollup, ByAxis):
        rules = ", ".join(f"{value}: {rule.name}" for value, rule in each.rollup.rules.items())
        return f"by `{each.rollup.axis}`: {rules}; other values have none" if _has_more(each) else f"by `{each.rollup.axis}`: {rules}"
    if each.rollup is None:
        return "none: compute coarse buckets directly"
    return f"{each.rollup.name}, along the time of one listing only" if each.rollup.along_time else each.rollup.name


def _has_more(each: Analytic) -> bool:
    assert isinstance(each.rollup, ByAxis)
    axis = next(axis for axis in each.axes if axis.name == each.rollup.axis)
    return not set(map(str, axis.choices)) <= set(each.rollup.rules)


def _examples(examples: tuple[Example, ...]) -> str:
    """Rows, axes and values, which tests check."""
    rows = [
        [_rows_text(each), listed(f"{name}={value}" for name, value in each.axes.items()) or "defaults", code(each.gives)]
        for each in examples
    ]
    return table(("rows of a bucket", "axes", "gives"), [[*row[:2], row[2].replace("None", "null")] for row in rows])


def _rows_text(example: Example) -> str:
    return code("; ".join(f"{name}: {', '.join(_value(value) for value in values)}" for name, values in example.rows.items()))


def _value(value: object) -> str:
    return "null" if value is None else str(value)


# ---------------------------------------------------------------- what formulas need


def _providers(module: Module) -> str:
    """Columns that formulas read and files may lack."""
    rows = [
        [code(each.column) if isinstance(each.column, str) else code(each.name), _origin(each), first_line(each.doc)]
        for each in _helpers(module)
    ]
    if not rows:
        return ""
    text = "Columns that formulas read, where the files of the table do not have them:"
    return f"### Columns made for `{module.name}`\n\n{text}\n\n{table(('column', 'made from', 'definition'), rows)}"


def _helpers(module: Module) -> list[Analytic | Enrichment]:
    return [each for each in module.analytics if isinstance(each, Enrichment) or each.grain == "row"]


def _origin(each: Analytic | Enrichment) -> str:
    return f"`{each.uses}`" if isinstance(each, Enrichment) else "the row"
