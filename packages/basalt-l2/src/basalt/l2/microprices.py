"""Stoikov's micro-price: the mid, moved by what earlier days say of books that are as uneven and as wide.

The table `microprice` of a lake has the adjustments of each listing on each day, estimated from days before it by
`basalt.l2.estimating`, so that a price never knows its own day.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from basalt.core.declaring import Example, Held, OverTime, enrichment
from basalt.core.tables import Column, Table
from basalt.l2.books import Aggregation, book_analytic, is_sound, mid, of_book, quantity, suffix
from basalt.l2.spreads import PRICES
from basalt.market.columns import LISTING_ID, MIC, PRICE, integer, number

SOURCE = "Stoikov (2018), Quantitative Finance 18(12)"

MICROPRICE = Table(
    name="microprice",
    columns=(
        LISTING_ID,
        replace(MIC, required=True),
        integer("ImbalanceBuckets", "", "Number of buckets of the imbalance, odd.", required=True),
        integer("SpreadTicks", "ticks", "Spread of the state, in steps of the listing's grid.", required=True),
        integer("ImbalanceBucket", "", "Bucket of the state's imbalance, 0 where the ask holds nearly all.", required=True),
        number("Adjustment", PRICE, "What is added to the mid in that state.", required=True),
        integer("Changes", "changes", "Changes of the book that began in the state or in its mirror image."),
        Column("FirstDate", pl.Date(), "", "First day that it was estimated from."),
        Column("LastDate", pl.Date(), "", "Last day that it was estimated from."),
    ),
    identity=("ListingId", "SpreadTicks", "ImbalanceBucket"),
    folder="MicroPrice",
    prefix="micro-price-",
    vendor_name="micro-price",
    doc="Adjustments of mids to micro-prices: one row a listing and state of its book.",
)


def spread_state() -> pl.Expr:
    """Whole steps of the listing's grid between the best prices; null unless the book is sound."""
    return pl.when(is_sound()).then((pl.col("AskGridSteps") - pl.col("BidGridSteps")).round(mode="half_away_from_zero").cast(pl.Int64))


def imbalance_state(buckets: pl.Expr) -> pl.Expr:
    """Bucket of the bid's share in the best quantities, 0 to *buckets* - 1; null without a quantity on both sides.

    Buckets are as wide as each other. Books that mirror each other are in buckets that do, edges included.
    """
    bid, ask = quantity("Bid"), quantity("Ask")
    of_smaller = (pl.min_horizontal(bid, ask) * buckets.cast(pl.Float64) / (bid + ask)).floor().cast(pl.Int64)
    place = pl.when(bid > ask).then(buckets - 1 - of_smaller).otherwise(of_smaller)
    return pl.when(bid > 0, ask > 0).then(place)


@enrichment(
    table="l2",
    uses="microprice",
    column="MicroAdjustment",
    unit="{currency}",
    reads=("ListingId", "BidPrice1", "BidQuantity1", "BidGridSteps", "AskPrice1", "AskQuantity1", "AskGridSteps"),
    reads_other=("ListingId", "ImbalanceBuckets", "SpreadTicks", "ImbalanceBucket", "Adjustment"),
    source=SOURCE,
)
def adjustment(books: pl.LazyFrame, known: pl.LazyFrame) -> pl.LazyFrame:
    """What the listing's table of that day adds to the mid in the state that the book is in; null in states that it does not have."""
    keys = ["ListingId", "micro:spread", "micro:bucket"]
    counts = known.select("ListingId", pl.col("ImbalanceBuckets").alias("micro:buckets")).unique(
        "ListingId", keep="first", maintain_order=True
    )
    states = known.select("ListingId", "SpreadTicks", "ImbalanceBucket", pl.col("Adjustment").alias("MicroAdjustment"))
    states = states.rename({"SpreadTicks": keys[1], "ImbalanceBucket": keys[2]}).unique(keys, keep="first", maintain_order=True)
    counted = books.join(counts, on="ListingId", how="left", maintain_order="left")
    placed = counted.with_columns(spread_state().alias(keys[1]), imbalance_state(pl.col("micro:buckets")).alias(keys[2]))
    return placed.join(states, on=keys, how="left", maintain_order="left").drop("micro:buckets", *keys[1:])


_BOOK = {"BidPrice1": [99.0], "BidQuantity1": [30.0], "AskPrice1": [101.0], "AskQuantity1": [10.0], "MicroAdjustment": [0.375]}


@book_analytic(
    family=PRICES,
    measure="StoikovMicroPrice",
    column=lambda agg: f"StoikovMicroPrice{suffix(agg)}",
    unit="{currency}",
    math=r"m(t) + g(I(t), S(t)), \quad g = \sum_{k \ge 0} B^k G, \quad G = (1 - Q)^{-1} r, \quad B = (1 - Q)^{-1} T",
    rollup=OverTime(),
    source=SOURCE,
    examples=[Example(_BOOK, gives=100.375), Example({**_BOOK, "MicroAdjustment": [None]}, gives=None)],
)
def stoikov_micro_price(agg: Aggregation = "Last") -> Held:
    """{agg} micro-price after Stoikov: the limit of expected mids, given how uneven and how wide the book is.

    The mid and an adjustment by state: imbalance of the best quantities in equal buckets, spread in ticks. The table
    `microprice` has the adjustments, estimated from earlier days (`basalt data microprices`); ticks are those of `ticksize`. Null
    while the book is crossed or a side is empty, and in states that those days did not show.
    """
    return of_book(mid() + pl.col("MicroAdjustment"), agg)
