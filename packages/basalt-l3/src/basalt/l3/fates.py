"""What becomes of an order after it is entered: forward-looking, as the rows that enter orders carry it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from basalt.books.arrays import Longs, Truths
from basalt.core.declaring import Carried, Pieces, analytic
from basalt.l3.conditions import is_execution, shares
from basalt.l3.lives import KIND, LEAVE, NANOS, Followed, Lives, frozen, inputs, is_filled

FATE = "OrderFate"
CENSORED, FILLED, CANCELLED = 0, 1, 2
_FATE = pl.Struct(
    {
        "Life": pl.Int64(),
        "Outcome": pl.Int8(),
        "Touch": pl.Int64(),
        "Touched": pl.Int8(),
        "Observed": pl.Int64(),
        "Filled": pl.Int64(),
    }
)
_FULL, _EXECUTED = "life:full", "life:executed"


def fate(name: str) -> pl.Expr:
    """A field of `order_fate`."""
    return pl.col(FATE).struct.field(name)


@analytic(grain="row", column=FATE, unit="", dtype=_FATE, table="l3", forward=True)
def order_fate() -> Carried:
    """How the order lives that a row enters; null on other rows. Times are nanoseconds from the entry.

    `Life` lasts until nothing of the order is displayed, or until it is lost from sight: at the last
    event of its listing's day, or when another order takes its id. `Outcome` is 1 when all that was
    displayed executed, 2 when it ended any other way, 0 when it was lost from sight (censored).
    `Touch` and `Touched` are the same up to the first execution: 1 executed, 2 ended untouched, 0
    censored untouched. `Observed` is how long the order would have been seen had it rested;
    `Filled` is the size that executed.

    Rows that enter orders wait until these end; kept are the rows of the orders that rest.
    """
    executed = pl.when(is_execution()).then(shares("ExecutionSize")).otherwise(0).cast(pl.Int64)
    reads = {**inputs(), _FULL: is_filled().fill_null(value=False), _EXECUTED: executed.fill_null(0)}
    return Carried(reads, _fated, is_late=True)


def _fated(pieces: Pieces, rows: pl.LazyFrame) -> Pieces:
    lives, last, seen, waiting = Lives(), LastEvents.of(rows), Seen.nothing(), None
    for piece in pieces:
        followed = lives.follow(piece)
        seen = seen.and_then(piece, followed)
        shown = piece.drop(*inputs(), _FULL, _EXECUTED)
        entered = shown[followed.entered]
        waiting = entered if waiting is None else pl.concat([waiting, entered])
        is_born = np.zeros(piece.height, np.bool_)
        is_born[followed.entered] = True
        others = shown.filter(~pl.Series(is_born, dtype=pl.Boolean)).with_columns(pl.lit(None, _FATE).alias(FATE))
        ended = ~followed.rests
        fates = seen.of(ended).fates(*_ends(piece, followed, ended), last)
        yield pl.concat([others, waiting.filter(pl.Series(ended, dtype=pl.Boolean)).with_columns(fates)])
        seen, waiting = seen.of(followed.rests), waiting.filter(pl.Series(followed.rests, dtype=pl.Boolean))
    if waiting is not None and waiting.height:
        until = last.of_listings(seen.listing)
        yield waiting.with_columns(seen.fates(until, np.full(until.size, CENSORED, np.int8), last))


def _ends(piece: pl.DataFrame, followed: Followed, ended: Truths) -> tuple[Longs, np.ndarray]:
    """When and how the *ended* lives end: with a row of the piece, lost from sight where they do not leave with it."""
    rows = followed.ends[ended]
    leaves, is_full = frozen(piece[KIND])[rows] == LEAVE, frozen(piece[_FULL])[rows]
    outcome = np.where(leaves, np.where(is_full, FILLED, CANCELLED), CENSORED).astype(np.int8)
    return frozen(piece[NANOS])[rows], outcome


@dataclass(frozen=True)
class LastEvents:
    """Time of the last event of each listing's day, in order of listings."""

    listings: Longs
    nanos: Longs

    @classmethod
    def of(cls, rows: pl.LazyFrame) -> LastEvents:
        """The last events of *rows*, which are read for it."""
        found = rows.group_by("ListingId").agg(pl.col(NANOS).max()).sort("ListingId").collect(engine="streaming")
        return cls(frozen(found["ListingId"].cast(pl.Int64)), frozen(found[NANOS]))

    def of_listings(self, listings: Longs) -> Longs:
        """The last event of each of *listings*."""
        found: Longs = self.nanos[np.searchsorted(self.listings, listings)]
        return found


@dataclass(frozen=True)
class Seen:
    """What has been seen of lives: when and where they were entered, their first execution (-1: none), and what executed."""

    listing: Longs
    born: Longs
    touch: Longs
    filled: Longs

    @classmethod
    def nothing(cls) -> Seen:
        """No lives."""
        return cls(*(np.empty(0, np.int64) for _ in range(4)))

    def of(self, which: Truths) -> Seen:
        """Some of the lives."""
        return Seen(self.listing[which], self.born[which], self.touch[which], self.filled[which])

    def and_then(self, piece: pl.DataFrame, followed: Followed) -> Seen:
        """What has been seen after the next piece, in which lives enter and execute."""
        now, rows = frozen(piece[NANOS]), followed.entered
        listing = np.append(self.listing, frozen(piece["ListingId"].cast(pl.Int64))[rows])
        touch, filled = np.append(self.touch, np.full(rows.size, -1)), np.append(self.filled, np.zeros(rows.size, np.int64))
        executed = frozen(piece[_EXECUTED])
        rows = np.flatnonzero((executed > 0) & (followed.of_row >= 0))[::-1]
        of_row = followed.of_row[rows]
        np.add.at(filled, of_row, executed[rows])
        first = touch[of_row] < 0
        touch[of_row[first]] = now[rows[first]]  # the last assignment stays, and rows go back: the first execution
        return Seen(listing, np.append(self.born, now[followed.entered]), touch, filled)

    def fates(self, end: Longs, outcome: np.ndarray, last: LastEvents) -> pl.Series:
        """`order_fate` of all lives, which end so."""
        life, until = end - self.born, last.of_listings(self.listing) - self.born
        is_touched = self.touch >= 0
        made = {
            "Life": life,
            "Outcome": outcome,
            "Touch": np.where(is_touched, self.touch - self.born, life),
            "Touched": np.where(is_touched, FILLED, outcome).astype(np.int8),
            "Observed": np.where(outcome == CENSORED, life, until),
            "Filled": self.filled,
        }
        return pl.DataFrame(made).to_struct(FATE)
