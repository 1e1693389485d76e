"""What the event loop is given: phases, habits, prices and sizes of an instrument's day, as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from basalt.synthetic import world
from basalt.synthetic.market import Instrument, Listing
from basalt.synthetic.phases import MICROS, MINUTE, Schedule, schedules
from basalt.synthetic.prices import Activity, FairPath, activity, fair_path
from basalt.synthetic.randomness import Stream, generator
from basalt.synthetic.scenario import Behaviour, Scenario

STEPS_A_DAY = 8_000
"""Decisions in eight and a half hours of trading in a listing of activity 1."""
DAY_MICROS = 510 * MINUTE
PATIENCE = 160.0
"""Number of resting orders that entering and cancelling balance around."""
LEAN = 0.12
"""How much the choice of the taker's side follows the fair price, per tick."""
REACH = 5.0
"""Ticks past the fair price up to which a taker follows."""
FOLLOWING = 0.3
"""Share of decisions that answer another one within a fraction of a millisecond."""
ORDER_EUR = 5_000.0
BEFORE_UNCROSS = 5_000
"""Microseconds between the uncross and the next phase; one trade a microsecond."""
SETTING_UP = MINUTE
LADDER_ORDERS = 90
OPENING_ORDERS, AUCTION_ORDERS = 130, 70
PATIENT_SHARES = {"OPENING_AUCTION": 0.65, "UNSCHEDULED_AUCTION": 0.3, "INTRADAY_AUCTION": 0.3, "CLOSING_AUCTION": 0.1}
MOST_MESSAGES = 60
"""Messages of an auction, besides the last."""


@dataclass(frozen=True)
class DayPlan:
    """An instrument's day before it happens.

    Attributes:
        instrument, listings: What is traded and where, the home venue first.
        day: The date.
        schedules: Phases on each venue.
        fair: Fair price.
        activity: How much is traded when.
        seed: Of the event loop's random numbers.
        scenario: The rest.
    """

    instrument: Instrument
    listings: tuple[Listing, ...]
    day: date
    schedules: tuple[Schedule, ...]
    fair: FairPath
    activity: Activity
    seed: int
    scenario: Scenario

    def expected_steps(self) -> float:
        """Decisions to be expected on all venues."""
        return sum(STEPS_A_DAY * each.activity * self.scenario.scale for each in self.listings)


def plan_day(listings: tuple[Listing, ...], day: date, scenario: Scenario) -> DayPlan:
    """The plan of the instrument of *listings*, all its listings; nothing else has any influence."""
    instrument = listings[0].instrument
    plans = schedules(instrument, tuple(each.venue for each in listings), day, scenario)
    opens, closes = plans[0].trading()
    trading = activity(opens // MINUTE * 60, closes // MINUTE * 60)
    fair = fair_path(instrument, day, scenario.seed, scenario.daily_volatility, trading.clock)
    seed = int(generator(scenario.seed, Stream.FLOW, instrument.number, day).integers(1 << 62))
    return DayPlan(instrument, listings, day, plans, fair, trading, seed, scenario)


def typical_size(instrument: Instrument) -> float:
    """Shares of a typical order."""
    return max(ORDER_EUR / (instrument.base_price * instrument.currency.eur), 4.0)


def write_whole_numbers(plan: DayPlan, w: np.ndarray) -> None:
    """Write the world of whole numbers at its beginning; see `world`."""
    w[: world.KEYS] = 0  # the rest is written before it is read: counters say how far
    w[world.VENUES], w[world.RANDOM], w[world.FREE_COUNT] = len(plan.listings), plan.seed, world.MOST_ORDERS
    w[world.FREE : world.FREE + world.MOST_ORDERS] = np.arange(world.MOST_ORDERS)
    for field in (world.LAST_PRICE, world.LAST_BOOK):
        w[field : field + world.MOST_VENUES] = world.NOTHING
    for field in (world.STEP, world.MESSAGE):
        w[field : field + world.MOST_VENUES] = world.NEVER
    for number, listing in enumerate(plan.listings):
        venue = listing.venue
        w[world.TICK + number], w[world.LATENCY + number] = venue.tick_parts, venue.latency
        w[world.STYLE + number] = world.THROUGH * venue.executes_through + world.NEW_IDS * venue.renames
    relative, likes_round, offsets = _customs(plan.scenario.seed)
    w[world.SIZES : world.SIZES + world.DRAWS] = _sizes(typical_size(plan.instrument) * relative, likes_round)
    w[world.OFFSETS : world.OFFSETS + world.DRAWS] = offsets
    w[world.FAIR_SEED] = plan.fair.seed


@lru_cache(maxsize=2)
def _customs(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the orders of all instruments are drawn from: sizes over the typical one, whether they would be round, and offsets."""
    random = generator(seed, Stream.CUSTOMS, 0)
    return random.lognormal(-0.3, 0.8, world.DRAWS), random.random(world.DRAWS) < 0.5, _offsets(random, world.DRAWS)


def _sizes(wanted: np.ndarray, likes_round: np.ndarray) -> np.ndarray:
    """At least one share; those of a hundred and more that like to be round are in round lots."""
    raw = np.maximum(np.rint(wanted), 1).astype(np.int64)
    return np.where(likes_round & (raw >= 100), raw // 100 * 100, raw)


def _offsets(random: np.random.Generator, count: int) -> np.ndarray:
    """Ticks between a new order and the best it could have: mostly few, sometimes many."""
    near = random.geometric(0.3, count) - 1
    far = random.integers(0, 24, count)
    return np.where(random.random(count) < 0.25, far, near)


def write_floats(plan: DayPlan, f: np.ndarray) -> None:
    """Write the world of floats at its beginning; see `world`."""
    f[:] = 0.0
    f[: world.CARELESS + 1] = _habits(plan.scenario.behaviour)
    numerator, denominator = plan.instrument.tick.fraction
    f[world.BASE], f[world.VOLATILITY] = plan.fair.base * denominator / numerator, plan.fair.volatility


def _habits(chosen: Behaviour) -> list[float]:
    """Habits in the order that `world` has them; shares of one choice add up."""
    kinds = np.cumsum([chosen.hidden, chosen.midpoints, chosen.icebergs, chosen.fleeting]).tolist()
    taking = [chosen.taking, chosen.taking + chosen.changing]
    return [*taking, PATIENCE, LEAN, REACH, chosen.retail, chosen.sweeps, *kinds, FOLLOWING, chosen.careless]


@dataclass(frozen=True)
class _Change:
    """A change of what a venue does, as the event loop sees it."""

    time: int
    venue: int
    state: int
    gap: int = 0
    rate: float = 0.0
    mix: float = 0.0


def phase_arrays(plan: DayPlan) -> tuple[np.ndarray, np.ndarray]:
    """Changes of all venues in order of time: whole fields, and float ones; see `world`."""
    changes = [change for number in range(len(plan.listings)) for change in _changes(plan, number)]
    ordered = sorted(changes, key=lambda change: (change.time, change.venue))
    whole = [[each.time, each.venue, each.state, each.gap] for each in ordered]
    rates = [[each.rate, each.mix] for each in ordered]
    return np.ascontiguousarray(np.array(whole, dtype=np.int64).T), np.ascontiguousarray(np.array(rates).T)


def _changes(plan: DayPlan, number: int) -> Iterator[_Change]:
    schedule, listing = plan.schedules[number], plan.listings[number]
    continuous, auctions = schedule.is_continuous(), schedule.is_auction()
    trading = STEPS_A_DAY * listing.activity * plan.scenario.scale / DAY_MICROS
    for place, phase in enumerate(schedule.phases):
        if continuous[place]:
            yield _Change(phase.start, number, world.CONTINUOUS, rate=trading)
        elif auctions[place]:
            yield from _auction(phase.state, phase.start, schedule.end_of(place), number)
        else:
            yield _Change(phase.start, number, world.IDLE)
            if phase.state == "PRE_OPEN" and continuous[place + 1]:
                sets_up = schedule.end_of(place) - SETTING_UP
                yield _Change(sets_up, number, world.LADDER, rate=LADDER_ORDERS / SETTING_UP, mix=1.0)


def _auction(state: str, start: int, end: int, number: int) -> Iterator[_Change]:
    length = end - BEFORE_UNCROSS - start
    orders = OPENING_ORDERS if state == "OPENING_AUCTION" else AUCTION_ORDERS
    gap = max(length // MOST_MESSAGES, MICROS)
    yield _Change(start, number, world.CALL, gap, orders / length, PATIENT_SHARES[state])
    yield _Change(end - BEFORE_UNCROSS, number, world.UNCROSS)
