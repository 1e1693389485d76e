"""LOBSTER as a feed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from basalt.feeds.feed import Exported, Imported, LakeDay, Progress
from basalt.feeds.options import Currency, FeedOptions, ImportOptions, Mic


class LobsterOptions(ImportOptions):
    """What LOBSTER's files do not tell."""

    mic: Mic = "XNAS"
    currency: Currency = "USD"


class LobsterExportOptions(FeedOptions):
    """What files of LOBSTER differ in."""

    levels: int = Field(10, ge=1, description="Levels a side of the orderbook files.")


class LobsterFeed:
    """Import LOBSTER message and orderbook files: CSV files, zip archives, or folders of them.

    Writes trades, l2, l3, marketstate and reference; of the same listing and day, what the files
    cover is replaced.
    """

    Options = LobsterOptions
    ExportOptions = LobsterExportOptions
    losses = (
        "Trades off the book, and what trades are besides price, size and aggressor; a trade is one for each order that it took, and two where it took more than the order showed.",
        "The orders that an uncrossing took: they are deleted or cut, and each trade of it is a message of type 6 without an order.",
        "Changes of an order's price, id or to a larger size: they come back as a removal and an entry.",
        "Numbers of the exchange's messages, times of capture and ids that are no numbers; numbers of orders at a level.",
        "Phases besides the regular session of Nasdaq and halts; prices finer than 1/10,000; currency and venue, which the importer is told.",
    )

    def import_files(self, paths: Sequence[Path], lake: Path, options: LobsterOptions, progress: Progress) -> Imported:
        """Import every pair of files under *paths*; see `basalt.feeds.lobster.importing.import_lobster`."""
        from basalt.feeds.lobster.importing import import_lobster

        return import_lobster(
            paths,
            lake,
            mic=options.mic,
            currency=options.currency,
            replace=options.replace,
            observe=lambda done, total, pair: progress(f"importing {pair.ticker} {pair.day}", done, total),
        )

    def export_day(self, source: LakeDay, out: Path, options: LobsterExportOptions, progress: Progress) -> Exported:
        """Export a pair of files a listing; see `basalt.feeds.lobster.exporting.export_lobster`."""
        from basalt.feeds.lobster.exporting import export_lobster

        return export_lobster(source, out, levels=options.levels, progress=progress)
