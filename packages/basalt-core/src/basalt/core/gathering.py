"""Gathering: lists of carried values, cell by cell and window by window, made shorter once nothing that counts can come any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from basalt.core.bucketing import TIME_BUCKET, Clock
from basalt.core.cells import KEY, Cells
from basalt.core.declaring.values import Settling

SEEN = "gathering:seen"
_END = "gathering:end"
_FEW = 1 << 15
"""Cells that may be settled again before they are put together."""


@dataclass(frozen=True)
class Settles:
    """When and how the lists of cells are shortened.

    Attributes:
        grouped: The cells.
        clock: Their buckets.
        settlings: By name of the list.
    """

    grouped: Cells
    clock: Clock
    settlings: Mapping[str, Settling]

    @property
    def wait(self) -> int:
        """How long after its end a cell is settled, in ns."""
        return max((age for settling in self.settlings.values() for age in settling.ages), default=0)

    @property
    def end(self) -> pl.Expr:
        """The end of the bucket of a cell, in ns."""
        (bucket,) = (label for label in self.grouped.labels if label.meta.output_name() == TIME_BUCKET)
        return self.clock.edges(bucket)["end"].alias(_END)

    @property
    def listing(self) -> pl.Expr:
        """The listing of a cell."""
        (listing,) = (label for label in self.grouped.labels if label.meta.output_name() == KEY)
        return listing

    def joined(self, rows: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """One row a cell of all *rows*, with all that its lists have."""
        lists = pl.col(list(self.settlings)).explode(empty_as_null=False)
        return pl.concat(rows).group_by(self.grouped.keys).agg(lists)

    def shortened(self, rows: pl.DataFrame) -> pl.DataFrame:
        """*rows* with shorter lists."""
        return rows.with_columns(each.shorten(rows[name], sorted(each.ages)).alias(name) for name, each in self.settlings.items())


class Gathering:
    """Lists of cells. Those of cells that ended long ago are kept short, the others whole."""

    def __init__(self, settles: Settles) -> None:
        self._settles = settles
        self._open: list[pl.DataFrame] = []
        self._short: list[pl.DataFrame] = []
        self._few = _FEW
        self._seen: pl.DataFrame | None = None

    def add(self, lists: pl.DataFrame, seen: pl.DataFrame) -> None:
        """Add the *lists* of a window; *seen* is the time of the last of its rows, by listing."""
        self._seen = seen if self._seen is None else pl.concat([self._seen, seen]).group_by(KEY).agg(pl.col(SEEN).max())
        known = self._settles.joined([*self._open, lists])
        until = known.select(self._settles.listing, self._settles.end).join(self._seen, on=KEY, how="left", maintain_order="left")
        settled = until.select((pl.col(_END) + self._settles.wait < pl.col(SEEN).to_physical()).fill_null(value=False)).to_series()
        self._open = [known.filter(~settled)]
        self._short.append(self._settles.shortened(known.filter(settled)))
        if sum(each.height for each in self._short) > 2 * self._few:
            self._short = [self._settles.shortened(self._settles.joined(self._short))]
            self._few = max(_FEW, self._short[0].height)

    def finished(self) -> pl.DataFrame:
        """All cells."""
        return self._settles.joined([*self._open, *self._short])
