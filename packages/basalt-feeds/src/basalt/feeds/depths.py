"""From changes of price levels to the ten best levels, over days that follow each other without a break."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from basalt.books import BookBuilder, BookMessage

LEVELS = 10
_PLACE = {"ListingId": pl.lit(0, pl.Int64)}
CARRIED = ("ReceiveTimestamp", "ExchangeSequenceNo")


class DepthReplay:
    """The book of one listing, and its state after every event that changes its ten best levels.

    A day's first event gives a row in any case, so that a day is complete by itself. A book that is cleared and
    not filled again is a row without levels: nothing is known from there on.

    Quantities may have fractions. They travel through the book as the bits of their floats, since levels are set and
    never added up, and come out as they went in.
    """

    def __init__(self) -> None:
        self._builder: BookBuilder | None = None
        self._day: date | None = None
        self._clock: Any = None
        self._crossed = 0
        self.late = 0
        """Events whose clock was behind that of an event before; they got its clock."""

    @property
    def crossed(self) -> int:
        """Events after which the best bid was above the best ask."""
        return self._crossed + (self._builder.report.crossed_events if self._builder else 0)

    def feed(self, rows: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
        """Apply *rows*.

        Args:
            rows: `BookMessage` (SET, CLEAR), `Side` (1 bid, 2 ask), `Price`, `Size` (float; 0 removes), `EndOfEvent`,
                `TimestampNanoseconds` (the same for all rows of an event), sequence numbers; in order.

        Yields:
            Day and rows of `l2`, without what names the listing; clocks never go back.
        """
        if rows.is_empty():
            return
        timed = self._without_steps_back(rows)
        for (day,), of_day in timed.group_by(pl.col("TimestampNanoseconds").dt.date(), maintain_order=True):
            assert isinstance(day, date)
            self._turn_to(day)
            assert self._builder is not None
            yield day, _levels(self._builder.feed(of_day.with_columns(_bits(of_day["Size"]), **_PLACE)))

    def _without_steps_back(self, rows: pl.DataFrame) -> pl.DataFrame:
        clock = pl.col("TimestampNanoseconds").cum_max()
        held = rows.with_columns(clock if self._clock is None else pl.max_horizontal(clock, pl.lit(self._clock, pl.Datetime("ns"))))
        moved = held.filter("EndOfEvent")["TimestampNanoseconds"] != rows.filter("EndOfEvent")["TimestampNanoseconds"]
        self.late += int(moved.sum())
        self._clock = held["TimestampNanoseconds"][-1]
        return held

    def _turn_to(self, day: date) -> None:
        """Start a day with the book of the day before."""
        if day == self._day:
            return
        before, self._day = self._builder, day
        self._builder = BookBuilder(levels=LEVELS, sample="change", carry=CARRIED)
        if before is not None:
            self._crossed += before.report.crossed_events
            levels = before.whole_books().rename({"Quantity": "Size"}).drop("Level", "NumOrders")
            self._builder.feed(levels.with_columns(BookMessage=pl.lit(BookMessage.SET.value), EndOfEvent=pl.lit(False)))


def _bits(sizes: pl.Series) -> pl.Series:
    return pl.Series("Size", sizes.to_numpy().view("int64"))


def _levels(shown: pl.DataFrame) -> pl.DataFrame:
    """Quantities as floats; what a feed of levels does not know is left out."""
    names = [f"{side}Quantity{level}" for side in ("Bid", "Ask") for level in range(1, LEVELS + 1)]
    unknown = [name for name in shown.columns if "NumOrders" in name or "LevelCount" in name]
    sizes = [pl.Series(name, shown[name].to_numpy().view("float64")) for name in names]
    return shown.with_columns(sizes).drop("ListingId", *unknown)
