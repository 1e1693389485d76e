"""The phases of a venue's day for one listing, in microseconds after midnight UTC.

Venues keep the same UTC hours on every day of the year, weekends included.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from basalt.market.states import CONTINUOUS_STATES, MarketState
from basalt.synthetic.market import Listing
from basalt.synthetic.randomness import Stream, generator

MICROS = 1_000_000
OPEN_SECOND = 8 * 3600
CLOSE_SECOND = 16 * 3600 + 1800
HALT_ODDS = 1 / 12


def clock(hours: int, minutes: int = 0) -> int:
    """Microseconds after midnight."""
    return (hours * 60 + minutes) * 60 * MICROS


@dataclass(frozen=True)
class Phase:
    """A state, the venue's own code for it, and when it begins."""

    state: MarketState
    code: str
    start: int


@dataclass(frozen=True)
class Schedule:
    """The phases of a listing-day, in order."""

    phases: tuple[Phase, ...]

    def starts(self) -> np.ndarray:
        """Start of each phase."""
        return np.array([phase.start for phase in self.phases], dtype=np.int64)

    def index_at(self, times: np.ndarray) -> np.ndarray:
        """Number of the phase that holds at each time; -1 before the first."""
        return np.searchsorted(self.starts(), times, side="right") - 1

    def is_continuous_at(self, times: np.ndarray) -> np.ndarray:
        """Whether orders match as they come in at each time."""
        continuous = np.array([phase.state in CONTINUOUS_STATES for phase in self.phases] + [False])
        return continuous[self.index_at(times)]

    def first(self, state: MarketState) -> Phase:
        """The first phase of a state."""
        return next(phase for phase in self.phases if phase.state == state)

    def after(self, phase: Phase) -> Phase:
        """The phase that follows."""
        return self.phases[self.phases.index(phase) + 1]


def schedule(listing: Listing, day: date, seed: int) -> Schedule:
    """The phases of *listing* on *day*; about one day in twelve has a halt of five to ten minutes."""
    random = generator(seed, Stream.PHASES, listing.number, day)
    opens, closes = (int(offset) for offset in random.integers(1, 30 * MICROS, 2))
    calm = _auction_day(opens, closes) if listing.venue.has_auctions else _plain_day()
    halted = random.random() < HALT_ODDS
    begins = int(random.integers(clock(9), clock(15, 30)))
    length = int(random.integers(5 * 60 * MICROS, 10 * 60 * MICROS))
    return Schedule(_with_halt(calm, begins, length) if halted else calm)


def _auction_day(opens: int, closes: int) -> tuple[Phase, ...]:
    return (
        Phase("CLOSED", "c", clock(6)),
        Phase("PRE_OPEN", "p", clock(7, 15)),
        Phase("OPENING_AUCTION", "a", clock(7, 50)),
        Phase("CONTINUOUS_TRADING", "T", clock(8) + opens),
        Phase("CLOSING_AUCTION", "d", clock(16, 30)),
        Phase("POST_TRADE", "u", clock(16, 35) + closes),
        Phase("CLOSED", "c", clock(16, 40)),
    )


def _plain_day() -> tuple[Phase, ...]:
    return (
        Phase("CLOSED", "c", clock(6)),
        Phase("PRE_OPEN", "p", clock(7)),
        Phase("CONTINUOUS_TRADING", "T", clock(8)),
        Phase("POST_TRADE", "u", clock(16, 30)),
        Phase("CLOSED", "c", clock(16, 40)),
    )


def _with_halt(phases: tuple[Phase, ...], begins: int, length: int) -> tuple[Phase, ...]:
    halt = (Phase("HALTED", "h", begins), Phase("CONTINUOUS_TRADING", "T", begins + length))
    return tuple(sorted((*phases, *halt), key=lambda phase: phase.start))
