"""The grids that ladders of tick sizes make: how many steps a price is from zero, and which price is so many steps away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SLACK = 1e-6
"""Share of a step by which a price may lie beside the grid."""


@dataclass(frozen=True)
class PriceGrid:
    """The grids of some listings, each a row of the arrays.

    Attributes:
        listings: Ids, ascending.
        edges: Lowest price of each step of the ladder, ascending; infinite behind the last.
        ticks: Tick size of each step; 1 behind the last.
        counts: Grid steps from zero to each edge, counted in the ticks of the ladder.
    """

    listings: Ints
    edges: Floats
    ticks: Floats
    counts: Floats

    @classmethod
    def of(cls, ladders: pl.DataFrame) -> PriceGrid:
        """The grids of *ladders*: rows of the table `ticksize`, in any order; ticks that are not positive are left out."""
        known = ladders.filter(pl.col("TickSize") > 0, pl.col("PriceFrom").is_finite())
        steps = known.sort("ListingId", "PriceFrom", "TickSize").unique(["ListingId", "PriceFrom"], keep="last", maintain_order=True)
        sizes = steps.group_by("ListingId", maintain_order=True).len()
        listings, lengths = sizes["ListingId"].to_numpy(), sizes["len"].to_numpy().astype(np.int64)
        width = int(lengths.max()) if lengths.size else 1
        row = np.repeat(np.arange(lengths.size), lengths)
        place = np.arange(row.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        edges, ticks = np.full((lengths.size, width), np.inf), np.ones((lengths.size, width))
        edges[row, place] = steps["PriceFrom"].to_numpy()
        ticks[row, place] = steps["TickSize"].to_numpy()
        return cls(listings, edges, ticks, _counted(edges, ticks))

    def steps(self, listings: Sequence[int] | Ints, prices: Floats) -> Floats:
        """Grid steps from zero to each price, each counted in the tick of the prices it leads through.

        Args:
            listings: Listing of each price.
            prices: Prices; NaN where there is none.

        Returns:
            Whole numbers for prices on the grid, but for rounding; NaN without a price, without a ladder, and below its first step.
        """
        if not self.listings.size:
            return np.full(prices.size, np.nan)
        row, is_known = self._rows(listings)
        with np.errstate(invalid="ignore"):
            place = (self.edges[row] <= prices[:, None]).sum(axis=1) - 1
        is_known &= (place >= 0) & np.isfinite(prices)
        at = row, np.maximum(place, 0)
        with np.errstate(invalid="ignore"):
            found = self.counts[at] + (prices - self.edges[at]) / self.ticks[at]
        return np.where(is_known, found, np.nan)

    def price(self, listings: Sequence[int] | Ints, steps: Floats) -> Floats:
        """The price that lies *steps* from zero; below the first step of a ladder its tick goes on. NaN as for `steps`."""
        if not self.listings.size:
            return np.full(steps.size, np.nan)
        row, is_known = self._rows(listings)
        with np.errstate(invalid="ignore"):
            place = (self.counts[row] <= steps[:, None] + _SLACK).sum(axis=1) - 1
        at = row, np.maximum(place, 0)
        with np.errstate(invalid="ignore"):
            found = self.edges[at] + (steps - self.counts[at]) * self.ticks[at]
        return np.where(is_known & np.isfinite(steps), found, np.nan)

    def _rows(self, listings: Sequence[int] | Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Row of each listing, and whether it has one."""
        wanted = np.asarray(listings)
        row = np.minimum(np.searchsorted(self.listings, wanted), self.listings.size - 1)
        return row, self.listings[row] == wanted


def _counted(edges: Floats, ticks: Floats) -> Floats:
    """Steps from zero to each edge; infinite behind the last. The steps up to the first edge are of its own tick."""
    if not edges.size:
        return np.zeros((0, edges.shape[1]))
    with np.errstate(invalid="ignore"):
        steps = np.where(np.isfinite(edges[:, 1:]), np.diff(edges, axis=1) / ticks[:, :-1], np.inf)
    counted: Floats = np.concatenate([edges[:, :1] / ticks[:, :1], steps], axis=1).cumsum(axis=1)
    return counted


def grid_steps(grid: PriceGrid, price: pl.Expr) -> pl.Expr:
    """Steps of the listing's grid from zero to *price* (Float64), elementwise beside `ListingId`; null as `PriceGrid.steps` is NaN."""

    def counted(series: Sequence[pl.Series]) -> pl.Series:
        listings, prices = series[0].to_numpy(), series[1].cast(pl.Float64).fill_null(np.nan).to_numpy()
        return pl.Series(grid.steps(listings, prices)).fill_nan(None)

    return pl.map_batches([pl.col("ListingId"), price], counted, return_dtype=pl.Float64, is_elementwise=True)


def price_steps_away(grid: PriceGrid, price: pl.Expr, steps: float) -> pl.Expr:
    """The price *steps* of the listing's grid above *price* (below, if negative); null as `grid_steps`."""

    def moved(series: Sequence[pl.Series]) -> pl.Series:
        listings, prices = series[0].to_numpy(), series[1].cast(pl.Float64).fill_null(np.nan).to_numpy()
        return pl.Series(grid.price(listings, grid.steps(listings, prices) + steps)).fill_nan(None)

    return pl.map_batches([pl.col("ListingId"), price], moved, return_dtype=pl.Float64, is_elementwise=True)


__all__ = ["PriceGrid", "grid_steps", "price_steps_away"]
