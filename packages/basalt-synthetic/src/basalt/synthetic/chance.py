"""Random numbers of the event loop: splitmix64 (Steele, Lea & Flood 2014, OOPSLA)."""

from __future__ import annotations

from math import log

import numpy as np

from basalt.synthetic.world import NEVER, RANDOM, Longs, Number, part


@part
def uniform(w: Longs) -> Number:
    """A number in [0, 1)."""
    z = np.uint64(w[RANDOM]) + np.uint64(0x9E3779B97F4A7C15)
    w[RANDOM] = np.int64(z)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return np.float64(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@part
def waiting_time(w: Longs, rate: Number) -> Number:
    """Time to the next of events that come at *rate*, at least 1."""
    return np.int64(min(1.0 - log(1.0 - uniform(w)) / rate, 1e15)) if rate > 0.0 else NEVER
