"""The fair price of an instrument: what its venues' order flow leans towards."""

from __future__ import annotations

from datetime import date
from math import pi, sin

import numpy as np

from basalt.synthetic.market import Instrument
from basalt.synthetic.phases import CLOSE_SECOND, MICROS, OPEN_SECOND
from basalt.synthetic.randomness import Stream, generator

FIRST_SECOND = 7 * 3600
LAST_SECOND = 17 * 3600 + 1800
DAILY_VOLATILITY = 0.012
_WAVE_DAYS = (23.0, 91.0, 377.0)
_WAVE_HEIGHTS = (0.02, 0.05, 0.12)


def intensity(second: np.ndarray) -> np.ndarray:
    """Activity over the day, high after the open and before the close; `second` after midnight."""
    share = np.clip((second - OPEN_SECOND) / (CLOSE_SECOND - OPEN_SECOND), 0.0, 1.0)
    return 1.0 + 2.0 * np.exp(-share / 0.06) + 2.5 * np.exp((share - 1.0) / 0.05)


def opening_price(instrument: Instrument, day: date, seed: int) -> float:
    """Fair price at the start of *day*: slow waves around the base price, and a little noise."""
    waves = generator(seed, Stream.PRICE_LEVEL, instrument.number).random(len(_WAVE_DAYS))
    noise = float(generator(seed, Stream.PRICE_LEVEL, instrument.number, day).normal(0.0, 0.006))
    parts = (
        height * sin(2 * pi * (day.toordinal() / days + phase))
        for days, height, phase in zip(_WAVE_DAYS, _WAVE_HEIGHTS, waves.tolist(), strict=True)
    )
    return float(instrument.base_price * np.exp(sum(parts) + noise))


class FairPrice:
    """The fair price of an instrument at any time of a day.

    It is a random walk that moves more when more is traded.
    """

    def __init__(self, instrument: Instrument, day: date, seed: int) -> None:
        random = generator(seed, Stream.FAIR_PRICE, instrument.number, day)
        self._seconds = np.arange(FIRST_SECOND, LAST_SECOND + 1)
        shape = np.sqrt(intensity(self._seconds))
        steps = random.normal(0.0, 1.0, self._seconds.size) * shape * DAILY_VOLATILITY / np.sqrt(np.sum(shape**2))
        self._prices = opening_price(instrument, day, seed) * np.exp(np.cumsum(steps))

    def at(self, times: np.ndarray) -> np.ndarray:
        """Price at *times*, microseconds after midnight."""
        return np.interp(times / MICROS, self._seconds, self._prices)
