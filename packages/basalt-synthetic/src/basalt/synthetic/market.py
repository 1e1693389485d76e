"""The simulated market: venues, instruments, listings, currencies, tick sizes.

Listings come in blocks of ten that repeat: four instruments on their home venue and on CHIX, two
on their home venue only. Listing number n is the same whatever number of listings is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import floor, log10

import numpy as np

from basalt.core.errors import InvalidValue, UnknownName
from basalt.synthetic.randomness import Stream, generator

FIRST_LISTING_ID = 100_001
FIRST_INSTRUMENT_ID = 500_001
MOST_SCALE = 1_000.0
MOST_LISTINGS = 2_500
"""More would make two listings of a venue share the nanosecond that keeps their events apart."""


@dataclass(frozen=True)
class Venue:
    """A trading venue.

    Attributes:
        mic: Market identifier code.
        country: ISO country code; empty for a venue without instruments of its own.
        currency: Currency of its instruments.
        has_auctions: Whether the day opens and closes with an auction.
        share: Its activity in an instrument, relative to the home venue's.
    """

    mic: str
    country: str
    currency: str
    has_auctions: bool
    share: float


@dataclass(frozen=True)
class Currency:
    """A quoting currency: units of the main one, its code, and exchange rates.

    Attributes:
        code: Code that prices carry, `GBp` for pence.
        major: Code of the main unit.
        minor_factor: Main units in one unit.
        eur, usd: Value of one unit.
    """

    code: str
    major: str
    minor_factor: float
    eur: float
    usd: float


@dataclass(frozen=True)
class Tick:
    """Smallest price step, `units / 10**decimals`."""

    units: int
    decimals: int

    @property
    def size(self) -> float:
        """The step as a number."""
        return self.units / 10**self.decimals

    def prices(self, ticks: np.ndarray) -> np.ndarray:
        """Prices of whole numbers of ticks: each the float nearest to its decimal."""
        return ticks * self.units / 10**self.decimals


@dataclass(frozen=True)
class Instrument:
    """A security: what is the same on all its venues."""

    number: int
    instrument_id: int
    ticker: str
    isin: str
    home: Venue
    currency: Currency
    base_price: float
    tick: Tick
    activity: float


@dataclass(frozen=True)
class Listing:
    """An instrument on a venue.

    Attributes:
        slot: Nanosecond within a microsecond at which all its events happen; unique on its venue.
    """

    number: int
    listing_id: int
    instrument: Instrument
    venue: Venue
    slot: int

    @property
    def is_primary(self) -> bool:
        """Whether the venue is the instrument's home."""
        return self.venue == self.instrument.home

    @property
    def activity(self) -> float:
        """Activity of the listing, 1 being typical."""
        return self.instrument.activity * self.venue.share


XLON = Venue("XLON", "GB", "GBp", has_auctions=True, share=1.0)
XPAR = Venue("XPAR", "FR", "EUR", has_auctions=True, share=1.0)
CHIX = Venue("CHIX", "", "", has_auctions=False, share=0.5)

CURRENCIES = {
    "GBp": Currency("GBp", "GBP", 0.01, 0.0115, 0.0134),
    "EUR": Currency("EUR", "EUR", 1.0, 1.0, 1.165),
}

_BLOCK = ((0, XLON), (0, CHIX), (1, XPAR), (1, CHIX), (2, XLON), (2, CHIX), (3, XPAR), (3, CHIX), (4, XLON), (5, XPAR))
_HOMES = {number: venue for number, venue in _BLOCK if venue != CHIX}
_NAMES = ("BSLT", "GRNT", "MRBL", "QRTZ", "SHAL", "FLNT")
_ACTIVITIES = (1.8, 1.4, 1.1, 0.9, 0.7, 0.6)
_PRICE_RANGES = {"GBp": (80.0, 3000.0), "EUR": (12.0, 160.0)}


@lru_cache(maxsize=8)
def universe(listings: int, seed: int) -> tuple[Listing, ...]:
    """The first *listings* listings.

    Raises:
        InvalidValue: A number below 1 or above 2500, or a negative seed.
    """
    if not 1 <= listings <= MOST_LISTINGS:
        raise InvalidValue(f"{listings} listings cannot be simulated", hint=f"ask for 1 to {MOST_LISTINGS}")
    if seed < 0:
        raise InvalidValue(f"seed {seed} is negative", hint="give a whole number from 0 on")
    return tuple(_listing(number, seed) for number in range(listings))


def _listing(number: int, seed: int) -> Listing:
    block, place = divmod(number, len(_BLOCK))
    member, venue = _BLOCK[place]
    on_venue = [other for other, (_, each) in enumerate(_BLOCK) if each == venue]
    slot = block * len(on_venue) + on_venue.index(place)
    return Listing(number, FIRST_LISTING_ID + number, instrument(block * len(_HOMES) + member, seed), venue, slot)


@lru_cache(maxsize=4096)
def instrument(number: int, seed: int) -> Instrument:
    """Instrument *number*, counted from 0."""
    block, member = divmod(number, len(_HOMES))
    home = _HOMES[member]
    random = generator(seed, Stream.INSTRUMENT, number)
    low, high = _PRICE_RANGES[home.currency]
    price = float(low * (high / low) ** random.random())
    return Instrument(
        number=number,
        instrument_id=FIRST_INSTRUMENT_ID + number,
        ticker=_NAMES[member] + (str(block) if block else ""),
        isin=_isin(home.country, number),
        home=home,
        currency=CURRENCIES[home.currency],
        base_price=price,
        tick=_tick_for(price),
        activity=_ACTIVITIES[member] / (1 + block) ** 0.5,
    )


def _tick_for(price: float) -> Tick:
    """A step of 1, 2 or 5 times a power of ten, near 2.5 basis points of *price*."""
    wanted = price * 2.5e-4
    exponent = floor(log10(wanted))
    units = max(step for step in (1, 2, 5) if step <= wanted / 10**exponent)
    return Tick(units, -exponent) if exponent < 0 else Tick(units * 10**exponent, 0)


def _isin(country: str, number: int) -> str:
    """An ISIN that no real security has, with a right check digit (ISO 6166)."""
    body = f"{country}SYN{number:06d}"
    digits = "".join(str(int(letter, 36)) for letter in body)
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(digits)))
    return f"{body}{-total % 10}"


INDICES = {"SYN-UK": "XLON", "SYN-FR": "XPAR", "SYN-ALL": ""}


def index_members(name: str, *, listings: int = 10, seed: int = 7) -> tuple[int, ...]:
    """Listing ids of the primary listings that belong to the index *name*.

    Raises:
        UnknownName: No index of that name.
    """
    if name not in INDICES:
        raise UnknownName.of("index", name, INDICES)
    return tuple(each.listing_id for each in universe(listings, seed) if name in indices_of(each))


def indices_of(listing: Listing) -> tuple[str, ...]:
    """Names of the indices that *listing* belongs to: those of its venue, if it is a primary listing."""
    return tuple(name for name, mic in INDICES.items() if listing.is_primary and listing.venue.mic.startswith(mic))
