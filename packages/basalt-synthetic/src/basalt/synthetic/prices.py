"""The fair price of an instrument: what its venues' order flow leans towards.

Over the days its logarithm is a Brownian motion that comes back to zero every 512 days (a chain of
bridges, refined by midpoint displacement), so that the price of any day is known without those before
it. A day is three of its steps, a night is one: prices jump overnight.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from math import sqrt

import numpy as np

from basalt.synthetic.market import Instrument
from basalt.synthetic.randomness import Stream, generator
from basalt.synthetic.walking import walk

SECONDS = 86_402
STEPS_A_DAY, OPEN_STEP, CLOSE_STEP = 4, 0, 3
CHAIN = 512 * STEPS_A_DAY


def _step_level(instrument: Instrument, step: int, seed: int, volatility: float) -> float:
    """Logarithm of the price over the base price at a *step* of the chain of bridges."""
    link, place = divmod(step, CHAIN)
    low, high, left, right = 0, CHAIN, 0.0, 0.0
    while place not in (low, high):
        middle = (low + high) // 2
        value = (left + right) / 2 + _noise(seed, instrument.number, link * CHAIN + middle) * volatility * sqrt(
            (high - low) / (4 * CLOSE_STEP)
        )
        if place >= middle:
            low, left = middle, value
        else:
            high, right = middle, value
    return left if place == low else right


@lru_cache(maxsize=64)
def _noise(seed: int, number: int, step: int) -> float:
    """What moves the middle of a bridge; steps of one day share most of them."""
    return float(generator(seed, Stream.PRICE_LEVEL, number, step).normal())


def fair_path(instrument: Instrument, day: date, seed: int, volatility: float, intensity: np.ndarray) -> np.ndarray:
    """Fair price at each second after midnight UTC: a bridge from the open to the close that moves more when more is traded."""
    first = day.toordinal() * STEPS_A_DAY
    opened, closed = (_step_level(instrument, first + step, seed, volatility) for step in (OPEN_STEP, CLOSE_STEP))
    random = generator(seed, Stream.FAIR_PRICE, instrument.number, day)
    path = random.standard_normal(SECONDS)
    walk(path, intensity, float(np.sum(intensity)), volatility, opened, closed)
    np.exp(path, out=path)
    path *= instrument.base_price
    return path


def intensity(opens: int, closes: int) -> np.ndarray:
    """Activity at each second after midnight, high after *opens* and before *closes* (seconds), 1 on average between; little outside."""
    found = np.full(SECONDS, 0.02)
    share = np.arange(closes - opens) / (closes - opens)
    shape = 1.0 + 2.0 * np.exp(-share / 0.06) + 2.5 * np.exp((share - 1.0) / 0.05)
    found[opens:closes] = shape / shape.mean()
    return found
