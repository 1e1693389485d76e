"""Tardis as a feed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from basalt.feeds.feed import Exported, Imported, LakeDay, Progress
from basalt.feeds.options import Currency, FeedOptions, ImportOptions, Mic

LOSSES = (
    "Nanoseconds: clocks are in microseconds, and events of one microsecond become simultaneous; their order stays.",
    "Order events: there are no orders, no numbers of orders at a level, no rows of l2 that change nothing else, and no levels beyond the tenth.",
    "Phases, halts and auctions: a venue of this dialect trades continuously, and every print comes back as LIT_CONTINUOUS.",
    "Trades off the book and in dark pools; flags, classes, cancellations and what the trades table knows of quotes elsewhere and at horizons.",
    "Identifiers of listings and instruments, the currency, sequence numbers, the venue's wall clock and all of reference but the symbol.",
)


class TardisOptions(ImportOptions):
    """What Tardis's files do not tell."""

    mic: Mic | None = Field(default=None, description="Venue of the listings; by Tardis's name of the exchange by default.")
    currency: Currency | None = Field(default=None, description="Currency of the prices; by the symbol by default.")


class TardisExportOptions(FeedOptions):
    """How the venue is called."""

    exchange: str | None = Field(default=None, description="Tardis's name of the venue; the market in small letters by default.")


class TardisFeed:
    """Import Tardis CSV files: incremental_book_L2, book_snapshot_25, quotes and trades, gzipped or not, or folders of them.

    Writes trades, l2, marketstate and reference; of the same listing and day, what the files
    cover is replaced.
    """

    Options = TardisOptions
    ExportOptions = TardisExportOptions
    losses = LOSSES

    def import_files(self, paths: Sequence[Path], lake: Path, options: TardisOptions, progress: Progress) -> Imported:
        """Import every file under *paths*; see `basalt.feeds.tardis.importing.import_tardis`."""
        from basalt.feeds.tardis.importing import import_tardis

        return import_tardis(paths, lake, mic=options.mic, currency=options.currency, replace=options.replace, progress=progress)

    def export_day(self, source: LakeDay, out: Path, options: TardisExportOptions, progress: Progress) -> Exported:
        """Write four files a listing; see `basalt.feeds.tardis.exporting.export_tardis`."""
        from basalt.feeds.tardis.exporting import export_tardis

        return export_tardis(source, out, exchange=options.exchange, progress=progress)
