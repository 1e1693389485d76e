"""LOBSTER as a feed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from basalt.feeds.feed import Imported, Progress
from basalt.feeds.options import Currency, FeedOptions, Mic


class LobsterOptions(FeedOptions):
    """What LOBSTER's files do not tell."""

    mic: Mic = "XNAS"
    currency: Currency = "USD"


class LobsterFeed:
    """Import LOBSTER message and orderbook files: CSV files, zip archives, or folders of them.

    Writes trades, l2, l3, marketstate and reference; the same ticker and day is replaced.
    """

    Options = LobsterOptions

    def import_files(self, paths: Sequence[Path], lake: Path, options: LobsterOptions, progress: Progress) -> Imported:
        """Import every pair of files under *paths*; see `basalt.feeds.lobster.importing.import_lobster`."""
        from basalt.feeds.lobster.importing import import_lobster

        return import_lobster(
            paths,
            lake,
            mic=options.mic,
            currency=options.currency,
            observe=lambda done, total, pair: progress(f"importing {pair.ticker} {pair.day}", done, total),
        )
