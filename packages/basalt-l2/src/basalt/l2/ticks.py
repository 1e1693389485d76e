"""The tick: a number, a column, the listing's single tick in `reference`, or its ladder of the day in `ticksize`."""

from __future__ import annotations

import polars as pl

from basalt.core.declaring import enrichment
from basalt.l2.books import Side, price
from basalt.market.grids import PriceGrid, grid_steps, price_steps_away

TickSize = float | str | None
"""A number in the listing's currency, a column that holds it, or None: the listing's ladder of that day, table `ticksize`."""

_LADDER = ("ListingId", "PriceFrom", "TickSize")


@enrichment(
    table="l2",
    uses="reference",
    column="TickSize",
    unit="{currency}",
    reads=("ListingId",),
    reads_other=("ListingId", "TickSize"),
)
def tick_of_reference(books: pl.LazyFrame, reference: pl.LazyFrame) -> pl.LazyFrame:
    """The one tick size of the listing on that day, as `reference` has it; null where it has none."""
    known = reference.select("ListingId", "TickSize").unique("ListingId", keep="last", maintain_order=True)
    return books.join(known, on="ListingId", how="left", maintain_order="left")


@enrichment(
    table="l2",
    uses="ticksize",
    column="{side}GridSteps",
    unit="ticks",
    reads=("ListingId", "BidPrice1", "AskPrice1"),
    reads_other=_LADDER,
)
def grid_place(books: pl.LazyFrame, ladders: pl.LazyFrame, side: Side) -> pl.LazyFrame:
    """Steps of the listing's price grid from zero to the best {side}; each step is the tick of the prices it leads through."""
    return books.with_columns(grid_steps(_grid(ladders), price(side)).alias(f"{side}GridSteps"))


@enrichment(
    table="l2",
    uses="ticksize",
    column="{side}LimitOf{ticks}Ticks",
    unit="{currency}",
    reads=("ListingId", "BidPrice1", "AskPrice1"),
    reads_other=_LADDER,
)
def grid_limit(books: pl.LazyFrame, ladders: pl.LazyFrame, side: Side, ticks: int) -> pl.LazyFrame:
    """Price half a step behind the one that lies {ticks} steps of the listing's grid behind the best {side}."""
    away = ticks + 0.5 if side == "Ask" else -ticks - 0.5
    return books.with_columns(price_steps_away(_grid(ladders), price(side), away).alias(f"{side}LimitOf{ticks}Ticks"))


def _grid(ladders: pl.LazyFrame) -> PriceGrid:
    return PriceGrid.of(ladders.select(_LADDER).collect())
