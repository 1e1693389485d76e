"""The phases of a venue's day for one listing, in microseconds after midnight UTC.

Venues keep their hours on their own clocks, so that daylight saving moves them in UTC. They trade on
every date, weekends included.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from basalt.market.states import AUCTION_STATES, CONTINUOUS_STATES, MarketState
from basalt.synthetic.market import Instrument
from basalt.synthetic.randomness import Stream, generator
from basalt.synthetic.scenario import Interruption, Scenario
from basalt.synthetic.venues import HALF_DAYS, Hours, Venue

MICROS = 1_000_000
MINUTE = 60 * MICROS
MIDDAY_MINUTES = 2
CODES: dict[MarketState, str] = {
    "CLOSED": "c",
    "PRE_OPEN": "p",
    "OPENING_AUCTION": "a",
    "CONTINUOUS_TRADING": "T",
    "INTRADAY_AUCTION": "i",
    "UNSCHEDULED_AUCTION": "x",
    "CLOSING_AUCTION": "d",
    "HALTED": "h",
    "POST_TRADE": "u",
}
"""The venues' own codes of states."""


@lru_cache(maxsize=64)
def offset_seconds(zone: str, day: date) -> int:
    """Seconds by which clocks of *zone* are ahead of UTC at noon of *day*."""
    offset = datetime.combine(day, time(12), ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def is_half_day(day: date, scenario: Scenario) -> bool:
    """Whether venues close early on *day*."""
    return (day.month, day.day) in HALF_DAYS if scenario.half_day is None else scenario.half_day


@dataclass(frozen=True)
class Phase:
    """A state and when it begins."""

    state: MarketState
    start: int


@dataclass(frozen=True)
class Schedule:
    """The phases of a listing-day, in order."""

    phases: tuple[Phase, ...]

    def starts(self) -> np.ndarray:
        """Start of each phase."""
        return np.array([phase.start for phase in self.phases], dtype=np.int64)

    def end_of(self, number: int) -> int:
        """End of phase *number*: the start of the next."""
        return self.phases[number + 1].start

    def is_continuous(self) -> np.ndarray:
        """Whether orders match as they come in, for each phase."""
        return np.array([phase.state in CONTINUOUS_STATES for phase in self.phases])

    def is_auction(self) -> np.ndarray:
        """Whether orders collect, for each phase."""
        return np.array([phase.state in AUCTION_STATES for phase in self.phases])

    def trading(self) -> tuple[int, int]:
        """First start and last end of continuous trading."""
        places = np.flatnonzero(self.is_continuous())
        return self.phases[places[0]].start, self.end_of(int(places[-1]))

    def replaced(self, begins: int, ends: int, inserted: list[Phase]) -> Schedule:
        """The schedule with *inserted* from *begins* on; the phase of *begins* goes on at *ends*."""
        starts = self.starts()
        interrupted = self.phases[int(np.searchsorted(starts, begins, side="right")) - 1]
        kept = [phase for phase in self.phases if not begins <= phase.start < ends]
        last = max((phase for phase in self.phases if phase.start < ends), key=lambda phase: phase.start, default=interrupted)
        return Schedule(tuple(sorted([*kept, *inserted, Phase(last.state, ends)], key=lambda phase: phase.start)))


def _local(minute: int, venue: Venue, day: date) -> int:
    """Microseconds after midnight UTC at a *minute* of the venue's clock."""
    return minute * MINUTE - offset_seconds(venue.zone, day) * MICROS


def _closing_minute(hours: Hours, *, early: bool) -> int:
    return hours.early if early else hours.closes


def _calm(venue: Venue, day: date, random: np.random.Generator, *, early: bool) -> Schedule:
    """The phases of a day without interruptions; auctions end up to half a minute after their time."""
    hours, closes = venue.hours, _closing_minute(venue.hours, early=early)
    ends = [int(offset) for offset in random.integers(1, 30 * MICROS, 3)]
    plan: list[tuple[MarketState, int, int]] = [("CLOSED", hours.opens - 90, 0), ("PRE_OPEN", hours.opens - 45, 0)]
    if hours.has_auctions:
        plan += [("OPENING_AUCTION", hours.opens - hours.opening, 0)]
    plan += [("CONTINUOUS_TRADING", hours.opens, ends[0] if hours.has_auctions else 0)]
    if 0 < hours.midday < closes - 10:
        plan += [("INTRADAY_AUCTION", hours.midday, 0), ("CONTINUOUS_TRADING", hours.midday + MIDDAY_MINUTES, ends[1])]
    if 0 < hours.lunch[1] < closes:
        plan += [("CLOSED", hours.lunch[0], 0), ("CONTINUOUS_TRADING", hours.lunch[1], 0)]
    if hours.has_auctions:
        plan += [("CLOSING_AUCTION", closes, 0)]
    plan += [("POST_TRADE", closes + hours.closing, ends[2] if hours.has_auctions else 0), ("CLOSED", closes + 10, 0)]
    return Schedule(tuple(Phase(state, _local(minute, venue, day) + extra) for state, minute, extra in plan))


@dataclass(frozen=True)
class _Stop:
    """An interruption: when it begins, how long a halt lasts, and how long orders collect then."""

    begins: int
    halt: int
    auction: int


def _given(events: tuple[Interruption, ...], instrument: Instrument, day: date, *, is_halt: bool) -> list[_Stop]:
    stops = []
    for event in events:
        if event.ticker == instrument.ticker:
            begins = _local(event.at.hour * 60 + event.at.minute, instrument.home, day) + event.at.second * MICROS
            length = event.minutes * MINUTE
            stops.append(_Stop(begins, length, getattr(event, "auction_minutes", 0) * MINUTE) if is_halt else _Stop(begins, 0, length))
    return stops


def _by_chance(instrument: Instrument, day: date, random: np.random.Generator, odds: tuple[float, float], *, early: bool) -> list[_Stop]:
    """A halt in the morning, an auction in the afternoon, each if chance will have it and there is room."""
    hours, draws = instrument.home.hours, random.random(5)
    closes = _closing_minute(hours, early=early)
    noon = (hours.opens + closes) // 2
    morning = (hours.opens + 30, min(minute for minute in (hours.midday, hours.lunch[0], noon) if minute) - 15)
    afternoon = (
        max(hours.midday if hours.midday < closes else 0, hours.lunch[1] if hours.lunch[1] < closes else 0, noon) + 15,
        closes - 20,
    )
    midnight = _local(0, instrument.home, day)

    def within(window: tuple[int, int], share: float) -> int:
        return midnight + int((window[0] + share * (window[1] - window[0])) * MINUTE)

    halt = _Stop(within(morning, draws[1]), int((5 + 5 * draws[2]) * MINUTE), 2 * MINUTE * int(draws[3] < 0.5))
    auction = _Stop(within(afternoon, draws[4]), 0, 5 * MINUTE)
    chances = ((halt, morning, random.random() < odds[0]), (auction, afternoon, random.random() < odds[1]))
    return [stop for stop, (first, last), happens in chances if happens and first < last]


def _interrupted(schedule: Schedule, venue: Venue, stop: _Stop) -> Schedule:
    """The schedule with a stop; where there are no auctions, the halt lasts until that of the home venue is over."""
    resumes = stop.begins + stop.halt + stop.auction
    halt = [Phase("HALTED", stop.begins)] if stop.halt else []
    if venue.has_auctions:
        collects = [Phase("UNSCHEDULED_AUCTION", stop.begins + stop.halt)] if stop.auction else []
        return schedule.replaced(stop.begins, resumes, halt + collects)
    return schedule.replaced(stop.begins, resumes, halt) if halt else schedule


def schedules(instrument: Instrument, venues: tuple[Venue, ...], day: date, scenario: Scenario) -> tuple[Schedule, ...]:
    """The phases of *instrument* on each of *venues*, the home venue first."""
    random = generator(scenario.seed, Stream.PHASES, instrument.number, day)
    early = is_half_day(day, scenario)
    calm = [_calm(venue, day, random, early=early) for venue in venues]
    stops = [
        *_by_chance(instrument, day, random, scenario.odds, early=early),
        *_given(scenario.halts, instrument, day, is_halt=True),
        *_given(scenario.auctions, instrument, day, is_halt=False),
    ]
    return tuple(_with_stops(schedule, venue, stops) for schedule, venue in zip(calm, venues, strict=True))


def _with_stops(schedule: Schedule, venue: Venue, stops: list[_Stop]) -> Schedule:
    for stop in sorted(stops, key=lambda each: each.begins):
        opens, closes = schedule.trading()
        if opens < stop.begins and stop.begins + stop.halt + stop.auction < closes:
            schedule = _interrupted(schedule, venue, stop)
    return schedule
