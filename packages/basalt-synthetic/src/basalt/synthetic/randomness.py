"""Random numbers that depend on what they are for, never on what was drawn before.

Every listing-day, instrument-day and instrument has streams of its own, so that any subset of
listings and days, in any order, gives the same values.
"""

from __future__ import annotations

from datetime import date
from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a generator is for."""

    INSTRUMENT = 1
    PRICE_LEVEL = 2
    FAIR_PRICE = 3
    PHASES = 4
    AUCTIONS = 5
    FLOW = 6
    PRINTS = 7


NO_DAY = date.min


def generator(seed: int, stream: Stream, entity: int, day: date = NO_DAY) -> np.random.Generator:
    """The generator of one *stream* of an *entity* (listing or instrument) on one *day*."""
    return np.random.default_rng([seed, int(stream), entity, day.toordinal()])
