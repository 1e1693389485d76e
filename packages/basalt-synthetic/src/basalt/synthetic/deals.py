"""Trades before they become rows of a table: executions on the book and prints off it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl

from basalt.market.sides import Aggressor, RestingSide
from basalt.synthetic import world
from basalt.synthetic.clocks import LIT_SOURCE, NANOS_PER_MICRO, NANOS_PER_SECOND, PRINT_SOURCE, PRINT_TIE
from basalt.synthetic.group import Group
from basalt.synthetic.market import Listing
from basalt.synthetic.phases import MICROS, MINUTE
from basalt.synthetic.planning import STEPS_A_DAY, DayPlan, typical_size
from basalt.synthetic.quotes import Best, Quotes, all_quotes
from basalt.synthetic.randomness import Stream, generator

FIRST_PRINT = 500_000_000
"""Number of a listing's first trade off the book; executions count from 1."""
BLOCK_SHARE = 0.04
OFF_HOURS_SHARE = 0.05
_DRAWS = 10


@dataclass(frozen=True)
class TradeClass:
    """What the codes of a class of trades are."""

    name: str
    trade_type: str
    mechanism: str
    mode: str
    automated: str = "-"
    negotiated: str = "-"
    in_major_currency: bool = False


CLASSES = (
    TradeClass("LIT_CONTINUOUS", "LIT", "1", "2"),
    TradeClass("LIT_AUCTION", "LIT", "1", "1"),
    TradeClass("LIT_HIDDEN", "LIT", "1", "2"),
    TradeClass("DARK", "DARK", "3", "2"),
    TradeClass("OFF_BOOK_ON_EXCHANGE", "OTC", "4", "5", automated="M", negotiated="N", in_major_currency=True),
    TradeClass("SI_ADDRESSABLE_BELOW_LIS", "OTC", "4", "7", automated="M", in_major_currency=True),
)
_CONTINUOUS, _AUCTION, _HIDDEN, _DARK, _OFF_BOOK, _SYSTEMATIC = range(6)
_SHARES = {True: (0.15, 0.65), False: (0.7, 0.9)}
"""Shares of dark, and of dark and negotiated trades, on a home venue and elsewhere; the rest is systematic."""


CHANGES = ("-", "C", "A")
"""What a deal is: a trade, taken back, put right."""
_TRADE, _TAKEN_BACK, _PUT_RIGHT = range(3)


@dataclass(frozen=True)
class Deals:
    """Trades, a value each: their listing in the group, when they happen and are published, and what is known of them.

    `kind` is a place in `CLASSES`, `change` one in `CHANGES`, `remaining` and `left` are NaN where they do not apply.
    """

    number: np.ndarray
    nanos: np.ndarray
    published: np.ndarray
    tie: np.ndarray
    source: np.ndarray
    trade: np.ndarray
    aggressor: np.ndarray
    taker: np.ndarray
    price: np.ndarray
    size: np.ndarray
    kind: np.ndarray
    remaining: np.ndarray
    left: np.ndarray
    is_retail: np.ndarray
    is_algorithmic: np.ndarray
    change: np.ndarray
    is_late: np.ndarray
    latent: np.ndarray

    def take(self, places: np.ndarray) -> Deals:
        """Those at *places*."""
        return Deals(**{each.name: getattr(self, each.name)[places] for each in fields(self)})


def joined_deals(parts: Sequence[Deals]) -> Deals:
    """All of all parts."""
    return Deals(**{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Deals)})


def deals_of(group: Group) -> Deals:
    """All trades of the chosen listings, in order of listing, then sequence."""
    deals = joined_deals([executions(group), prints(group, all_quotes(group))])
    return deals.take(np.lexsort((deals.tie, deals.nanos, deals.number)))


def executions(group: Group) -> Deals:
    """One per trade on the book; an auction's trade is the execution of its bid."""
    rows = group.rows
    of_auction = rows[world.TAKER_SIDE] == 0
    counts = (rows[world.EXECUTION_SIZE] > 0) & ~(of_auction & (rows[world.SIDE] != int(RestingSide.BID)))
    shown = np.flatnonzero(counts & group.chosen[group.numbers])
    numbers, nanos, takers = group.numbers[shown], group.nanos[shown], rows[world.TAKER_SIDE][shown]
    kinds = np.where(takers == 0, _AUCTION, np.where(rows[world.ACTION][shown] == world.HIDDEN_FILL, _HIDDEN, _CONTINUOUS))
    is_plain, is_retail = kinds == _CONTINUOUS, rows[world.TAKER_RETAIL][shown] == 1
    return Deals(
        number=numbers,
        nanos=nanos,
        published=nanos,
        tie=rows[world.TIE][shown],
        source=np.full(nanos.size, LIT_SOURCE),
        trade=rows[world.TRADE][shown],
        aggressor=takers,
        taker=takers,
        price=group.prices(numbers, rows[world.EXECUTION_PRICE][shown]),
        size=rows[world.EXECUTION_SIZE][shown].astype(float),
        kind=kinds,
        remaining=np.where(is_plain, rows[world.SIZE][shown], np.nan),
        left=np.where(is_plain, rows[world.LEFT][shown], np.nan),
        is_retail=is_retail,
        is_algorithmic=(rows[world.OLD_ORDER][shown] % 3 > 0) & ~is_retail,
        change=np.full(nanos.size, _TRADE),
        is_late=np.zeros(nanos.size, dtype=bool),
        latent=np.zeros(nanos.size),
    )


def prints(group: Group, quotes: Quotes) -> Deals:
    """One per trade off the book: dark at the mid, systematic at a quote, others near the mid.

    Corrections are deals of their own with the time and id of what they correct.
    """
    listed = [(number, listing, plan) for number, (listing, plan) in enumerate(_plans(group)) if group.chosen[number]]
    parts = [_draw(number, listing, plan) for number, listing, plan in listed]
    numbers, micros, trades, latent = (np.concatenate([part[column] for part in parts]) for column in range(4))
    draws, normals = (np.concatenate([part[column] for part in parts], axis=1) for column in (4, 5))
    nanos = micros * NANOS_PER_MICRO + (group.slots % NANOS_PER_MICRO)[numbers]
    best = quotes.before(numbers, nanos)
    quoted = np.isfinite(best.mid) & group.is_continuous(numbers, nanos)
    shares = np.array([_SHARES[listing.is_primary] for listing in group.listings])[numbers]
    chosen = np.where(draws[0] < shares[:, 0], _DARK, np.where(draws[0] < shares[:, 1], _OFF_BOOK, _SYSTEMATIC))
    kinds = np.where(quoted, chosen, _OFF_BOOK)
    taker = 1 + (draws[1] < 0.5)
    known = np.where((kinds == _DARK) & (draws[2] < 2 / 3), taker, int(Aggressor.UNKNOWN))
    late, cancelled, amended = group.happened[0].plan.scenario.corrections
    is_late = (kinds != _DARK) & (draws[3] < late)
    nothing = np.full(nanos.size, np.nan)
    deals = Deals(
        number=numbers,
        nanos=nanos,
        published=nanos + _delays(kinds, draws[4], is_late=is_late),
        tie=np.full(nanos.size, PRINT_TIE),
        source=np.full(nanos.size, PRINT_SOURCE),
        trade=trades,
        aggressor=known,
        taker=taker,
        price=_prices(kinds, best, latent, normals[0], taker),
        size=_sizes(kinds, np.array([typical_size(each.instrument) for each in group.listings])[numbers], normals[1], draws),
        kind=kinds,
        remaining=nothing,
        left=nothing,
        is_retail=(kinds == _OFF_BOOK) & (draws[5] < 0.3),
        is_algorithmic=np.zeros(nanos.size, dtype=bool),
        change=np.full(nanos.size, _TRADE),
        is_late=is_late,
        latent=latent,
    )
    return _with_corrections(deals, draws[6], cancelled, amended)


def _plans(group: Group) -> list[tuple[Listing, DayPlan]]:
    return [(listing, each.plan) for each in group.happened for listing in each.plan.listings]


def _draw(number: int, listing: Listing, plan: DayPlan) -> tuple[np.ndarray, ...]:
    """Number of the listing, times, trade numbers and fair prices of its prints, and draws for the rest."""
    random = generator(plan.scenario.seed, Stream.PRINTS, listing.number, plan.day)
    expected = STEPS_A_DAY * listing.activity * plan.scenario.scale * plan.scenario.behaviour.prints
    micros = _times(random, expected, *plan.schedules[plan.listings.index(listing)].trading())
    count = micros.size
    fair = plan.fair.prices(*np.divmod(micros, MICROS))
    trades = FIRST_PRINT + np.arange(count)
    return np.full(count, number), micros, trades, fair, random.random((_DRAWS, count)), random.normal(size=(2, count))


def _times(random: np.random.Generator, expected: float, opens: int, closes: int) -> np.ndarray:
    """Distinct times, most of them while the venue trades."""
    count = int(random.poisson(expected * (closes - opens) / (510 * MINUTE)))
    during = random.uniform(opens, closes, count)
    around = random.uniform(opens - 30 * MINUTE, closes + 45 * MINUTE, count)
    times = np.sort(np.where(random.random(count) < OFF_HOURS_SHARE, around, during).astype(np.int64))
    places = np.arange(count)
    return np.asarray(np.maximum.accumulate(times - places) + places)


def _delays(kinds: np.ndarray, draws: np.ndarray, *, is_late: np.ndarray) -> np.ndarray:
    """Nanoseconds until publication: none in the dark, up to a second or so for reports, minutes to hours for late ones."""
    report = NANOS_PER_SECOND // 20 + draws * NANOS_PER_SECOND
    late = NANOS_PER_SECOND * 60 * (3 + 150 * draws)
    return np.where(kinds == _DARK, 0, np.where(is_late, late, report)).astype(np.int64)


def _prices(kinds: np.ndarray, best: Best, fair: np.ndarray, noise: np.ndarray, taker: np.ndarray) -> np.ndarray:
    mid = np.where(np.isfinite(best.mid), best.mid, fair)
    near = np.round(mid * (1 + 1e-4 * noise), 4)
    quoted = np.where(taker == int(Aggressor.SELL), best.bid, best.ask)
    return np.asarray(np.select([kinds == _DARK, kinds == _SYSTEMATIC], [mid, quoted], near))


def _sizes(kinds: np.ndarray, typical: np.ndarray, noise: np.ndarray, draws: np.ndarray) -> np.ndarray:
    sizes = typical * np.exp(-0.3 + noise)
    blocks = np.where(draws[7] < BLOCK_SHARE, 30.0 + 90.0 * draws[8], 1.0)
    has_fraction = (kinds == _SYSTEMATIC) & (draws[9] < 0.3)
    return np.where(has_fraction, np.maximum(np.round(sizes, 6), 1e-6), np.maximum(np.rint(sizes * blocks), 1.0))


def _with_corrections(deals: Deals, draws: np.ndarray, cancelled: float, amended: float) -> Deals:
    """The deals and their corrections, published up to half an hour after what they correct."""
    taken_back = _corrected(deals.take(np.flatnonzero(draws < cancelled)), _TAKEN_BACK)
    put_right = _corrected(deals.take(np.flatnonzero((draws >= cancelled) & (draws < cancelled + amended))), _PUT_RIGHT)
    right = pl.Series(put_right.price * 1.0003).round(4).to_numpy()
    return joined_deals([deals, taken_back, replace(put_right, price=right)])


def _corrected(deals: Deals, change: int) -> Deals:
    later = deals.published + deals.nanos % (1_800 * NANOS_PER_SECOND)
    return replace(deals, published=later, tie=deals.tie + 1, change=np.full(deals.nanos.size, change))
