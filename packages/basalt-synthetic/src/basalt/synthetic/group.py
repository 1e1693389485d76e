"""Some instruments' days side by side, as long columns: what tables are made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from basalt.synthetic import world
from basalt.synthetic.clocks import NANOS_PER_MICRO, NANOS_PER_SECOND
from basalt.synthetic.happening import Happened, Session
from basalt.synthetic.looking_up import THING_BITS, places_of
from basalt.synthetic.market import Listing
from basalt.synthetic.phases import CODES, Schedule

_PLACES = {state: place for place, state in enumerate(CODES)}


@dataclass(frozen=True)
class Timeline:
    """Instants of several things, in order of thing, then time.

    Attributes:
        keys: Number of the thing and nanoseconds after midnight, in one.
    """

    keys: np.ndarray

    @classmethod
    def of(cls, things: np.ndarray, nanos: np.ndarray) -> Timeline:
        """The timeline of instants that are in order."""
        return cls((things.astype(np.int64) << THING_BITS) + nanos)

    def at(self, things: np.ndarray, nanos: np.ndarray) -> np.ndarray:
        """Number of the last instant of each thing up to each time; -1 without one."""
        return self._places(things, nanos, strict=0, following=0)

    def before(self, things: np.ndarray, nanos: np.ndarray) -> np.ndarray:
        """Number of the last instant before each time; -1 without one."""
        return self._places(things, nanos, strict=1, following=0)

    def after(self, things: np.ndarray, nanos: np.ndarray) -> np.ndarray:
        """Number of the first instant after each time; -1 without one."""
        return self._places(things, nanos, strict=0, following=1)

    def things(self) -> np.ndarray:
        """The thing of each instant."""
        return np.asarray(self.keys >> THING_BITS)

    def nanos(self, places: np.ndarray | slice) -> np.ndarray:
        """Times of instants."""
        return np.asarray(self.keys[places] & ((1 << THING_BITS) - 1))

    def _places(self, things: np.ndarray, nanos: np.ndarray, *, strict: int, following: int) -> np.ndarray:
        wanted = (things.astype(np.int64) << THING_BITS) + np.maximum(nanos, 0)
        return np.asarray(places_of(self.keys, wanted, strict, following))


@dataclass(frozen=True)
class Group:
    """Instruments' days as one.

    Attributes:
        session: The days, as they stand on the tape.
        chosen: Whether each listing's rows are asked for.
        day: Their date.
    """

    session: Session
    chosen: np.ndarray
    day: date

    @classmethod
    def of(cls, session: Session, chosen: frozenset[int]) -> Group:
        """The group of these days; *chosen* are ids of the listings whose rows are asked for."""
        listings = [listing for each in session.days for listing in each.plan.listings]
        return cls(session, np.array([each.listing_id in chosen for each in listings]), session.days[0].plan.day)

    @property
    def happened(self) -> tuple[Happened, ...]:
        """The days one by one."""
        return self.session.days

    def counts(self, what: str) -> np.ndarray:
        """Number of entries of each day in the arrays *what* of the tape."""
        return np.array([getattr(each.end, what) - getattr(each.begin, what) for each in self.happened])

    @cached_property
    def listings(self) -> tuple[Listing, ...]:
        """All listings; their places here are the *numbers* that columns have."""
        return tuple(listing for each in self.happened for listing in each.plan.listings)

    @cached_property
    def schedules(self) -> tuple[Schedule, ...]:
        """The phases of each listing."""
        return tuple(schedule for each in self.happened for schedule in each.plan.schedules)

    @property
    def rows(self) -> np.ndarray:
        """All acts, a column each as `world` numbers them, in order of instrument, then time."""
        return self.session.rows

    @cached_property
    def firsts(self) -> np.ndarray:
        """The number of each instrument's primary listing."""
        return np.cumsum([0, *(len(each.plan.listings) for each in self.happened)])[:-1]

    @cached_property
    def numbers(self) -> np.ndarray:
        """The listing of each act."""
        return np.asarray(self.rows[world.VENUE] + np.repeat(self.firsts, self.counts("rows")))

    @cached_property
    def nanos(self) -> np.ndarray:
        """Nanoseconds after midnight UTC of each act."""
        nanos = self.rows[world.SECOND] * np.int64(NANOS_PER_SECOND)
        nanos += self.rows[world.MICRO] * np.int32(NANOS_PER_MICRO)
        nanos += (self.slots % NANOS_PER_MICRO)[self.numbers]
        return nanos

    @cached_property
    def listing_numbers(self) -> np.ndarray:
        """The number in the market of each listing."""
        return np.array([listing.number for listing in self.listings])

    @cached_property
    def slots(self) -> np.ndarray:
        """The slot of each listing."""
        return np.array([listing.slot for listing in self.listings])

    @cached_property
    def instruments(self) -> np.ndarray:
        """The place of each listing's instrument in `happened`."""
        return np.repeat(np.arange(len(self.happened)), [len(each.plan.listings) for each in self.happened])

    @cached_property
    def primaries(self) -> np.ndarray:
        """The number of each listing's primary listing."""
        return np.asarray(self.firsts[self.instruments])

    @cached_property
    def _fractions(self) -> tuple[np.ndarray, np.ndarray]:
        fractions = np.array([listing.instrument.tick.fraction for listing in self.listings], dtype=np.int64)
        return fractions[:, 0], fractions[:, 1]

    def prices(self, numbers: np.ndarray, units: np.ndarray) -> np.ndarray:
        """Prices of *units* of listings; NaN for none. Each is the float nearest to its decimal."""
        numerators, denominators = self._fractions
        exact = units * numerators[numbers] / denominators[numbers]
        return np.where(units == world.NOTHING, np.nan, exact)

    @cached_property
    def phases(self) -> tuple[Timeline, np.ndarray, np.ndarray]:
        """Starts of all phases, their states' places in `phases.CODES`, and whether trading is continuous in them."""
        counts = [len(schedule.phases) for schedule in self.schedules]
        numbers = np.repeat(np.arange(len(counts)), counts)
        starts = np.concatenate([schedule.starts() for schedule in self.schedules]) * NANOS_PER_MICRO
        states = np.array([_PLACES[phase.state] for schedule in self.schedules for phase in schedule.phases])
        continuous = np.concatenate([schedule.is_continuous() for schedule in self.schedules])
        return Timeline.of(numbers, starts + (self.slots % NANOS_PER_MICRO)[numbers]), states, continuous

    def states(self, numbers: np.ndarray, nanos: np.ndarray) -> np.ndarray:
        """The phase of each listing at each time: its state's place in `phases.CODES`."""
        timeline, states, _ = self.phases
        return np.asarray(states[np.maximum(timeline.at(numbers, nanos), 0)])

    def is_continuous(self, numbers: np.ndarray, nanos: np.ndarray) -> np.ndarray:
        """Whether each listing trades continuously at each time."""
        timeline, _, continuous = self.phases
        places = timeline.at(numbers, nanos)
        return np.where(places >= 0, continuous[places], False)

    def latent(self) -> np.ndarray:
        """The fair price at each act."""
        parts = []
        for each in self.happened:
            seconds, micros = (self.rows[column, each.begin.rows : each.end.rows] for column in (world.SECOND, world.MICRO))
            parts.append(each.plan.fair.prices(seconds, micros))
        return np.concatenate(parts)
