"""The simulated market: instruments, listings, indices.

Listings come in blocks of ten. Even blocks, the first among them, are European: four instruments on
their home venue and on CHIX, two on their home venue only. Odd blocks are of the world: three in New
York on two or three venues, two in Hong Kong. Listing number n is the same whatever number of listings
is asked for. The activity of instruments follows Zipf's law.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import floor, log10

from basalt.core.errors import InvalidValue, UnknownName
from basalt.synthetic.randomness import Stream, generator
from basalt.synthetic.venues import ARCX, BATS, CHIX, CURRENCIES, XHKG, XLON, XNAS, XPAR, Currency, Venue

FIRST_LISTING_ID = 100_001
FIRST_INSTRUMENT_ID = 500_001
MOST_SCALE = 1_000.0
MOST_LISTINGS = 10_000
BUSIEST = 2.2
ZIPF = 0.9
"""Activity of instrument number n, from 1 on: `BUSIEST / n**ZIPF`."""
TICK_PARTS = 20
"""Prices of all venues are whole multiples of this part of the home venue's tick."""


@dataclass(frozen=True)
class Tick:
    """Smallest price step, `units / 10**decimals`."""

    units: int
    decimals: int

    @property
    def size(self) -> float:
        """The step as a number."""
        return self.units / 10**self.decimals

    @property
    def fraction(self) -> tuple[int, int]:
        """The step's twentieth, as numerator and denominator: prices are the floats nearest to their decimals."""
        return self.units * (100 // TICK_PARTS), 10 ** (self.decimals + 2)


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
        slot: Place among the listings of its venue; keeps their sequence numbers apart.
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

    @property
    def tick_size(self) -> float:
        """Price step on this venue."""
        numerator, denominator = self.instrument.tick.fraction
        return self.venue.tick_parts * numerator / denominator


_Places = tuple[tuple[int, Venue], ...]
_EUROPE: _Places = (
    (0, XLON),
    (0, CHIX),
    (1, XPAR),
    (1, CHIX),
    (2, XLON),
    (2, CHIX),
    (3, XPAR),
    (3, CHIX),
    (4, XLON),
    (5, XPAR),
)
_WORLD: _Places = (
    (0, XNAS),
    (0, BATS),
    (0, ARCX),
    (1, XNAS),
    (1, BATS),
    (1, ARCX),
    (2, XNAS),
    (2, BATS),
    (3, XHKG),
    (4, XHKG),
)
_BLOCKS = (_EUROPE, _WORLD)
_MEMBERS = tuple(1 + max(member for member, _ in block) for block in _BLOCKS)
_NAMES = (("BSLT", "GRNT", "MRBL", "QRTZ", "SHAL", "FLNT"), ("OBSD", "PUMC", "TUFF", "ZEOL", "MICA"))
_PRICE_RANGES = {"GBp": (80.0, 3000.0), "EUR": (12.0, 160.0), "USD": (18.0, 60.0), "HKD": (8.0, 320.0)}


@lru_cache(maxsize=8)
def universe(listings: int, seed: int) -> tuple[Listing, ...]:
    """The first *listings* listings.

    Raises:
        InvalidValue: A number below 1 or above the most that there are, or a negative seed.
    """
    if not 1 <= listings <= MOST_LISTINGS:
        raise InvalidValue(f"{listings} listings cannot be simulated", hint=f"ask for 1 to {MOST_LISTINGS}")
    if seed < 0:
        raise InvalidValue(f"seed {seed} is negative", hint="give a whole number from 0 on")
    return tuple(_listing(number, seed) for number in range(listings))


@lru_cache(maxsize=2 * MOST_LISTINGS)
def _listing(number: int, seed: int) -> Listing:
    block, place = divmod(number, 10)
    places = _BLOCKS[block % 2]
    member, venue = places[place]
    on_venue = [other for other, (_, each) in enumerate(places) if each == venue]
    slot = block // 2 * len(on_venue) + on_venue.index(place)
    return Listing(number, FIRST_LISTING_ID + number, instrument(block, member, seed), venue, slot)


def listings_of(listing: Listing, seed: int) -> tuple[Listing, ...]:
    """All listings of the instrument of *listing*, the primary one first, whether asked for or not."""
    first = listing.number // 10 * 10
    block = (_listing(number, seed) for number in range(first, first + 10))
    return tuple(each for each in block if each.instrument.number == listing.instrument.number)


@lru_cache(maxsize=MOST_LISTINGS)
def instrument(block: int, member: int, seed: int) -> Instrument:
    """The instrument number *member* of a block."""
    kind = block % 2
    number = block // 2 * sum(_MEMBERS) + kind * _MEMBERS[0] + member
    home = next(venue for each, venue in _BLOCKS[kind] if each == member)
    low, high = _PRICE_RANGES[home.currency]
    price = float(low * (high / low) ** generator(seed, Stream.INSTRUMENT, number).random())
    return Instrument(
        number=number,
        instrument_id=FIRST_INSTRUMENT_ID + number,
        ticker=_NAMES[kind][member] + (str(block) if block > kind else ""),
        isin=_isin(home.country, number),
        home=home,
        currency=CURRENCIES[home.currency],
        base_price=price,
        tick=Tick(1, 2) if home.currency == "USD" else _tick_for(price),
        activity=BUSIEST / (1 + number) ** ZIPF,
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


INDICES = {"SYN-UK": "XLON", "SYN-FR": "XPAR", "SYN-US": "XNAS", "SYN-HK": "XHKG", "SYN-ALL": ""}


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
