"""How much does the book over time cost over the query that an expert would write by hand?

    uv run python -m benchmarks.l2               # 5 and 20 million books
    uv run python -m benchmarks.l2 --rows 200000 --pairs 1

Forty states at the end of each minute and twenty-five time-weighted means, what stood before each bucket carried in.
By hand: one streaming query, time until the listing's next row by a window, products materialised, one group_by of
plain sums and lasts, then what stood before put in on the small result. It knows that nothing is ever null and no
phase ends. Each run is a process of its own, the two take turns, and both must give the same numbers.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import polars as pl

from basalt.core.isolation import peak_bytes
from benchmarks.cases import DAY
from benchmarks.measuring import timed

WIDTH = 60_000_000_000
LEVELS = [f"{side}{what}{level}" for level in range(1, 11) for side in ("Bid", "Ask") for what in ("Price", "Quantity")]
TIME_GOAL, MEMORY_GOAL, FLATNESS_GOAL = 1.0, 0.4, 0.1


def weighted() -> dict[str, pl.Expr]:
    """The values that are weighted with time."""
    bid, ask, bids, asks = (pl.col(f"{side}{what}1") for what in ("Price", "Quantity") for side in ("Bid", "Ask"))
    plain = {name: pl.col(name) for name in LEVELS[:20]}
    return plain | {
        "SpreadAbs": ask - bid,
        "SpreadBps": 20_000 * (ask - bid) / (ask + bid),
        "Mid": (ask + bid) / 2,
        "ImbalanceCumQuantity1": (bids - asks) / (bids + asks),
        "WeightedMid": (bid * asks + ask * bids) / (bids + asks),
    }


def by_hand(book: Path) -> pl.LazyFrame:
    """The query of an expert."""
    at, end = pl.col("TimestampNanoseconds").cast(pl.Int64), pl.col("TimeBucket")
    rows = pl.scan_parquet(book).select("ListingId", at.alias("at"), *LEVELS)
    rows = rows.with_columns(
        (-((-pl.col("at")) // WIDTH) * WIDTH).alias("TimeBucket"), pl.col("at").shift(-1).over("ListingId").alias("next")
    )
    rows = rows.with_columns((pl.min_horizontal(pl.col("next").fill_null(2**62), end) - pl.col("at")).alias("span"))
    rows = rows.with_columns((value * pl.col("span")).alias(f"{name}TWA") for name, value in weighted().items())
    sums = [pl.col(f"{name}TWA").sum() for name in weighted()]
    lasts = [pl.col(name).last().alias(f"last:{name}") for name in LEVELS]
    cells = (
        rows.group_by("ListingId", "TimeBucket")
        .agg(*lasts, *sums, pl.col("span").sum(), pl.col("at").first())
        .sort("ListingId", "TimeBucket")
    )
    cells = cells.with_columns(pl.col(f"last:{name}").shift(1).over("ListingId").alias(name) for name in LEVELS)
    head = pl.when(pl.col(LEVELS[0]).is_not_null()).then(pl.col("at") - (end - WIDTH)).otherwise(0)
    means = [
        ((pl.col(f"{name}TWA") + pl.when(head > 0).then(value * head).otherwise(0)) / (pl.col("span") + head)).alias(f"{name}TWA")
        for name, value in weighted().items()
    ]
    return cells.select("ListingId", end.cast(pl.Datetime("ns")), *(pl.col(f"last:{name}").alias(name) for name in LEVELS), *means)


def config(lake: Path, output: Path) -> dict[str, object]:
    """The same of Basalt."""
    both = ["Last", "TWA"]
    sides = {"measures": ["Price", "Quantity"], "sides": ["Bid", "Ask"]}
    section = {
        "liquidity": [
            {**sides, "levels": list(range(1, 6)), "aggregations": both},
            {**sides, "levels": list(range(6, 11))},
        ],
        "spreads": [{"variant": ["Abs", "BPS"], "aggregations": "TWA"}],
        "prices": [{"measures": "Price", "source": ["Mid", "WeightedMid"], "aggregations": "TWA"}],
        "imbalances": [{"measure": "CumQuantity", "levels": 1, "aggregations": "TWA"}],
    }
    return {
        "START_DATE": str(DAY),
        "END_DATE": str(DAY),
        "DATASETNAME": "books",
        "LAKE": str(lake),
        "NUM_WORKERS": 1,
        "OUTPUT_TARGET": {"type": "parquet", "path_template": str(output)},
        "PASSES": [{"name": "minutes", "modules": ["l2", "l2tw"], "l2_analytics": section}],
    }


def job(side: str, lake: Path, output: Path) -> dict[str, float]:
    """One run of one side; seconds without imports, peak bytes of the process that works."""
    book = next((lake / "Equity").rglob("*.parquet"))
    if side == "by-hand":
        started = time.perf_counter()
        by_hand(book).sink_parquet(output, compression="zstd", engine="streaming")
        return {"seconds": time.perf_counter() - started, "bytes": peak_bytes()}
    from basalt.core.ledger import Ledger
    from basalt.core.running import run

    took, report = [], None
    with tempfile.TemporaryDirectory() as state:
        for _ in range(2):  # the second run finds the server of workers started
            started = time.perf_counter()
            report = run(config(lake, output), ledger=Ledger(Path(state)))
            took.append(time.perf_counter() - started)
    assert report is not None
    return {"seconds": took[1], "bytes": report.peak_bytes}


def agree(one: Path, other: Path) -> bool:
    """Whether both tables have the same numbers, to nine digits, where the hand-written one has any."""
    wanted = pl.read_parquet(one)
    joined = wanted.join(pl.read_parquet(other), on=["ListingId", "TimeBucket"], how="left", suffix=":ours")
    names = [name for name in wanted.columns if name not in ("ListingId", "TimeBucket")]
    apart = [
        ((pl.col(name) - pl.col(f"{name}:ours")).abs() / pl.max_horizontal(pl.col(name).abs(), 1.0)).max().alias(name) for name in names
    ]
    missing = joined.select(pl.sum_horizontal(pl.col(f"{name}:ours").null_count() for name in names)).item()
    return missing == 0 and max(joined.select(apart).row(0)) < 1e-9


def measure(rows: int, pairs: int) -> dict[str, object]:
    """Alternated runs on *rows* books."""
    from benchmarks.l2_data import book_lake

    lake = book_lake(rows)
    found: dict[str, list[dict[str, float]]] = {"by-hand": [], "basalt": []}
    with tempfile.TemporaryDirectory() as folder:
        outputs = {side: Path(folder) / f"{side}.parquet" for side in found}
        for _ in range(pairs):
            for side, runs in found.items():
                printed, _ = timed([sys.executable, "-m", "benchmarks.l2", "--job", side, str(lake), str(outputs[side])])
                runs.append(json.loads(printed.splitlines()[-1]))
        same = agree(outputs["by-hand"], outputs["basalt"])
    middle = {side: {name: median(each[name] for each in runs) for name in ("seconds", "bytes")} for side, runs in found.items()}
    ratios = {
        name: round(median(ours[name] / theirs[name] for ours, theirs in zip(found["basalt"], found["by-hand"], strict=True)), 3)
        for name in ("seconds", "bytes")
    }
    return {"rows": rows, "agrees": same, **middle, "time_ratio": ratios["seconds"], "memory_ratio": ratios["bytes"]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time-weighted books: Basalt over the best hand-written query.")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--job", nargs=3, metavar=("SIDE", "LAKE", "OUTPUT"))
    asked = parser.parse_args()
    if asked.job:
        print(json.dumps(job(asked.job[0], Path(asked.job[1]), Path(asked.job[2]))))
        return
    once, four = measure(asked.rows, asked.pairs), measure(4 * asked.rows, 1)
    growth = four["basalt"]["bytes"] / once["basalt"]["bytes"] - 1  # type: ignore[index]
    print(json.dumps({"once": once, "four times": four, "memory growth": round(growth, 3)}, indent=2))
    print(f"goals: time <= {TIME_GOAL}, memory <= {MEMORY_GOAL}, growth within {FLATNESS_GOAL:.0%}")


if __name__ == "__main__":
    main()
