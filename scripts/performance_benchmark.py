"""Run a pipeline again and again, and write down how long it took.

uv run python scripts/performance_benchmark.py --pipeline demo/01_ohlcv_bars.py --repeats 5 --extra-arg date=2026-02-02

Every run is a `basalt pipeline run` in a process of its own: its duration is what a user waits,
interpreter start included. The folder of results gets `perf_runs_<id>.jsonl` and `.csv`, a line a
run, and `perf_summary_<id>.csv`, a line an executor.
"""

from __future__ import annotations

import argparse
import csv
import json
import shlex
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, median, quantiles

from rich.console import Console
from rich.table import Table

TIMED_OUT = 124


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        executor: What ran its tasks.
        instance_size: Size of the machines; empty where the executor has none to choose.
        repeat: Its number, from 1.
        tag: Whatever the user wants to find it by.
        started: When, UTC.
        duration_s: Seconds from the start of its process to the end.
        exit_code: Of the process; 124 for one that was stopped because it took too long.
        success: Whether it ended well.
        rows: Rows of all outputs.
        tasks: Tasks of the run.
        peak_bytes: Highest memory of a worker.
        message: Last line of what it said when it failed.
    """

    executor: str
    instance_size: str
    repeat: int
    tag: str
    started: str
    duration_s: float
    exit_code: int
    success: bool
    rows: int = 0
    tasks: int = 0
    peak_bytes: int = 0
    message: str = ""


@dataclass(frozen=True)
class Summary:
    """All runs of one executor; durations are those of the runs that ended well, None without any."""

    executor: str
    instance_size: str
    runs: int
    successes: int
    success_rate: float
    mean_duration_s: float | None
    p50_duration_s: float | None
    p95_duration_s: float | None
    min_duration_s: float | None
    max_duration_s: float | None
    jobs_per_hour: float


def summarise(runs: Sequence[Run]) -> list[Summary]:
    """One line an executor and instance size, in order of appearance."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.executor, run.instance_size), []).append(run)
    return [_summary(executor, size, group) for (executor, size), group in groups.items()]


def _summary(executor: str, size: str, runs: Sequence[Run]) -> Summary:
    good = [run.duration_s for run in runs if run.success]
    hours = sum(run.duration_s for run in runs) / 3600
    return Summary(
        executor,
        size,
        runs=len(runs),
        successes=len(good),
        success_rate=len(good) / len(runs),
        mean_duration_s=fmean(good) if good else None,
        p50_duration_s=median(good) if good else None,
        p95_duration_s=percentile_95(good) if good else None,
        min_duration_s=min(good, default=None),
        max_duration_s=max(good, default=None),
        jobs_per_hour=len(good) / hours if hours else 0.0,
    )


def percentile_95(values: Sequence[float]) -> float:
    """The value that 95 of 100 stay below, interpolated between neighbours.

    >>> percentile_95([1.0, 2.0, 3.0])
    2.9
    """
    return values[0] if len(values) == 1 else quantiles(values, n=20, method="inclusive")[-1]


def command(pipeline: Path, executor: str, extra: Iterable[str]) -> list[str]:
    """The command of one run; *extra* are flags of `basalt pipeline run` as `name=value`, or `name` alone."""
    flags = [part for each in extra for part in _flag(each)]
    basalt = [sys.executable, "-m", "basalt.core.cli.main", "pipeline", "run"]
    return [*basalt, "--pipeline", str(pipeline), "--executor", executor, "--json", *flags]


def _flag(text: str) -> list[str]:
    name, separator, value = text.partition("=")
    return [f"--{name.lstrip('-')}", value] if separator else [f"--{name.lstrip('-')}"]


def run_once(arguments: Sequence[str], executor: str, repeat: int, tag: str, timeout: float) -> Run:
    """Run the command and say how it went."""
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    clock = time.perf_counter()
    try:
        ended = subprocess.run(arguments, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        late = time.perf_counter() - clock
        return Run(executor, "", repeat, tag, started, late, TIMED_OUT, success=False, message=f"stopped after {timeout:g} s")
    seconds = time.perf_counter() - clock
    if ended.returncode:
        said = (ended.stderr.strip() or ended.stdout.strip() or "nothing was said").splitlines()[0]
        return Run(executor, "", repeat, tag, started, seconds, ended.returncode, success=False, message=said)
    report = json.loads(ended.stdout)
    rows = sum(output["rows"] for output in report["outputs"])
    return Run(executor, "", repeat, tag, started, seconds, 0, True, rows, report["tasks"], report["peak_bytes"])


def write(folder: Path, name: str, runs: Sequence[Run], summaries: Sequence[Summary]) -> tuple[Path, Path, Path]:
    """Write the three files; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    lines, table, summary = (folder / f"perf_runs_{name}.jsonl", folder / f"perf_runs_{name}.csv", folder / f"perf_summary_{name}.csv")
    lines.write_text("".join(json.dumps(asdict(run)) + "\n" for run in runs), encoding="utf-8")
    _write_csv(table, [field.name for field in fields(Run)], [asdict(run) for run in runs])
    _write_csv(summary, [field.name for field in fields(Summary)], [asdict(each) for each in summaries])
    return lines, table, summary


def _write_csv(path: Path, names: Sequence[str], rows: Sequence[dict[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=names)
        writer.writeheader()
        writer.writerows(rows)


def show(summaries: Sequence[Summary], console: Console) -> None:
    """Print the summary."""
    table = Table("executor", "runs", "success", "mean s", "p50", "p95", "min", "max", "jobs/h")
    for each in summaries:
        durations = (each.mean_duration_s, each.p50_duration_s, each.p95_duration_s, each.min_duration_s, each.max_duration_s)
        shown = ["–" if value is None else f"{value:.2f}" for value in durations]
        table.add_row(each.executor, str(each.runs), f"{each.success_rate:.0%}", *shown, f"{each.jobs_per_hour:.0f}")
    console.print(table)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a pipeline again and again, and write down how long it took.")
    parser.add_argument("--pipeline", type=Path, required=True, help="pipeline file")
    parser.add_argument("--executors", default="direct", help="executors, separated by commas; installed ones: basalt plugins list")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each (1)")
    parser.add_argument(
        "--timeout-seconds", type=float, default=7200, help="a run that takes longer is stopped and counts as failed (7200)"
    )
    parser.add_argument("--output-dir", type=Path, default=Path("benchmark_results"), help="where results go (benchmark_results)")
    parser.add_argument("--tag", default="", help="written beside every run")
    parser.add_argument("--extra-arg", action="append", default=[], metavar="K=V", help="flag of basalt pipeline run; may be repeated")
    parser.add_argument("--dry-run", action="store_true", help="print the commands and run nothing")
    asked = parser.parse_args(arguments)
    if asked.repeats < 1:
        parser.error("--repeats must be at least 1")
    if not asked.pipeline.is_file():
        parser.error(f"there is no pipeline {asked.pipeline}")
    return asked


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, write, print; 0 when every run ended well, else 1."""
    asked = _arguments(arguments)
    console = Console()
    runs: list[Run] = []
    for executor in [name.strip() for name in asked.executors.split(",")]:
        line = command(asked.pipeline, executor, asked.extra_arg)
        for repeat in range(1, asked.repeats + 1):
            if asked.dry_run:
                print(shlex.join(line))
                continue
            runs.append(run_once(line, executor, repeat, asked.tag, asked.timeout_seconds))
            said = f"{runs[-1].duration_s:.2f} s" if runs[-1].success else f"failed: {runs[-1].message}"
            console.print(f"{executor} {repeat}/{asked.repeats}: {said}", highlight=False)
    if asked.dry_run:
        return 0
    summaries = summarise(runs)
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:4]}"
    written = write(asked.output_dir, name, runs, summaries)
    show(summaries, console)
    for path in written:
        print(path)
    return 0 if all(run.success for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
