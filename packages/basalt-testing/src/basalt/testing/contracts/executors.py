"""What every executor does: each task once, in a process of its own, and a report whatever happens."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from basalt.core.offers import Executor
from basalt.core.tasks import OUT_OF_MEMORY, Task, TaskReport
from basalt.testing.tables import DAY

CODE_OF_DEATH = 3
PATIENCE = 60.0


def tasks(count: int, context: Path) -> list[Task]:
    """Tasks that differ in key and listing."""
    return [Task(f"task{number}", 0, (DAY,), (number,), context) for number in range(count)]


def report_process(task: Task) -> TaskReport:
    """Say in which process the task ran."""
    return TaskReport(task, 0, notices=(str(os.getpid()),))


def wait_for_the_next(task: Task) -> TaskReport:
    """The first task ends after the second one has run."""
    ran = task.context / "ran"
    if task.listings == (1,):
        ran.touch()
    deadline = time.monotonic() + PATIENCE
    while task.listings == (0,) and not ran.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return TaskReport(task, 0, notices=(str(ran.exists()),))


def be_killed(task: Task) -> TaskReport:
    """Die of SIGKILL on the second task, as of want of memory."""
    if task.listings == (1,):
        os.kill(os.getpid(), signal.SIGKILL)
    return TaskReport(task, 0)


def leave_early(task: Task) -> TaskReport:
    """Die without a report on the second task."""
    if task.listings == (1,):
        os._exit(CODE_OF_DEATH)
    return TaskReport(task, 0)


class ExecutorContract:
    """Inherit it and give the fixture `executor`, which runs two tasks at a time."""

    @pytest.fixture
    def executor(self) -> Executor:
        """The executor under test, with two workers."""
        pytest.fail(f"{type(self).__name__} has no fixture `executor`")

    def test_each_task_is_reported_once(self, executor: Executor, tmp_path: Path) -> None:
        """Five tasks on two workers give five reports, in whatever order."""
        reports = list(executor.run(report_process, tasks(5, tmp_path)))
        assert sorted(report.task.key for report in reports) == [f"task{number}" for number in range(5)]
        assert all(report.is_done for report in reports)

    def test_no_tasks_give_no_reports(self, executor: Executor) -> None:
        """Nothing to do is nothing done."""
        assert list(executor.run(report_process, [])) == []

    def test_tasks_run_in_processes_of_their_own(self, executor: Executor, tmp_path: Path) -> None:
        """No task sees what another one left behind."""
        processes = [report.notices[0] for report in executor.run(report_process, tasks(4, tmp_path))]
        assert len(set(processes)) == len(processes)
        assert str(os.getpid()) not in processes

    def test_tasks_run_side_by_side(self, executor: Executor, tmp_path: Path) -> None:
        """A slow task does not hold back the next one."""
        reports = list(executor.run(wait_for_the_next, tasks(2, tmp_path)))
        assert [report.notices for report in reports] == [("True",), ("True",)]

    def test_tasks_may_come_one_by_one(self, executor: Executor, tmp_path: Path) -> None:
        """Tasks are an iterable, which need not have a length."""
        assert len(list(executor.run(report_process, _one_by_one(tasks(3, tmp_path))))) == 3

    def test_a_killed_worker_is_reported_as_out_of_memory(self, executor: Executor, tmp_path: Path) -> None:
        """SIGKILL is exit code 137, with a reason; the other tasks are done."""
        codes = _codes(executor.run(be_killed, tasks(3, tmp_path)))
        assert codes == {"task0": 0, "task1": OUT_OF_MEMORY, "task2": 0}

    def test_a_worker_that_dies_is_reported_with_its_exit_code(self, executor: Executor, tmp_path: Path) -> None:
        """A process that ends without a report gets one."""
        codes = _codes(executor.run(leave_early, tasks(3, tmp_path)))
        assert codes == {"task0": 0, "task1": CODE_OF_DEATH, "task2": 0}

    def test_a_failure_has_a_reason(self, executor: Executor, tmp_path: Path) -> None:
        """The report of a dead worker says in words what happened."""
        [failed] = [report for report in executor.run(be_killed, tasks(2, tmp_path)) if not report.is_done]
        assert failed.failure is not None
        assert failed.failure.what


def _codes(reports: Iterable[TaskReport]) -> dict[str, int]:
    return {report.task.key: report.exit_code for report in reports}


def _one_by_one(wanted: Sequence[Task]) -> Iterator[Task]:
    yield from wanted
