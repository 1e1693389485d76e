"""How kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])

_WITHOUT_COUNTS: dict[str, Any] = {"cache": True, "_nrt": False}
"""Kernels create no arrays, so Numba need not count references to those they are given: counting costs half of the time."""

nth = np.uint64
"""An index without a sign: no code is made that looks whether it counts from the end, which costs a quarter of the time."""


def kernel(function: Function) -> Function:
    """Compile a loop over arrays; threads may run beside it. Other kernels' parts are compiled into it."""
    made: Function = njit(nogil=True, **_WITHOUT_COUNTS)(function)
    return made


def part(function: Function) -> Function:
    """Compile a part of kernels, to be put into their code wherever they call it."""
    made: Function = njit(forceinline=True, **_WITHOUT_COUNTS)(function)
    return made
