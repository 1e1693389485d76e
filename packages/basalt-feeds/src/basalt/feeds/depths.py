"""From changes of price levels to the ten best levels, over days that follow each other without a break."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl

from basalt.books import BookBuilder, BookMessage

LEVELS = 10
_PLACE = {"ListingId": pl.lit(0, pl.Int64)}
CARRIED = ("ReceiveTimestamp", "ExchangeSequenceNo")


class SteadyClock:
    """A clock that never goes back: the order of messages is that of the book.

    Attributes:
        late: Events whose clock was behind that of an event before; they got its clock, `FeedTimestamp` keeps their own.
    """

    def __init__(self, last: int = 0) -> None:
        self._last = last
        self.late = 0

    @property
    def last(self) -> int:
        """The latest time so far, ns since 1970."""
        return self._last

    def hold(self, rows: pl.DataFrame) -> pl.DataFrame:
        """*rows* with a `TimestampNanoseconds` that goes on, and what it was as `FeedTimestamp`."""
        told = pl.col("TimestampNanoseconds").dt.epoch("ns")
        held = pl.max_horizontal(told.cum_max(), pl.lit(self._last))
        timed = rows.with_columns(told.alias("FeedTimestamp"), held.cast(pl.Datetime("ns")).alias("TimestampNanoseconds"))
        is_late = pl.col("TimestampNanoseconds").dt.epoch("ns") != pl.col("FeedTimestamp")
        ends = pl.col("EndOfEvent") if "EndOfEvent" in rows.columns else pl.lit(value=True)
        self.late += timed.select((is_late & ends).sum()).item()
        self._last = timed["TimestampNanoseconds"].dt.epoch("ns")[-1]
        return timed


class StateStream:
    """States of a book as a vendor tells them: those that differ from the one before, and the first of every day."""

    def __init__(self) -> None:
        self._clock = SteadyClock()
        self._last: pl.DataFrame | None = None
        self._numbers: dict[date, int] = {}

    @property
    def late(self) -> int:
        """States whose clock was behind that of a state before."""
        return self._clock.late

    def feed(self, states: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
        """Take *states*: `Day`, `TimestampNanoseconds`, sequence numbers and levels, in order.

        Yields:
            Day and rows of `l2`, without what names the listing; clocks never go back.
        """
        if states.is_empty():
            return
        names = ["Day", *(name for name in states.columns if name.startswith(("Bid", "Ask")))]
        before = states.select(names) if self._last is None else pl.concat([self._last, states.select(names)])
        is_new = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in names)
        changed = before.select(is_new).to_series().slice(before.height - states.height)
        if self._last is None:
            changed[0] = True
        self._last = states.select(names).tail(1)
        timed = self._clock.hold(states).filter(changed)
        for (day,), rows in timed.group_by("Day", maintain_order=True):
            assert isinstance(day, date)
            first = self._numbers.get(day, 0) + 1
            self._numbers[day] = first + rows.height - 1
            yield day, rows.drop("Day").with_columns(pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("L2EventNo"))


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
        self._clock = SteadyClock()
        self._crossed = 0

    @property
    def late(self) -> int:
        """Events whose clock was behind that of an event before."""
        return self._clock.late

    @property
    def crossed(self) -> int:
        """Events after which the best bid was above the best ask."""
        return self._crossed + (self._builder.report.crossed_events if self._builder else 0)

    @property
    def clock(self) -> int:
        """The time of the last event, ns since 1970; 0 before any."""
        return self._clock.last

    def whole_book(self) -> pl.DataFrame:
        """Every level now: `Side` (1 bid, 2 ask), `Price`, `Size`."""
        if self._builder is None:
            return pl.DataFrame(schema={"Side": pl.Int64(), "Price": pl.Float64(), "Size": pl.Float64()})
        levels = self._builder.whole_books()
        return levels.select("Side", "Price", pl.Series("Size", levels["Quantity"].to_numpy().view("float64")))

    def resume(self, book: pl.DataFrame, clock: int) -> None:
        """Go on from a *book*, as of `whole_book`, at the time *clock*; the first event after it gives a row."""
        self._clock, self._day, self._builder = SteadyClock(clock), None, BookBuilder(levels=LEVELS, sample="change", carry=CARRIED)
        self._builder.feed(_as_set(book.with_columns(_bits(book["Size"]), **_PLACE)))

    def feed(self, rows: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
        """Apply *rows*.

        Args:
            rows: `BookMessage` (SET, CLEAR), `Side` (1 bid, 2 ask), `Price`, `Size` (float; 0 removes), `EndOfEvent`,
                `TimestampNanoseconds` (the same for all rows of an event), sequence numbers; in order. `Day` where it is not
                that of the clock.

        Yields:
            Day and rows of `l2`, without what names the listing; clocks never go back.
        """
        if rows.is_empty():
            return
        timed = self._clock.hold(rows)
        day_of = pl.col("Day") if "Day" in rows.columns else pl.col("TimestampNanoseconds").dt.date()
        for (day,), of_day in timed.group_by(day_of, maintain_order=True):
            assert isinstance(day, date)
            self._turn_to(day)
            assert self._builder is not None
            yield day, _levels(self._builder.feed(of_day.with_columns(_bits(of_day["Size"]), **_PLACE)))

    def _turn_to(self, day: date) -> None:
        """Start a day with the book of the day before."""
        if day == self._day:
            return
        before, self._day = self._builder, day
        self._builder = BookBuilder(levels=LEVELS, sample="change", carry=CARRIED)
        if before is not None:
            self._crossed += before.report.crossed_events
            levels = before.whole_books().rename({"Quantity": "Size"}).drop("Level", "NumOrders")
            self._builder.feed(_as_set(levels))


def _as_set(levels: pl.DataFrame) -> pl.DataFrame:
    """Rows for a builder that put *levels* into an empty book."""
    return levels.with_columns(BookMessage=pl.lit(BookMessage.SET.value), EndOfEvent=pl.lit(False))


def _bits(sizes: pl.Series) -> pl.Series:
    return pl.Series("Size", sizes.to_numpy().view("int64"))


def _levels(shown: pl.DataFrame) -> pl.DataFrame:
    """Quantities as floats; what a feed of levels does not know is left out."""
    names = [f"{side}Quantity{level}" for side in ("Bid", "Ask") for level in range(1, LEVELS + 1)]
    unknown = [name for name in shown.columns if "NumOrders" in name or "LevelCount" in name]
    sizes = [pl.Series(name, shown[name].to_numpy().view("float64")) for name in names]
    return shown.with_columns(sizes).drop("ListingId", *unknown)
