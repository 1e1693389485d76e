"""Which first-party wheel offers a name: data for error messages, nothing else reads it."""

from __future__ import annotations

from typing import Final

WHEELS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "modules": {
        "bmll-basalt-trade": ("trade", "retail_imbalance"),
        "bmll-basalt-l2": ("l2", "l2tw", "cbbo_analytics"),
        "bmll-basalt-l3": ("l3",),
        "bmll-basalt-execution": ("execution",),
        "bmll-basalt-characteristics": ("l3_characteristics", "trade_characteristics"),
        "bmll-basalt-alpha101": ("alpha101",),
        "bmll-basalt-postprocessors": ("generic", "reaggregate", "observed_events", "external_events", "correlation", "hurst", "predictor"),
    },
    "preprocessors": {
        "bmll-basalt-preprocessors": ("iceberg", "cbbo_preprocess", "cbbofroml3_preprocess", "aggressive_preprocess"),
    },
    "sources": {"bmll-basalt-synthetic": ("synthetic",)},
    "output_targets": {"bmll-basalt-delta": ("delta",), "bmll-basalt-sql": ("sql",)},
    "tables": {"bmll-basalt-market": ("trades", "l2", "l3", "cbbo", "marketstate", "reference", "imbalance")},
    "commands": {"bmll-basalt-feeds": ("data",)},
}


def wheel_of(kind: str, name: str) -> str | None:
    """The distribution that offers *name* as *kind*, None when it is no first-party name."""
    for wheel, names in WHEELS.get(kind, {}).items():
        if name in names:
            return wheel
    return None


def wheel_of_key(key: str) -> str | None:
    """The distribution whose module reads the config key *key*."""
    return wheel_of("modules", key.removesuffix("_analytics")) or wheel_of("preprocessors", key)
