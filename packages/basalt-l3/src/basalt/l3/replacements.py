"""How fast executed liquidity is offered again."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import polars as pl

from basalt.core.declaring import EVERY_ROW, Carried, Example, Pieces, Ratio, RatioOfSums, analytic, ratio, where
from basalt.l3.conditions import SideOrTotal, column_of, is_action, is_execution, on_side, shares
from basalt.l3.lives import NANOS, frozen, nanos
from basalt.market.sides import LobAction

FAMILY = "advanced_metrics"
REPLACEMENT = "Replacement"
_WAITS = pl.Struct({"Waited": pl.Int64(), "Replaced": pl.Int64()})
_OTHER, _EXECUTION, _ARRIVAL = 0, 1, 2
SECOND = 1_000_000_000
_KIND, _SIDE, _PRICE = "replacement:kind", "replacement:side", "replacement:price"

_EVENTS: dict[str, list[Any]] = {
    "EventTimestamp": [0, 0, 1 * SECOND, 3 * SECOND, 4 * SECOND],
    "LobAction": [3, 4, 2, 2, 2],
    "Side": [1, 1, 2, 1, 1],
    "Price": [None, 9.5, 10.5, 9.5, 10.0],
    "OldPrice": [10.0, 9.5, None, None, None],
    "Size": [0, 50, 10, 20, 20],
    "OldSize": [100, 80, 0, 0, 0],
    "ExecutionSize": [100, 30, 0, 0, 0],
}
"""A sweep executes bids at 10.0 and 9.5; the side is offered again at 9.5 after 3 s and at 10.0 after 4 s."""


def _arrives() -> pl.Expr:
    """Whether displayed size is new at a price: an entry, or an update that adds size or moves it."""
    grows = (shares("Size") > shares("OldSize")) | (pl.col("Price") != pl.col("OldPrice"))
    return is_action(LobAction.INSERT) | (is_action(LobAction.UPDATE) & grows.fill_null(value=False))


@analytic(grain="row", column=REPLACEMENT, unit="", dtype=_WAITS, table="l3")
def replacement() -> Carried:
    """How many executions of its side an arrival replaces, and how long these have waited in sum (ns).

    An arrival replaces the executions of displayed orders at its price or a worse one that nothing
    replaced before it. Kept from row to row: four numbers for each price at which executions wait.
    """
    kind = pl.when(is_execution()).then(_EXECUTION).when(_arrives()).then(_ARRIVAL).otherwise(_OTHER).cast(pl.Int8)
    price = pl.when(is_execution()).then("OldPrice").otherwise("Price")
    inputs = {_KIND: kind, _SIDE: pl.col("Side").cast(pl.Int8), _PRICE: price.cast(pl.Float64).fill_null(np.nan), NANOS: nanos()}
    return Carried(inputs, _measured)


def _measured(pieces: Pieces, _: pl.LazyFrame) -> Pieces:
    """The kernel's answer to `replacement`; Numba takes most of a second to import, so only runs that need it do."""
    from basalt.books.storage import Listings
    from basalt.l3.replacement_kernel import measure_replacements, nothing_waits, with_halves

    listings, heads, (keys, nodes, counts) = Listings(), np.empty(0, np.int64), nothing_waits()
    for piece in pieces:
        sides = frozen(piece[_SIDE].fill_null(0))
        halves = 2 * listings.number(frozen(piece["ListingId"].cast(pl.Int64))) + (sides == 2)
        heads = with_halves(heads, 2 * listings.count)
        waited, replaced = np.empty(piece.height, np.int64), np.empty(piece.height, np.int64)
        kinds, prices, now = (frozen(piece[name]) for name in (_KIND, _PRICE, NANOS))
        keys, nodes = measure_replacements(heads, keys, nodes, counts, halves, kinds, sides, prices, now, waited, replaced)
        yield piece.with_columns(pl.DataFrame({"Waited": waited, "Replaced": replaced}).to_struct(REPLACEMENT))


@analytic(
    family=FAMILY,
    measure="AvgReplacementLatency",
    column=partial(column_of, "AvgReplacementLatency"),
    unit="ns",
    math=r"\frac1n \sum_{i\,\mathrm{replaced}} (t^{arrival}_i - t^{exe}_i)",
    rollup=RatioOfSums(),
    source="Large (2007), Journal of Financial Markets 10(1)",
    examples=[Example(_EVENTS, gives=3.5 * SECOND), Example(_EVENTS, axes={"side": "Ask"}, gives=None)],
)
def replacement_latency(side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Mean time from an execution until its side is offered again at that price or better, by arrivals of the bucket; null without any.

    Each executed order counts once, in the bucket of the entry or update that replaces it. Prices that
    nobody comes back to are never replaced and do not count.
    """
    waits = pl.col(REPLACEMENT).struct
    waited = where(waits.field("Waited").cast(pl.Float64), on_side(side), rows).sum()
    return ratio(waited, where(waits.field("Replaced"), on_side(side), rows).sum())
