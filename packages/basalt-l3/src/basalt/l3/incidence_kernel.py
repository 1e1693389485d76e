"""Kernel: the Aalen-Johansen estimate of many cohorts at once."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from basalt.books.arrays import Long, Longs

CODES = 4
"""A spell is one number: age * CODES + what happened then."""
CENSORED = 3
"""Sorts behind what happens at the same age, so those who are lost from sight then are still at risk."""
ANY = 0
"""Cause of an estimate that counts whatever happens."""


@njit(cache=True, nogil=True)
def _estimate(spells: Longs, cause: Long, horizon: Long) -> float:
    """The estimate of one cohort, its spells in order; NaN when nobody is at risk before the horizon and some might have been."""
    surviving, happened = 1.0, 0.0
    for place in range(spells.size):
        age, event = spells[place] // CODES, spells[place] % CODES
        if age > horizon:
            return happened
        if event == CENSORED:
            continue
        share = surviving / (spells.size - place)
        surviving -= share
        if cause in (ANY, event):
            happened += share
    last = spells[spells.size - 1]
    if last % CODES == CENSORED and last // CODES < horizon:
        return np.nan
    return happened


@njit(cache=True, nogil=True)
def estimate_incidence(offsets: Longs, spells: Longs, cause: Long, horizon: Long, estimates: NDArray[np.float64]) -> None:
    """Estimate the probability that *cause* has happened by the age *horizon*, cohort by cohort.

    Args:
        offsets: First spell of each cohort, and the number of all.
        spells: Spells of all cohorts, in any order within one.
        cause: Code of the event that counts, or `ANY`.
        horizon: Age, itself included.
        estimates: Gets one estimate a cohort; NaN for none.
    """
    for cohort in range(offsets.size - 1):
        mine = np.sort(spells[offsets[cohort] : offsets[cohort + 1]])
        estimates[cohort] = _estimate(mine, cause, horizon) if mine.size else np.nan
