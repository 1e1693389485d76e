"""IEX DEEP as a feed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from basalt.feeds.feed import Imported, Progress
from basalt.feeds.options import Currency, ImportOptions, Mic


class IexOptions(ImportOptions):
    """What captures do not tell, and what of them is wanted."""

    mic: Mic = "IEXG"
    currency: Currency = "USD"
    ticker: list[str] = Field([], description="Security to import; repeat it for more. All by default.")


class IexFeed:
    """Import captures of IEX DEEP 1.0: pcap or pcapng files, gzipped or not, or folders of them.

    Writes trades, l2, marketstate, imbalance, statistics and reference; of the same listing and day, what the files
    cover is replaced.
    """

    Options = IexOptions

    def import_files(self, paths: Sequence[Path], lake: Path, options: IexOptions, progress: Progress) -> Imported:
        """Import every capture under *paths*; see `basalt.feeds.iex.importing.import_iex`."""
        from basalt.feeds.iex.importing import import_iex

        return import_iex(
            paths, lake, mic=options.mic, currency=options.currency, tickers=options.ticker, replace=options.replace, progress=progress
        )
