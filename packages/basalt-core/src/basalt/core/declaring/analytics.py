"""Analytics: formulas with everything that is said about them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from string import Formatter
from typing import Any, Literal

import polars as pl

from basalt.core.declaring.axes import REQUIRED, ROWS, Axis, axes_of, token
from basalt.core.declaring.carried import Carried
from basalt.core.declaring.held import Held, OverTime
from basalt.core.declaring.rollups import ByAxis, FromParts, RatioOfSums, Rollup, RootOfSums
from basalt.core.declaring.rows import ALL_ROWS, RowFilter
from basalt.core.declaring.values import Composite, Ratio, Root
from basalt.core.errors import BadOffer, InvalidValue
from basalt.core.guarding import foreign, told

Grain = Literal["row", "bucket", "state", "series", "section"]
Empty = Literal["null", "zero", "carry"]
Naming = str | Callable[..., str]

_FIELD = re.compile(r"\{(\w+)\}")
_VALUE_OF_RULE: dict[type[Rollup], type[Composite]] = {RatioOfSums: Ratio, RootOfSums: Root, FromParts: Composite, OverTime: Held}


@dataclass(frozen=True)
class Example:
    """Rows, axes and the value that a formula gives on them; a test, and a line of the docs.

    Attributes:
        rows: Column to values of the events of one bucket.
        gives: The expected value; a list of values for a row-grain analytic.
        axes: Axis values that differ from the defaults.
    """

    rows: Mapping[str, Sequence[Any]]
    gives: Any
    axes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Declared:
    """What analytics and enrichments have in common.

    Attributes:
        function: The formula.
        name: Its name.
        column: Column name template over the axes, or a function from axes to the name.
        unit: Unit, as a template over the axes; `{currency}` is the listing's currency.
        dtype: Type of the column; None lets the engine tell.
        table: Table that the formula reads.
        doc: First paragraph says what; the rest what a reader should know.
        math: Formula in LaTeX.
        source: Citation.
        forward: The value depends on what happens after the bucket's end.
        axes: Parameters of the formula.
        takes_rows: The formula takes the row condition of a config entry.
    """

    function: Callable[..., Any]
    name: str
    column: Naming
    unit: str
    dtype: pl.DataType | None
    table: str
    doc: str
    math: str
    source: str
    forward: bool
    axes: tuple[Axis, ...]
    takes_rows: bool

    def __reduce__(self) -> tuple[object, ...]:
        return (_by_reference, (self.function.__module__, self.function.__qualname__))

    def __hash__(self) -> int:
        return hash((self.function.__module__, self.function.__qualname__))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Declared) and self.reference == other.reference

    @property
    def reference(self) -> str:
        """`module:name` of the formula."""
        return f"{self.function.__module__}:{self.function.__qualname__}"

    def column_at(self, axes: Mapping[str, object]) -> str:
        """The column name at one point of the axes."""
        named = {name: token(value) for name, value in axes.items()}
        if callable(self.column):
            return self.column(**axes)
        return self.column.format(**named)

    def described(self, text: str, axes: Mapping[str, object]) -> str:
        """*text* with the axes' values put in; other braces stay."""
        named = {name: token(value).removesuffix(".0") if isinstance(value, float) else token(value) for name, value in axes.items()}
        return _FIELD.sub(lambda match: named.get(match[1], match[0]), text)

    def defaults(self) -> dict[str, object]:
        """Axis values where the config does not say."""
        return {axis.name: axis.default for axis in self.axes if axis.default is not REQUIRED}


def _by_reference(module: str, name: str) -> Declared:
    found = getattr(import_module(module), name, None)
    if not isinstance(found, Declared):
        raise BadOffer(f"{module}:{name} is no analytic", hint="declare analytics at the top level of an importable module")
    return found


@dataclass(frozen=True, eq=False)
class Analytic(Declared):
    """One declared formula.

    Attributes:
        family: Config list that asks for it; empty for formulas that others need.
        measure: Its value in the family's selector.
        grain: What one value belongs to: `row`, `bucket`, `state`, `series` or `section`.
        rollup: How fine buckets make a coarse one; None: they cannot.
        empty: Value in a bucket of an open market without events, or a function from axes to it.
        examples: Tests and documentation.
    """

    family: str = ""
    measure: str = ""
    grain: Grain = "bucket"
    rollup: Rollup | ByAxis | None = None
    empty: Empty | Callable[..., Empty] = "null"
    examples: tuple[Example, ...] = ()

    __reduce__ = Declared.__reduce__
    __hash__ = Declared.__hash__

    def __call__(self, **axes: Any) -> pl.Expr | Composite:
        """The expression at the given axes; defaults fill the rest."""
        result: pl.Expr | Composite = self.function(**axes)
        return result

    def rollup_at(self, axes: Mapping[str, object]) -> Rollup | None:
        """The roll-up rule at one point of the axes."""
        return self.rollup.at(axes) if isinstance(self.rollup, ByAxis) else self.rollup

    def empty_at(self, axes: Mapping[str, object]) -> Empty:
        """The value of an empty bucket at one point of the axes."""
        return self.empty(**axes) if callable(self.empty) else self.empty


@dataclass(frozen=True, eq=False)
class Enrichment(Declared):
    """A column attached to the rows of one table from another table.

    The function takes the frame, the other frame and the axes by name, and returns the frame with
    the one column more, rows and their order unchanged. It is used only where the table's files do
    not already have a column of that name.

    Attributes:
        uses: Name of the other table.
        reads: Columns of the table that the function reads.
        reads_other: Columns of the other table that it reads.
    """

    uses: str = ""
    reads: tuple[str, ...] = ()
    reads_other: tuple[str, ...] = ()

    __reduce__ = Declared.__reduce__
    __hash__ = Declared.__hash__

    def __call__(self, frame: pl.LazyFrame, other: pl.LazyFrame, **axes: Any) -> pl.LazyFrame:
        """*frame* with the column."""
        result: pl.LazyFrame = self.function(frame, other, **axes)
        return result


@dataclass(frozen=True)
class Measure:
    """An analytic at one point of its axes: exactly one column.

    Attributes:
        analytic: The declaration.
        axes: Axis values, in the order of the formula's parameters.
        column: Column name in the output.
        rows: Row condition of the config entry.
        module: Module that offers it.
        origin: Path of the config entry that made it; no part of what makes two measures equal.
    """

    analytic: Analytic
    axes: tuple[tuple[str, Any], ...]
    column: str
    rows: RowFilter = ALL_ROWS
    module: str = ""
    origin: str = field(default="", compare=False)

    def build(self) -> pl.Expr | Composite | Carried:
        """The expression of this column, before it is named; what follows it row by row, where it is carried."""
        arguments = dict(self.axes)
        if self.analytic.takes_rows and self.analytic.grain != "state":
            arguments[ROWS] = self.rows.expr()
        value = self._called(arguments)
        if not isinstance(value, pl.Expr | Composite | Carried):
            raise BadOffer(
                f"{self.analytic.name} returned {type(value).__name__}",
                where=self.analytic.reference,
                hint="return a Polars expression, ratio(...) or another Composite",
            )
        if (self.analytic.grain == "state") != isinstance(value, Held):
            raise BadOffer(
                f"{self.analytic.name} of grain {self.analytic.grain!r} returned {type(value).__name__}",
                where=self.analytic.reference,
                hint="grain='state' and held(…) go together",
            )
        self._check_carried(value)
        self._check_rollup(value)
        return value.where(self.rows) if isinstance(value, Held) else value

    def _called(self, arguments: dict[str, Any]) -> object:
        where = self.analytic.reference
        with foreign(lambda problem: BadOffer(f"{self.analytic.name} raised {told(problem)}", where=where, hint="fix the formula")):
            return self.analytic.function(**arguments)

    def _check_carried(self, value: pl.Expr | Composite | Carried) -> None:
        if isinstance(value, Carried) and (self.analytic.grain != "row" or self.analytic.dtype is None):
            raise BadOffer(
                f"{self.analytic.name} of grain {self.analytic.grain!r} is carried",
                where=self.analytic.reference,
                hint="declare grain='row' and a dtype",
            )

    def _check_rollup(self, value: pl.Expr | Composite | Carried) -> None:
        rule = self.rollup
        wanted = _VALUE_OF_RULE.get(type(rule)) if rule is not None else None
        if rule is not None and wanted is not None and not isinstance(value, wanted):
            raise BadOffer(
                f"{self.analytic.name} declares the roll-up {rule.name!r} but returns {type(value).__name__}",
                where=self.analytic.reference,
                hint=f"return a {wanted.__name__}",
            )

    @property
    def rollup(self) -> Rollup | None:
        """The roll-up rule of this column."""
        return self.analytic.rollup_at(dict(self.axes))

    @property
    def empty(self) -> Empty:
        """Value in a bucket of an open market without events."""
        return self.analytic.empty_at(dict(self.axes))

    @property
    def unit(self) -> str:
        """The unit of this column."""
        return self.analytic.described(self.analytic.unit, dict(self.axes))

    @property
    def doc(self) -> str:
        """What a value of this column says."""
        return self.analytic.described(self.analytic.doc, dict(self.axes))


def part_column(column: str, part: str) -> str:
    """Name of the supporting column that carries *part* of a composite *column*."""
    return f"{column}.{part}"


def analytic(
    *,
    column: Naming,
    unit: str,
    table: str = "",
    family: str = "",
    measure: str = "",
    grain: Grain = "bucket",
    dtype: pl.DataType | None = None,
    math: str = "",
    rollup: Rollup | ByAxis | None = None,
    empty: Empty | Callable[..., Empty] = "null",
    forward: bool = False,
    source: str = "",
    examples: Sequence[Example] = (),
) -> Callable[[Callable[..., Any]], Analytic]:
    """Declare a formula: a function from axes to a Polars expression.

    Args:
        column: Column name, a template over the axes (`"Trade{side}VWAP"`) or a function of them.
        unit: Unit of the values; `"1"` for pure numbers.
        table: Table that the formula reads; the module's table if empty.
        family: List of the module's config that asks for it.
        measure: Its value in the family's selector, the function's name if empty.
        grain: `row`, `bucket` (default; must reduce), `state` (a bucket of what stands from row to row: the
            formula returns `held(…)`), `series` or `section`.
        dtype: Type of the column, where the engine's own is not the wanted one.
        math: Formula in LaTeX.
        rollup: How fine buckets make a coarse one; None when they cannot.
        empty: Value in a bucket of an open market without events: `null`, `zero` or `carry`; or a
            function of the axes.
        forward: The value looks past the end of its bucket.
        source: Citation.
        examples: Rows and expected values.

    Returns:
        The `Analytic` in place of the function; call it with axes to get the expression.

    Raises:
        BadOffer: A parameter is no axis, or the column template names none of them.
    """

    def declare(function: Callable[..., Any]) -> Analytic:
        axes, takes_rows = axes_of(function)
        declared = Analytic(
            function=function,
            name=function.__name__,
            column=column,
            unit=unit,
            dtype=dtype,
            table=table,
            doc=inspect.getdoc(function) or "",
            math=math,
            source=source,
            forward=forward,
            axes=axes,
            takes_rows=takes_rows or grain == "state",
            family=family,
            measure=measure or function.__name__,
            grain=grain,
            rollup=rollup,
            empty=empty,
            examples=tuple(examples),
        )
        _check(declared)
        return declared

    return declare


def enrichment(
    *,
    table: str,
    uses: str,
    column: Naming,
    unit: str,
    reads: Sequence[str],
    reads_other: Sequence[str],
    dtype: pl.DataType | None = None,
    math: str = "",
    forward: bool = False,
    source: str = "",
) -> Callable[[Callable[..., pl.LazyFrame]], Enrichment]:
    """Declare a column that the rows of *table* get from the table *uses*.

    Args:
        table: Table that gets the column.
        uses: Table that it comes from.
        column: Column name, a template over the axes.
        unit: Unit of the values.
        reads: Columns of *table* that the function reads.
        reads_other: Columns of *uses* that it reads.
        dtype: Type of the column; Float64 if None.
        math, forward, source: As in `analytic`.
    """

    def declare(function: Callable[..., pl.LazyFrame]) -> Enrichment:
        axes, takes_rows = axes_of(function, skip=2)
        declared = Enrichment(
            function=function,
            name=function.__name__,
            column=column,
            unit=unit,
            dtype=dtype or pl.Float64(),
            table=table,
            doc=inspect.getdoc(function) or "",
            math=math,
            source=source,
            forward=forward,
            axes=axes,
            takes_rows=takes_rows,
            uses=uses,
            reads=tuple(reads),
            reads_other=tuple(reads_other),
        )
        _check(declared)
        return declared

    return declare


def _check(declared: Declared) -> None:
    if not declared.doc:
        raise BadOffer(
            f"{declared.name} has no docstring", where=declared.reference, hint="its first line becomes the column's documentation"
        )
    if isinstance(declared.column, str):
        unknown = sorted(set(_FIELD.findall(declared.column)) - {axis.name for axis in declared.axes})
        if unknown:
            raise BadOffer(f"column {declared.column!r} names no axis: {', '.join(unknown)}", where=declared.reference)
    if isinstance(declared, Analytic) and isinstance(declared.rollup, ByAxis):
        _check_rules(declared, declared.rollup)


def _check_rules(declared: Analytic, rollup: ByAxis) -> None:
    axis = next((axis for axis in declared.axes if axis.name == rollup.axis), None)
    if axis is None:
        raise BadOffer(f"the roll-up goes by {rollup.axis!r}, which is no axis", where=declared.reference)
    unknown = sorted(set(rollup.rules) - set(map(token, axis.choices))) if axis.is_closed else []
    if unknown:
        raise BadOffer(f"the roll-up has a rule for {', '.join(unknown)}, no choice of {rollup.axis!r}", where=declared.reference)


def named_by(pattern: str, names: Mapping[str, object], *, where: str) -> str:
    """A column name from a user's *pattern*.

    Raises:
        InvalidValue: The pattern is no template, is empty, or has something else in braces than *names*.
    """
    hint = f"here it may use {', '.join(f'{{{name}}}' for name in names)}"
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError as problem:
        raise InvalidValue(f"output_name_pattern {pattern!r} is no template: {problem}", where=where, hint=hint) from problem
    for _, name, layout, conversion in parts:
        if name is not None and (name not in names or layout or conversion):
            shown = f"{name}{'!' + conversion if conversion else ''}{':' + layout if layout else ''}"
            raise InvalidValue(f"output_name_pattern {pattern!r} names {shown!r}", where=where, hint=hint)
    column = "".join(text + (token(names[name]) if name is not None else "") for text, name, *_ in parts)
    if not column:
        raise InvalidValue("output_name_pattern makes a column without a name", where=where, hint=hint)
    return column
