"""Books at the end of captures, kept beside the tables of a lake, so that a later capture goes on where an earlier one ended.

A depth message names the update before it. Where a book of the same listing ends with that update, nothing lies between them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import polars as pl

from basalt.core.errors import CorruptInput
from basalt.feeds.binance.reading import Messages
from basalt.feeds.binance.replaying import CaptureReplay
from basalt.feeds.identifiers import Listing
from basalt.feeds.merging import writing

FOLDER = ".binance-books"
"""Where books wait in a lake."""


@dataclass
class Ends:
    """Books that captures end with: those in the lake, and new ones.

    Attributes:
        lake: Root of the lake.
        resumed: How many captures went on with the book of another.
    """

    lake: Path
    resumed: int = 0
    _new: dict[Path, str] = field(default_factory=dict)

    def resume(self, replay: CaptureReplay, messages: Messages, listing: Listing) -> None:
        """Let *replay* go on with the book that its first depth message follows, if there is one.

        Raises:
            CorruptInput: The book cannot be read.
        """
        if messages.depths.is_empty() or replay.following.has_begun:
            return
        first, before = messages.depths.select("U", "pu").row(0)
        path = self._place(listing, first - 1 if before is None else before)
        if path.exists():
            book, clock, update = _read(path)
            replay.following.resume(update)
            replay.depths.resume(book, clock)
            self.resumed += 1

    def note(self, replay: CaptureReplay, listing: Listing) -> None:
        """Remember the book that *replay* has now; nothing where it is unknown."""
        update = replay.following.last
        if update is not None:
            book = replay.depths.whole_book()
            levels = {side: book.filter(Side=code).select("Price", "Size").rows() for side, code in (("bids", 1), ("asks", 2))}
            self._new[self._place(listing, update)] = json.dumps({"update": update, "clock": replay.depths.clock, **levels})

    def write(self) -> None:
        """Put the new books into the lake.

        Raises:
            TargetFailed: The lake cannot be written.
        """
        for path, text in self._new.items():
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                staged = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
                staged.write_text(text)
                staged.replace(path)

    def _place(self, listing: Listing, update: int) -> Path:
        return self.lake / FOLDER / f"{listing.mic}-{listing.ticker}-{update}.json"


def _read(path: Path) -> tuple[pl.DataFrame, int, int]:
    """Book, clock and last update."""
    try:
        said = json.loads(path.read_text())
        rows = [(side, price, size) for side, name in ((1, "bids"), (2, "asks")) for price, size in said[name]]
        clock, update = int(said["clock"]), int(said["update"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        hint = "remove the file, then import the captures from the last snapshot on together"
        raise CorruptInput(f"the book that a capture ended with cannot be read: {problem}", where=str(path), hint=hint) from problem
    schema = {"Side": pl.Int64(), "Price": pl.Float64(), "Size": pl.Float64()}
    return pl.DataFrame(rows, schema=schema, orient="row"), clock, update
