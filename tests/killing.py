"""Runs that are killed: a pipeline in a process of its own, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

DIE_AFTER = "BASALT_TEST_DIE_AFTER"

PIPELINE = """
import os
import signal

from basalt.core import hookimpl

ended = []


@hookimpl
def basalt_task_finished(report):
    # What the kernel notes of a task is in the ledger before observers hear of it.
    ended.append(report)
    if len(ended) == int(os.environ.get("BASALT_TEST_DIE_AFTER", "0")):
        os.kill(os.getpid(), signal.SIGKILL)


USER_CONFIG = {{
    "START_DATE": "2026-02-02", "END_DATE": "2026-02-04", "LAKE": {lake!r}, "NUM_WORKERS": 2, "MAX_LISTINGS_PER_BATCH": 2, "BATCH_FREQ": "D",
    "OUTPUT_TARGET": {{"path_template": {out!r} + "/{{datasetname}}/{{start_date}}_{{end_date}}.parquet"}},
    "PASSES": [
        {{"name": "bars", "modules": ["trade"], "trade_analytics": {{"generic_metrics": [{{"sides": ["Bid", "Total"], "measures": ["Volume", "VWAP", "OHLC", "Volatility"]}}]}}}},
        {{"name": "hours", "modules": ["trade"], "time_bucket_seconds": 3600}},
    ],
}}
"""

RUN = "import sys; from basalt.core.cli.main import main; sys.exit(main())"


@dataclass(frozen=True)
class Place:
    """Folders of one pipeline: its file, its outputs and its state."""

    root: Path
    lake: Path

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def pipeline(self) -> Path:
        path = self.root / "pipeline.py"
        path.write_text(PIPELINE.format(lake=str(self.lake), out=str(self.out)))
        return path

    def start(self, *flags: str, more: Mapping[str, str] = MappingProxyType({})) -> subprocess.Popen[str]:
        """Start a run in a process of its own, with *more* variables."""
        command = [sys.executable, "-c", RUN, "pipeline", "run", "--pipeline", str(self.pipeline), "--json", *flags]
        return subprocess.Popen(
            command,
            env={**os.environ, "BASALT_STATE_DIR": str(self.state), **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, *flags: str) -> dict[str, object]:
        """Run to the end and return the report."""
        process = self.start(*flags)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        report: dict[str, object] = json.loads(out)
        return report

    def kill_after(self, seconds: float) -> None:
        """Start a run and kill it after so many *seconds*, if it still runs."""
        process = self.start()
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)

    def die_after(self, tasks: int) -> None:
        """Start a run that is killed as soon as so many *tasks* have ended."""
        process = self.start(more={DIE_AFTER: str(tasks)})
        process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL

    def leftovers(self) -> list[str]:
        """Files that a finished run must not leave."""
        waiting = [str(path) for path in (self.state / "work").glob("*")] if (self.state / "work").exists() else []
        return waiting + [str(path) for path in self.out.rglob("*") if path.is_file() and path.suffix != ".parquet"]


def seconds_of(place: Place) -> float:
    """How long an undisturbed run takes, process start included."""
    started = time.monotonic()
    place.finish()
    return time.monotonic() - started
