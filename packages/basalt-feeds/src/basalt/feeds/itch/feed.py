"""Nasdaq ITCH as a feed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pydantic import Field

from basalt.feeds.feed import Exported, Imported, LakeDay, Progress
from basalt.feeds.options import Currency, FeedOptions, ImportOptions

LOSSES = (
    "Identifiers of listings, instruments and orders: securities have names only, orders are numbered anew.",
    "Which auction a phase is (all become quotation-only periods, UNSCHEDULED_AUCTION), and phases that end earlier for one listing than for others.",
    "Which messages are one event: each is one of its own, so l2 shows every step of a sweep.",
    "That an execution took displayed and hidden size of an iceberg at once: it becomes two trades, the second with a hidden order.",
    "The aggressor of trades with hidden orders.",
    "Trades off the book and in dark pools, with their classification; what the trades table knows of quotes elsewhere and at horizons.",
    "When a trade was cancelled (it is told at the end of the day), and how it was amended.",
    "The currency; times of capture and publication; descriptions and foreign identifiers of securities.",
)


class ItchOptions(ImportOptions):
    """What ITCH files do not tell, and what of them is wanted."""

    day: str | None = Field(None, description="Trading day, where the file's name does not say it.", examples=["2019-01-30"])
    mic: str | None = Field(
        None, pattern="^[A-Z0-9]{4}$", description="Venue, where the file's name does not say it: XNAS, XBOS, XPSX.", examples=["XNAS"]
    )
    currency: Currency = "USD"
    ticker: list[str] = Field([], description="Security to import; repeat it for more. All by default.")
    queues: bool = Field(True, description="Say in l3 where orders stand in their queues.")


class ItchExportOptions(FeedOptions):
    """Nothing: the lake tells everything that ITCH files hold."""


class ItchFeed:
    """Import Nasdaq TotalView-ITCH 5.0: files of length-prefixed messages, gzipped or not, or folders of them.

    Writes trades, l2, l3, marketstate, imbalance and reference; of the same listing and day, what the files
    cover is replaced.
    """

    Options = ItchOptions
    ExportOptions = ItchExportOptions
    losses = LOSSES

    def import_files(self, paths: Sequence[Path], lake: Path, options: ItchOptions, progress: Progress) -> Imported:
        """Import every file under *paths*; see `basalt.feeds.itch.importing.import_itch`."""
        from basalt.feeds.itch.importing import import_itch

        return import_itch(
            paths,
            lake,
            day=_day(options.day),
            mic=options.mic,
            currency=options.currency,
            tickers=options.ticker,
            queues=options.queues,
            replace=options.replace,
            progress=progress,
        )

    def export_day(self, source: LakeDay, out: Path, options: ItchExportOptions, progress: Progress) -> Exported:
        """Write one gzipped file; see `basalt.feeds.itch.exporting.export_itch`."""
        from basalt.feeds.itch.exporting import export_itch

        progress(f"exporting {source.mic} {source.day}", 0, 1)
        return export_itch(source, out)


def _day(text: str | None) -> date | None:
    from basalt.core.errors import InvalidValue

    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as problem:
        raise InvalidValue(f"{text!r} is not a day", where="--day", hint="a day is written as in 2019-01-30") from problem
