"""The public face of the kernel: what plugins and pipelines import.

Names are loaded on first use, so that importing `basalt.core` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pluggy

hookimpl = pluggy.HookimplMarker("basalt")
"""Marks a function of a plugin module as an implementation of one of `basalt.core.hookspecs`."""

_HOMES = {
    "analytic": "basalt.core.declaring",
    "enrichment": "basalt.core.declaring",
    "Analytic": "basalt.core.declaring",
    "Enrichment": "basalt.core.declaring",
    "Composite": "basalt.core.declaring",
    "Example": "basalt.core.declaring",
    "EVERY_ROW": "basalt.core.declaring",
    "Family": "basalt.core.declaring",
    "Module": "basalt.core.declaring",
    "Part": "basalt.core.declaring",
    "Ratio": "basalt.core.declaring",
    "Root": "basalt.core.declaring",
    "Select": "basalt.core.declaring",
    "ratio": "basalt.core.declaring",
    "Row": "basalt.core.declaring",
    "all_of": "basalt.core.declaring",
    "count_where": "basalt.core.declaring",
    "first_where": "basalt.core.declaring",
    "last_where": "basalt.core.declaring",
    "safe_divide": "basalt.core.declaring",
    "where": "basalt.core.declaring",
    "ByAxis": "basalt.core.declaring",
    "First": "basalt.core.declaring",
    "FromParts": "basalt.core.declaring",
    "Last": "basalt.core.declaring",
    "Max": "basalt.core.declaring",
    "Min": "basalt.core.declaring",
    "RatioOfSums": "basalt.core.declaring",
    "RootOfSums": "basalt.core.declaring",
    "Sum": "basalt.core.declaring",
    "Offer": "basalt.core.offers",
    "Preprocessor": "basalt.core.offers",
    "TableModule": "basalt.core.offers",
    "Input": "basalt.core.offers",
    "Produced": "basalt.core.offers",
    "ModuleConfig": "basalt.core.declaring",
    "Scope": "basalt.core.offers",
    "Table": "basalt.core.tables",
    "Column": "basalt.core.tables",
    "Clock": "basalt.core.bucketing",
    "bucket_label": "basalt.core.bucketing",
    "run": "basalt.core.running",
    "plan": "basalt.core.planning",
    "explain": "basalt.core.explaining",
    "BasaltError": "basalt.core.errors",
    "ConfigError": "basalt.core.errors",
    "PluginError": "basalt.core.errors",
    "PlanError": "basalt.core.errors",
    "DataError": "basalt.core.errors",
    "RunError": "basalt.core.errors",
}

__all__ = [
    "EVERY_ROW",
    "Analytic",
    "BasaltError",
    "ByAxis",
    "Clock",
    "Column",
    "Composite",
    "ConfigError",
    "DataError",
    "Enrichment",
    "Example",
    "Family",
    "First",
    "FromParts",
    "Input",
    "Last",
    "Max",
    "Min",
    "Module",
    "ModuleConfig",
    "Offer",
    "Part",
    "PlanError",
    "PluginError",
    "Preprocessor",
    "Produced",
    "Ratio",
    "RatioOfSums",
    "Root",
    "RootOfSums",
    "Row",
    "RunError",
    "Scope",
    "Select",
    "Sum",
    "Table",
    "TableModule",
    "all_of",
    "analytic",
    "bucket_label",
    "count_where",
    "enrichment",
    "explain",
    "first_where",
    "hookimpl",
    "last_where",
    "plan",
    "ratio",
    "run",
    "safe_divide",
    "where",
]

if TYPE_CHECKING:
    from basalt.core.bucketing import Clock, bucket_label
    from basalt.core.declaring import (
        EVERY_ROW,
        Analytic,
        ByAxis,
        Composite,
        Enrichment,
        Example,
        Family,
        First,
        FromParts,
        Last,
        Max,
        Min,
        Module,
        ModuleConfig,
        Part,
        Ratio,
        RatioOfSums,
        Root,
        RootOfSums,
        Row,
        Select,
        Sum,
        all_of,
        analytic,
        count_where,
        enrichment,
        first_where,
        last_where,
        ratio,
        safe_divide,
        where,
    )
    from basalt.core.errors import BasaltError, ConfigError, DataError, PlanError, PluginError, RunError
    from basalt.core.explaining import explain
    from basalt.core.offers import Input, Offer, Preprocessor, Produced, Scope, TableModule
    from basalt.core.planning import plan
    from basalt.core.running import run
    from basalt.core.tables import Column, Table


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'basalt.core' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
