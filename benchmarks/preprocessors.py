"""What memory preprocessors need for a day and for four times that day.

uv run python -m benchmarks.preprocessors           # 1.4 and 5.7 million order events of an instrument on two venues
uv run python -m benchmarks.preprocessors --quick   # a twentieth of it: does it run?

Each measurement has a worker of its own, with two threads, as a run starts it: tables are read from Parquet files and what is made is
written to one. Memory is the peak above that after a thousand rows of each table; seconds are those of the processor.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

DAY = date(2026, 2, 2)
SCALES = {False: 40.0, True: 2.0}
SESSIONS, LONGEST = 4, 16
REPEATED = ("l2", "l3", "trades", "marketstate")
ROWS_OF_A_GROUP = 1 << 15
THREADS = 2
FLAT = 1.1
CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "cbbo, events": ("cbbo_preprocess", {"time_index": "event"}, "cbbo"),
    "cbbo, buckets": ("cbbo_preprocess", {}, "cbbo"),
    "cbbo from l3, events": ("cbbofroml3_preprocess", {"time_index": "event"}, "cbbo_from_l3"),
    "aggressive orders": ("aggressive_preprocess", {}, "aggressive_orders"),
    "iceberg events": ("iceberg", {}, "iceberg_events"),
    "trades with icebergs": ("iceberg", {}, "trades_iceberg"),
    "books": ("book_preprocess", {}, "book"),
}


def write_days(folder: Path, scale: float, sessions: Sequence[int]) -> None:
    """Tables of one instrument on two venues, in files: for each number of *sessions* the same session so many times in a row."""
    import polars as pl

    from basalt.synthetic import simulate

    made = simulate(DAY, listings=2, scale=scale)
    for name in ("l2", "l3", "trades", "marketstate", "reference"):
        clock = "TradeTimestamp" if name == "trades" else "EventTimestamp"
        rows = made[name].lazy()
        if "TimestampNanoseconds" in made[name].columns:
            rows = rows.with_columns(pl.col("TimestampNanoseconds").cast(pl.Datetime("ns")).alias(clock))
        if name == "trades":
            rows = rows.with_columns(pl.col("Price").alias("LocalPrice"), pl.col(clock).cast(pl.Datetime("ns")))
        listings = made[name]["ListingId"].unique().sort()
        for count in sessions:
            (folder / str(count)).mkdir(parents=True, exist_ok=True)
            parts = [_session(rows, listing, clock, number) for listing in listings for number in range(count if name in REPEATED else 1)]
            pl.concat(parts).sink_parquet(folder / str(count) / f"{name}.parquet", row_group_size=ROWS_OF_A_GROUP)


def _session(rows: Any, listing: int, clock: str, number: int) -> Any:
    """The rows of a listing, so many times nine hours later."""
    import polars as pl

    mine = rows.filter(pl.col("ListingId") == listing)
    return mine.with_columns(pl.col(clock).dt.offset_by(f"{9 * number}h")) if number else mine


def measure(work: tuple[str, Path]) -> dict[str, Any]:
    """Peak of memory above the start in bytes, and seconds."""
    from time import process_time

    import polars as pl

    from basalt.core import Clock
    from basalt.core.catalog import catalog
    from basalt.core.datasets import Dataset, PlannedColumn
    from basalt.core.isolation import peak_bytes

    case, folder = work
    name, section, table = CASES[case]
    module: Any = catalog().preprocessors[name]
    config = module.config_model(**section)
    inputs = {each.name: pl.scan_parquet(folder / f"{each.name}.parquet") for each in module.inputs(config)}
    schemas = {
        each: Dataset(each, tuple(PlannedColumn(column, dtype) for column, dtype in frame.collect_schema().items()), is_raw=True)
        for each, frame in inputs.items()
    }
    planned = module.plan(config, schemas, Clock.of_seconds(60), where=name)
    inputs = {
        each: frame.select(*dict.fromkeys(planned[table].reads[each])) if each in planned[table].reads else frame
        for each, frame in inputs.items()
    }
    columns = [*planned[table].keys, *(column.name for column in planned[table].columns)]

    def write(tables: dict[str, pl.LazyFrame]) -> None:
        made = module.compute(config, tables, schemas, Clock.of_seconds(60))[table]
        made.select(*dict.fromkeys(columns)).sink_parquet(folder / "made.parquet", engine="streaming")

    write({each: frame.head(1_000) for each, frame in inputs.items()})
    before, began = peak_bytes(), process_time()
    write(inputs)
    return {
        "case": case,
        "rows": int(pl.scan_parquet(folder / "l3.parquet").select(pl.len()).collect().item()),
        "seconds": process_time() - began,
        "bytes": peak_bytes() - before,
        "bytes before": before,
    }


def in_a_worker(job: Callable[[Any], Any], work: Any) -> Any:
    """What *job* makes of *work* in a process like those of a run."""
    from basalt.core.isolation import run_each, start_server

    start_server(threads=THREADS)
    (ended,) = run_each(job, [work], 1)
    if ended.exit_code:
        raise SystemExit(ended.exit_code)
    return ended.result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.preprocessors", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small days")
    parser.add_argument("--long", action="store_true", help="also sixteen sessions")
    parser.add_argument("--only", choices=CASES, help="one case")
    parser.add_argument("--folder", type=Path, help="keep the days there")
    asked = parser.parse_args()
    sessions = (1, SESSIONS, *((LONGEST,) if asked.long else ()))
    with tempfile.TemporaryDirectory() as folder:
        root = asked.folder or Path(folder)
        missing = [count for count in sessions if not (root / str(count)).exists()]
        if missing:
            in_a_worker(partial(write_days, root, SCALES[asked.quick]), missing)
        for case in [asked.only] if asked.only else list(CASES):
            _print([in_a_worker(measure, (case, root / str(count))) for count in sessions])


def _print(found: Sequence[dict[str, Any]]) -> None:
    """One line of a case: rows, memory and time of each day, and how memory grows from each to the next."""
    days = [f"{each['rows']:>10,} rows {each['bytes'] / 1e6:5.0f} MB {each['seconds']:5.1f} s" for each in found]
    growth = [after["bytes"] / before["bytes"] for before, after in pairwise(found)]
    print(f"{found[0]['case']:22}", *days, *(f"x{each:.2f} {'flat' if each <= FLAT else 'grows'}" for each in growth))


if __name__ == "__main__":
    import_module("benchmarks.preprocessors").main()  # workers find what they run by the name of its module
