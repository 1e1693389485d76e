"""One job in a process of its own; prints what it took as a line of JSON.

The clock starts after the imports that the job cannot do without; the caller's clock, which starts
before the interpreter does, tells the rest.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from basalt.core.isolation import peak_bytes
from benchmarks import cases


def by_hand(case: str, lake: str, output: str, _: str) -> dict[str, float]:
    """Write the table of *case* with the hand-written query."""
    trades = next(Path(lake).rglob("trades-plus-*.parquet"))
    started = time.perf_counter()
    cases.by_hand(case, trades).sink_parquet(output, compression="zstd", engine="streaming")
    took = time.perf_counter() - started
    return {"first": took, "main_bytes": peak_bytes()}


def basalt(case: str, lake: str, output: str, state: str) -> dict[str, float]:
    """Write the table of *case* with Basalt, twice: from config to file, planning and worker included.

    `first` starts the server that workers are forked from, and surveys files that Basalt did not
    write; `warm` finds both done.
    """
    from basalt.core.ledger import Ledger
    from basalt.core.running import run

    took, peaks = [], []
    for _ in range(2):
        started = time.perf_counter()
        report = run(cases.config(case, Path(lake), Path(output)), ledger=Ledger(Path(state)))
        took.append(time.perf_counter() - started)
        peaks.append(report.peak_bytes)
    return {"first": took[0], "warm": took[1], "main_bytes": peak_bytes(), "worker_bytes": max(peaks)}


if __name__ == "__main__":
    job, *arguments = sys.argv[1:]
    print(json.dumps({"by-hand": by_hand, "basalt": basalt}[job](*arguments)))
