"""Binance as a feed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from basalt.feeds.feed import Imported, Progress
from basalt.feeds.options import Currency, ImportOptions, Mic


class BinanceOptions(ImportOptions):
    """What captures do not tell."""

    mic: Mic | None = Field(default=None, description="Venue of the listings; BINF for futures and BINS for spot by default.")
    currency: Currency | None = Field(default=None, description="Currency of the prices; the end of the symbol by default.")


class BinanceFeed:
    """Import captures of Binance streams, futures and spot: depth, snapshots, trades, aggTrades, bookTicker; gzipped or not.

    Writes trades, l2, marketstate and reference for every day in UTC. Of the same listing, what arrived while the captures ran is replaced, the rest stays.
    """

    Options = BinanceOptions

    def import_files(self, paths: Sequence[Path], lake: Path, options: BinanceOptions, progress: Progress) -> Imported:
        """Import every capture under *paths*; see `basalt.feeds.binance.importing.import_binance`."""
        from basalt.feeds.binance.importing import import_binance

        return import_binance(paths, lake, mic=options.mic, currency=options.currency, replace=options.replace, progress=progress)
