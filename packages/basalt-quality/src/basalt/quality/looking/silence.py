"""Do events go on while the market trades?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from basalt.core.bucketing import NANOS_PER_SECOND
from basalt.quality.findings import hits
from basalt.quality.seen import Seen

MINUTE = 60 * NANOS_PER_SECOND
TIMES_USUAL = 50
"""A silence is so many times longer than the listing's mean time between events, and than a minute at least."""
FEWEST = 30
"""Listings with fewer events a spell of trading have no usual time between them."""
BUSY = 50
"""Events a minute, in the middle of all minutes, of a file that ought not to fall silent for a minute."""


def look(seen: Seen, opened: pl.LazyFrame | None) -> Iterator[pl.LazyFrame]:
    """Hits about single listings that fall silent in continuous trading."""
    if opened is None or seen.name not in ("l2", "l3", "trades"):
        return
    spells = opened.select("ListingId", "Start", "End").with_columns(pl.col("Start").alias("spell"))
    edges = pl.concat([spells.select("ListingId", pl.col(edge).alias("at"), "spell") for edge in ("Start", "End")])
    starts = spells.select("ListingId", "spell", pl.col("End").alias("until")).sort("spell")
    events = seen.frame.select("ListingId", "at").sort("at")
    placed = events.join_asof(starts, left_on="at", right_on="spell", by="ListingId", check_sortedness=False, coalesce=False)
    inside = placed.filter(pl.col("at") <= pl.col("until")).select("ListingId", "at", "spell")
    along = ["ListingId", "spell"]
    ordered = pl.concat([inside, edges]).sort(*along, "at").with_columns(pl.col("at").shift(1).over(along).alias("last:at"))
    gap = pl.col("at") - pl.col("last:at")
    count, length = pl.len().over(along) - 2, (pl.col("at").max() - pl.col("at").min()).over(along)
    measured = ordered.with_columns(gap.alias("gap"), count.alias("count"), (length / count).alias("usual"))
    too_long = (pl.col("count") >= FEWEST) & (pl.col("gap") > MINUTE) & (pl.col("gap") > TIMES_USUAL * pl.col("usual"))
    words = pl.format("{} s without an event, {} s are usual", pl.col("gap") / 1e9, (pl.col("usual") / 1e9).round(3))
    yield hits(measured, "SILENCE", seen.name, too_long, start="last:at", end="at", detail=words)


def whole_market(seen: Seen, opened: pl.LazyFrame | None) -> pl.LazyFrame | None:
    """Minutes of continuous trading in which a busy file has no event of any listing."""
    if opened is None or seen.name not in ("l2", "l3", "trades"):
        return None
    minute = pl.col("at").floordiv(MINUTE)
    counted = seen.frame.select(minute.alias("minute")).group_by("minute").len()
    first, last = (pl.col("Start").min() + MINUTE - 1).floordiv(MINUTE), pl.col("End").max().floordiv(MINUTE)
    trading = opened.select(first.alias("first"), last.alias("last")).drop_nulls()
    minutes = trading.select(pl.int_ranges("first", "last").alias("minute")).explode("minute", empty_as_null=False, keep_nulls=False)
    joined = minutes.join(counted, on="minute", how="left").with_columns(
        pl.col("len").fill_null(0), pl.lit(None, pl.Int64()).alias("ListingId")
    )
    silent = (pl.col("len") == 0) & (pl.col("len").median() >= BUSY)
    start = pl.col("minute") * MINUTE
    return hits(
        joined.with_columns(silent.alias("silent")), "MARKET_SILENCE", seen.name, pl.col("silent"), start=start, end=start + MINUTE - 1
    )


def coverage(seen: Seen, opened: pl.LazyFrame | None) -> pl.LazyFrame:
    """Rows, first and last time of each listing, and the share of its minutes of continuous trading that have an event.

    Returns:
        `ListingId`, `Rows`, `First`, `Last` (ns), `Coverage` (null where phases are not known).
    """
    told = seen.frame.group_by("ListingId").agg(
        pl.len().cast(pl.Int64()).alias("Rows"), pl.col("at").min().alias("First"), pl.col("at").max().alias("Last")
    )
    if opened is None:
        return told.with_columns(pl.lit(None, pl.Float64()).alias("Coverage"))
    minutes = opened.with_columns(
        pl.int_ranges((pl.col("Start") + MINUTE - 1).floordiv(MINUTE), pl.col("End").floordiv(MINUTE)).alias("minute")
    ).explode("minute", empty_as_null=False, keep_nulls=False)
    alive = (
        seen.frame.select("ListingId", pl.col("at").floordiv(MINUTE).alias("minute"))
        .unique()
        .with_columns(pl.lit(value=True).alias("alive"))
    )
    shares = minutes.join(alive, on=["ListingId", "minute"], how="left").group_by("ListingId").agg(pl.col("alive").count() / pl.len())
    return told.join(shares.rename({"alive": "Coverage"}), on="ListingId", how="left")
