"""Counts of order events against hand-written Polars; how fast lives of orders are followed, and in how much memory.

uv run python -m benchmarks.l3           # 10 million events, 3 runs of each, and memory on a quarter of them
uv run python -m benchmarks.l3 --quick   # 200 thousand events, once: does it run?
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl

from benchmarks.cases import DAY, KEYS, MIC
from benchmarks.data import FIRST_LISTING, LISTINGS, listings

ROWS, QUICK_ROWS, CHUNK = 10_000_000, 200_000, 500_000
TIME_GOAL, MEMORY_GOAL = 1.15, 1.2
_OPEN, _CLOSE = 8 * 3_600_000_000_000, int(16.5 * 3_600_000_000_000)
_VERSION = 2
QUARTER = 4
_SIDES = {"Bid": 1, "Ask": 2}
_COUNTS = {
    "generic_metrics": [
        {"measures": ["Count", "Volume"], "actions": ["Insert", "Remove", "Execute"], "sides": list(_SIDES)},
        {"measures": "Volume", "actions": ["UpdateInserted", "UpdateRemoved"], "sides": list(_SIDES)},
    ]
}
_LIVES = {
    "advanced_metrics": [{"variant": ["AvgRestingTime", "FleetingLiquidityRatio", "AvgEntryQueuePositionAtFill", "AvgReplacementLatency"]}],
    "lifetime_metrics": [{"measures": ["FillRatio", "CensoredOrderCount"]}],
    "quality_metrics": [{"measures": ["UnknownOrderCount", "DuplicateOrderCount"]}],
}
_INCIDENCE = {"lifetime_metrics": [{"measures": "Incidence", "risks": ["Fill", "Cancel"], "horizons": ["1s", "1m"]}]}
_ENDS = {
    "advanced_metrics": [
        {"variant": ["AvgRestingTime", "FleetingCancelRatio", "AvgEntryQueuePositionAtFill", "AvgReplacementLatency"]},
    ],
    "quality_metrics": [{"measures": ["UnknownOrderCount", "DuplicateOrderCount"]}],
}
SECTIONS = {"counts": _COUNTS, "ends": _ENDS, "lives": _LIVES, "incidence": _INCIDENCE}


# ---------------------------------------------------------------- data


def lake(rows: int, cache: Path | None = None) -> Path:
    """A lake with about *rows* order events; written once, then found in *cache* again."""
    from basalt.core.lake import lake_writer, write_lake_file
    from basalt.market.tables import L3, REFERENCE

    root = (cache or Path(tempfile.gettempdir()) / "basalt-benchmarks") / f"l3-v{_VERSION}-{rows}"
    if not (root / "whole").exists():
        made = events(rows)
        with lake_writer(root, L3, MIC, DAY) as file:
            for start in range(0, made.height, CHUNK):
                file.append(made.slice(start, CHUNK).with_columns(pl.col("OrderId", "OldOrderId").cast(pl.String).fill_null("")))
        write_lake_file(root, REFERENCE, MIC, DAY, listings())
        (root / "whole").touch()
    return root


def events(rows: int) -> pl.DataFrame:
    """Orders of a few busy listings and many quiet ones: each enters, some are executed in part, most leave, in order of time.

    Busier days are faster ones: lives are as much shorter, so that about as many orders rest at a time.
    """
    random = np.random.default_rng(_VERSION)
    count = int(rows / 2.15)
    weights = 1 / np.arange(1, LISTINGS + 1)
    rank = random.choice(LISTINGS, count, p=weights / weights.sum())
    midnight = int(np.datetime64(DAY, "ns").astype(np.int64))
    born = midnight + random.integers(_OPEN, _CLOSE, count)
    life = np.maximum(1_000, random.lognormal(22, 3, count) * (ROWS / rows)).astype(np.int64)
    side, size = random.integers(1, 3, count), 2 * random.integers(1, 500, count)
    tick = 0.01 * (1 + rank % 4)
    price = np.round(5.0 + rank * 0.7 + np.where(side == 1, -1, 1) * random.geometric(0.4, count) * tick, 4)
    ahead = random.integers(0, 20_000, count)
    common = {"ListingId": FIRST_LISTING + rank, "Side": side, "Id": np.arange(count) + 10**11, "At": price, "SizeAhead": ahead}
    orders = pl.DataFrame({**common, "Born": born, "Life": life, "Full": size})
    half = orders["Full"] // 2
    touched = pl.Series(random.random(count) < 0.15)
    filled = pl.Series(random.random(count) < 0.2)
    left = pl.select(pl.when(touched).then(half).otherwise(orders["Full"])).to_series()
    pieces = [
        _events(orders, orders["Born"], 2, 0, orders["Full"], 0),
        _events(orders, orders["Born"] + orders["Life"] // 2, 4, orders["Full"], half, half).filter(touched),
        _events(orders, orders["Born"] + orders["Life"], 3, left, 0, pl.select(pl.when(filled).then(left).otherwise(0)).to_series()),
    ]
    closed = (midnight + _CLOSE).__int__()
    made = pl.concat(pieces).filter(pl.col("Nanos") < closed).sort("Nanos", maintain_order=True)
    return _columns(made)


def _events(orders: pl.DataFrame, nanos: pl.Series, action: int, old: Any, new: Any, executed: Any) -> pl.DataFrame:
    values = {"Nanos": nanos, "LobAction": action, "OldSize": old, "Size": new, "ExecutionSize": executed}
    made = orders.select("ListingId", "Side", "Id", "At", "SizeAhead")
    return made.with_columns(
        (value if isinstance(value, pl.Series) else pl.lit(value)).cast(pl.Int64).alias(name) for name, value in values.items()
    )


def _columns(made: pl.DataFrame) -> pl.DataFrame:
    remains, existed, executes = pl.col("Size") > 0, pl.col("OldSize") > 0, pl.col("ExecutionSize") > 0
    return made.select(
        "ListingId",
        pl.col("Nanos").cast(pl.Datetime("ns")).alias("TimestampNanoseconds"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("BMLLSequenceNo"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("EventNo"),
        "Side",
        "LobAction",
        pl.when(remains).then("At").alias("Price"),
        "Size",
        pl.when(remains).then("Id").alias("OrderId"),
        pl.when(existed).then("At").alias("OldPrice"),
        "OldSize",
        pl.when(existed).then("Id").alias("OldOrderId"),
        executes.alias("OrderExecuted"),
        pl.when(executes).then("At").alias("ExecutionPrice"),
        "ExecutionSize",
        "SizeAhead",
        (pl.col("SizeAhead") // 100).alias("OrdersAhead"),
        pl.lit("CONTINUOUS_TRADING").alias("MarketState"),
    )


# ---------------------------------------------------------------- both sides


def config(case: str, root: Path, output: Path) -> dict[str, Any]:
    """What a user of Basalt writes."""
    return {
        "START_DATE": str(DAY),
        "END_DATE": str(DAY),
        "UNIVERSE": f"mic={MIC}",
        "DATA_SOURCE_PATH": ["lake"],
        "LAKE": str(root),
        "NUM_WORKERS": 1,
        "OUTPUT_TARGET": {"type": "parquet", "path_template": str(output)},
        "PASSES": [{"name": "orders", "modules": ["l3"], "l3_analytics": SECTIONS[case]}],
    }


def query(file: Path) -> pl.LazyFrame:
    """The sixteen counts as an expert writes them: one scan, conditions as columns, one group_by of plain sums."""
    minute = 60_000_000_000
    nanos = pl.col("TimestampNanoseconds").to_physical()
    bucket = (((nanos - 1) // minute + 1) * minute).cast(pl.Datetime("ns")).alias("TimeBucket")
    conditions = {"Insert": pl.col("LobAction") == 2, "Remove": pl.col("LobAction") == 3, "Update": pl.col("LobAction") == 4}
    conditions["Execute"] = (pl.col("ExecutionSize") > 0) & (pl.col("OldSize") > 0)
    volumes = {"Insert": ("Insert", "Size"), "Remove": ("Remove", "OldSize"), "Execute": ("Execute", "ExecutionSize")}
    volumes |= {"UpdateInserted": ("Update", "Size"), "UpdateRemoved": ("Update", "OldSize")}
    reductions = []
    for side, code in _SIDES.items():
        on_side = pl.col("Side") == code
        counted = [action for action in conditions if action != "Update"]
        reductions += [(conditions[action] & on_side).sum().cast(pl.Int64).alias(f"{action}Count{side}") for action in counted]
        reductions += [
            (pl.col(column) * (conditions[action] & on_side)).sum().alias(f"{name}Volume{side}")
            for name, (action, column) in volumes.items()
        ]
    return pl.scan_parquet(file).with_columns(bucket).group_by(KEYS).agg(reductions).sort(KEYS)


def child(job: str, case: str, root: str, output: str) -> dict[str, float]:
    """One side, in this process; a warm second run for Basalt."""
    from basalt.core.isolation import peak_bytes

    if job == "by-hand":
        started = time.perf_counter()
        query(next(Path(root).rglob("l3-*.parquet"))).sink_parquet(output, compression="zstd", engine="streaming")
        return {"seconds": time.perf_counter() - started, "bytes": peak_bytes()}
    from basalt.core.ledger import Ledger
    from basalt.core.running import run

    took, worker = [], 0
    for _ in range(2):
        started = time.perf_counter()
        report = run(config(case, Path(root), Path(output)), ledger=Ledger(Path(output).parent / "state"))
        took.append(time.perf_counter() - started)
        worker = max(worker, report.peak_bytes)
    return {"first": took[0], "seconds": took[1], "bytes": max(peak_bytes(), worker)}


# ---------------------------------------------------------------- measuring


def measure(root: Path, quarter: Path, repeats: int) -> dict[str, Any]:
    """Both sides in turn, then the cases that have no peer, on *root* and for their memory on a *quarter* of its events."""
    from benchmarks.measuring import agree

    with tempfile.TemporaryDirectory() as folder:
        hand, ours = Path(folder) / "hand.parquet", Path(folder) / "ours.parquet"
        pairs = [(_job("by-hand", "counts", root, hand), _job("basalt", "counts", root, ours)) for _ in range(repeats)]
        found: dict[str, Any] = {
            "agrees": agree(hand, ours),
            "by_hand_s": median(one["seconds"] for one, _ in pairs),
            "run_s": median(other["seconds"] for _, other in pairs),
            "ratio": median(other["seconds"] / one["seconds"] for one, other in pairs),
            "memory_ratio": median(other["bytes"] / one["bytes"] for one, other in pairs),
        }
        rows = pl.scan_parquet(next(root.rglob("l3-*.parquet"))).select(pl.len()).collect().item()
        for case in ("ends", "lives", "incidence"):
            runs = [_job("basalt", case, root, ours) for _ in range(repeats)]
            fewer = [_job("basalt", case, quarter, ours) for _ in range(repeats)]
            seconds = median(each["seconds"] for each in runs)
            found[case] = {
                "s": seconds,
                "first_s": runs[0]["first"],
                "M_events_per_s": rows / seconds / 1e6,
                "MB": median(each["bytes"] for each in runs) / 1e6,
                "quarter_MB": median(each["bytes"] for each in fewer) / 1e6,
            }
        return found


def _job(job: str, *arguments: object) -> dict[str, float]:
    from benchmarks.measuring import timed

    printed, _ = timed([sys.executable, "-m", "benchmarks.l3", "--child", job, *map(str, arguments)])
    found: dict[str, float] = json.loads(printed.splitlines()[-1])
    return found


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    if arguments[:1] == ["--child"]:
        job, case, root, output = arguments[1:]
        print(json.dumps(child(job, case, root, output)))
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks.l3", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} events, once each")
    parser.add_argument("--rows", type=int, help=f"events in the file (default {ROWS:,})")
    parser.add_argument("--repeats", type=int, help="runs of each side (default 3)")
    parser.add_argument("--cache", type=Path, help="where the data are kept (default: the temporary folder)")
    asked = parser.parse_args(arguments)
    rows = asked.rows or (QUICK_ROWS if asked.quick else ROWS)
    found = measure(lake(rows, asked.cache), lake(rows // QUARTER, asked.cache), asked.repeats or (1 if asked.quick else 3))
    verdict = "met" if found["ratio"] <= TIME_GOAL and found["memory_ratio"] <= MEMORY_GOAL else "not met"
    print(json.dumps(found, indent=2))
    print(
        f"counts: {found['ratio']:.2f} of the time (goal {TIME_GOAL}) and {found['memory_ratio']:.2f} of the memory ({MEMORY_GOAL}): {verdict}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
