"""How fast things start: a worker, and the command line."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.measuring import timed

WORKER_GOAL, HELP_GOAL = 0.030, 3.0


def tiny_query(value: int) -> int:
    """What a worker does at least: one Polars query."""
    import polars as pl

    return int(pl.LazyFrame({"value": [value]}).select(pl.col("value").sum()).collect().item())


def worker_starts(count: int) -> tuple[float, float]:
    """Seconds of the first worker and the median of *count* later ones: start, tiny query, end."""
    from basalt.core.isolation import run_each

    took = []
    for index in range(count + 1):
        started = time.perf_counter()
        ended = list(run_each(tiny_query, [index], 1))
        took.append(time.perf_counter() - started)
        if ended[0].result != index:
            sys.exit(f"a worker ended with exit code {ended[0].exit_code}")
    return took[0], median(took[1:])


def help_starts(count: int) -> tuple[float, float]:
    """Median seconds of `basalt --help` and of `import typer`, in turn."""
    script = shutil.which("basalt", path=str(Path(sys.executable).parent))
    ours = [script] if script else [sys.executable, "-m", "basalt.core.cli.main"]
    pairs = [(timed([*ours, "--help"])[1], timed([sys.executable, "-c", "import typer"])[1]) for _ in range(count)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
