"""Workers that the operating system gives little memory: a day larger than that is done, and too little is said to be too little."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt.synthetic import write_day

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit counts data on Linux only")

DAY = date(2026, 2, 2)
REPEATED, ROWS_OF_A_GROUP = 60, 1 << 13
ENOUGH, TOO_LITTLE = 450, 150
MEBI = 1 << 20

PIPELINE = """
import multiprocessing
import os
import resource
from pathlib import Path

from basalt.core import hookimpl


@hookimpl
def basalt_task_finished(report):
    # A pipeline with a hook is loaded in workers too, and so is the limit.
    pass


if multiprocessing.parent_process() is not None and "BASALT_TEST_MEMORY" in os.environ:
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    limit = int(told["VmData"].split()[0]) * 1024 + int(os.environ["BASALT_TEST_MEMORY"])
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

USER_CONFIG = {{
    "START_DATE": "2026-02-02", "END_DATE": "2026-02-02", "LAKE": {lake!r}, "NUM_WORKERS": 1, "MAX_RETRIES": 0,
    "OUTPUT_TARGET": {{"path_template": {out!r} + "/{{datasetname}}/{{start_date}}.parquet"}},
    "PASSES": [{{"name": "whole", "preprocess_modules": ["cbbo_preprocess"], "side_outputs": {{"cbbo": {{"materialize": "always"}}}}}}],
}}
"""
RUN = "import sys; from basalt.core.cli.main import main; sys.exit(main())"


def run(root: Path, lake: Path, megabytes: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run the pipeline on *lake*, its workers with so much memory beyond what they start with."""
    root.mkdir()
    pipeline = root / "pipeline.py"
    pipeline.write_text(PIPELINE.format(lake=str(lake), out=str(root / "out")))
    limit = {} if megabytes is None else {"BASALT_TEST_MEMORY": str(megabytes * MEBI)}
    environment = {**os.environ, **limit, "BASALT_STATE_DIR": str(root / "state"), "POLARS_MAX_THREADS": "2"}
    command = [sys.executable, "-c", RUN, "pipeline", "run", "--pipeline", str(pipeline)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=root)


def table(root: Path) -> pl.DataFrame:
    """What a run has written."""
    (path,) = (root / "out").rglob("*.parquet")
    return pl.read_parquet(path)


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small day, and one whose books each stand there many times: the same at the end of every bucket, and larger than the limit."""
    small, large = (tmp_path_factory.mktemp(name) for name in ("small", "large"))
    size = 0
    for lake in (small, large):
        files = write_day(lake, DAY, listings=2, scale=1.0)
    for file in (each for each in files if each.table == "l2"):
        rows = pl.read_parquet(file.path)
        often = rows.select(pl.all().gather(pl.int_range(pl.len()).repeat_by(REPEATED).explode()))
        numbered = often.with_columns(pl.int_range(pl.len()).cast(rows.schema["BMLLSequenceNo"]).alias("BMLLSequenceNo"))
        numbered.write_parquet(file.path, row_group_size=ROWS_OF_A_GROUP)
        size += int(numbered.estimated_size())
    assert size > 1.2 * ENOUGH * MEBI
    return small, large


def test_a_day_larger_than_the_limit_is_done(lakes: tuple[Path, Path], tmp_path: Path) -> None:
    small, large = lakes
    limited = run(tmp_path / "limited", large, ENOUGH)
    assert limited.returncode == 0, limited.stderr
    unlimited = run(tmp_path / "unlimited", small)
    assert unlimited.returncode == 0, unlimited.stderr
    assert_frame_equal(table(tmp_path / "limited"), table(tmp_path / "unlimited"))


def test_too_little_memory_is_said_and_leaves_nothing(lakes: tuple[Path, Path], tmp_path: Path) -> None:
    done = run(tmp_path / "run", lakes[1], TOO_LITTLE)  # the engine can start its threads, and no more
    assert done.returncode == 137, done.stderr
    assert "memory" in done.stderr
    assert "MAX_LISTINGS_PER_BATCH" in done.stderr
    assert not list((tmp_path / "run" / "out").rglob("*.parquet"))
