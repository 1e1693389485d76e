"""Declarations: one place that says formula, columns, unit, documentation, roll-up and examples.

An analytic is a pure function from its axes to a Polars expression. `Analytic` holds the function
with everything that is said about it; a `Measure` is an analytic at one point of its axes, exactly
one column. Families group analytics under one list of a module's config.
"""

from basalt.core.declaring.analytics import Analytic, Enrichment, Example, Measure, analytic, enrichment
from basalt.core.declaring.axes import UNASKED, Axis
from basalt.core.declaring.carried import Carried, Pieces
from basalt.core.declaring.held import Held, OverTime, Reduction, WindowReduction, held, moves, window_moves
from basalt.core.declaring.modules import Family, Module, ModuleConfig, Select
from basalt.core.declaring.rollups import ByAxis, First, FromParts, Gathered, Last, Max, Min, RatioOfSums, Rollup, RootOfSums, Sum
from basalt.core.declaring.rows import EVERY_ROW, RowFilter, all_of, complete_columns, count_where, first_where, known, last_where, where
from basalt.core.declaring.values import Composite, Part, Ratio, Root, Row, Settling, ratio, safe_divide
from basalt.core.holding.values import before

__all__ = [
    "EVERY_ROW",
    "UNASKED",
    "Analytic",
    "Axis",
    "ByAxis",
    "Carried",
    "Composite",
    "Enrichment",
    "Example",
    "Family",
    "First",
    "FromParts",
    "Gathered",
    "Held",
    "Last",
    "Max",
    "Measure",
    "Min",
    "Module",
    "ModuleConfig",
    "OverTime",
    "Part",
    "Pieces",
    "Ratio",
    "RatioOfSums",
    "Reduction",
    "Rollup",
    "Root",
    "RootOfSums",
    "Row",
    "RowFilter",
    "Select",
    "Settling",
    "Sum",
    "WindowReduction",
    "all_of",
    "analytic",
    "before",
    "complete_columns",
    "count_where",
    "enrichment",
    "first_where",
    "held",
    "known",
    "last_where",
    "moves",
    "ratio",
    "safe_divide",
    "where",
    "window_moves",
]
