"""Progress of long work on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from basalt.core.running import Progress

LINES_A_STAGE = 10


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """A `Progress` of `basalt.core.running.run` that a user sees."""
    with _bar_or(_lines()) as progress:
        yield progress


@contextmanager
def shown_steps() -> Iterator[Progress]:
    """A `Progress` of work whose every step has a name; away from a terminal, each is a line."""
    with _bar_or(_say_step) as progress:
        yield progress


def _say_step(what: str, done: int, total: int) -> None:
    typer.echo(f"{what} ({done + 1} of {total})", err=True)


@contextmanager
def _bar_or(plain: Progress) -> Iterator[Progress]:
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield plain
        return
    with _bar(console) as progress:
        yield progress


@contextmanager
def _bar(console: Console) -> Iterator[Progress]:
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        shown = bar.add_task("starting", total=None)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(shown, description=what, completed=done, total=total)

        yield progress


def _lines() -> Callable[[str, int, int], None]:
    """One line when something starts, then at most ten on its way."""
    said: dict[str, int] = {}

    def progress(what: str, done: int, total: int) -> None:
        tenth = LINES_A_STAGE * done // max(total, 1)
        if what not in said:
            typer.echo(f"{what} ({total} tasks)" if total > 1 else what, err=True)
        elif tenth > said[what] and total > 1:
            typer.echo(f"{what}: {done} of {total} done", err=True)
        said[what] = tenth

    return progress
