"""Measure imports against reading alone, and print ratios beside their goals.

uv run --with databento python -m benchmarks.feeds           # a simulated day, exported as vendors' files, three runs of each side
uv run --with databento python -m benchmarks.feeds --quick   # a small day, once: does it run?

What reads alone: of LOBSTER both CSV files by Polars. Of DBN four things, of the records of one file:

* *objects*: the vendor's decoder (`databento_dbn`), which makes an object of each record and keeps none;
* *arrays*: the vendor's layout over the bytes, as Basalt's import reads them;
* *table*: the vendor's client (`databento`), `DBNStore.from_file(…).to_df()`: what a user decodes files with. Goals are judged against it;
* *Parquet*: the same client's `to_parquet`: one file of records as they are.

Without the client its lines say so: it is no dependency of Basalt.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import date
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from basalt.core.isolation import peak_bytes

DAY, MIC = date(2026, 2, 2), "XLON"
ROOT = Path(__file__).resolve().parents[1]
LOBSTER_GOAL, DBN_GOAL, RATE_GOAL, MEMORY_GOAL = 2.5, 2.0, 1.5, 1.1
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


def decode_table(place: Path, _: Path) -> int:
    """The records as a table of the vendor's client: prices as floats, times as times, symbols."""
    return len(_store(place).to_df())


def decode_parquet(place: Path, lake: Path) -> int:
    """The records in a Parquet file of the vendor's client."""
    lake.mkdir()
    _store(place).to_parquet(lake / "records.parquet")
    return 0


def _store(place: Path) -> Any:
    client = import_module("databento")
    warnings.simplefilter("ignore")  # of pandas, about what the client asks it for
    return client.DBNStore.from_file(next(place.glob("*.mbo.*")))


def import_orders(place: Path, lake: Path) -> int:
    """l3 and trades."""
    from basalt.feeds.dbn.importing import import_dbn

    import_dbn([place], lake, books=False, queues=False)
    return 0


def import_queues(place: Path, lake: Path) -> int:
    """l3 with places in queues, and trades."""
    from basalt.feeds.dbn.importing import import_dbn

    import_dbn([place], lake, books=False)
    return 0


def import_books(place: Path, lake: Path) -> int:
    """Everything: l3 with places in queues, l2 of ten levels, and trades."""
    from basalt.feeds.dbn.importing import import_dbn

    import_dbn([place], lake)
    return 0


JOBS: dict[str, Callable[[Path, Path], int]] = {
    job.__name__: job
    for job in (
        *(read_lobster, import_lobster),
        *(decode_objects, decode_arrays, decode_table, decode_parquet),
        *(import_orders, import_queues, import_books),
    )
}
OF_CLIENT = {"decode_table", "decode_parquet"}
LINES = (
    ("read_lobster", "LOBSTER: read CSV with Polars", False),
    ("import_lobster", "LOBSTER: import", True),
    ("decode_objects", "DBN: vendor's decoder, objects", False),
    ("decode_arrays", "DBN: arrays", False),
    ("decode_table", "DBN: vendor's client, table", False),
    ("decode_parquet", "DBN: vendor's client, Parquet", False),
    ("import_orders", "DBN: import l3, trades; no queues", True),
    ("import_queues", "DBN: import l3, trades", True),
    ("import_books", "DBN: import l3, l2, trades", True),
)
"""Job, what is said of it, whether it is an import."""


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

    jobs = [job for job in JOBS if job not in OF_CLIENT or find_spec("databento")]
    rounds = [{job: run(job) for job in jobs} for _ in range(repeats)]
    grown = {job: run(job, "4") for job in jobs}
    for times, each in ((1, rounds), (TIMES, [grown])):
        Console(width=max(Console().width, 150)).print(table_of(each, times))
    Console().print(memory_of(rounds, grown))


def table_of(rounds: list[Round], times: int) -> Table:
    """Medians over *rounds* of files that are *times* as long."""
    events = rounds[0]["decode_arrays"]["count"]
    title = f"{events:,.0f} DBN records, {rounds[0]['import_lobster']['count']:,.0f} LOBSTER messages ({times}x); medians; CPU is that of all cores"
    table = Table("what", title=title)
    for name in ("s", "CPU s", "M/s", "goal", "s / reading", "CPU / reading", "goal", "s / objects", "CPU / objects"):
        table.add_column(name, justify="right")
    for job, said, is_import in LINES:
        if job in rounds[0]:
            table.add_row(said, *_numbers(rounds, job, is_import=is_import))
        else:
            table.add_row(f"{said}: not installed, see `uv run --with databento`")
    return table


def _numbers(rounds: list[Round], job: str, *, is_import: bool) -> list[str]:
    """The cells of a line; reading alone is what the goals are judged against."""

    def middle(what: str) -> float:
        return median(each[job][what] for each in rounds)

    def ratios(alone: str) -> list[str]:
        if not is_import or alone not in rounds[0]:
            return ["", ""]
        return [f"{median(each[job][what] / each[alone][what] for each in rounds):.2f}" for what in ("seconds", "cpu")]

    is_dbn = "lobster" not in job
    count = rounds[0][job]["count"] or rounds[0]["decode_arrays"]["count"]
    spent = [f"{middle('seconds'):.2f}", f"{middle('cpu'):.2f}", f"{count / middle('seconds') / 1e6:.2f}"]
    rate_goal, goal = (f"≥ {RATE_GOAL}", f"≤ {DBN_GOAL}") if is_dbn else ("", f"≤ {LOBSTER_GOAL}")
    reading = ratios("decode_table" if is_dbn else "read_lobster")
    return [*spent, rate_goal if is_import else "", *reading, goal if is_import else "", *(ratios("decode_objects") if is_dbn else ())]


def memory_of(rounds: list[Round], grown: Round) -> Table:
    """Peak memory, and that of files which are longer."""
    table = Table("peak memory", title=f"of files {TIMES} times as long: goal ≤ {MEMORY_GOAL}")
    for name in ("MB", f"MB at {TIMES}x", "ratio"):
        table.add_column(name, justify="right")
    for job, said, _ in LINES:
        if job in rounds[0]:
            once, more = median(each[job]["bytes"] for each in rounds), grown[job]["bytes"]
            table.add_row(said, f"{once / 1e6:.0f}", f"{more / 1e6:.0f}", f"{more / once:.2f}")
    return table


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
