"""The fair price between the beginning and the end of a day: seconds that nobody asks for are never drawn.

Its logarithm is a Brownian bridge on the clock of activity. The middle of a stretch is drawn when a second within it
is asked for, given both ends (Lévy's construction), by a number that depends on the seed and on that second alone. So
a path is the same whatever is asked for, and in whatever order.
"""

from __future__ import annotations

from math import cos, exp, isnan, log, pi, sqrt

import numpy as np
from numba import njit

from basalt.synthetic.world import Floats, Ints, Number, part


@part
def mixed(z: Number) -> Number:
    """The bits of a number of 64 bits in disorder: the end of splitmix64 (Steele, Lea & Flood 2014, OOPSLA)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@part
def normal(seed: Number, number: Number) -> Number:
    """The standard normal *number* of a seed (Box & Muller 1958)."""
    first = mixed(np.uint64(seed) + np.uint64(2 * number + 1) * np.uint64(0x9E3779B97F4A7C15))
    second = mixed(np.uint64(seed) + np.uint64(2 * number + 2) * np.uint64(0x9E3779B97F4A7C15))
    radius = sqrt(-2.0 * log((np.float64(first >> np.uint64(11)) + 1.0) * (1.0 / 9007199254740992.0)))
    return radius * cos(2.0 * pi * np.float64(second >> np.uint64(11)) * (1.0 / 9007199254740992.0))


@part
def level_at(path: Floats, clock: Floats, seed: Number, volatility: Number, second: Number) -> Number:
    """Logarithm of the price over the base price at a whole second.

    Args:
        path: That of each second, NaN where nobody asked; the first and the last are known. What is drawn is kept in it.
        clock: Share of the day's activity before each second, from 0 to 1.
        seed: Of the path.
        volatility: Standard deviation of the way from beginning to end, were the end free.
        second: One of the path.
    """
    low, high = 0, path.size - 1
    while isnan(path[second]):
        middle = (low + high) >> 1
        if isnan(path[middle]):
            whole, gone = clock[high] - clock[low], clock[middle] - clock[low]
            spread = sqrt(gone * (clock[high] - clock[middle]) / whole)
            path[middle] = path[low] + (path[high] - path[low]) * (gone / whole) + volatility * spread * normal(seed, middle)
        if second < middle:
            high = middle
        else:
            low = middle
    return path[second]


@part
def price_at(path: Floats, clock: Floats, seed: Number, volatility: Number, base: Number, second: Number, share: Number) -> Number:
    """The fair price some *share* of a second after a whole one: on the straight line to the next."""
    before = base * exp(level_at(path, clock, seed, volatility, second))
    after = base * exp(level_at(path, clock, seed, volatility, second + 1))
    return before + (after - before) * share


@njit(cache=True, nogil=True, error_model="numpy")
def fair_prices(
    path: Floats, clock: Floats, seed: Number, volatility: Number, base: Number, seconds: Ints, micros: Ints, prices: Floats
) -> None:
    """Fill *prices* with those at *seconds* and *micros* after midnight UTC; the rest is as for `level_at` and `price_at`."""
    for row in range(prices.size):
        prices[row] = price_at(path, clock, seed, volatility, base, seconds[row], micros[row] / 1_000_000)
