"""The ledger: what was done, in SQLite. It is the truth for resume, skip-existing and `basalt runs`."""

from __future__ import annotations

import json
import os
import sqlite3
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from basalt.core.errors import TargetFailed, UnknownName
from basalt.core.offers import Receipt
from basalt.core.reports import RunReport
from basalt.core.tasks import PartFile, Task, TaskReport

STATE_VARIABLE = "BASALT_STATE_DIR"

_SCHEMA = """
create table if not exists runs (
    run_id text primary key, started real not null, ended real, outcome text not null, config_hash text not null,
    inputs text not null default '', pipeline text not null, days text not null, config text not null, tasks integer not null default 0,
    reused integer not null default 0, rows integer not null default 0, peak_bytes integer not null default 0, seconds real not null default 0,
    work_dir text not null default '', versions text not null default '{}', message text not null default '', pid integer not null default 0
);
create table if not exists attempts (
    run_id text not null references runs, key text not null, attempt integer not null, stage integer not null, days text not null,
    listings integer, exit_code integer not null, seconds real not null, peak_bytes integer not null, rows integer not null,
    message text not null, ended real not null
);
create table if not exists parts (
    key text not null, run_id text not null, dataset text not null, path text not null, rows integer not null, bytes integer not null,
    first_day text not null, last_day text not null
);
create index if not exists parts_by_key on parts (key);
create table if not exists receipts (
    run_id text not null references runs, pass text not null, dataset text not null, location text not null, rows integer not null,
    bytes integer not null, start_date text not null, end_date text not null, fingerprint text not null, written real not null
);
create table if not exists surveys (
    path text not null, stamp text not null, found text not null, primary key (path, stamp)
);
"""


def state_dir() -> Path:
    """The folder of the ledger and of parts that wait for their commit.

    `BASALT_STATE_DIR` if set, else `.basalt` in the working directory.
    """
    return Path(os.environ.get(STATE_VARIABLE) or ".basalt").absolute()


class Ledger:
    """The ledger in a state directory; made when it does not exist.

    Raises:
        TargetFailed: The directory cannot be written.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or state_dir()
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._hold_open()
        except (OSError, sqlite3.DatabaseError) as problem:
            raise TargetFailed(
                f"cannot use ledger.sqlite of the state directory: {problem}",
                where=str(self.root),
                hint=f"set {STATE_VARIABLE} to a folder that you may write to",
            ) from problem

    def _hold_open(self) -> None:
        """Make the tables, and stay connected: the last connection to close moves the whole log into the database."""
        held = self._connect(check_same_thread=False)
        weakref.finalize(self, held.close)
        held.execute("pragma journal_mode = wal")
        held.executescript(_SCHEMA)

    def _connect(self, *, check_same_thread: bool = True) -> sqlite3.Connection:
        connection = sqlite3.connect(self.root / "ledger.sqlite", timeout=30, check_same_thread=check_same_thread)
        connection.row_factory = sqlite3.Row
        connection.execute("pragma synchronous = normal")  # what a killed process wrote stays; enough with a log
        return connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as connection, connection:
            yield connection

    def _read(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with closing(self._connect()) as connection:
            return [dict(row) for row in connection.execute(query, values)]

    # ------------------------------------------------------------ runs

    def start_run(
        self,
        run_id: str,
        *,
        config_hash: str,
        pipeline: str,
        days: Iterable[date],
        config: Mapping[str, Any],
        work_dir: Path,
        versions: Mapping[str, str],
    ) -> None:
        """Write down that a run started."""
        span = [str(day) for day in days]
        with self._writing() as connection:
            connection.execute(
                "insert into runs (run_id, started, outcome, config_hash, pipeline, days, config, work_dir, versions, pid) values (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?)",
                (
                    run_id,
                    time.time(),
                    config_hash,
                    pipeline,
                    json.dumps(span),
                    json.dumps(config, default=str),
                    str(work_dir),
                    json.dumps(dict(versions)),
                    os.getpid(),
                ),
            )

    def end_run(self, report: RunReport, *, message: str = "") -> None:
        """Write down how a run ended."""
        rows = sum(each.rows for each in report.passes)
        values = (time.time(), report.outcome, report.tasks, report.reused, rows, report.peak_bytes, report.seconds, message, report.run_id)
        with self._writing() as connection:
            connection.execute(
                "update runs set ended = ?, outcome = ?, tasks = ?, reused = ?, rows = ?, peak_bytes = ?, seconds = ?, message = ? where run_id = ?",
                values,
            )

    def runs(self, limit: int = 50) -> list[dict[str, Any]]:
        """The newest runs, newest first; a run whose process is gone counts as `interrupted`."""
        self.note_dead_runs()
        return self._read(
            "select run_id, started, ended, outcome, pipeline, days, tasks, reused, rows, peak_bytes, seconds, message, config_hash from runs order by started desc limit ?",
            limit,
        )

    def show(self, run_id: str) -> dict[str, Any]:
        """Everything about one run; a prefix of its id is enough.

        Raises:
            UnknownName: No run, or several, have that id.
        """
        self.note_dead_runs()
        found = self._read("select * from runs where substr(run_id, 1, length(?)) = ? order by started desc", run_id, run_id)
        if len(found) != 1:
            raise UnknownName.of("run", run_id, [row["run_id"] for row in self.runs()], hint="see: basalt runs list")
        run = found[0]
        run["attempts"] = self._read("select * from attempts where run_id = ? order by ended", run["run_id"])
        run["outputs"] = self._read("select * from receipts where run_id = ? order by written", run["run_id"])
        return run

    def note_dead_runs(self) -> list[dict[str, Any]]:
        """Mark runs as interrupted whose process is gone, and return them."""
        dead = [row for row in self._read("select run_id, pid, work_dir from runs where outcome = 'running'") if not _is_alive(row["pid"])]
        with self._writing() as connection:
            connection.executemany("update runs set outcome = 'interrupted' where run_id = ?", [(row["run_id"],) for row in dead])
        return dead

    def leftovers(self, config_hash: str, days: Iterable[date]) -> list[Path]:
        """Work directories of earlier runs of the same config and days that did not end well."""
        self.note_dead_runs()
        span = json.dumps([str(day) for day in days])
        rows = self._read(
            "select work_dir from runs where outcome in ('interrupted', 'failed') and config_hash = ? and days = ?", config_hash, span
        )
        return [path for row in rows if (path := Path(row["work_dir"])).exists()]

    # ------------------------------------------------------------ tasks

    def record(self, run_id: str, report: TaskReport) -> None:
        """Write down how a task ended, and what it made, in one transaction."""
        task = report.task
        message = report.failure.what if report.failure else ""
        with self._writing() as connection:
            connection.execute(
                "insert into attempts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run_id,
                    task.key,
                    task.attempt,
                    task.stage,
                    json.dumps([str(day) for day in task.days]),
                    None if task.listings is None else len(task.listings),
                    report.exit_code,
                    report.seconds,
                    report.peak_bytes,
                    report.rows,
                    message,
                    time.time(),
                ),
            )
            if report.is_done:
                connection.executemany(
                    "insert into parts values (?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (task.key, run_id, part.dataset, str(part.path), part.rows, part.bytes, str(part.first_day), str(part.last_day))
                        for part in report.parts
                    ],
                )

    def finished(self, task: Task) -> tuple[PartFile, ...] | None:
        """The parts of an earlier try at the same task, if all of them are still there and whole."""
        done = self._read("select run_id from attempts where key = ? and exit_code = 0 order by ended desc", task.key)
        for row in done:
            rows = self._read("select * from parts where key = ? and run_id = ?", task.key, row["run_id"])
            parts = tuple(_part(each) for each in rows)
            if parts and all(_is_whole(part) for part in parts):
                return parts
        return None

    # ------------------------------------------------------------ outputs

    def record_receipt(self, run_id: str, receipt: Receipt, fingerprint: str) -> None:
        """Write down an output that is in place."""
        slot = receipt.slot
        with self._writing() as connection:
            connection.execute(
                "insert into receipts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run_id,
                    slot.pass_name,
                    slot.dataset,
                    receipt.location,
                    receipt.rows,
                    receipt.bytes,
                    str(slot.start),
                    str(slot.end),
                    fingerprint,
                    time.time(),
                ),
            )

    def last_receipt(self, location: str) -> dict[str, Any] | None:
        """The newest receipt for *location*."""
        rows = self._read("select * from receipts where location = ? order by written desc limit 1", location)
        return rows[0] if rows else None

    # ------------------------------------------------------------ surveys

    def surveyed(self, path: str, stamp: str) -> dict[str, Any] | None:
        """What an earlier survey of the same file found."""
        rows = self._read("select found from surveys where path = ? and stamp = ?", path, stamp)
        return json.loads(rows[0]["found"]) if rows else None

    def record_survey(self, path: str, stamp: str, found: Mapping[str, Any]) -> None:
        """Remember a survey."""
        with self._writing() as connection:
            connection.execute("insert or replace into surveys values (?, ?, ?)", (path, stamp, json.dumps(dict(found))))


def _part(row: Mapping[str, Any]) -> PartFile:
    return PartFile(
        row["dataset"],
        Path(row["path"]),
        row["rows"],
        row["bytes"],
        date.fromisoformat(row["first_day"]),
        date.fromisoformat(row["last_day"]),
    )


def _is_whole(part: PartFile) -> bool:
    return part.path.is_file() and part.path.stat().st_size == part.bytes


def _is_alive(pid: int) -> bool:
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
