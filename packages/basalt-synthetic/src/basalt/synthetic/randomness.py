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
    FLOW = 5
    PRINTS = 6
    CUSTOMS = 7


def generator(seed: int, stream: Stream, entity: int, when: date | int = 1) -> np.random.Generator:
    """The generator of one *stream* of an *entity* (listing or instrument), on one day or at one step."""
    moment = when.toordinal() if isinstance(when, date) else when
    return np.random.default_rng([seed, int(stream), entity, moment])
