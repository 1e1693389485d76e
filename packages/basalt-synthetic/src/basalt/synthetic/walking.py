"""The walk of a fair price through a day, second by second."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def walk(steps: np.ndarray, activity: np.ndarray, total: float, volatility: float, opened: float, closed: float) -> None:
    """Turn standard normal *steps* into a Brownian bridge on the clock of *activity*.

    Args:
        steps: A draw for each second; afterwards the bridge, from *opened* to *closed*.
        activity: Speed of the clock at each second, *total* in all.
        volatility: Standard deviation of the way from beginning to end, were the end free.
    """
    before, now, way = 0.0, 0.0, 0.0
    for second in range(steps.size):
        now += activity[second]
        clock = now / total
        way += steps[second] * sqrt(clock - before)
        steps[second] = way * volatility
        before = clock
    missing, now = closed - opened - steps[-1], 0.0
    for second in range(steps.size):
        now += activity[second]
        steps[second] = opened + steps[second] + missing * (now / total)
