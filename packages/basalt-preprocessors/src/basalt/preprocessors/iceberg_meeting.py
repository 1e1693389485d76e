"""Which trades met which iceberg events, found piece by piece of a listing and kept by trades."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from basalt.preprocessors.iceberg_trades import CARRIED, TELLING, Matching, flagged
from basalt.preprocessors.shelving import FrameShelf, Place
from basalt.preprocessors.streaming import ROWS_AT_ONCE, chunks, groups

BLOCK = "block"
EVENT_TIME = "EventTimestamp"
NOBODY = pl.DataFrame(schema={"event": pl.UInt32, "trade": pl.UInt32})


def tagged_trades(matching: Matching, trades: pl.LazyFrame, events: pl.LazyFrame, executions: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """`Matching.tagged`, some rows at a time."""
    told = trades.select(name for name in TELLING if name in trades.collect_schema())
    with FrameShelf() as met, FrameShelf() as sized:
        with FrameShelf() as tape, FrameShelf() as icebergs, FrameShelf() as taken:
            for shelf, table in ((tape, numbered(told, "trade")), (icebergs, numbered(events, "event")), (taken, chunks(executions))):
                for rows in table:
                    shelf.put(rows)
            meeting = Meeting(matching, tape, icebergs, taken, _nothing(events.with_row_index("event")), _nothing(executions))
            for listings in groups({each: [each] for each in tape.heights}, tape.heights):
                meeting.find(listings, met, sized)
        none = _nothing(events.select(pl.lit(0, pl.UInt32).alias("trade"), *CARRIED)), NOBODY.select("trade")
        for rows in numbered(trades, "trade"):
            blocks = range(*_blocks(rows))
            yield flagged(rows, met.rows(blocks, none[0]), sized.rows(blocks, none[1]))


def numbered(table: pl.LazyFrame, name: str) -> Iterator[pl.DataFrame]:
    """Chunks of *table* with the number of each row in all of them."""
    first = 0
    for rows in chunks(table):
        yield rows.with_row_index(name, offset=first)
        first += rows.height


@dataclass(frozen=True)
class Meeting:
    """Trades, iceberg events and executions, put away by listing.

    Attributes:
        matching: How they find each other.
        tape, icebergs, taken: Trades and events with their number, executions.
        no_icebergs, no_executions: Frames without rows.
    """

    matching: Matching
    tape: FrameShelf
    icebergs: FrameShelf
    taken: FrameShelf
    no_icebergs: pl.DataFrame
    no_executions: pl.DataFrame

    def find(self, listings: Sequence[int], met: FrameShelf, sized: FrameShelf) -> None:
        """Put away, by blocks of trades, which of the trades of *listings* met an iceberg event, and which have another size.

        A trade and an event with one `TradeId` belong together, the first of either. Other trades take the event of their listing, and
        price, that is nearest in time; then each event keeps the nearest of the trades that took it. So no trade is repeated and no event counts twice.
        """
        icebergs = Dated.of(self.icebergs, listings, self.no_icebergs)
        taken = Dated.of(self.taken, listings, self.no_executions)
        names = Names.of(icebergs, listings)
        pairs, near = [], []
        for trades in self._pieces(listings):
            pairs.append(names.first(trades))
            near.append(self.matching.near(trades, icebergs.around(trades, self.matching.tolerance)))
            if self.matching.by_size:
                _put(sized, self.matching.resized(trades, taken.around(trades, self.matching.size_tolerance_nanos)))
        nearest = pl.concat(near).sort("away", "trade").unique("event", keep="first", maintain_order=True)
        both = pl.concat([pl.concat(pairs).unique("event", keep="first", maintain_order=True), nearest.select("event", "trade")])
        for piece in icebergs:
            _put(met, piece.join(both, on="event", maintain_order="left").select("trade", *CARRIED))

    def _pieces(self, listings: Sequence[int]) -> Iterator[pl.DataFrame]:
        """The trades of many listings at once, or of one in pieces."""
        if len(listings) > 1:
            yield pl.concat([self.tape.fetch(place) for listing in listings for place in self.tape.places(listing)])
            return
        for place in self.tape.places(listings[0]):
            yield self.tape.fetch(place)


@dataclass(frozen=True)
class Dated:
    """The pieces of the rows of some listings, and the times of the first and last event in each (ns)."""

    shelf: FrameShelf
    places: Sequence[tuple[Place, int, int]]
    none: pl.DataFrame

    @classmethod
    def of(cls, shelf: FrameShelf, listings: Sequence[int], none: pl.DataFrame) -> Dated:
        """The pieces on *shelf*."""
        places = [place for listing in listings for place in shelf.places(listing)]
        times = [shelf.fetch(place)[EVENT_TIME].to_physical() for place in places]
        return cls(shelf, [(place, int(each.min()), int(each.max())) for place, each in zip(places, times, strict=True)], none)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for place, _, _ in self.places:
            yield self.shelf.fetch(place)

    def around(self, trades: pl.DataFrame, tolerance: int) -> pl.DataFrame:
        """The rows that are at most *tolerance* ns before the first or after the last of *trades*."""
        times = trades["TradeTimestamp"].to_physical()
        first, last = int(times.min()) - tolerance, int(times.max()) + tolerance  # type: ignore[arg-type]
        near = [self.shelf.fetch(place) for place, begin, end in self.places if begin <= last and end >= first]
        return pl.concat([self.none, *(each.filter(pl.col(EVENT_TIME).to_physical().is_between(first, last)) for each in near)])


@dataclass(frozen=True)
class Names:
    """Trade ids of iceberg events in order, of each the first event."""

    ids: pl.Series
    events: pl.Series
    is_one: bool

    @classmethod
    def of(cls, icebergs: Dated, listings: Sequence[int]) -> Names:
        """The ids of *icebergs*, which are of so many listings."""
        is_one = len(listings) == 1
        named = [each.filter(pl.col("TradeId") != "").select(_id(is_one=is_one), "event") for each in (icebergs.none, *icebergs)]
        found = pl.concat(named).sort("id", "event").unique("id", keep="first", maintain_order=True)
        return cls(found["id"], found["event"], is_one)

    def first(self, trades: pl.DataFrame) -> pl.DataFrame:
        """Events, and the first of *trades* that has the id of each."""
        if "TradeId" not in trades.columns or self.ids.is_empty():
            return NOBODY
        asked = (
            trades.filter(pl.col("TradeId") != "").select(_id(is_one=self.is_one), "trade").unique("id", keep="first", maintain_order=True)
        )
        place = self.ids.search_sorted(asked["id"]).clip(0, self.ids.len() - 1)
        is_there = self.ids.gather(place) == asked["id"]
        return pl.DataFrame([self.events.gather(place).filter(is_there), asked["trade"].filter(is_there)])


def _id(*, is_one: bool) -> pl.Expr:
    return (pl.col("TradeId") if is_one else pl.format("{} {}", "ListingId", "TradeId")).alias("id")


def _put(shelf: FrameShelf, rows: pl.DataFrame) -> None:
    """Put *rows* away by the block of their trade."""
    shelf.put(rows.with_columns(pl.col("trade").floordiv(ROWS_AT_ONCE).alias(BLOCK)), BLOCK)


def _blocks(rows: pl.DataFrame) -> tuple[int, int]:
    """The first block of *rows*, and the one after their last."""
    first = int(rows["trade"][0]) if rows.height else 0
    return first // ROWS_AT_ONCE, (first + rows.height - 1) // ROWS_AT_ONCE + 1


def _nothing(table: pl.LazyFrame) -> pl.DataFrame:
    return pl.DataFrame(schema=table.collect_schema())
