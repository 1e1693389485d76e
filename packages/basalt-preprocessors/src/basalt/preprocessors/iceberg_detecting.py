"""Iceberg events, found chunk by chunk: an execution waits until no next peak can come for it."""

from __future__ import annotations

import numpy as np
import polars as pl

from basalt.books.storage import frozen
from basalt.market.sides import LobAction
from basalt.preprocessors.iceberg_events import COLUMNS, EVENT, KNOWN, NEEDED, Detection
from basalt.preprocessors.refill_kernel import ENTERED, USED_UP, match_refills

CLOCK = "EventTimestamp"
PEAK = {"refilled": pl.Datetime("ns"), "peak": pl.Float64(), "next": pl.String()}
"""What is known of the next peak of an execution."""


class Detector:
    """Iceberg events of order events.

    Remembered are, by listing: executions no longer ago than a next peak may take, events that others could still be known before,
    the last peaks of icebergs, and how many events and icebergs there were.
    """

    def __init__(self, detection: Detection) -> None:
        self.detection = detection
        self._rows = 0
        self._open: pl.DataFrame | None = None
        self._known: pl.DataFrame | None = None
        self._peaks: dict[tuple[int, str], tuple[int, int]] = {}
        self._icebergs: dict[int, int] = {}
        self._events: dict[int, int] = {}

    def feed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Events that are settled, and known before all that are not, once *rows* are there."""
        ends = rows.group_by("ListingId").agg((pl.col(CLOCK).max() - pl.duration(nanoseconds=self._wait, time_unit="ns")).alias("end"))
        kept = self._kept(rows)
        self._rows += kept.height
        known = kept if self._open is None else pl.concat([self._open, kept])
        linked = self._linked(known).filter("executed").join(ends, on="ListingId", how="left", maintain_order="left")
        waits = ~(pl.col(CLOCK) < pl.col("end")).fill_null(value=False) if self.detection.links else pl.lit(value=False)
        self._open = linked.filter(waits).drop("end")
        return self._numbered(self._chained(linked.filter(~waits).drop("end")), ends)

    def finish(self) -> pl.DataFrame:
        """Events that waited for a next peak, or for others to be known before."""
        if self._open is None:
            return pl.DataFrame()
        return self._numbered(self._chained(self._open), None)

    @property
    def _wait(self) -> int:
        return self.detection.tolerance if self.detection.links else 0

    # ---------------------------------------------------------------- next peaks

    def _kept(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Executions of displayed orders, and orders that enter."""
        executed = ((pl.col("ExecutionSize") > 0) & (pl.col("OldSize") > 0)).fill_null(value=False)
        enters = (pl.col("LobAction") == LobAction.INSERT.value) & (pl.col("Size") > 0)
        trade = pl.col("TradeId") if "TradeId" in rows.columns else pl.lit("").alias("TradeId")
        return (
            rows.select(*NEEDED, trade, executed.alias("executed"))
            .filter(pl.col("executed") | enters)
            .with_columns(
                (pl.int_range(pl.len(), dtype=pl.Int64) + self._rows).alias("row"),
                *(pl.lit(None, dtype).alias(name) for name, dtype in PEAK.items()),
            )
        )

    def _linked(self, known: pl.DataFrame) -> pl.DataFrame:
        """*known* with the next peaks that came."""
        if not self.detection.links or known.is_empty():
            return known
        refill = pl.Series(self._refills(known))
        refill = refill.set(refill < 0, None)
        found = known.select(
            pl.col(CLOCK).alias("refilled"), pl.col("Size").cast(pl.Float64).alias("peak"), pl.col("OrderId").alias("next")
        )
        came = found.select(pl.all().gather(refill))
        return known.with_columns(came[name].fill_null(known[name]).alias(name) for name in PEAK)

    def _refills(self, known: pl.DataFrame) -> np.ndarray:
        """Row of the next peak of each row; -1 without one."""
        half = known.select(pl.struct("ListingId", "Side").rank("dense").cast(pl.Int32) - 1).to_series().to_numpy()
        used_up = pl.col("executed") & (pl.col("Size").fill_null(0) == 0) & pl.col("refilled").is_null()
        kinds = pl.when(used_up).then(USED_UP).when(~pl.col("executed")).then(ENTERED).otherwise(0).cast(pl.Int8)
        prices = pl.when("executed").then("OldPrice").otherwise("Price").cast(pl.Float64).fill_null(float("nan"))
        kind, price = (known.select(each).to_series().to_numpy() for each in (kinds, prices))
        time = known[CLOCK].to_physical().to_numpy()
        inputs = tuple(frozen(np.ascontiguousarray(each)) for each in (half, kind, time, price.view(np.int64)))
        latest, before, refill = (np.full(count, -1, np.int64) for count in (int(half.max()) + 1, known.height, known.height))
        halves, kinds_of, times, prices_of = inputs
        match_refills(
            halves, kinds_of, times, prices_of, self.detection.tolerance, int(not self.detection.price_match), latest, before, refill
        )
        return refill

    # ---------------------------------------------------------------- events

    def _chained(self, settled: pl.DataFrame) -> pl.DataFrame:
        """Events among executions that are *settled*, with the number of their iceberg and their own in it."""
        excess = pl.col("ExecutionSize") - pl.col("OldSize")
        is_excess = excess > self.detection.min_revealed
        is_refill = (pl.col("peak") > self.detection.min_revealed).fill_null(value=False)
        events = settled.filter(is_excess | is_refill).with_columns(
            pl.when(is_excess).then(pl.lit("EXCESS")).otherwise(pl.lit("REFILL")).alias("IcebergSignal"),
            pl.when(is_excess).then(excess).otherwise(pl.col("peak")).cast(pl.Float64).alias("RevealedQty"),
            pl.when(is_excess).then(CLOCK).otherwise("refilled").alias(KNOWN),
        )
        chains = [self._chain(*row) for row in events.select("ListingId", "OldOrderId", "next").iter_rows()]
        numbers, counts = zip(*chains, strict=True) if chains else ((), ())
        return events.with_columns(
            pl.Series("IcebergId", numbers, pl.Int64),
            pl.Series("IcebergEventCount", counts, pl.Int64),
            pl.col("OldOrderId").alias("OrderId"),
        ).select("ListingId", KNOWN, "row", *(pl.col(column.name).cast(column.dtype) for column in COLUMNS))

    def _chain(self, listing: int, order: str, following: str | None) -> tuple[int | None, int | None]:
        """Number of the iceberg of an execution of *order*, and of the event in it: peaks that follow each other are one iceberg."""
        number, seen = self._peaks.pop((listing, order), (None, 0))
        if number is None and (not self.detection.links or following is None):
            return None, None
        if number is None:
            number = self._icebergs[listing] = self._icebergs.get(listing, 0) + 1
        if following is not None:
            self._peaks[listing, following] = number, seen + 1
        return number, seen + 1

    def _numbered(self, events: pl.DataFrame, ends: pl.DataFrame | None) -> pl.DataFrame:
        """Events that nothing can be known before any more, in the order in which they could be known; all without *ends*."""
        known = events if self._known is None else pl.concat([self._known, events])
        if ends is not None:
            dated = known.join(ends, on="ListingId", how="left", maintain_order="left")
            is_past = (pl.col(KNOWN) < pl.col("end")).fill_null(value=False)
            self._known, known = dated.filter(~is_past).drop("end"), dated.filter(is_past).drop("end")
        known = known.sort(KNOWN, "row", maintain_order=True)
        place = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("ListingId")
        before = pl.Series([self._events.get(listing, 0) for listing in known["ListingId"]], dtype=pl.Int64)
        numbered = known.with_columns((place + before).alias(EVENT))
        self._events |= dict(numbered.group_by("ListingId").agg(pl.col(EVENT).max()).iter_rows())
        return numbered.select("ListingId", KNOWN, EVENT, *(column.name for column in COLUMNS))
