"""The guard around code that is not ours: plugins, pipelines, formulas, observers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from basalt.core.errors import BasaltError


@contextmanager
def foreign(said: Callable[[Exception], BasaltError]) -> Iterator[None]:
    """Whatever the block raises leaves it as a typed error.

    Args:
        said: Makes the error from what was raised; errors of Basalt pass as they are.
    """
    try:
        yield
    except BasaltError:
        raise
    except Exception as problem:
        raise said(problem) from problem


def told(problem: Exception) -> str:
    """Kind and message of an exception."""
    return f"{type(problem).__name__}: {problem}"
