"""What memory preprocessors need for a day and for four times that day.

uv run python -m benchmarks.preprocessors           # 1.4 and 5.7 million order events of an instrument on two venues
uv run python -m benchmarks.preprocessors --quick   # a twentieth of it: does it run?

Each measurement is a process of its own with two threads: tables are read from Parquet files and what is made is written to one.
Memory is the peak above that after a thousand rows of each table; seconds are those of the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

DAY = date(2026, 2, 2)
SCALES = {False: 40.0, True: 2.0}
SESSIONS, REPEATED = 4, ("l2", "l3", "trades")
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


def write_days(folder: Path, scale: float) -> None:
    """Tables of one instrument on two venues, in files: a day in `once`, and one that is the same session four times in `more`."""
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
        for day, sessions in (("once", 1), ("more", SESSIONS if name in REPEATED else 1)):
            (folder / day).mkdir(parents=True, exist_ok=True)
            listings = made[name]["ListingId"].unique().sort()
            parts = [_session(rows, listing, clock, number) for listing in listings for number in range(sessions)]
            pl.concat(parts).sink_parquet(folder / day / f"{name}.parquet", row_group_size=1 << 13)


def _session(rows: Any, listing: int, clock: str, number: int) -> Any:
    """The rows of a listing, so many times nine hours later."""
    import polars as pl

    mine = rows.filter(pl.col("ListingId") == listing)
    return mine.with_columns(pl.col(clock).dt.offset_by(f"{9 * number}h")) if number else mine


def measure(case: str, folder: Path) -> dict[str, Any]:
    """Peak of memory above the start, and seconds."""
    from resource import RUSAGE_SELF, getrusage
    from time import process_time

    import polars as pl

    from basalt.core import Clock
    from basalt.core.catalog import catalog
    from basalt.core.datasets import Dataset, PlannedColumn

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
    before, began = getrusage(RUSAGE_SELF).ru_maxrss, process_time()
    write(inputs)
    return {
        "case": case,
        "rows": int(pl.scan_parquet(folder / "l3.parquet").select(pl.len()).collect().item()),
        "mb": (getrusage(RUSAGE_SELF).ru_maxrss - before) / 1024,
        "seconds": process_time() - began,
    }


def _in_a_process(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.preprocessors", *arguments]
    environment = {**os.environ, "POLARS_MAX_THREADS": "2"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.preprocessors", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small days")
    parser.add_argument("--only", choices=CASES, help="one case")
    parser.add_argument("--folder", type=Path, help="keep the days there")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--write", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        write_days(Path(asked.write[0]), float(asked.write[1]))
    elif asked.measure:
        print(json.dumps(measure(asked.measure[0], Path(asked.measure[1]))))
    else:
        with tempfile.TemporaryDirectory() as folder:
            _compare(asked.folder or Path(folder), SCALES[asked.quick], [asked.only] if asked.only else list(CASES))


def _compare(folder: Path, scale: float, cases: list[str]) -> None:
    days = [folder / "once", folder / "more"]
    if not days[1].exists():
        _in_a_process("--write", str(folder), str(scale))
    for case in cases:
        once, more = (json.loads(_in_a_process("--measure", case, str(day))) for day in days)
        growth = more["mb"] / once["mb"]
        verdict = "flat" if growth <= FLAT else "grows"
        print(
            f"{case:22} {once['rows']:>10,} rows {once['mb']:6.0f} MB {once['seconds']:6.1f} s"
            f"   {more['rows']:>10,} rows {more['mb']:6.0f} MB {more['seconds']:6.1f} s   x{growth:.2f} {verdict}"
        )


if __name__ == "__main__":
    main()
