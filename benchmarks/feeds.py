"""Measure imports against reading alone, and print ratios beside their goals.

uv run python -m benchmarks.feeds           # a simulated day, exported as vendors' files, three runs of each side
uv run python -m benchmarks.feeds --quick   # a small day, once: does it run?
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from basalt.core.isolation import peak_bytes

DAY, MIC = date(2026, 2, 2), "XLON"
ROOT = Path(__file__).resolve().parents[1]
LOBSTER_GOAL, DBN_GOAL, RATE_GOAL = 2.5, 2.0, 1.5
TIMES = 4
QUICK = 0.3
SCALE = 12.0

Round = dict[str, dict[str, float]]
"""What each job took."""


def files(cache: Path, scale: float) -> dict[str, Path]:
    """A simulated day of a few listings as DBN and LOBSTER files, and the DBN file four times as long; made once."""
    place = cache / f"basalt-feeds-{scale}"
    made = {"lobster": place / "lobster", "dbn": place / "dbn", "dbn4": place / "dbn4", "lobster4": place / "lobster4"}
    if not (place / "done").exists():
        shutil.rmtree(place, ignore_errors=True)
        for name, times in (("", 1), ("4", TIMES)):
            _export(place / f"lake{name}", scale * times, made[f"dbn{name}"], made[f"lobster{name}"])
            shutil.rmtree(place / f"lake{name}")
        (place / "done").touch()
    return made


def _export(lake: Path, scale: float, dbn: Path, lobster: Path) -> None:
    from basalt.feeds.dbn.exporting import export_dbn
    from basalt.feeds.feed import LakeDay
    from basalt.feeds.lobster.exporting import export_lobster
    from basalt.synthetic import write_day

    write_day(lake, DAY, listings=1, scale=scale)
    export_dbn(LakeDay(lake, MIC, DAY), dbn)
    export_lobster(LakeDay(lake, MIC, DAY), lobster)


# ---------------------------------------------------------------- jobs, each in a process of its own


def read_lobster(place: Path, _: Path) -> int:
    """Both CSV files, read by Polars into frames."""
    import polars as pl

    return sum(pl.read_csv(file, has_header=False).height for file in place.glob("*.csv")) // 2


def import_lobster(place: Path, lake: Path) -> int:
    """The same files into a lake."""
    from basalt.feeds.lobster.importing import import_lobster

    return next(each.rows for each in import_lobster([place], lake).files if each.table == "l3")


def decode_objects(place: Path, _: Path) -> int:
    """The records, made into objects by the vendor's decoder."""
    import databento_dbn

    from basalt.feeds.dbn.opening import blocks

    decoder, count = databento_dbn.DBNDecoder(), 0
    for block in blocks(next(place.glob("*.mbo.*"))):
        decoder.write(block)
        count += len(decoder.decode())
    return count - 1


def decode_arrays(place: Path, _: Path) -> int:
    """The records, as frames of arrays."""
    from basalt.feeds.dbn.records import read_dbn

    return sum(frame.height for _, _, frame in read_dbn(next(place.glob("*.mbo.*"))))


def import_orders(place: Path, lake: Path) -> int:
    """l3 and trades."""
    from basalt.feeds.dbn.importing import import_dbn

    import_dbn([place], lake, books=False)
    return 0


def import_books(place: Path, lake: Path) -> int:
    """l3, l2 of ten levels, and trades."""
    from basalt.feeds.dbn.importing import import_dbn

    import_dbn([place], lake)
    return 0


JOBS: dict[str, Callable[[Path, Path], int]] = {
    job.__name__: job for job in (read_lobster, import_lobster, decode_objects, decode_arrays, import_orders, import_books)
}


def child(job: str, place: str, small: str) -> None:
    """Run *job*, after a small one that warms up imports and kernels; print seconds, those of all cores, peak memory and records."""
    import pyarrow.parquet  # noqa: F401  what writes files of several pieces, which a small job has not

    with tempfile.TemporaryDirectory() as folder:
        JOBS[job](Path(small), Path(folder) / "warm")
        started, busy = time.perf_counter(), time.process_time()
        count = JOBS[job](Path(place), Path(folder) / "lake")
        seconds, cpu = time.perf_counter() - started, time.process_time() - busy
    print(json.dumps({"seconds": seconds, "cpu": cpu, "bytes": peak_bytes(), "count": count}))


def measured(job: str, place: Path, small: Path) -> dict[str, float]:
    """What *job* takes in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.feeds", "--child", job, str(place), str(small)]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(printed.splitlines()[-1])
    return found


# ---------------------------------------------------------------- the table


def main() -> None:
    """Measure and print."""
    asked = _arguments()
    if asked.child:
        child(*asked.child)
        return
    small, made = files(asked.cache, QUICK), files(asked.cache, QUICK if asked.quick else asked.scale)
    repeats = 1 if asked.quick else asked.repeats

    def run(job: str, grown: str = "") -> dict[str, float]:
        vendor = "lobster" if "lobster" in job else "dbn"
        return measured(job, made[vendor + grown], small[vendor])

    rounds = [{job: run(job) for job in JOBS} for _ in range(repeats)]
    grown = {job: run(job, "4") for job in ("import_lobster", "import_orders", "import_books")}
    Console(width=max(Console().width, 130)).print(table_of(rounds, grown))


def table_of(rounds: list[Round], grown: Round) -> Table:
    """Medians over *rounds*, and peak memory where the files are *grown*."""
    events = rounds[0]["decode_arrays"]["count"]

    def middle(job: str, what: str) -> float:
        return median(each[job][what] for each in rounds)

    def ratio(job: str, alone: str) -> str:
        return f"{median(each[job]['cpu'] / each[alone]['cpu'] for each in rounds):.2f}"

    title = f"Imports: {events:,.0f} DBN records, {rounds[0]['import_lobster']['count']:,.0f} LOBSTER messages; medians; CPU is that of all cores"
    table = Table(title=title)
    for name in (
        "what",
        "s",
        "CPU s",
        "M records/s",
        "M records/CPU s",
        "goal",
        "CPU / reading alone",
        "goal",
        "MB",
        f"MB at {TIMES}x",
        "ratio",
    ):
        table.add_column(name, justify="left" if name == "what" else "right")
    for job, said, alone, goal in (
        ("read_lobster", "LOBSTER: read CSV with Polars", "", ""),
        ("import_lobster", "LOBSTER: import", "read_lobster", f"≤ {LOBSTER_GOAL}"),
        ("decode_objects", "DBN: vendor's decoder, objects", "", ""),
        ("decode_arrays", "DBN: arrays", "", ""),
        ("import_orders", "DBN: import l3, trades", "decode_objects", f"≤ {DBN_GOAL}"),
        ("import_books", "DBN: import l3, l2, trades", "decode_objects", f"≤ {DBN_GOAL}"),
    ):
        count = rounds[0][job]["count"] or events
        rates = (f"{count / middle(job, what) / 1e6:.2f}" for what in ("seconds", "cpu"))
        rate_goal = f"≥ {RATE_GOAL}/s" if job.startswith("import") and "lobster" not in job else ""
        compared = ratio(job, alone) if alone else ""
        memory = _memory(rounds, grown, job) if job in grown else ("", "", "")
        table.add_row(said, f"{middle(job, 'seconds'):.2f}", f"{middle(job, 'cpu'):.2f}", *rates, rate_goal, compared, goal, *memory)
    return table


def _memory(rounds: list[Round], grown: Round, job: str) -> tuple[str, str, str]:
    once, more = median(each[job]["bytes"] for each in rounds), grown[job]["bytes"]
    return f"{once / 1e6:.0f}", f"{more / 1e6:.0f}", f"{more / once:.2f}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.feeds", description="Measure imports against reading alone.")
    parser.add_argument("--quick", action="store_true", help="a small day, once each")
    parser.add_argument("--scale", type=float, default=SCALE, help=f"size of the day (default {SCALE:g})")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side (default 3)")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()), help="where the files are kept")
    parser.add_argument("--child", nargs=3, metavar=("JOB", "PLACE", "SMALL"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
