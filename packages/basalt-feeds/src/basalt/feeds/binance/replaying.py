"""Replay a capture piece by piece into the rows of its days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from basalt.feeds.binance.agreeing import QUOTES, Agreement
from basalt.feeds.binance.following import Following, Step
from basalt.feeds.binance.reading import Messages
from basalt.feeds.binance.tables import aggregated_prints, best_quotes, is_market, level_changes, prints
from basalt.feeds.depths import DepthReplay

DayRows = Iterator[tuple[date, pl.DataFrame]]


@dataclass
class CaptureReplay:
    """The state between the pieces of one capture, and what did not fit so far.

    Attributes:
        following: Update ids.
        depths: The book.
        agreement: The book against the venue's best quotes.
        off_market: Trades outside the market, left out.
        repeated: Trades that came again, left out.
        repeated_aggregates: Aggregated trades that came again, left out.
        others: Messages of streams that are not read.
        unused_quotes: Best quotes that came while there was no book to compare them with.
    """

    following: Following = field(default_factory=Following)
    depths: DepthReplay = field(default_factory=DepthReplay)
    agreement: Agreement = field(default_factory=Agreement)
    off_market: int = 0
    repeated: int = 0
    repeated_aggregates: int = 0
    others: int = 0
    unused_quotes: int = 0
    _kept: tuple[pl.DataFrame, pl.DataFrame] | None = None
    _last_trade: int = -1
    _last_aggregate: int = -1
    _best: pl.DataFrame | None = None

    def books(self, messages: Messages) -> DayRows:
        """Rows of `l2` that *messages* lead to, by day."""
        self.others += messages.others
        depths, snapshots = self._with_kept(messages)
        steps = self.following.steps(messages.depths, messages.snapshots)
        self._keep(depths, snapshots)
        shown = list(self.depths.feed(level_changes(steps, depths, snapshots)))
        self._compare(messages, steps, depths, [rows for _, rows in shown])
        yield from shown

    def trades(self, messages: Messages) -> DayRows:
        """Rows of `trades`, by day."""
        found = messages.trades
        new = found.filter(pl.col("t") > self._last_trade).unique("t", keep="first", maintain_order=True)
        self.repeated += found.height - new.height
        if new.is_empty():
            return
        self._last_trade = int(new["t"].max())  # type: ignore[arg-type]
        self.off_market += int((~is_market(new)).sum())
        yield from _by_day(prints(new))

    def aggregates(self, messages: Messages) -> DayRows:
        """Rows of `trades` that stand for several, by day."""
        found = messages.aggregates
        new = found.filter(pl.col("a") > self._last_aggregate).unique("a", keep="first", maintain_order=True)
        self.repeated_aggregates += found.height - new.height
        if not new.is_empty():
            self._last_aggregate = int(new["a"].max())  # type: ignore[arg-type]
            yield from _by_day(aggregated_prints(new))

    def _with_kept(self, messages: Messages) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The messages, and those of earlier pieces that still wait."""
        if self._kept is None:
            return messages.depths, messages.snapshots
        return pl.concat([self._kept[0], messages.depths]), pl.concat([self._kept[1], messages.snapshots])

    def _keep(self, depths: pl.DataFrame, snapshots: pl.DataFrame) -> None:
        since = self.following.waiting_from
        self._kept = None if since is None else (depths.filter(pl.col("Line") >= since), snapshots.filter(pl.col("Line") >= since))

    def _compare(self, messages: Messages, steps: pl.DataFrame, depths: pl.DataFrame, shown: list[pl.DataFrame]) -> None:
        """The book after each message that was applied against best quotes of the same update."""
        states = [rows.select("BMLLSequenceNo", "L2EventNo", *QUOTES) for rows in shown]
        best = [each for each in (self._best, *states) if each is not None]
        self._best = pl.concat(best).tail(1) if best else None
        self.unused_quotes += 0 if best else messages.tickers.height
        self.agreement.add(best_quotes(messages.tickers), _after_each(steps, depths, pl.concat(best)) if best else None)


def _by_day(prints: pl.DataFrame) -> DayRows:
    for (day,), rows in prints.group_by(pl.col("TradeTimestampNanoseconds").dt.date(), maintain_order=True):
        assert isinstance(day, date)
        yield day, rows


def _after_each(steps: pl.DataFrame, depths: pl.DataFrame, best: pl.DataFrame) -> pl.DataFrame:
    """The best levels after each message that was applied, by its last update."""
    applied = steps.filter(pl.col("Step") == Step.APPLY.value)
    updates = applied.join(depths.select("Line", "Number", pl.col("u").alias("Update")), on="Line", maintain_order="left")
    return updates.join_asof(best, left_on="Number", right_on="BMLLSequenceNo", check_sortedness=False).select("Update", *QUOTES)
