"""The executor `direct`: tasks on this machine, a fresh process each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from basalt.core.isolation import run_each
from basalt.core.tasks import LESS_MEMORY, OUT_OF_MEMORY, Failure, Task, TaskReport


@dataclass(frozen=True)
class DirectExecutor:
    """Run tasks on this machine.

    Attributes:
        workers: Tasks at a time.
        preload: Modules imported once, before the workers are forked.
    """

    workers: int = 1
    preload: tuple[str, ...] = ()

    def configured(self, workers: int, preload: tuple[str, ...]) -> DirectExecutor:
        """The executor with the run's settings."""
        return DirectExecutor(workers, preload)

    def run(self, work: Callable[[Task], TaskReport], tasks: Iterable[Task]) -> Iterator[TaskReport]:
        """Run *work* on each of *tasks*; a worker that dies gives a report with its exit code."""
        for ended in run_each(work, tasks, self.workers, preload=self.preload):
            yield ended.result or TaskReport(ended.work, ended.exit_code, failure=_death(ended.exit_code))


def _death(code: int) -> Failure:
    if code == OUT_OF_MEMORY:
        return Failure(
            "OutOfMemory",
            "a worker was killed or gave up, most likely because it got no more memory",
            hint=LESS_MEMORY,
        )
    return Failure("WorkerDied", f"a worker ended with exit code {code} and no report")
