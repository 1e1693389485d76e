"""Measure how fast ITCH files are decoded and imported, and what memory that takes.

uv run python -m benchmarks.itch           # a simulated day and one four times as long, three runs of each
uv run python -m benchmarks.itch --quick   # a small day, once: does it run?
"""

from __future__ import annotations

import argparse
import gzip
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
TIMES = 4
QUICK, SCALE = 0.3, 24.0
NAME = f"{DAY:%Y%m%d}.{MIC}_ITCH_50"


def files(cache: Path, scale: float) -> dict[int, Path]:
    """A simulated day as an ITCH file, not gzipped, and one that is four times as long; made once."""
    from basalt.feeds.feed import LakeDay
    from basalt.feeds.itch.exporting import export_itch
    from basalt.synthetic import write_day

    made = {times: cache / f"basalt-itch-{scale}" / str(times) / NAME for times in (1, TIMES)}
    for times, path in made.items():
        if not path.exists():
            lake = path.parent / "lake"
            write_day(lake, DAY, listings=4, scale=scale * times)
            (exported,) = export_itch(LakeDay(lake, MIC, DAY), path.parent).files
            path.with_suffix(".tmp").write_bytes(gzip.decompress(exported.path.read_bytes()))
            shutil.rmtree(lake)
            exported.path.unlink()
            path.with_suffix(".tmp").rename(path)
    return made


# ---------------------------------------------------------------- jobs, each in a process of its own


def frame(path: Path, _: Path) -> int:
    """Where messages begin."""
    from basalt.feeds.itch.opening import ItchFile, read_pieces

    return sum(piece.starts.size for piece in read_pieces(ItchFile(path, DAY, MIC)))


def decode(path: Path, _: Path) -> int:
    """All fields of the messages, phases and securities."""
    from basalt.feeds.itch.decoding import Decoder
    from basalt.feeds.itch.directory import Directory
    from basalt.feeds.itch.opening import ItchFile, read_pieces

    decoder = Decoder(path, Directory(MIC, "GBP"))
    return sum(decoder.decode(piece).numbers.size for piece in read_pieces(ItchFile(path, DAY, MIC)))


def load(path: Path, lake: Path) -> int:
    """l3, l2 of ten levels, trades and the rest, into a lake."""
    from basalt.feeds.itch.importing import import_itch

    return next(each.rows for each in import_itch([path], lake).files if each.table == "l3")


JOBS: dict[str, Callable[[Path, Path], int]] = {"frame": frame, "decode": decode, "import": load}


def child(job: str, path: str) -> None:
    """Run *job* twice, the first time to warm up imports and kernels; print seconds, peak memory and messages."""
    with tempfile.TemporaryDirectory() as folder:
        JOBS[job](Path(path), Path(folder) / "warm")
        started = time.perf_counter()
        count = JOBS[job](Path(path), Path(folder) / "lake")
        print(json.dumps({"seconds": time.perf_counter() - started, "peak": peak_bytes(), "messages": count}))


def measure(job: str, path: Path) -> dict[str, float]:
    """What one run of *job* takes."""
    command = [sys.executable, "-m", "benchmarks.itch", "--child", job, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--child", nargs=2)
    said = parser.parse_args()
    if said.child:
        child(*said.child)
        return
    made = files(said.cache, QUICK if said.quick else SCALE)
    table = Table("job", "file", "MB/s", "M messages/s", "peak MB")
    for job in JOBS:
        for times, path in made.items():
            runs = [measure(job, path) for _ in range(1 if said.quick else 3)]
            seconds, size = median(run["seconds"] for run in runs), path.stat().st_size / 1e6
            peak, messages = median(run["peak"] for run in runs) / 1e6, runs[0]["messages"] / 1e6
            table.add_row(job, f"{times}×, {size:.0f} MB", f"{size / seconds:.0f}", f"{messages / seconds:.1f}", f"{peak:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
