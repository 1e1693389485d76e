"""Processes: a fresh one for each piece of work, started in milliseconds, that never outlives us.

Workers are forked from a server process that has imported the heavy modules and run nothing: a
process that has run a Polars query must not be forked. Where the platform has no fork server,
workers are spawned.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Generic, TypeVar

from basalt.core.tasks import INTERRUPTED, OUT_OF_MEMORY

Work = TypeVar("Work")
Result = TypeVar("Result")

PRELOADED = ("basalt.core.working",)
THREADS_VARIABLE = "POLARS_MAX_THREADS"
ALLOCATOR_VARIABLE = "_RJEM_MALLOC_CONF"
ARENAS_VARIABLE = "MALLOC_ARENA_MAX"
BACKTRACE_VARIABLE = "RUST_BACKTRACE"
"""Workers have none of the engine: one that is written for want of memory wants memory, and may wait for itself for ever."""
ENDED_BY = {
    -signal.SIGKILL: OUT_OF_MEMORY,
    -signal.SIGABRT: OUT_OF_MEMORY,
    127: OUT_OF_MEMORY,
    -signal.SIGTERM: INTERRUPTED,
    -signal.SIGINT: INTERRUPTED,
}
"""What a worker that ended without an answer is taken to have died of.

The system kills one that takes too much, an allocator that gets no memory aborts, and the C library
ends with 127 where a thread gets none.
"""


@dataclass(frozen=True)
class Ended(Generic[Work, Result]):
    """A process that ended: its result, or the exit code it died with."""

    work: Work
    result: Result | None
    exit_code: int


def context(preload: Iterable[str] = ()) -> BaseContext:
    """The way processes are started, with modules imported beforehand where that is possible."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    chosen = multiprocessing.get_context("forkserver")
    chosen.set_forkserver_preload([*PRELOADED, *preload])
    return chosen


def start_server(preload: Iterable[str] = (), *, threads: int) -> None:
    """Start the process that workers are forked from; it imports on its own while the caller goes on.

    Only the first call in a process chooses what is imported and how many threads a worker has.
    Nothing is started where there is no fork server.

    Args:
        preload: Modules to import.
        threads: Threads of a worker's engine, unless `POLARS_MAX_THREADS` is set already.
    """
    if context(preload).get_start_method() == "forkserver":
        with _engine_settings(threads), _deaf_to_interrupts():
            forkserver.ensure_running()


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes started inside never hear Ctrl-C, which a terminal sends to all of them: their parent hears it, and ends them."""
    resource_tracker.ensure_running()  # or it starts inside, and has everybody hear again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _engine_settings(threads: int) -> Iterator[None]:
    """Processes started inside have so many engine threads; the engine reads the variables when it is imported.

    Its allocator, and that of the system, which has the arrays of kernels, get half as many arenas as
    there are threads, not four or eight a core: a worker lives for one task, and memory that one thread
    gave back is there for the others instead of being asked of the system page by page.
    """
    before = {name: os.environ.get(name) for name in (THREADS_VARIABLE, ALLOCATOR_VARIABLE, ARENAS_VARIABLE)}
    allocator, arenas = before[ALLOCATOR_VARIABLE] or "", max(1, threads // 2)
    if "narenas" not in allocator:
        os.environ[ALLOCATOR_VARIABLE] = ",".join(filter(None, (allocator, f"narenas:{arenas}")))
    os.environ.setdefault(ARENAS_VARIABLE, str(arenas))
    os.environ.setdefault(THREADS_VARIABLE, str(threads))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_each(
    function: Callable[[Work], Result], pieces: Iterable[Work], workers: int, *, preload: Iterable[str] = ()
) -> Iterator[Ended[Work, Result]]:
    """Run *function* on each piece, each in a process of its own, at most *workers* at a time.

    Args:
        function: Importable function of one picklable argument.
        pieces: What to run it on; taken one by one as workers become free.
        workers: Processes at a time.
        preload: Modules to import once, before the workers.

    Yields:
        One `Ended` a piece, in the order they end.
    """
    chosen = context(preload)
    alive, keep_alive = chosen.Pipe(duplex=False)
    waiting = iter(pieces)
    running: dict[Any, tuple[Work, BaseProcess]] = {}
    leaving: list[BaseProcess] = []
    try:
        while True:
            while len(running) < workers and (piece := next(waiting, _NOTHING)) is not _NOTHING:
                _wait_for(leaving)
                connection, process = _start(chosen, function, piece, alive)
                running[connection] = (piece, process)
            if not running:
                return
            for ready in wait(list(running)):
                piece, process = running.pop(ready)
                leaving.append(process)
                yield _collect(ready, piece, process)
    finally:
        keep_alive.close()
        alive.close()
        for _, process in running.values():
            process.terminate()
            process.join()


@dataclass(frozen=True)
class Surroundings:
    """Working directory and environment of the caller; the server that forks workers has those of its own start."""

    folder: Path
    environment: dict[str, str]

    def take_over(self) -> None:
        """Make them those of this process."""
        os.chdir(self.folder)
        for name in os.environ.keys() - self.environment.keys():
            del os.environ[name]
        os.environ.update(self.environment)


_NOTHING: Any = object()


def _start(chosen: BaseContext, function: Callable[[Any], Any], piece: object, alive: Connection) -> tuple[Connection, BaseProcess]:
    receiver, sender = chosen.Pipe(duplex=False)
    process = chosen.Process(target=_child, args=(function, piece, sender, alive, Surroundings(Path.cwd(), dict(os.environ))), daemon=False)  # type: ignore[attr-defined]
    with _quiet_main(), _deaf_to_interrupts():
        process.start()
    sender.close()
    return receiver, process


def _collect(connection: Any, piece: Work, process: BaseProcess) -> Ended[Work, Any]:
    try:
        result = connection.recv()
    except EOFError:
        process.join()
        code = process.exitcode or 70
        return Ended(piece, None, ENDED_BY.get(code, code))
    finally:
        connection.close()
    return Ended(piece, result, 0)


def _wait_for(leaving: list[BaseProcess]) -> None:
    """Let processes that have answered give their memory back before others are started; after the last, nobody waits."""
    while leaving:
        leaving.pop().join()


def _child(function: Callable[[Any], Any], piece: object, sender: Connection, alive: Connection, here: Surroundings) -> None:
    here.take_over()
    os.environ[BACKTRACE_VARIABLE] = "0"
    threading.Thread(target=_exit_with_parent, args=(alive,), daemon=True).start()
    sender.send(function(piece))
    sender.close()


def _exit_with_parent(alive: Connection) -> None:
    """Wait on a pipe that only the parent can write: it ends when the parent does."""
    try:
        alive.recv()
    except (EOFError, OSError):
        os._exit(INTERRUPTED)


class _quiet_main:  # noqa: N801 - a context manager that reads as a phrase
    """Keep workers from importing the parent's `__main__`: what they need, they import by name."""

    def __enter__(self) -> None:
        main = sys.modules["__main__"]
        self._saved = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
        for name in self._saved:
            if name == "__spec__":
                main.__spec__ = None
            else:
                delattr(main, name)

    def __exit__(self, *error: object) -> None:
        for name, value in self._saved.items():
            setattr(sys.modules["__main__"], name, value)


def peak_bytes() -> int:
    """Highest resident memory of this process so far."""
    try:
        with Path("/proc/self/status").open(encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usable_memory() -> int:
    """Bytes that this machine, or the container around us, has."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(path).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            limits.append(int(text))
    return min(limits)
