"""Runs that are killed: a pipeline in a process of its own, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PIPELINE = """
USER_CONFIG = {{
    "START_DATE": "2026-02-02", "END_DATE": "2026-02-04", "LAKE": {lake!r}, "NUM_WORKERS": 2, "MAX_LISTINGS_PER_BATCH": 2, "BATCH_FREQ": "D",
    "OUTPUT_TARGET": {{"path_template": {out!r} + "/{{datasetname}}/{{start_date}}_{{end_date}}.parquet"}},
    "PASSES": [
        {{"name": "bars", "modules": ["trade"], "trade_analytics": {{"generic_metrics": [{{"sides": ["Bid", "Total"], "measures": ["Volume", "VWAP", "OHLC", "Volatility"]}}]}}}},
        {{"name": "hours", "modules": ["trade"], "time_bucket_seconds": 3600}},
    ],
}}
"""

RUN = "import sys; from basalt.core.cli.main import main; main()"


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

    def start(self, *flags: str) -> subprocess.Popen[str]:
        """Start a run in a process of its own."""
        command = [sys.executable, "-c", RUN, "pipeline", "run", "--pipeline", str(self.pipeline), "--json", *flags]
        return subprocess.Popen(
            command, env={**os.environ, "BASALT_STATE_DIR": str(self.state)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def finish(self, *flags: str) -> dict[str, object]:
        """Run to the end and return the report."""
        process = self.start(*flags)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        report: dict[str, object] = json.loads(out)
        return report

    def kill_after(self, seconds: float) -> bool:
        """Start a run and kill it; whether it was still running."""
        process = self.start()
        try:
            process.wait(timeout=seconds)
            was_running = False
        except subprocess.TimeoutExpired:
            was_running = True
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        return was_running

    def leftovers(self) -> list[str]:
        """Files that a finished run must not leave."""
        waiting = [str(path) for path in (self.state / "work").glob("*")] if (self.state / "work").exists() else []
        return waiting + [str(path) for path in self.out.rglob("*") if path.is_file() and path.suffix != ".parquet"]


def seconds_of(place: Place) -> float:
    """How long an undisturbed run takes, process start included."""
    started = time.monotonic()
    place.finish()
    return time.monotonic() - started
