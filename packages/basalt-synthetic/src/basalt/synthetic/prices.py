"""The fair price of an instrument: what its venues' order flow leans towards.

Over the days its logarithm is a Brownian motion that comes back to zero every 512 days (a chain of
bridges, refined by midpoint displacement), so that the price of any day is known without those before
it. A day is three of its steps, a night is one: prices jump overnight. Within a day it is a bridge that
moves more when more is traded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import sqrt

import numpy as np

from basalt.synthetic.latent import fair_prices
from basalt.synthetic.market import Instrument
from basalt.synthetic.randomness import Stream, generator
from basalt.synthetic.world import SECONDS

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


@dataclass(frozen=True)
class Activity:
    """How much is traded when, for all seconds after midnight UTC.

    Attributes:
        intensity: Activity at each second, 1 on average while trading is open.
        clock: Share of the day's activity before each second, from 0 to 1.
    """

    intensity: np.ndarray
    clock: np.ndarray


@lru_cache(maxsize=16)
def activity(opens: int, closes: int) -> Activity:
    """High after *opens* and before *closes* (seconds), little outside; the same for all instruments of a venue."""
    intensity = np.full(SECONDS, 0.02)
    share = np.arange(closes - opens) / (closes - opens)
    shape = 1.0 + 2.0 * np.exp(-share / 0.06) + 2.5 * np.exp((share - 1.0) / 0.05)
    intensity[opens:closes] = shape / shape.mean()
    clock = np.concatenate([[0.0], np.cumsum(intensity[:-1])])
    clock /= clock[-1]
    for array in (intensity, clock):
        array.flags.writeable = False
    return Activity(intensity, clock)


@dataclass(frozen=True)
class FairPath:
    """The fair price through a day.

    Attributes:
        levels: Logarithm of the price over *base* at each second; NaN where nobody has asked yet.
        clock: As in `Activity`.
        seed: Of what happens in between.
        volatility: Standard deviation of the way from the beginning of the day to its end, were the end free.
        base: Price of level zero.
    """

    levels: np.ndarray
    clock: np.ndarray
    seed: int
    volatility: float
    base: float

    def prices(self, seconds: np.ndarray, micros: np.ndarray) -> np.ndarray:
        """Fair prices at times after midnight UTC."""
        found, at, past = np.empty(seconds.size), seconds.astype(np.int32), micros.astype(np.int32)
        fair_prices(self.levels, self.clock, self.seed, self.volatility, self.base, at, past, found)
        return found


def fair_path(instrument: Instrument, day: date, seed: int, volatility: float, clock: np.ndarray) -> FairPath:
    """The path of *instrument* on *day*, of which only the beginning and the end are known."""
    first = day.toordinal() * STEPS_A_DAY
    levels = np.full(SECONDS, np.nan)
    levels[0], levels[-1] = (_step_level(instrument, first + step, seed, volatility) for step in (OPEN_STEP, CLOSE_STEP))
    own_seed = int(generator(seed, Stream.FAIR_PRICE, instrument.number, day).integers(1 << 62))
    return FairPath(levels, clock, own_seed, volatility, instrument.base_price)
