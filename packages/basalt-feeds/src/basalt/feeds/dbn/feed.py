"""Databento as a feed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from basalt.feeds.feed import Exported, Imported, LakeDay, Progress
from basalt.feeds.options import Currency, FeedOptions, ImportOptions, Mic


class DbnOptions(ImportOptions):
    """What Databento's files do not tell."""

    mic: Mic | None = Field(
        None, description="Venue of the listings (ISO 10383); taken from the data set's name if not given.", examples=["XNAS"]
    )
    currency: Currency = "USD"
    books: bool = Field(True, description="Build l2 from order events.")
    queues: bool = Field(True, description="Say in l3 where orders stand in their queues.")


class DbnExportOptions(FeedOptions):
    """Nothing to choose."""


class DbnFeed:
    """Import DBN and CSV files of Databento: mbo, mbp-10, mbp-1, tbbo, trades, definition, status, statistics, imbalance.

    Give files (.dbn, .csv, with .zst or without) or folders of them. Writes l3, l2, trades, marketstate, statistics, imbalance and
    reference, as far as the files have them; of the same listing and day, what the files
    cover is replaced.
    """

    Options = DbnOptions
    ExportOptions = DbnExportOptions
    losses = (
        "Trades off the book, and what trades are besides price, size and aggressor: hidden executions and uncrossings come back as LIT_CONTINUOUS.",
        "Numbers of the exchange's messages: records are numbered anew.",
        "Replacements that change an order's id: they come back as a removal and an entry. Ids that are no numbers are numbered.",
        "Phases that the vendor has no word for (auctions on demand, trading while the primary market is closed), and which auction an uncrossing ends.",
        "Decimals beyond the ninth, sizes with fractions, and sizes above 4,294,967,294.",
        "Quotes and mids beside trades at horizons and on other venues; consolidated books; imbalances.",
    )

    def import_files(self, paths: Sequence[Path], lake: Path, options: DbnOptions, progress: Progress) -> Imported:
        """Import every file under *paths*; see `basalt.feeds.dbn.importing.import_dbn`."""
        from basalt.feeds.dbn.importing import import_dbn

        return import_dbn(
            paths,
            lake,
            mic=options.mic,
            currency=options.currency,
            books=options.books,
            queues=options.queues,
            replace=options.replace,
            progress=progress,
        )

    def export_day(self, source: LakeDay, out: Path, options: DbnExportOptions, progress: Progress) -> Exported:
        """Export as mbo, definition and status; see `basalt.feeds.dbn.exporting.export_dbn`."""
        from basalt.feeds.dbn.exporting import export_dbn

        return export_dbn(source, out, progress)
