"""Trades before they become rows of a table: executions on the book and prints off it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from basalt.market.sides import Aggressor, RestingSide
from basalt.synthetic import kernel as k
from basalt.synthetic.clocks import LIT_SOURCE, NANOS_PER_MICRO, NANOS_PER_SECOND, PRINT_SOURCE, PRINT_TIE
from basalt.synthetic.group import Group
from basalt.synthetic.market import Listing
from basalt.synthetic.phases import MINUTE
from basalt.synthetic.planning import STEPS_A_DAY, DayPlan, typical_size
from basalt.synthetic.quotes import Best, Quotes
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
_NAMES = np.array([each.name for each in CLASSES])
_CONTINUOUS, _AUCTION, _HIDDEN, _DARK, _OFF_BOOK, _SYSTEMATIC = range(6)
_SHARES = {True: (0.15, 0.65), False: (0.7, 0.9)}
"""Shares of dark, and of dark and negotiated trades, on a home venue and elsewhere; the rest is systematic."""


def executions(group: Group) -> pl.DataFrame:
    """One row per trade on the book; an auction's trade is the execution of its bid."""
    rows = group.rows
    of_auction = rows[k.TAKER_SIDE] == 0
    counts = (rows[k.EXECUTION_SIZE] > 0) & ~(of_auction & (rows[k.SIDE] != int(RestingSide.BID)))
    shown = np.flatnonzero(counts & group.chosen[group.numbers])
    rows, numbers, nanos = rows[:, shown], group.numbers[shown], group.nanos[shown]
    kinds = np.where(rows[k.TAKER_SIDE] == 0, _AUCTION, np.where(rows[k.ACTION] == k.HIDDEN_FILL, _HIDDEN, _CONTINUOUS))
    is_plain = kinds == _CONTINUOUS
    return _deals(
        number=numbers,
        nanos=nanos,
        published=nanos,
        tie=rows[k.TIE],
        source=np.full(nanos.size, LIT_SOURCE),
        trade=rows[k.TRADE],
        aggressor=rows[k.TAKER_SIDE],
        taker=rows[k.TAKER_SIDE],
        price=group.prices(numbers, rows[k.EXECUTION_PRICE]),
        size=rows[k.EXECUTION_SIZE].astype(float),
        kind=_NAMES[kinds],
        remaining=np.where(is_plain, rows[k.SIZE], np.nan),
        left=np.where(is_plain, rows[k.LEFT], np.nan),
        is_retail=rows[k.TAKER_RETAIL] == 1,
        is_algorithmic=(rows[k.OLD_ORDER] % 3 > 0) & (rows[k.TAKER_RETAIL] == 0),
        change=np.full(nanos.size, "-"),
        is_late=np.zeros(nanos.size, dtype=bool),
        latent=np.zeros(nanos.size),
    )


def prints(group: Group, quotes: Quotes) -> pl.DataFrame:
    """One row per trade off the book: dark at the mid, systematic at a quote, others near the mid.

    Corrections are rows of their own with the time and id of what they correct: `C` takes it back,
    `A` gives its right price.
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
    deals = _deals(
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
        kind=_NAMES[kinds],
        remaining=np.full(nanos.size, np.nan),
        left=np.full(nanos.size, np.nan),
        is_retail=(kinds == _OFF_BOOK) & (draws[5] < 0.3),
        is_algorithmic=np.zeros(nanos.size, dtype=bool),
        change=np.full(nanos.size, "-"),
        is_late=is_late,
        latent=latent,
    )
    return _with_corrections(deals, draws[6], cancelled, amended)


def _deals(**columns: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(columns, nan_to_null=True)


def _plans(group: Group) -> list[tuple[Listing, DayPlan]]:
    return [(listing, each.plan) for each in group.happened for listing in each.plan.listings]


def _draw(number: int, listing: Listing, plan: DayPlan) -> tuple[np.ndarray, ...]:
    """Number of the listing, times, trade numbers and fair prices of its prints, and draws for the rest."""
    random = generator(plan.scenario.seed, Stream.PRINTS, listing.number, plan.day)
    expected = STEPS_A_DAY * listing.activity * plan.scenario.scale * plan.scenario.behaviour.prints
    micros = _times(random, expected, *plan.schedules[plan.listings.index(listing)].trading())
    count = micros.size
    fair = np.interp(micros / 1_000_000, np.arange(plan.fair.size), plan.fair)
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


def _with_corrections(deals: pl.DataFrame, draws: np.ndarray, cancelled: float, amended: float) -> pl.DataFrame:
    """The deals and, after each that is corrected, its correction, published up to half an hour later."""
    later = pl.col("published") + (pl.col("nanos") % (1_800 * NANOS_PER_SECOND))
    follows = [later.alias("published"), pl.col("tie") + 1]
    taken_back = deals.filter(pl.Series(draws < cancelled)).with_columns(*follows, pl.lit("C").alias("change"))
    put_right = deals.filter(pl.Series((draws >= cancelled) & (draws < cancelled + amended))).with_columns(
        *follows, pl.lit("A").alias("change"), (pl.col("price") * 1.0003).round(4)
    )
    return pl.concat([deals, taken_back, put_right])
