"""Kernel: the Aalen-Johansen estimate of many cohorts at once."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from basalt.books.arrays import Long, Longs

CODES = 4
"""A spell is one number: age * CODES + what happened then. A negative number says how often the one behind it is there."""
CENSORED = 3
"""Sorts behind what happens at the same age, so those who are lost from sight then are still at risk."""
ANY = 0
"""Cause of an estimate that counts whatever happens."""


@njit(cache=True, nogil=True)
def _sorted(cohort: Longs) -> tuple[Longs, Longs]:
    """The spells of a cohort in order, and how often each is there."""
    spells, weights = np.empty(cohort.size, np.int64), np.ones(cohort.size, np.int64)
    count = 0
    for each in cohort:
        if each < 0:
            weights[count] = -each
        else:
            spells[count] = each
            count += 1
    if count == cohort.size:
        return np.sort(spells), weights
    order = np.argsort(spells[:count])
    return spells[:count][order], weights[:count][order]


@njit(cache=True, nogil=True)
def _estimate(spells: Longs, weights: Longs, cause: Long, horizon: Long) -> float:
    """The estimate of one cohort, its spells in order; NaN when nobody is at risk before the horizon and some might have been."""
    surviving, happened = 1.0, 0.0
    at_risk = weights.sum()
    for place in range(spells.size):
        age, event = spells[place] // CODES, spells[place] % CODES
        if age > horizon:
            return happened
        if event != CENSORED:
            share = surviving * weights[place] / at_risk
            surviving -= share
            if cause in (ANY, event):
                happened += share
        at_risk -= weights[place]
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
        mine, weights = _sorted(spells[offsets[cohort] : offsets[cohort + 1]])
        estimates[cohort] = _estimate(mine, weights, cause, horizon) if mine.size else np.nan


@njit(cache=True, nogil=True)
def _write(spell: Long, weight: Long, into: Longs, at: Long) -> Long:
    """Write a spell that is there so often."""
    if weight > 1:
        into[at] = -weight
        at += 1
    if weight > 0:
        into[at] = spell
        at += 1
    return at


@njit(cache=True, nogil=True)
def _shorten(spells: Longs, weights: Longs, horizons: Longs, into: Longs, at: Long) -> Long:
    """Write one cohort, its spells in order: what happens between two horizons, or ages at which orders are lost from sight, together."""
    counts = np.zeros(CODES, np.int64)
    beyond, edge = 0, 0
    for place in range(spells.size):
        age, event = spells[place] // CODES, spells[place] % CODES
        while edge < horizons.size and age > horizons[edge]:
            for code in range(1, CENSORED):
                at = _write(horizons[edge] * CODES + code, counts[code], into, at)
                counts[code] = 0
            edge += 1
        if edge == horizons.size:
            beyond += weights[place]
        elif event == CENSORED:
            for code in range(1, CENSORED):
                at = _write(age * CODES + code, counts[code], into, at)
                counts[code] = 0
            at = _write(spells[place], weights[place], into, at)
        else:
            counts[event] += weights[place]
    for code in range(1, CENSORED):
        at = _write(horizons[min(edge, horizons.size - 1)] * CODES + code, counts[code], into, at)
    return _write((horizons[-1] + 1) * CODES + CENSORED, beyond, into, at)


@njit(cache=True, nogil=True)
def shorten_cohorts(offsets: Longs, spells: Longs, horizons: Longs, shorter: Longs, ends: Longs) -> None:
    """Write cohorts in as few spells as estimates at the *horizons* need.

    Args:
        offsets, spells: As above.
        horizons: Ages in ascending order.
        shorter: Gets the spells; they are no more.
        ends: Gets the spell after the last one of each cohort.
    """
    at: Long = np.int64(0)
    for cohort in range(offsets.size - 1):
        mine, weights = _sorted(spells[offsets[cohort] : offsets[cohort + 1]])
        at = _shorten(mine, weights, horizons, shorter, at)
        ends[cohort] = at
