"""However a run is cut into days, batches, passes and workers, its outputs are those of one piece."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from comparing import assert_same_outputs, outputs

from basalt.core.ledger import Ledger
from basalt.core.running import run
from basalt.synthetic import write_day

DAYS = (date(2026, 2, 2), date(2026, 2, 3), date(2026, 2, 4))
MEASURES = ["Volume", "Count", "Notional", "VWAP", "OHLC", "Volatility", "MedianPrice"]

BARS: dict[str, Any] = {
    "name": "bars",
    "modules": ["trade"],
    "trade_analytics": {
        "generic_metrics": [{"sides": ["Bid", "Ask", "Total"], "measures": MEASURES}],
        "impact_metrics": [{"variant": ["EffectiveSpread", "RealizedSpread", "PriceImpact"], "horizon": "5s"}],
    },
}
FOLDABLE: dict[str, Any] = {
    "name": "flows",
    "modules": ["trade"],
    "trade_analytics": {"generic_metrics": [{"sides": ["Bid", "Ask", "Total"], "measures": ["Volume", "Count", "VWAP", "OHLC"]}]},
}
QUARTERS: dict[str, Any] = {
    "name": "quarters",
    "modules": ["generic"],
    "generic_analytics": {
        "source_pass": "flows",
        "resample_rule": "15m",
        "columns": ["TradeTotalVolume", "TradeBidVolume", "TradeTotalVWAP", "High", "Low"],
    },
}
DAILY: dict[str, Any] = {
    "name": "daily",
    "modules": ["generic"],
    "generic_analytics": {
        "source_pass": "quarters",
        "group_by": ["InstrumentId", "TimeBucket"],
        "resample_rule": "1d",
        "columns": ["TradeTotalVolume", "TradeBidVolume"],
    },
}
PASSES = {1: [BARS], 3: [FOLDABLE, QUARTERS, DAILY]}


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One market, its files in order and with their rows shuffled."""
    root = tmp_path_factory.mktemp("lakes")
    in_order, shuffled = root / "in-order", root / "shuffled"
    for day in DAYS:
        write_day(in_order, day, listings=10, scale=0.3, seed=3)
    for path in in_order.rglob("*.parquet"):
        copy = shuffled / path.relative_to(in_order)
        copy.parent.mkdir(parents=True, exist_ok=True)
        pl.read_parquet(path).sample(fraction=1.0, shuffle=True, seed=5).write_parquet(copy)
    return {"in order": in_order, "shuffled": shuffled}


def _run(tmp_path: Path, lake: Path, days: int, batch: int | None, passes: int, workers: int) -> dict[str, pl.DataFrame]:
    out = tmp_path / "out"
    run(
        {
            "START_DATE": DAYS[0],
            "END_DATE": DAYS[days - 1],
            "LAKE": str(lake),
            "PASSES": PASSES[passes],
            "NUM_WORKERS": workers,
            "MAX_LISTINGS_PER_BATCH": batch,
            "OUTPUT_TARGET": {"path_template": f"{out}/{{datasetname}}/{{start_date}}_{{end_date}}.parquet"},
        },
        ledger=Ledger(tmp_path / "state"),
    )
    return outputs(out)


@pytest.fixture(scope="module")
def whole(lakes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], dict[str, pl.DataFrame]]:
    """The outputs of one batch, one worker, files in order, by days and passes."""
    return {
        (days, passes): _run(tmp_path_factory.mktemp("whole"), lakes["in order"], days, None, passes, 1)
        for days in (1, 3)
        for passes in (1, 3)
    }


def _cuts() -> list[tuple[int, int | None, int, int, str]]:
    return list(itertools.product((1, 3), (1, 7, None), (1, 3), (1, 2), ("in order", "shuffled")))


@pytest.mark.parametrize(("days", "batch", "passes", "workers", "order"), _cuts())
def test_cut_run_equals_whole_run(
    days: int,
    batch: int | None,
    passes: int,
    workers: int,
    order: str,
    lakes: dict[str, Path],
    whole: dict[tuple[int, int], dict[str, pl.DataFrame]],
    tmp_path: Path,
) -> None:
    """The outputs do not depend on how the work was cut."""
    found = _run(tmp_path, lakes[order], days, batch, passes, workers)
    assert found
    assert_same_outputs(found, whole[days, passes])
