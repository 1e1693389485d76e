"""Batches: which listings a task covers, so that it fits the memory of its worker.

A stage of plain reductions is one streaming scan and is not batched unless the user asks. Other
stages see the rows of their listings at once, so listings are packed, in order of their ids, under
row and byte caps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from basalt.configuration.models import AnalyticsConfig
from basalt.core.errors import CannotFit
from basalt.core.plans import Stage

WORKING_COPIES = 4
"""Bytes that a query of whole rows needs, as a multiple of the bytes of its input."""

_WIDTHS: tuple[tuple[type[pl.DataType], int], ...] = (
    (pl.String, 24),
    (pl.Boolean, 1),
    (pl.Int8, 1),
    (pl.Int16, 2),
    (pl.Int32, 4),
    (pl.Float32, 4),
)


@dataclass(frozen=True)
class Load:
    """Rows of one table on one day.

    Attributes:
        name: The table.
        rows: Rows of all listings.
        row_bytes: Bytes of a row in memory, of the columns read.
        by_listing: Scan of `ListingId`, for counts by listing; None where rows have no listing.
    """

    name: str
    rows: int
    row_bytes: int
    by_listing: pl.LazyFrame | None


def row_bytes(schema: Mapping[str, pl.DataType], columns: Sequence[str]) -> int:
    """Bytes of a row of *columns* in memory."""
    return sum(next((width for kind, width in _WIDTHS if schema[name] == kind), 8) for name in columns if name in schema)


def batches(
    stage: Stage,
    config: AnalyticsConfig,
    listings: pl.DataFrame,
    loads: Sequence[Load],
    budget: int,
    *,
    unknown: Callable[[], Sequence[int]] = tuple,
) -> list[tuple[int, ...] | None]:
    """The listings of each task of *stage* on one day; None for all of them.

    Args:
        stage: The stage.
        config: Caps of the run.
        listings: The universe of the day: `ListingId`, `InstrumentId`.
        loads: What the stage reads.
        budget: Bytes that a worker may use.
        unknown: Finds further listings that count though *listings* does not know them.

    Raises:
        CannotFit: One listing alone is more than a worker may use.
    """
    if stage.scope.entities == "universe":
        return [None]
    asked = config.listings_per_batch is not None or any(load.name in config.max_rows_per_table for load in loads)
    if not asked and (all(each.is_foldable for each in stage.passes) or _bytes(loads) <= budget):
        return [None]
    more = pl.DataFrame({"ListingId": unknown()}, schema={"ListingId": pl.Int64})
    groups = _groups(pl.concat([listings, more], how="diagonal"), _counts(loads), by_instrument=stage.scope.entities == "instrument")
    return [tuple(batch) for batch in _pack(groups, config, loads, budget, whole_rows=not all(each.is_foldable for each in stage.passes))]


def _bytes(loads: Sequence[Load]) -> int:
    return sum(load.rows * load.row_bytes for load in loads) * WORKING_COPIES


@dataclass(frozen=True)
class Group:
    """Listings that stay together, with their rows by table."""

    listings: tuple[int, ...]
    rows: Mapping[str, int]


def _counts(loads: Sequence[Load]) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    for load in loads:
        if load.by_listing is not None:
            counted = load.by_listing.group_by("ListingId").len().collect()
            found[load.name] = dict(counted.iter_rows())
    return found


def _groups(listings: pl.DataFrame, counts: Mapping[str, Mapping[int, int]], *, by_instrument: bool) -> Iterator[Group]:
    keyed = (
        listings.with_columns(pl.coalesce("InstrumentId", -pl.col("ListingId")).alias("group"))
        if by_instrument
        else listings.with_columns(pl.col("ListingId").alias("group"))
    )
    for _, members in keyed.sort("group", "ListingId").group_by("group", maintain_order=True):
        ids = tuple(members["ListingId"].to_list())
        yield Group(ids, {name: sum(table.get(each, 0) for each in ids) for name, table in counts.items()})


def _pack(groups: Iterator[Group], config: AnalyticsConfig, loads: Sequence[Load], budget: int, *, whole_rows: bool) -> Iterator[list[int]]:
    widths = {load.name: load.row_bytes for load in loads}
    batch: list[int] = []
    rows: dict[str, int] = {}
    for group in groups:
        cost = sum(count * widths[name] for name, count in group.rows.items()) * WORKING_COPIES
        if whole_rows and cost > budget:
            raise CannotFit(
                f"listing {group.listings[0]} needs about {cost / 1e9:.1f} GB, a worker has {budget / 1e9:.1f} GB",
                where="MEMORY_PER_WORKER",
                hint="lower NUM_WORKERS or raise MEMORY_PER_WORKER",
            )
        total = {name: rows.get(name, 0) + count for name, count in group.rows.items()}
        if batch and _is_full(total, len(batch) + len(group.listings), widths, config, budget if whole_rows else None):
            yield batch
            batch, total = [], dict(group.rows)
        batch = [*batch, *group.listings]
        rows = total
    if batch:
        yield batch


def _is_full(rows: Mapping[str, int], listings: int, widths: Mapping[str, int], config: AnalyticsConfig, budget: int | None) -> bool:
    if config.listings_per_batch is not None and listings > config.listings_per_batch:
        return True
    if any(rows.get(name, 0) > cap for name, cap in config.max_rows_per_table.items()):
        return True
    return budget is not None and sum(count * widths[name] for name, count in rows.items()) * WORKING_COPIES > budget
