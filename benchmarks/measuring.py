"""Measuring: jobs alternated in one go, so that a busy machine is busy for both."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

from benchmarks.cases import KEYS

ROOT = Path(__file__).resolve().parents[1]
TIME_GOAL, MEMORY_GOAL = 1.15, 1.2


@dataclass(frozen=True)
class Pair:
    """One hand-written run and one of Basalt, one after the other; seconds and bytes.

    Attributes:
        hand: The query, without interpreter start and imports.
        hand_command: The whole process.
        hand_bytes: Peak memory.
        warm: `run()`, without interpreter start and imports, here or in the server of workers.
        first: `run()` with the start of that server, and the survey of files of others.
        command: The whole process that makes one run.
        main_bytes: Peak memory of the process that runs.
        worker_bytes: Peak memory of its worker.
    """

    hand: float
    hand_command: float
    hand_bytes: float
    warm: float
    first: float
    command: float
    main_bytes: float
    worker_bytes: float


@dataclass(frozen=True)
class Comparison:
    """All pairs of one case on one lake."""

    case: str
    lake: str
    pairs: tuple[Pair, ...]
    agrees: bool

    def median(self, name: str) -> float:
        """Median over the pairs of one of their fields."""
        return median(getattr(pair, name) for pair in self.pairs)

    def ratio(self, ours: str, by_hand: str) -> float:
        """Median over the pairs of the ratio of two fields."""
        return median(getattr(pair, ours) / getattr(pair, by_hand) for pair in self.pairs)

    @property
    def memory_ratio(self) -> float:
        """Median ratio of the larger of main process and worker to the hand-written query."""
        return median(max(pair.main_bytes, pair.worker_bytes) / pair.hand_bytes for pair in self.pairs)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        seconds = {name: round(self.median(name), 4) for name in ("hand", "hand_command", "warm", "first", "command")}
        sizes = {name: round(self.median(name)) for name in ("hand_bytes", "main_bytes", "worker_bytes")}
        ratios = {
            "warm_ratio": round(self.ratio("warm", "hand"), 3),
            "first_ratio": round(self.ratio("first", "hand"), 3),
            "command_ratio": round(self.ratio("command", "hand_command"), 3),
            "memory_ratio": round(self.memory_ratio, 3),
        }
        return {"case": self.case, "lake": self.lake, "pairs": len(self.pairs), "agrees": self.agrees, **seconds, **sizes, **ratios}


def compare(case: str, lake: Path, repeats: int) -> Comparison:
    """Run both sides of *case* on *lake* in turn."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "hand.parquet", Path(folder) / "basalt.parquet"
        pairs = tuple(_pair(case, lake, *outputs, Path(folder) / f"state-{index}") for index in range(repeats))
        return Comparison(case, lake.name, pairs, agree(*outputs))


def _pair(case: str, lake: Path, hand_output: Path, output: Path, state: Path) -> Pair:
    hand, hand_command = _job("by-hand", case, lake, hand_output, state)
    ours, command = _job("basalt", case, lake, output, state)
    return Pair(
        hand["first"],
        hand_command,
        hand["main_bytes"],
        ours["warm"],
        ours["first"],
        command - ours["warm"],
        ours["main_bytes"],
        ours["worker_bytes"],
    )


def _job(job: str, *arguments: object) -> tuple[dict[str, float], float]:
    printed, seconds = timed([sys.executable, "-m", "benchmarks.child", job, *map(str, arguments)])
    return json.loads(printed.splitlines()[-1]), seconds


def timed(command: Sequence[str]) -> tuple[str, float]:
    """What *command* prints, and its seconds from start to end."""
    started = time.perf_counter()
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return printed, time.perf_counter() - started


def agree(by_hand: Path, ours: Path) -> bool:
    """Whether every number of the hand-written table stands in ours, to nine digits."""
    wanted = pl.read_parquet(by_hand)
    names = [name for name, dtype in wanted.schema.items() if dtype.is_numeric() and name not in KEYS]
    joined = wanted.join(pl.read_parquet(ours), on=KEYS, how="left", suffix="_ours")
    equal = [_equal(pl.col(name), pl.col(f"{name}_ours")).all().alias(name) for name in names]
    return bool(joined.select(equal).row(0) == (True,) * len(names))


def _equal(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    near = (one - other).abs() <= 1e-9 * pl.max_horizontal(one.abs(), pl.lit(1.0))
    return near.fill_null(value=False) | (one.is_null() & other.is_null())
