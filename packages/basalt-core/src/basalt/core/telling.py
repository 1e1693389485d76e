"""Telling of long work from where it is done, without handing a listener through every call in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str, int, int], None]
"""Told what is being done, how many parts of it are done, and how many there are."""

_listener: ContextVar[Listener | None] = ContextVar("_listener", default=None)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """What is told inside the block is told to *listener*."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)


def tell(what: str, done: int, total: int) -> None:
    """Say what begins now; without a listener, nobody hears.

    Args:
        what: What is being done, as in "simulating 2026-02-02".
        done: Parts of it that are done.
        total: Parts that there are.
    """
    listener = _listener.get()
    if listener is not None:
        listener(what, done, total)
