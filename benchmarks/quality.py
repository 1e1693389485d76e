"""Measure checks of a lake: CPU seconds against reading the same files, and memory as the day grows.

uv run python -m benchmarks.quality           # a simulated day, once and four times over, three runs of each
uv run python -m benchmarks.quality --quick   # a small day, once: does it run?
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median

import polars as pl

from basalt.core.isolation import peak_bytes

DAY, MIC = date(2026, 2, 2), "XLON"
BASE, TIMES = 8, 4
MEMORY_GOAL = 1.1
SHIFT = 1_000_000


def lakes(cache: Path, listings: int, base: int) -> dict[int, Path]:
    """A simulated day of one venue with each listing *base* times, and four times as often; made once."""
    places = {times: cache / f"basalt-quality-{listings}-{times}" for times in (base, base * TIMES)}
    if not (cache / f"basalt-quality-{listings}-done").exists():
        from basalt.synthetic import write_day

        whole = cache / f"basalt-quality-{listings}"
        write_day(whole, DAY, listings=listings, scale=1.0)
        for times, place in places.items():
            shutil.rmtree(place, ignore_errors=True)
            for path in whole.rglob(f"*/{MIC}/*/*/*/*.parquet"):
                _repeat(path, place / path.relative_to(whole), times)
        shutil.rmtree(whole)
        (cache / f"basalt-quality-{listings}-done").touch()
    return places


def _repeat(path: Path, target: Path, times: int) -> None:
    frame = pl.read_parquet(path)
    clocks = [
        name
        for name in ("TradeTimestampNanoseconds", "TimestampNanoseconds", "BMLLSequenceNo", "EventNo", "L2EventNo")
        if name in frame.columns
    ]
    many = pl.concat([frame.with_columns(pl.col("ListingId") + SHIFT * number) for number in range(times)])
    target.parent.mkdir(parents=True, exist_ok=True)
    (many.sort(clocks, maintain_order=True) if clocks else many).write_parquet(target)


def check(lake: Path) -> int:
    """Look at every row; the number of rows."""
    from basalt.core.catalog import catalog
    from basalt.quality.checking import check_lake
    from basalt.quality.files import Wanted

    return sum(int(each.listings["Rows"].sum()) for each in check_lake(lake, catalog().tables, Wanted()))


def read(lake: Path) -> int:
    """Decode every column of every file."""
    return sum(pl.scan_parquet(path).select(pl.all().count()).collect(engine="streaming").width for path in lake.rglob("*.parquet"))


def child(job: str, lake: Path) -> None:
    """One job in this process; what it took as JSON."""
    started = time.process_time()
    rows = {"check": check, "read": read}[job](lake)
    print(json.dumps({"cpu": time.process_time() - started, "bytes": peak_bytes(), "rows": rows}))


def measured(job: str, lake: Path) -> dict[str, float]:
    """What one job took in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.quality", "--child", job, str(lake)], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--child", nargs=2)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()))
    asked = parser.parse_args()
    if asked.child:
        child(asked.child[0], Path(asked.child[1]))
        return
    places = lakes(asked.cache, 3, 1) if asked.quick else lakes(asked.cache, 60, BASE)
    runs = [{name: measured(*job) for name, job in _jobs(places).items()} for _ in range(1 if asked.quick else 3)]
    rows = runs[0]["check"]["rows"]
    cpu = median(each["check"]["cpu"] for each in runs)
    ratio = median(each["check"]["cpu"] / each["read"]["cpu"] for each in runs)
    small, large = (median(each[name]["bytes"] for each in runs) / 1e6 for name in ("check", "check4"))
    print(f"{rows:,} rows: {cpu:.1f} CPU s, {rows / cpu / 1e6:.2f} M rows / CPU s, {ratio:.1f} times reading all columns")
    print(f"memory {small:.0f} MB, {large:.0f} MB at {TIMES}x: {large / small:.2f} (goal ≤ {MEMORY_GOAL})")


def _jobs(places: dict[int, Path]) -> dict[str, tuple[str, Path]]:
    small, large = places.values()
    return {"read": ("read", small), "check": ("check", small), "check4": ("check", large)}


if __name__ == "__main__":
    main()
