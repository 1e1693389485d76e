"""LEAN ticks as a feed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from basalt.feeds.feed import Imported, Progress
from basalt.feeds.options import Currency, ImportOptions, Mic


class LeanOptions(ImportOptions):
    """What LEAN's files do not tell."""

    mic: Mic = "XNYS"
    currency: Currency = "USD"


class LeanFeed:
    """Import LEAN ticks of US equities: zip archives of quotes and trades, CSV files, or folders of them.

    Writes trades, l2 with one level (the best quotes over all exchanges), marketstate, statistics and reference; of the
    same ticker and day, what the files cover is replaced.
    """

    Options = LeanOptions

    def import_files(self, paths: Sequence[Path], lake: Path, options: LeanOptions, progress: Progress) -> Imported:
        """Import every file under *paths*; see `basalt.feeds.lean.importing.import_lean`."""
        from basalt.feeds.lean.importing import import_lean

        return import_lean(paths, lake, mic=options.mic, currency=options.currency, replace=options.replace, progress=progress)
