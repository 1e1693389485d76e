"""One listing on one day: phases, auctions and continuous trading on one book."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from basalt.synthetic.auctions import BEFORE_UNCROSS, draw_eager, draw_ladder, enter_all, uncross
from basalt.synthetic.book import Book
from basalt.synthetic.flow import act, draw_steps, typical_size
from basalt.synthetic.market import Listing
from basalt.synthetic.phases import MICROS, Schedule, schedule
from basalt.synthetic.prices import FairPrice
from basalt.synthetic.randomness import Stream, generator
from basalt.synthetic.tape import Record


@dataclass(frozen=True)
class ListingDay:
    """What happened to a listing on a day.

    Attributes:
        listing, day, seed, scale: What was simulated.
        schedule: Its phases.
        fair: The fair price of its instrument.
        record: Its order events and books.
    """

    listing: Listing
    day: date
    seed: int
    scale: float
    schedule: Schedule
    fair: FairPrice
    record: Record


def simulate_listing(listing: Listing, day: date, *, seed: int, scale: float) -> ListingDay:
    """Simulate one listing-day; no other listing or day has any influence."""
    plan = schedule(listing, day, seed)
    fair = FairPrice(listing.instrument, day, seed)
    random = generator(seed, Stream.AUCTIONS, listing.number, day)
    book = Book()
    if listing.venue.has_auctions:
        _opening_auction(book, listing, plan, fair, random)
    else:
        _quiet_opening(book, listing, plan, fair, random)
    for step in draw_steps(listing, day, plan, fair, seed=seed, scale=scale):
        act(book, step)
    if listing.venue.has_auctions:
        _closing_auction(book, listing, plan, fair, random)
    return ListingDay(listing, day, seed, scale, plan, fair, book.tape.record())


def _fair_tick(listing: Listing, fair: FairPrice, time: int) -> float:
    return float(fair.at(np.array([time]))[0] / listing.instrument.tick.size)


def _opening_auction(book: Book, listing: Listing, plan: Schedule, fair: FairPrice, random: np.random.Generator) -> None:
    call = plan.first("OPENING_AUCTION")
    ends = plan.after(call).start
    reference, typical = _fair_tick(listing, fair, ends), typical_size(listing)
    half_time = (call.start + ends) // 2
    enter_all(book, draw_ladder(random, call.start + 1, half_time, typical), round(reference))
    enter_all(book, draw_eager(random, half_time, ends - 2 * BEFORE_UNCROSS, typical), round(reference))
    uncross(book, ends - BEFORE_UNCROSS, reference)


def _quiet_opening(book: Book, listing: Listing, plan: Schedule, fair: FairPrice, random: np.random.Generator) -> None:
    opens = plan.first("CONTINUOUS_TRADING").start
    ladder = draw_ladder(random, opens - 60 * MICROS, opens, typical_size(listing))
    enter_all(book, ladder, round(_fair_tick(listing, fair, opens)))


def _closing_auction(book: Book, listing: Listing, plan: Schedule, fair: FairPrice, random: np.random.Generator) -> None:
    call = plan.first("CLOSING_AUCTION")
    ends = plan.after(call).start
    reference = _fair_tick(listing, fair, call.start)
    orders = draw_eager(random, call.start + 1, ends - 2 * BEFORE_UNCROSS, 2 * typical_size(listing), 60)
    enter_all(book, orders, round(reference))
    uncross(book, ends - BEFORE_UNCROSS, reference)
