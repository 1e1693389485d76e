"""What an import found odd, in sentences that several feeds share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from basalt.market.states import AUCTION_STATES

NAMES_SHOWN = 5


def count_crossed(levels: pl.DataFrame) -> int:
    """Rows of `l2` whose best bid is above the best ask outside of auctions, whose books may cross."""
    is_auction = pl.col("MarketState").is_in(list(AUCTION_STATES))
    return levels.filter(pl.col("BidPrice1") > pl.col("AskPrice1"), ~is_auction).height


def tell_crossed(name: str, crossed: int) -> Iterator[str]:
    """A sentence when books were crossed."""
    if crossed:
        yield f"{name}: the best bid is above the best ask in {crossed:,} rows of l2"


def tell_halted(name: str, tickers: Sequence[str]) -> Iterator[str]:
    """A sentence when securities were halted to the end."""
    if tickers:
        more = f" and {len(tickers) - NAMES_SHOWN:,} more" if len(tickers) > NAMES_SHOWN else ""
        yield f"{name}: still halted when the file ends: {', '.join(tickers[:NAMES_SHOWN])}{more}"
