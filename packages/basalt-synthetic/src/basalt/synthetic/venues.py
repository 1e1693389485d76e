"""The simulated venues: where they are, when they trade, in what currency, and how."""

from __future__ import annotations

from dataclasses import dataclass

HALF_DAYS = frozenset({(12, 24), (12, 31)})
"""Months and days on which venues close early, whatever the weekday."""


@dataclass(frozen=True)
class Hours:
    """The hours of a venue, in minutes after midnight on its own clock.

    Attributes:
        opens, closes: Continuous trading.
        early: When it closes on a half day.
        opening: Minutes that orders collect before the open; 0 for a venue without auctions.
        closing: Minutes that they collect after the close.
        midday: When an auction of two minutes interrupts trading; 0 for never.
        lunch: When trading pauses and goes on; both 0 for never.
    """

    opens: int
    closes: int
    early: int
    opening: int = 0
    closing: int = 0
    midday: int = 0
    lunch: tuple[int, int] = (0, 0)

    @property
    def has_auctions(self) -> bool:
        """Whether the day opens and closes with an auction."""
        return self.opening > 0


@dataclass(frozen=True)
class Venue:
    """A trading venue.

    Attributes:
        mic: Market identifier code.
        country: ISO country code; empty for a venue without instruments of its own.
        currency: Code of the currency of its instruments.
        zone: Time zone of its clock.
        hours: When it trades.
        share: Its activity in an instrument, relative to the home venue's.
        latency: Microseconds until an order that is sent to all venues arrives.
        tick_parts: Its price step, in twentieths of the home venue's.
        executes_through: Whether an execution takes what an iceberg hides at once.
        renames: Whether an order gets a new id when its price changes.
        jurisdiction: Rule book that its trades fall under.
    """

    mic: str
    country: str
    currency: str
    zone: str
    hours: Hours
    share: float = 1.0
    latency: int = 60
    tick_parts: int = 20
    executes_through: bool = False
    renames: bool = False
    jurisdiction: str = ""

    @property
    def has_auctions(self) -> bool:
        """Whether the day opens and closes with an auction."""
        return self.hours.has_auctions


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


def _at(hour: int, minute: int = 0) -> int:
    return hour * 60 + minute


_LONDON = Hours(_at(8), _at(16, 30), _at(12, 30), opening=10, closing=5, midday=_at(12))
_PARIS = Hours(_at(9), _at(17, 30), _at(14), opening=10, closing=5)
_CITY = Hours(_at(8), _at(16, 30), _at(12, 30))
_NEW_YORK = Hours(_at(9, 30), _at(16), _at(13), opening=5, closing=2)
_STREET = Hours(_at(9, 30), _at(16), _at(13))
_HONG_KONG = Hours(_at(9, 30), _at(16), _at(12), opening=10, closing=8, lunch=(_at(12), _at(13)))

XLON = Venue("XLON", "GB", "GBp", "Europe/London", _LONDON, jurisdiction="UK")
XPAR = Venue("XPAR", "FR", "EUR", "Europe/Paris", _PARIS, latency=90, jurisdiction="EU")
CHIX = Venue("CHIX", "", "", "Europe/London", _CITY, share=0.5, latency=240, tick_parts=10, executes_through=True, jurisdiction="UK")
XNAS = Venue("XNAS", "US", "USD", "America/New_York", _NEW_YORK, renames=True, jurisdiction="US")
BATS = Venue("BATS", "", "", "America/New_York", _STREET, share=0.6, latency=180, renames=True, jurisdiction="US")
ARCX = Venue("ARCX", "", "", "America/New_York", _STREET, share=0.4, latency=310, renames=True, executes_through=True, jurisdiction="US")
XHKG = Venue("XHKG", "HK", "HKD", "Asia/Hong_Kong", _HONG_KONG, jurisdiction="HK")

VENUES = {venue.mic: venue for venue in (XLON, XPAR, CHIX, XNAS, BATS, ARCX, XHKG)}

CURRENCIES = {
    "GBp": Currency("GBp", "GBP", 0.01, 0.0115, 0.0134),
    "EUR": Currency("EUR", "EUR", 1.0, 1.0, 1.165),
    "USD": Currency("USD", "USD", 1.0, 0.858, 1.0),
    "HKD": Currency("HKD", "HKD", 1.0, 0.11, 0.128),
}
