"""The book against the best quotes that the venue publishes in a stream of their own."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

QUOTES = ("BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1")

KEPT = 10_000
"""Quotes and books that wait for each other."""


@dataclass
class Agreement:
    """How often the best levels after a depth message were those that the venue published last, up to its last update.

    The venue tells of every change of its best quotes, so its quote as of an update is the last one up to it. It is known once a
    later quote has come: books wait for that.

    Attributes:
        compared: Depth messages whose last update lies between two quotes, or is that of a quote.
        equal: Those of them with the same prices and quantities.
    """

    compared: int = 0
    equal: int = 0
    _quotes: pl.DataFrame | None = None
    _books: pl.DataFrame | None = None

    def add(self, quotes: pl.DataFrame, books: pl.DataFrame | None) -> None:
        """Take best quotes and books, each with `Update` and `QUOTES`, in order."""
        known = quotes if self._quotes is None else pl.concat([self._quotes, quotes])
        made = [each for each in (self._books, books) if each is not None and not each.is_empty()]
        if not made or known.is_empty():
            self._quotes, self._books = known.tail(KEPT), pl.concat(made).tail(KEPT) if made else None
            return
        known, waiting = known.sort("Update", maintain_order=True), pl.concat(made)
        is_settled = waiting["Update"] <= known["Update"][-1]
        self._compare(waiting.filter(is_settled), known)
        self._books = waiting.filter(~is_settled).tail(KEPT)
        told = int((known["Update"] <= waiting["Update"].max()).sum())
        self._quotes = known.slice(max(told - 1, 0)).tail(KEPT)

    def _compare(self, books: pl.DataFrame, quotes: pl.DataFrame) -> None:
        both = books.sort("Update").join_asof(quotes, on="Update", suffix=":told", check_sortedness=False)
        both = both.filter(pl.col(f"{QUOTES[0]}:told").is_not_null())
        self.compared += both.height
        self.equal += both.filter(pl.all_horizontal(pl.col(name) == pl.col(f"{name}:told") for name in QUOTES)).height
