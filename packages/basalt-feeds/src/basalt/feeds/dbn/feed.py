"""Databento as a feed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from basalt.feeds.feed import Imported, Progress
from basalt.feeds.options import Currency, FeedOptions, Mic


class DbnOptions(FeedOptions):
    """What Databento's files do not tell."""

    mic: Mic | None = Field(
        None, description="Venue of the listings (ISO 10383); taken from the data set's name if not given.", examples=["XNAS"]
    )
    currency: Currency = "USD"
    books: bool = Field(True, description="Build l2 from order events.")


class DbnFeed:
    """Import DBN and CSV files of Databento: mbo, mbp-10, mbp-1, tbbo, trades, definition, status, statistics, imbalance.

    Give files (.dbn, .csv, with .zst or without) or folders of them. Writes l3, l2, trades, marketstate, statistics, imbalance and
    reference, as far as the files have them; the same listing and day is replaced.
    """

    Options = DbnOptions

    def import_files(self, paths: Sequence[Path], lake: Path, options: DbnOptions, progress: Progress) -> Imported:
        """Import every file under *paths*; see `basalt.feeds.dbn.importing.import_dbn`."""
        from basalt.feeds.dbn.importing import import_dbn

        return import_dbn(paths, lake, mic=options.mic, currency=options.currency, books=options.books, progress=progress)
