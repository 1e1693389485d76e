"""Executions that show hidden quantity, and the chains of peaks that they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from basalt.core.datasets import PlannedColumn
from basalt.preprocessors.streaming import Stepper, streamed

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

    def detector(self) -> Stepper:
        """What finds the events of one reading."""
        from basalt.preprocessors.iceberg_detecting import Detector  # compiled code is loaded where it runs, not where runs are planned

        return Detector(self)

    def events(self, orders: pl.LazyFrame) -> pl.LazyFrame:
        """Iceberg events among order events, which are in order for each listing; in memory that does not grow with them.

        An order that executes for more than it displays hides quantity. So does one that is used up by an execution
        and followed by an order on its side, and at its price, within the tolerance: the next peak. Each order is the next peak of
        one at most. Executions of orders that were never displayed are no events.

        Returns:
            `ListingId`, `KnownTimestamp` (when the event could be known: with the next peak, if nothing else tells), `IcebergEventId` and
            `COLUMNS`; each listing's in order of `IcebergEventId`.
        """
        return streamed(orders, event_schema(), self.detector)


def event_schema() -> dict[str, pl.DataType]:
    """Columns of iceberg events and their types."""
    return {"ListingId": pl.Int64(), KNOWN: pl.Datetime("ns"), EVENT: pl.Int64(), **{column.name: column.dtype for column in COLUMNS}}
