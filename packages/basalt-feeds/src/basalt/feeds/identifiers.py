"""Identifiers for listings of feeds that have none: stable numbers made from venue and ticker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

from basalt.core.errors import DataError

_POSITIVE_31_BITS = 0x7FFF_FFFF


@dataclass(frozen=True)
class Listing:
    """A security on one venue, with the numbers that Basalt knows it by.

    Attributes:
        mic: Venue.
        ticker: Name at the venue.
        currency: Currency of its prices.
        listing_id, instrument_id: Positive 31-bit numbers, the same on every machine and day.
    """

    mic: str
    ticker: str
    currency: str

    @property
    def listing_id(self) -> int:
        """Number of the security on its venue."""
        return stable_number("listing", self.mic, self.ticker)

    @property
    def instrument_id(self) -> int:
        """Number of the security."""
        return stable_number("instrument", self.mic, self.ticker)


@dataclass(frozen=True)
class ListingDay:
    """One trading day of a listing."""

    listing: Listing
    day: date


def stable_number(*names: str) -> int:
    """A positive 31-bit number that depends on *names* and nothing else."""
    digest = blake2b("\x1f".join(names).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") & _POSITIVE_31_BITS or 1


def refuse_shared_numbers(tickers: Iterable[tuple[int, str]], mic: str) -> None:
    """Refuse two tickers of *mic* that were given one number.

    Args:
        tickers: (ListingId, ticker) of every listing of the market and day.

    Raises:
        DataError: Two tickers share a number, so their rows could not be told apart.
    """
    owners: dict[int, str] = {}
    for number, ticker in tickers:
        owner = owners.setdefault(number, ticker)
        if owner != ticker:
            raise DataError(
                f"{owner} and {ticker} on {mic} share the ListingId {number}",
                where=f"ListingId {number}",
                hint="import one of them into another lake, or under another --mic",
            )
