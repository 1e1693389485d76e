"""Trades before they become rows of a table: executions on the book and prints off it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from basalt.market.sides import Aggressor
from basalt.synthetic.book import BID
from basalt.synthetic.clocks import LIT_SOURCE, PRINT_SOURCE, PRINT_TIE, nanos_of_day, sequence
from basalt.synthetic.day import ListingDay
from basalt.synthetic.flow import HABITS, RETAIL, typical_size
from basalt.synthetic.phases import CLOSE_SECOND, MICROS, OPEN_SECOND, clock
from basalt.synthetic.quotes import Quotes
from basalt.synthetic.randomness import Stream, generator

TRADE_IDS = 10**9
FIRST_PRINT = TRADE_IDS // 2
PRINTS_A_STEP = 0.045
BLOCK_SHARE = 0.04
OFF_HOURS_SHARE = 0.05


@dataclass(frozen=True)
class TradeClass:
    """What the codes of a class of trades are."""

    name: str
    trade_type: str
    mechanism: str
    mode: str
    automated: str = "-"
    negotiated: str = "-"
    on_book: bool = False
    in_major_currency: bool = False


CLASSES = (
    TradeClass("LIT_CONTINUOUS", "LIT", "1", "2", on_book=True),
    TradeClass("LIT_AUCTION", "LIT", "1", "1", on_book=True),
    TradeClass("DARK", "DARK", "3", "2"),
    TradeClass("OFF_BOOK_ON_EXCHANGE", "OTC", "4", "5", automated="M", negotiated="N", in_major_currency=True),
    TradeClass("SI_ADDRESSABLE_BELOW_LIS", "OTC", "4", "7", automated="M", in_major_currency=True),
)
_NAMES = np.array([each.name for each in CLASSES])
_DARK, _OFF_BOOK, _SYSTEMATIC = 2, 3, 4
_SHARES = {"home": (0.15, 0.5, 0.35), "elsewhere": (0.7, 0.2, 0.1)}


def trade_ids(simulated: ListingDay, numbers: np.ndarray) -> np.ndarray:
    """Trade identifiers, unique in the market, from trade numbers of the listing-day."""
    return (simulated.listing.number + 1) * TRADE_IDS + numbers


def executions(simulated: ListingDay) -> pl.DataFrame:
    """One row per trade on the book; an auction's trade is the execution of its bid."""
    events = simulated.record.events
    auction = ~simulated.schedule.is_continuous_at(events["time"])
    printed = (events["execution_size"] > 0) & ~(auction & (events["side"] != BID))
    rows = {name: column[printed] for name, column in events.items()}
    auction = auction[printed]
    nanos = nanos_of_day(simulated.listing, rows["time"])
    taker = np.where(rows["side"] == BID, int(Aggressor.SELL), int(Aggressor.BUY))
    return _deals(
        nanos=nanos,
        sequence=sequence(nanos, rows["tie"]),
        source=np.full(nanos.size, LIT_SOURCE),
        trade_id=trade_ids(simulated, rows["trade"]),
        aggressor=np.where(auction, int(Aggressor.UNKNOWN), taker),
        price=simulated.listing.instrument.tick.prices(rows["execution_price"]),
        size=rows["execution_size"].astype(float),
        kind=_NAMES[auction.astype(int)],
        remaining=np.where(auction, np.nan, rows["size"]),
        left=np.where(auction, np.nan, rows["left"]),
        is_retail=rows["tag"] == RETAIL,
        is_algorithmic=(rows["order"] % 3 > 0) & (rows["tag"] != RETAIL),
    )


def prints(simulated: ListingDay, quotes: Quotes) -> pl.DataFrame:
    """One row per trade off the book: dark at the mid, systematic at a quote, others near the mid."""
    random = generator(simulated.seed, Stream.PRINTS, simulated.listing.number, simulated.day)
    micros = _print_times(random, HABITS.steps * simulated.listing.activity * simulated.scale * PRINTS_A_STEP)
    nanos, count = nanos_of_day(simulated.listing, micros), micros.size
    best = quotes.before(nanos)
    is_quoted = np.isfinite(best.mid)
    shares = _SHARES["home" if simulated.listing.is_primary else "elsewhere"]
    kinds = np.where(is_quoted, random.choice([_DARK, _OFF_BOOK, _SYSTEMATIC], count, p=shares), _OFF_BOOK)
    known_side = random.integers(0, 3, count)
    return _deals(
        nanos=nanos,
        sequence=sequence(nanos, PRINT_TIE),
        source=np.full(count, PRINT_SOURCE),
        trade_id=trade_ids(simulated, FIRST_PRINT + np.arange(count)),
        aggressor=np.where(kinds == _DARK, known_side, int(Aggressor.UNKNOWN)),
        price=_print_prices(random, kinds, best.bid, best.ask, simulated.fair.at(micros)),
        size=_print_sizes(random, kinds, typical_size(simulated.listing)),
        kind=_NAMES[kinds],
        remaining=np.full(count, np.nan),
        left=np.full(count, np.nan),
        is_retail=(kinds == _OFF_BOOK) & (random.random(count) < 0.3),
        is_algorithmic=np.zeros(count, dtype=bool),
    )


def _deals(**columns: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(columns, nan_to_null=True)


def _print_times(random: np.random.Generator, expected: float) -> np.ndarray:
    """Distinct times, most of them while the venue trades."""
    count = int(random.poisson(expected))
    during = random.uniform(OPEN_SECOND * MICROS, CLOSE_SECOND * MICROS, count)
    around = random.uniform(clock(7, 30), clock(17, 15), count)
    times = np.sort(np.where(random.random(count) < OFF_HOURS_SHARE, around, during).astype(np.int64))
    places = np.arange(count)
    return np.asarray(np.maximum.accumulate(times - places) + places)


def _print_prices(random: np.random.Generator, kinds: np.ndarray, bid: np.ndarray, ask: np.ndarray, fair: np.ndarray) -> np.ndarray:
    mid = np.where(np.isfinite(bid + ask), (bid + ask) / 2, fair)
    near = np.round(mid * (1 + random.normal(0.0, 1e-4, kinds.size)), 4)
    quoted = np.where(random.random(kinds.size) < 0.5, bid, ask)
    return np.asarray(np.select([kinds == _DARK, kinds == _SYSTEMATIC], [mid, quoted], near))


def _print_sizes(random: np.random.Generator, kinds: np.ndarray, typical: float) -> np.ndarray:
    sizes = typical * random.lognormal(-0.3, 1.0, kinds.size)
    blocks = np.where(random.random(kinds.size) < BLOCK_SHARE, random.uniform(30.0, 120.0, kinds.size), 1.0)
    has_fraction = (kinds == _SYSTEMATIC) & (random.random(kinds.size) < 0.3)
    return np.where(has_fraction, np.maximum(np.round(sizes, 6), 1e-6), np.maximum(np.rint(sizes * blocks), 1.0))
