"""Rows that change orders or levels to rows of books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.books.arrays import Long, Longs
from basalt.books.columns import PriceCode, constant, flags, integers, require
from basalt.books.level_kernel import COUNT, ORDERS, QUANTITY, START, apply_changes
from basalt.books.messages import BookMessage
from basalt.books.reporting import BookReport
from basalt.books.storage import Books, Listings, frozen, side_by_side
from basalt.core.errors import InvalidValue
from basalt.market.books import L2

Sample = Literal["event", "change", "bucket"]
OnGap = Literal["withhold", "keep"]

ROWS_AT_ONCE = 1 << 17
"""Input rows between two visits of the kernel: bounds the memory of rows with many levels."""
SIDES = ("Bid", "Ask")
_LEVEL_PARTS = tuple(f"{side}{part}" for side in SIDES for part in ("Price", "Quantity", "NumOrders"))
_CARRIED = tuple(
    name for name in L2.stored_names if not name.startswith(_LEVEL_PARTS) and name not in {"BidLevelCount", "AskLevelCount", "L2EventNo"}
)


class BookBuilder:
    """Books of any number of listings, built row by row.

    Args:
        levels: Levels a side to show.
        sample: Show the book after every event, after every event that changes these levels, or at the end of every bucket.
        price_scale: What integer prices are to be divided by; None for prices that are floats.
        on_gap: Show nothing between a gap and the next snapshot, or go on with what is there.
        carry: Columns of the input to carry over, besides those that `l2` has.

    Raises:
        InvalidValue: A number is below 1, or a choice is none.
    """

    def __init__(
        self,
        *,
        levels: int = 10,
        sample: Sample = "change",
        price_scale: int | None = None,
        on_gap: OnGap = "withhold",
        carry: Sequence[str] = (),
    ) -> None:
        for name, value in (("levels", levels), ("price_scale", price_scale)):
            if value is not None and value < 1:
                raise InvalidValue(f"{name} is {value}", where=name, hint="1 or more")
        for name, choice, choices in (("sample", sample, get_args(Sample)), ("on_gap", on_gap, get_args(OnGap))):
            if choice not in choices:
                raise InvalidValue(f"{name} is {choice!r}", where=name, hint=f"one of {', '.join(choices)}")
        self.levels, self.sample, self.carry = levels, sample, tuple(carry)
        self._settings = (levels, int(sample == "change"), int(on_gap == "withhold"))
        self._listings, self._books, self._prices = Listings(), Books(levels), PriceCode(price_scale)
        self._pending: pl.DataFrame | None = None

    def feed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Apply *rows* and give the books that they lead to.

        Args:
            rows: `ListingId`, `Side` (1 bid, 2 ask), `Price`, `Size`, and `OldPrice`, `OldSize` unless every row says in
                `BookMessage` that it is a SET, CLEAR, GAP or NONE. Optional: `BookMessage` (CHANGE), `OldSide` (Side), `NumOrders`
                (of a SET; unknown), `EndOfEvent` (true). For `sample="bucket"` also `TimeBucket`, not falling within a listing.
                Rows of a listing are in order of events.

        Returns:
            The carried columns, then `BidLevelCount`, `AskLevelCount` (levels of the whole book), `L2EventNo` (number of the row in its
            listing; not for buckets) and the levels as `l2` has them. An empty level has no price, quantity 0 and no orders;
            `NumOrders` is null where a feed of levels does not say it.

        Raises:
            MissingColumn: A column is not there.
            InvalidValue: A message about an order id, integer prices without a scale, values that are no integers.
        """
        require(rows, ("ListingId", "Side", "Price", "Size", *(("TimeBucket",) if self.sample == "bucket" else ())))
        arrays = self._arrays(rows)
        blocks = [self._step(rows, arrays, start) for start in range(0, max(rows.height, 1), ROWS_AT_ONCE)]
        shown = pl.concat([frame for block in blocks for frame in block], rechunk=False)
        return self._settled(shown) if self.sample == "bucket" else shown

    def finish(self) -> pl.DataFrame:
        """The last bucket of each listing (`sample="bucket"`); without rows otherwise."""
        pending, self._pending = self._pending, None
        return pl.DataFrame() if pending is None else pending

    def clear(self) -> None:
        """Forget all books, as at the start of a day; counts go on."""
        self._books.heads[:, COUNT] = 0
        self._books.states[:] = 0

    @property
    def report(self) -> BookReport:
        """What was met so far."""
        return BookReport.of(self._listings.ids, self._books.counters)

    def whole_books(self) -> pl.DataFrame:
        """Every level of every book now: `ListingId`, `Side`, `Level`, `Price`, `Quantity`, `NumOrders`; best levels first."""
        heads, keys, amounts = self._books.heads, self._books.keys, self._books.amounts
        halves = [half for half in range(2 * self._listings.count) if heads[half, COUNT]]
        places = [np.arange(heads[half, COUNT])[::-1] + heads[half, START] for half in halves]
        counts = [len(each) for each in places]
        at = np.concatenate(places) if places else np.zeros(0, np.int64)
        side = np.repeat([half % 2 + 1 for half in halves], counts).astype(np.int64)
        return pl.DataFrame(
            [
                pl.Series("ListingId", np.repeat([self._listings.ids[half // 2] for half in halves], counts).astype(np.int64)),
                pl.Series("Side", side),
                pl.Series("Level", np.concatenate([np.arange(count) + 1 for count in counts] or [np.zeros(0, np.int64)])),
                self._prices.decode(np.where(side == 2, ~keys[at], keys[at]), "Price"),
                pl.Series("Quantity", amounts[at, QUANTITY]),
                pl.Series("NumOrders", amounts[at, ORDERS].astype(np.int32)),
            ]
        )

    # ---------------------------------------------------------------- one chunk

    def _arrays(self, rows: pl.DataFrame) -> tuple[Any, ...]:
        """What the kernel reads."""
        message = self._messages(rows)
        prices, count = self._prices, rows.height
        has_old = "OldSize" in rows.columns
        if not has_old and (message == BookMessage.CHANGE).any():
            require(rows, ("OldSize", "OldPrice"))
        side = integers(rows, "Side", pl.Int8)
        price, size = prices.encode(rows, "Price"), integers(rows, "Size")
        old_side = integers(rows, "OldSide", pl.Int8) if "OldSide" in rows.columns else side
        old = (old_side, prices.encode(rows, "OldPrice"), integers(rows, "OldSize")) if has_old else (side, price, size)
        orders = (
            frozen(integers(rows, "NumOrders", pl.Int32).astype(np.int64)) if "NumOrders" in rows.columns else constant(count, -1, np.int64)
        )
        numbers = frozen(self._listings.number(integers(rows, "ListingId")))
        self._books.hold(self._listings.count, remembers=self.sample == "change")
        return numbers, message, (side, price, size), old, orders, self._emit(rows), prices.limits

    @staticmethod
    def _messages(rows: pl.DataFrame) -> NDArray[np.int8]:
        if "BookMessage" not in rows.columns:
            return constant(rows.height, BookMessage.CHANGE, np.int8)
        message = integers(rows, "BookMessage", pl.Int8)
        strange = (message > BookMessage.CHANGE) | (message < 0) | ((message >= BookMessage.ADD) & (message <= BookMessage.MODIFY))
        if strange.any():
            kind = int(message[strange][0])
            raise InvalidValue(
                f"message {kind} names an order by its id", where="BookMessage", hint="feed the rows to an OrderTracker first"
            )
        return message

    def _emit(self, rows: pl.DataFrame) -> NDArray[np.bool_]:
        """Rows after which the book may be shown."""
        ends = flags(rows, "EndOfEvent")
        if self.sample != "bucket":
            return ends
        places = pl.int_range(pl.len(), dtype=pl.Int64).alias("Row")
        named = rows.select("ListingId", "TimeBucket", places).filter(pl.Series(ends))
        last = named.group_by("ListingId", "TimeBucket").agg(pl.col("Row").max())["Row"]
        emit = np.zeros(rows.height, np.bool_)
        emit[last.to_numpy()] = True
        return frozen(emit)

    def _step(self, rows: pl.DataFrame, arrays: tuple[Any, ...], start: int) -> list[pl.DataFrame]:
        """The books shown in a block of rows: one frame unless the pool had to grow on the way."""
        stop = min(start + ROWS_AT_ONCE, rows.height)
        frames = []
        row: Long = start
        while True:
            emit = arrays[5]
            room = max(int(np.count_nonzero(emit[row:stop])), 1)
            out, marks = side_by_side(2 + 6 * self.levels, room), side_by_side(2, room)
            done, written = apply_changes((row, stop), *arrays, self._settings, self._books.arrays, out, marks)  # type: ignore[call-arg]
            frames.append(self._frame(rows, out[:, :written], marks[:, :written]))
            if done == stop:
                return frames
            row = done
            self._books.grow()

    def _frame(self, rows: pl.DataFrame, out: Longs, marks: Longs) -> pl.DataFrame:
        carried = [
            name for name in rows.columns if name in _CARRIED or name in self.carry or (name == "TimeBucket" and self.sample == "bucket")
        ]
        frame = _rows_at(rows[carried], marks[0])
        counts = [pl.Series(f"{side}LevelCount", out[place].astype(np.int32)) for place, side in enumerate(SIDES)]
        number = [] if self.sample == "bucket" else [pl.Series("L2EventNo", marks[1])]
        return frame.hstack([*counts, *number, *self._level_columns(out)])

    def _level_columns(self, out: Longs) -> list[pl.Series]:
        columns: list[pl.Series] = []
        for place in range(2 * self.levels):
            name, level, row = SIDES[place % 2], place // 2 + 1, 2 + 3 * place
            orders = pl.Series(f"{name}NumOrders{level}", out[row + 2].astype(np.int32))
            columns += [
                self._prices.decode(out[row], f"{name}Price{level}"),
                pl.Series(f"{name}Quantity{level}", out[row + 1]),
                orders.set(orders < 0, None) if out.shape[1] and out[row + 2].min() < 0 else orders,
            ]
        return columns

    def _settled(self, shown: pl.DataFrame) -> pl.DataFrame:
        """Rows of buckets that are over; the latest of each listing waits for rows to come."""
        rows = shown if self._pending is None else pl.concat([self._pending, shown], rechunk=False)
        rows = rows.unique(["ListingId", "TimeBucket"], keep="last", maintain_order=True)
        is_latest = pl.col("TimeBucket") == pl.col("TimeBucket").max().over("ListingId")
        self._pending = rows.filter(is_latest)
        return rows.filter(~is_latest)


def _rows_at(frame: pl.DataFrame, places: Longs) -> pl.DataFrame:
    """Rows of *frame* at increasing *places*; without copying where they follow each other."""
    if places.size and places[-1] - places[0] + 1 == places.size:
        return frame.slice(int(places[0]), places.size)
    return frame[places]
