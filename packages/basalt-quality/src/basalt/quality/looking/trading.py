"""Do the book and the trades behave as the phase of the day says?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from basalt.market.states import CONTINUOUS_STATES
from basalt.quality.findings import hits
from basalt.quality.seen import Seen, in_state, on_book

_HALTED = "HALTED"


def look(seen: Seen, states: pl.LazyFrame | None) -> Iterator[pl.LazyFrame]:
    """Hits about crossed and locked books, and trades in a halt."""
    if seen.name == "l2":
        yield from _crossed(seen, states)
    if seen.name == "trades" and states is not None:
        traded = in_state(seen.frame.filter(on_book(seen)).select("ListingId", "at", "row"), states)
        yield hits(traded, "TRADED_WHILE_HALTED", seen.name, pl.col("state") == _HALTED, detail=pl.format("row {} of the file", "row"))
    if seen.name == "marketstate" and states is not None:
        endless = (pl.col("MarketState") == _HALTED) & pl.col("End").is_null()
        yield hits(states, "HALT_UNRESOLVED", seen.name, endless, start="Start", detail=pl.lit("no state follows the halt"))


def _crossed(seen: Seen, states: pl.LazyFrame | None) -> Iterator[pl.LazyFrame]:
    """Spans of crossed and locked books in continuous trading; in any phase where phases are not known."""
    book = seen.frame.select("ListingId", "at", "row", "BidPrice1", "AskPrice1", *seen.some("MarketState")).sort("ListingId", "at", "row")
    held = book.with_columns(pl.col("at").shift(-1).over("ListingId").alias("next"))
    trading = pl.lit(value=True)
    if states is not None:
        held, trading = in_state(held, states), pl.col("state").is_in(sorted(CONTINUOUS_STATES))
    elif seen.has("MarketState"):
        trading = pl.col("MarketState").is_in(sorted(CONTINUOUS_STATES))
    lasting = held.filter(trading & (pl.col("next") > pl.col("at")))
    bid, ask = pl.col("BidPrice1"), pl.col("AskPrice1")
    lasted = (pl.col("next") - pl.col("at")).cast(pl.Duration("ns")).dt.to_string("polars")
    words = pl.format("bid {} and ask {} for {}", bid, ask, lasted)
    yield hits(lasting, "CROSSED", seen.name, bid > ask, end="next", detail=words)
    yield hits(lasting, "LOCKED", seen.name, bid == ask, end="next", detail=words)
