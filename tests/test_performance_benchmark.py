"""The script that times pipelines, and the benchmarks: that they run and what they write, never how fast."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

import performance_benchmark as perf
from performance_benchmark import Run
from workspace import ROOT

TINY = """\
USER_CONFIG = {
    "START_DATE": "2026-02-02",
    "END_DATE": "2026-02-02",
    "DATA_SOURCE_PATH": ["lake"],
    "LAKE": %r,
    "UNIVERSE": "mic=XBEN",
    "OUTPUT_TARGET": {"type": "parquet", "path_template": %r},
    "PASSES": [{"name": "bars", "time_bucket_seconds": 3600, "modules": ["trade"]}],
}
"""


def _run(duration: float, *, success: bool = True) -> Run:
    return Run("direct", "", 1, "", "2026-02-02T00:00:00Z", duration, 0 if success else 70, success)


def test_durations_are_those_of_good_runs() -> None:
    [summary] = perf.summarise([_run(1.0), _run(2.0), _run(3.0), _run(894.0, success=False)])

    assert (summary.runs, summary.successes, summary.success_rate) == (4, 3, 0.75)
    assert (summary.mean_duration_s, summary.p50_duration_s, summary.min_duration_s, summary.max_duration_s) == (2.0, 2.0, 1.0, 3.0)
    assert summary.p95_duration_s == pytest.approx(2.9)
    assert summary.jobs_per_hour == pytest.approx(12.0)


def test_nothing_is_known_of_durations_when_every_run_failed() -> None:
    [summary] = perf.summarise([_run(1.0, success=False)])

    assert (summary.success_rate, summary.mean_duration_s, summary.p95_duration_s, summary.jobs_per_hour) == (0.0, None, None, 0.0)


def test_extra_arguments_are_flags_of_the_run() -> None:
    line = perf.command(Path("p.py"), "direct", ["date=2026-02-02", "resume"])

    assert line[-4:] == ["--json", "--date", "2026-02-02", "--resume"]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmark")
    made = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from pathlib import Path; from benchmarks.data import lakes; print(lakes(500, Path({str(folder)!r})).own)",
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return Path(made.stdout.strip())


def test_every_run_is_written_and_summed_up(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BASALT_STATE_DIR", str(tmp_path / "state"))
    pipeline = tmp_path / "tiny.py"
    pipeline.write_text(TINY % (str(lake), str(tmp_path / "bars.parquet")))

    code = perf.main(["--pipeline", str(pipeline), "--repeats", "2", "--output-dir", str(tmp_path / "results"), "--tag", "smoke"])

    assert code == 0
    [lines] = (tmp_path / "results").glob("perf_runs_*.jsonl")
    runs = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [(run["repeat"], run["success"], run["tag"]) for run in runs] == [(1, True, "smoke"), (2, True, "smoke")]
    assert runs[0]["rows"] == runs[1]["rows"] > 0
    with next((tmp_path / "results").glob("perf_runs_*.csv")).open() as file:
        assert [row["repeat"] for row in csv.DictReader(file)] == ["1", "2"]
    with next((tmp_path / "results").glob("perf_summary_*.csv")).open() as file:
        [summary] = csv.DictReader(file)
    assert (summary["executor"], summary["runs"], summary["successes"], summary["success_rate"]) == ("direct", "2", "2", "1.0")
    assert "perf_summary_" in capsys.readouterr().out


def test_a_run_that_fails_is_counted_and_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASALT_STATE_DIR", str(tmp_path / "state"))
    pipeline = tmp_path / "wrong.py"
    pipeline.write_text('USER_CONFIG = {"PASSES": [{"name": "bars", "modules": ["trades"]}]}')

    code = perf.main(["--pipeline", str(pipeline), "--output-dir", str(tmp_path)])

    assert code == 1
    [run] = [json.loads(line) for line in next(tmp_path.glob("perf_runs_*.jsonl")).read_text().splitlines()]
    assert (run["success"], run["exit_code"]) == (False, 64)
    assert "trades" in run["message"]


def test_a_dry_run_prints_commands_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline = tmp_path / "any.py"
    pipeline.write_text("USER_CONFIG = {}")

    assert perf.main(["--pipeline", str(pipeline), "--repeats", "2", "--dry-run", "--output-dir", str(tmp_path / "results")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
def test_the_benchmarks_run_and_their_tables_agree(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "benchmarks", "--rows", "2000", "--repeats", "1", "--cache", str(tmp_path), "--json"]
    measured = json.loads(subprocess.run(line, cwd=ROOT, check=True, capture_output=True, text=True).stdout)

    assert [(each["case"], each["lake"], each["agrees"]) for each in measured["cases"]] == [
        ("a", "own", True),
        ("b", "own", True),
        ("a", "foreign", True),
        ("b", "foreign", True),
    ]
    assert set(measured["starts"]) == {"worker_first", "worker_warm", "basalt_help", "import_typer"}
