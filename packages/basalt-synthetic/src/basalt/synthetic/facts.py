"""What is the same for all rows of a listing."""

from __future__ import annotations

from basalt.synthetic.layouts import Fact

TICKER = Fact(lambda listing: listing.instrument.ticker)
MIC = Fact(lambda listing: listing.venue.mic)
LISTING_ID = Fact(lambda listing: listing.listing_id)
INSTRUMENT_ID = Fact(lambda listing: listing.instrument.instrument_id)
CURRENCY = Fact(lambda listing: listing.instrument.currency.code)
TICK_SIZE = Fact(lambda listing: listing.tick_size)
