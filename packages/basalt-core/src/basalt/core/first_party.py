"""What error messages know of first-party names: which wheel offers one, and what replaced an old key."""

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
        "bmll-basalt-market": ("convert",),
        "bmll-basalt-quality": ("quality",),
        "bmll-basalt-preprocessors": ("iceberg",),
        "bmll-basalt-postprocessors": ("generic", "reaggregate", "observed_events", "external_events", "correlation", "hurst", "predictor"),
    },
    "preprocessors": {
        "bmll-basalt-preprocessors": ("iceberg", "cbbo_preprocess", "cbbofroml3_preprocess", "aggressive_preprocess", "book_preprocess"),
    },
    "sources": {"bmll-basalt-synthetic": ("synthetic",)},
    "output_targets": {"bmll-basalt-delta": ("delta",), "bmll-basalt-sql": ("sql",)},
    "tables": {
        "bmll-basalt-market": ("trades", "l2", "l3", "cbbo", "marketstate", "reference", "imbalance", "ticksize"),
        "bmll-basalt-l2": ("microprice",),
        "bmll-basalt-quality": ("data_quality",),
        "bmll-basalt-synthetic": ("truth",),
    },
    "timelines": {"bmll-basalt-market": ("session",)},
    "commands": {"bmll-basalt-feeds": ("data",)},
}


REPLACED: Final[dict[str, str]] = {
    "batching_strategy": "batches follow from memory; MAX_LISTINGS_PER_BATCH and MAX_ROWS_PER_TABLE cap them",
    "prepare_data_mode": "how a worker gets its rows follows from the plan; remove the key",
    "heuristic_sizes_path": "sizes are read from the files; remove the key",
    "tables_to_load": "tables follow from the modules; remove the key",
    "default_ffill": "states carry and flows do not, as each column declares; remove the key",
    "clean_up_batch_files": "parts are removed when a run is done; remove the key",
    "clean_up_temp_dir": "parts are removed when a run is done; remove the key",
    "overwrite_temp_dir": "each run has a folder of its own; remove the key",
    "run_artifacts_enabled": "every run is in the ledger, see basalt runs show; remove the key",
    "run_artifacts_dir": "every run is in the ledger, see basalt runs show; remove the key",
    "run_artifacts_name": "every run is in the ledger, see basalt runs show; remove the key",
    "enable_performance_logs": "time and memory of every task are in the ledger, see basalt runs show; remove the key",
    "logging_level": "a command prints what it does; remove the key",
    "default_s3_region": "set region in S3_STORAGE_OPTIONS",
}
"""Run keys of older configs, in lower case, and what to do instead."""


def wheel_of(kind: str, name: str) -> str | None:
    """The distribution that offers *name* as *kind*, None when it is no first-party name."""
    for wheel, names in WHEELS.get(kind, {}).items():
        if name in names:
            return wheel
    return None


def wheel_of_key(key: str) -> str | None:
    """The distribution whose module reads the config key *key*."""
    return wheel_of("modules", key.removesuffix("_analytics")) or wheel_of("preprocessors", key)
