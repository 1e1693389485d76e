"""Estimating Stoikov's adjustments: from changes of books to what mids are expected to do next."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import polars as pl

from basalt.core.errors import InvalidValue
from basalt.l2.books import NOT_CONTINUOUS, mid
from basalt.l2.microprices import imbalance_state, spread_state

Floats = npt.NDArray[np.float64]
FROM, TO = ("SpreadTicks", "ImbalanceBucket"), ("to:spread", "to:bucket")
_TOLERANCE = 1e-9
"""What counts as nothing: in scales of probabilities, and between both sides of the equation as a share of the moves."""


def changes_of_state(books: pl.LazyFrame, *, buckets: int, widest: int) -> pl.LazyFrame:
    """How often books went from one state to the next, and by how much their mids moved.

    Args:
        books: Rows of one day, each listing's in order: `ListingId`, best prices and quantities, `BidGridSteps`, `AskGridSteps`
            (steps of the price grid), `MarketState` (null counts as continuous trading).
        buckets: Number of buckets of the imbalance, odd.
        widest: Widest spread, in ticks, that makes a state.

    Returns:
        `ListingId`, the state before and after, `moved` (the mid is another one), `count`, `change` (sum of the moves). Only
        changes between states count: those from or into auctions, halts, wider, locked, crossed and one-sided books do not.

    Raises:
        InvalidValue: *buckets* is even or below 3, or *widest* below 1.
    """
    if buckets < 3 or buckets % 2 == 0 or widest < 1:
        raise InvalidValue(
            f"{buckets} buckets and a spread up to {widest}", hint="give an odd number of buckets from 3 on, and a spread from 1 on"
        )
    is_counted = ~pl.col("MarketState").is_in(sorted(NOT_CONTINUOUS)).fill_null(value=False)
    spread = spread_state()
    stated = books.select(
        "ListingId",
        pl.when(is_counted, spread.is_between(1, widest)).then(spread).alias(FROM[0]),
        imbalance_state(pl.lit(buckets, pl.Int64)).alias(FROM[1]),
        mid().alias("mid"),
    )
    later = [pl.col(name).shift(-1).over("ListingId").alias(then) for name, then in zip((*FROM, "mid"), (*TO, "to:mid"), strict=True)]
    steps = stated.with_columns(later).drop_nulls([*FROM, *TO])
    move = pl.col("to:mid") - pl.col("mid")
    grouped = steps.group_by("ListingId", *FROM, *TO, (move != 0).alias("moved"))
    return grouped.agg(pl.len().cast(pl.Int64).alias("count"), move.sum().alias("change"))


def adjustments(days: Iterable[pl.DataFrame], *, buckets: int) -> pl.DataFrame:
    """The adjustments of all listings from the changes of some days.

    Each change counts together with its mirror image (bid for ask, up for down), so that expected mids have a limit. States from which
    no change of the mid can be reached have none, listings whose states fall apart neither.

    Args:
        days: Results of `changes_of_state`, collected.
        buckets: Number of buckets that they were made with.

    Returns:
        `ListingId`, `ImbalanceBuckets`, `SpreadTicks`, `ImbalanceBucket`, `Adjustment` (currency), `Changes`; sorted.

    Source:
        Stoikov (2018), Quantitative Finance 18(12), section 3.
    """
    told = pl.concat(list(days))
    mirrored = told.with_columns(*((buckets - 1 - pl.col(name)).alias(name) for name in (FROM[1], TO[1])), -pl.col("change"))
    both = pl.concat([told, mirrored]).group_by("ListingId", *FROM, *TO, "moved").agg(pl.col("count", "change").sum())
    parts = [
        _of_listing(key[0], part, buckets)
        for key, part in both.sort("ListingId", *FROM, *TO, "moved").partition_by("ListingId", as_dict=True).items()
    ]
    schema = {
        "ListingId": pl.Int64,
        "ImbalanceBuckets": pl.Int64,
        FROM[0]: pl.Int64,
        FROM[1]: pl.Int64,
        "Adjustment": pl.Float64,
        "Changes": pl.Int64,
    }
    return pl.concat([pl.DataFrame(schema=schema), *parts]).sort("ListingId", *FROM)


def _of_listing(listing: object, changes: pl.DataFrame, buckets: int) -> pl.DataFrame:
    before = _states(changes, FROM, buckets)
    after = _states(changes, TO, buckets)
    size = int(max(before.max(), after.max())) + 1
    counts, moved = changes["count"].to_numpy().astype(np.float64), changes["moved"].to_numpy()
    total = np.bincount(before, counts, size)
    shares = counts / total[before]
    stays, leaves = np.zeros((size, size)), np.zeros((size, size))
    np.add.at(stays, (before[~moved], after[~moved]), shares[~moved])
    np.add.at(leaves, (before[moved], after[moved]), shares[moved])
    expected: Floats = np.bincount(before, changes["change"].to_numpy() / total[before], size).astype(np.float64)
    known = _can_move(stays, leaves)
    found = limit_of_mids(stays[np.ix_(known, known)], leaves[np.ix_(known, known)], expected[known])
    numbers = np.flatnonzero(known) if found is not None else np.empty(0, np.int64)
    return pl.DataFrame(
        {
            "ListingId": pl.Series([listing] * numbers.size, dtype=pl.Int64),
            "ImbalanceBuckets": pl.Series([buckets] * numbers.size, dtype=pl.Int64),
            FROM[0]: numbers // buckets,
            FROM[1]: numbers % buckets,
            "Adjustment": found if found is not None else np.empty(0),
            "Changes": total[numbers].astype(np.int64),
        }
    )


def _states(changes: pl.DataFrame, names: tuple[str, str], buckets: int) -> npt.NDArray[np.int64]:
    spread, bucket = (changes[name].to_numpy() for name in names)
    found: npt.NDArray[np.int64] = spread * buckets + bucket
    return found


def _can_move(stays: Floats, leaves: Floats) -> npt.NDArray[np.bool_]:
    """States from which the mid can change, at once or later."""
    found: npt.NDArray[np.bool_] = leaves.sum(axis=1) > 0
    for _ in range(stays.shape[0]):
        found = found | (stays @ found > 0)
    return found


def limit_of_mids(stays: Floats, leaves: Floats, expected: Floats) -> Floats | None:
    """What a mid is expected to gain in the end, by the state that the book is in.

    Args:
        stays: Q: probability of each state to be the next one, the mid unchanged.
        leaves: T: the same, with another mid.
        expected: r: expected change of the mid in the next change of the book.

    Returns:
        g = sum of B^k G, with G = (1 - Q)^-1 r and B = (1 - Q)^-1 T: the solution of (1 - B) g = G that mirrors itself, which is also
        the mean of the partial sums where they go back and forth. None where there is no solution: where mids drift.
    """
    if not expected.size:
        return expected
    inverse = np.linalg.inv(np.eye(expected.size) - stays)
    one_move, rest = inverse @ expected, np.eye(expected.size) - inverse @ leaves
    left, scales, right = np.linalg.svd(rest)
    kept = scales > _TOLERANCE
    found: Floats = right[kept].T @ ((left[:, kept].T @ one_move) / scales[kept])
    is_solved = np.abs(rest @ found - one_move).max() <= _TOLERANCE * np.abs(one_move).max()
    return found if is_solved else None
