from __future__ import annotations

import pytest

from basalt.core.errors import DataError
from basalt.feeds.identifiers import Listing, refuse_shared_numbers


def test_numbers_do_not_change() -> None:
    """Written down once: another value would orphan every lake that exists."""
    listing = Listing("XNAS", "GOOG", "USD")
    assert (listing.listing_id, listing.instrument_id) == (1_077_330, 1_531_376_805)


def test_numbers_fit_31_bits_and_differ() -> None:
    numbers = {Listing("XNAS", f"T{number}", "USD").listing_id for number in range(2_000)}
    assert len(numbers) == 2_000
    assert all(0 < number < 2**31 for number in numbers)


def test_venue_matters_and_currency_does_not() -> None:
    assert Listing("XNAS", "A", "USD").listing_id != Listing("XNYS", "A", "USD").listing_id
    assert Listing("XNAS", "A", "USD").listing_id == Listing("XNAS", "A", "EUR").listing_id


def test_shared_number_is_refused() -> None:
    with pytest.raises(DataError, match="A and B on XNAS share the ListingId 7"):
        refuse_shared_numbers([(7, "A"), (8, "C"), (7, "A"), (7, "B")], "XNAS")
