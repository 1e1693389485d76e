"""Executions that show hidden quantity, and the chains of peaks that they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from basalt.core.datasets import PlannedColumn
from basalt.market.sides import LobAction

NEEDED = (
    "ListingId",
    "EventTimestamp",
    "Side",
    "LobAction",
    "Price",
    "Size",
    "OrderId",
    "OldPrice",
    "OldSize",
    "OldOrderId",
    "ExecutionPrice",
    "ExecutionSize",
)
NANOS_PER_SECOND = 1_000_000_000
KNOWN, EVENT = "KnownTimestamp", "IcebergEventId"
COLUMNS = (
    PlannedColumn("EventTimestamp", pl.Datetime("ns"), "", "Time of the execution, UTC."),
    PlannedColumn("Side", pl.Int64(), "", "Resting side of the iceberg: 1 bid, 2 ask."),
    PlannedColumn("ExecutionSize", pl.Int64(), "shares", "Executed size, displayed and hidden."),
    PlannedColumn("ExecutionPrice", pl.Float64(), "{currency}", "Price of the execution."),
    PlannedColumn("OldSize", pl.Int64(), "shares", "What the order displayed before."),
    PlannedColumn("OldPrice", pl.Float64(), "{currency}", "Price of the order."),
    PlannedColumn("OrderId", pl.String(), "", "Identifier of the executed peak."),
    PlannedColumn("TradeId", pl.String(), "", "The trade, as in `trades`; empty where order events do not tell."),
    PlannedColumn(
        "RevealedQty",
        pl.Float64(),
        "shares",
        "Hidden size that the event shows: executed beyond what was displayed, else the size of the next peak.",
    ),
    PlannedColumn("IcebergSignal", pl.String(), "", "EXCESS: more executed than was displayed; REFILL: a next peak came."),
    PlannedColumn("IcebergId", pl.Int64(), "", "Number of the iceberg in the listing's day; null while it has one peak.", forward=True),
    PlannedColumn(
        "IcebergEventCount", pl.Int64(), "", "Number of the event among those of its iceberg; null without an IcebergId.", forward=True
    ),
)
"""Columns of events besides `ListingId`, `KnownTimestamp` and `IcebergEventId`."""


@dataclass(frozen=True)
class Detection:
    """How icebergs are found.

    Attributes:
        min_revealed: Hidden size that an event must exceed.
        links: Whether next peaks are looked for.
        tolerance: Longest time to the next peak, in ns.
        price_match: Whether the next peak has the price of the one before.
    """

    min_revealed: float
    links: bool
    tolerance: int
    price_match: bool

    def events(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Iceberg events among order events, which are in order for each listing.

        An order that executes for more than it displays hides quantity. So does one that is used up by an execution
        and followed by an order on its side, and at its price, within the tolerance: the next peak. Each order is the next peak of
        one at most. Executions of orders that were never displayed are no events.

        Returns:
            `ListingId`, `KnownTimestamp` (when the event could be known: with the next peak, if nothing else tells), `IcebergEventId` and `COLUMNS`.
        """
        executed = pl.col("ExecutionSize").fill_null(0) > 0
        was_shown = pl.col("OldSize").fill_null(0) > 0
        enters = (pl.col("LobAction") == LobAction.INSERT.value) & (pl.col("Size") > 0)
        kept = rows.filter((executed & was_shown) | enters).with_columns(
            pl.int_range(pl.len(), dtype=pl.Int64).alias("row"), (executed & was_shown).alias("executed")
        )
        refills = self._refills(kept)
        linked = kept.with_columns(pl.Series("refill", refills)).with_columns(pl.when(pl.col("refill") >= 0).then("refill").alias("refill"))
        peaks = kept.select(
            pl.col("row").alias("refill"),
            pl.col("EventTimestamp").alias("refilled"),
            pl.col("Size").alias("peak"),
            pl.col("OrderId").alias("next"),
        )
        found = linked.filter("executed").join(peaks, on="refill", how="left", maintain_order="left")
        excess = pl.col("ExecutionSize") - pl.col("OldSize")
        is_excess = excess > self.min_revealed
        is_refill = (pl.col("peak") > self.min_revealed).fill_null(value=False)
        marked = found.filter(is_excess | is_refill).with_columns(
            pl.when(is_excess).then(pl.lit("EXCESS")).otherwise(pl.lit("REFILL")).alias("IcebergSignal"),
            pl.when(is_excess).then(excess).otherwise(pl.col("peak")).cast(pl.Float64).alias("RevealedQty"),
            pl.when(is_excess).then("EventTimestamp").otherwise("refilled").alias(KNOWN),
        )
        return self._chained(marked)

    def _refills(self, kept: pl.DataFrame) -> np.ndarray:
        """Row of the next peak of each row; -1 without one."""
        from basalt.preprocessors.refill_kernel import match_refills  # compiled code is loaded where it runs

        refill = np.full(kept.height, -1, np.int64)
        if not self.links or kept.is_empty():
            return refill
        half = kept.select(pl.struct("ListingId", "Side").rank("dense").cast(pl.Int32) - 1).to_series().to_numpy()
        used_up = pl.col("executed") & (pl.col("Size").fill_null(0) == 0)
        kind = kept.select(pl.when(used_up).then(1).when(~pl.col("executed")).then(2).otherwise(0).cast(pl.Int8)).to_series().to_numpy()
        time = kept["EventTimestamp"].cast(pl.Int64).to_numpy()
        price = (
            kept.select(pl.when("executed").then("OldPrice").otherwise("Price").fill_null(float("nan")))
            .to_series()
            .to_numpy()
            .view(np.int64)
        )
        latest, before = np.full(int(half.max()) + 1, -1, np.int64), np.empty(kept.height, np.int64)
        inputs = (np.ascontiguousarray(half), np.ascontiguousarray(kind), np.ascontiguousarray(time), np.ascontiguousarray(price))
        for array in inputs:
            array.flags.writeable = False
        match_refills(*inputs, self.tolerance, int(not self.price_match), latest, before, refill)
        return refill

    def _chained(self, events: pl.DataFrame) -> pl.DataFrame:
        """*events* with the number of their iceberg and their own."""
        chains = _chains(events) if self.links else [(None, None)] * events.height
        numbers, counts = zip(*chains, strict=True) if chains else ((), ())
        numbered = events.with_columns(
            pl.Series("IcebergId", numbers, pl.Int64),
            pl.Series("IcebergEventCount", counts, pl.Int64),
            pl.col("OldOrderId").alias("OrderId"),
            *([] if "TradeId" in events.columns else [pl.lit("").alias("TradeId")]),
        ).sort(KNOWN, "row", maintain_order=True)
        number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("ListingId").alias(EVENT)
        return numbered.with_columns(number).select(
            "ListingId", KNOWN, EVENT, *(pl.col(column.name).cast(column.dtype) for column in COLUMNS)
        )


def _chains(events: pl.DataFrame) -> list[tuple[int | None, int | None]]:
    """Number of the iceberg, and of the event in it, for each event in order: peaks that follow each other are one iceberg."""
    of_order: dict[tuple[int, str], int] = {}
    seen: dict[tuple[int, int], int] = {}
    count: dict[int, int] = {}
    chained: list[tuple[int | None, int | None]] = []
    for listing, order, following in events.select("ListingId", "OldOrderId", "next").iter_rows():
        number = of_order.pop((listing, order), None)
        if number is None and following is not None:
            number = count[listing] = count.get(listing, 0) + 1
        if number is None:
            chained.append((None, None))
            continue
        if following is not None:
            of_order[listing, following] = number
        seen[listing, number] = seen.get((listing, number), 0) + 1
        chained.append((number, seen[listing, number]))
    return chained
