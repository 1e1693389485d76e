"""Tallying: what values did in each cell of a batch of rows, put together with what earlier batches had of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from basalt.core.holding.cells import Cells, nullable
from basalt.core.holding.events import UNKNOWN, Bools, Floats, Ints, Places
from basalt.core.holding.picking import Picks
from basalt.core.holding.sampling import Looks, Samples, slots_of
from basalt.core.holding.summing import SUMS, Phases, Sums, as_floats, filled_floats
from basalt.core.holding.values import BEGIN, SINCE, UNTIL, Standing, dtype_of, kind_of

_PICKED = ("first", "last", "entry", "exit")
_EXTREMES: Mapping[str, tuple[float, Any]] = {"min": (np.inf, np.minimum), "max": (-np.inf, np.maximum)}
Combine = Callable[[pl.Expr, pl.Expr], pl.Expr]

_COMBINED: Mapping[str, Combine] = {
    "min": pl.min_horizontal,
    "max": pl.max_horizontal,
    "first": pl.coalesce,
    **dict.fromkeys(("last", "stands"), lambda earlier, fresh: pl.coalesce(fresh, earlier)),
    **dict.fromkeys(("entry", SINCE, BEGIN), lambda earlier, _: earlier),
}
"""How an open cell goes on, by kind or column; what is not here has the earlier part in it, or needs none."""


@dataclass(frozen=True)
class Tallied:
    """What is kept of one value: columns by kind."""

    value: Standing
    columns: tuple[str, ...]


class Tally:
    """What some values did over the cells of one batch.

    Args:
        cells: The cells.
        counts: Of each set of phases, whether its values count after each event.
        prior: What was kept of the open cells, one row a listing seen before.
        is_end: No more rows come.
    """

    def __init__(self, cells: Cells, counts: Mapping[Phases, Bools], prior: pl.DataFrame, *, is_end: bool) -> None:
        self.cells, self.counts, self.prior, self.is_end = cells, counts, prior, is_end
        self.source = cells.events.source
        self.sums = Sums(cells, counts)
        self._positions: dict[tuple[str, Phases], Ints] = {}
        self._standing: dict[Phases, pl.Series] = {}

    def kept(self, tallied: Sequence[Tallied], values: pl.DataFrame, samples: Mapping[str, Samples], names: Sequence[str]) -> pl.DataFrame:
        """The columns of all values, one row a cell.

        Args:
            tallied: The values, and what is kept of each.
            values: Their values in each row of the batch, by name; null where there is none.
            samples: What is sampled of them, by column.
            names: Phases by their codes.
        """
        made = {SINCE: self._at(self.cells.before), BEGIN: self._at(self.cells.starts), UNTIL: self._at(self.cells.ends)}
        picks = Picks(values, self.cells)
        for each in tallied:
            if each.value.is_phase:
                made |= {column: self._phase(kind_of(column), each, names) for column in each.columns}
                continue
            told = Told.of(each, values[each.value.name], self)
            for column in each.columns:
                if kind_of(column) in _PICKED:
                    is_entry = kind_of(column) == "entry"
                    rows = told.row("exit" if is_entry else kind_of(column))
                    picks.ask(column, told.values.name, rows, of_cell_before=is_entry)
                else:
                    made[column] = self._number(column, told, samples)
        return self._with_prior(made | picks.taken())

    def _at(self, positions: Ints | Places) -> pl.Series:
        """Times of the events at *positions*; null at -1."""
        times = pl.Series(self.cells.events.times[positions])
        return times if (positions >= 0).all() else times.set(pl.Series(positions < 0), None)

    def _with_prior(self, fresh: Mapping[str, pl.Series]) -> pl.DataFrame:
        """*fresh* put together with what open cells had, other than sums, which have it already."""
        frame = pl.DataFrame(fresh)
        combined = {name: combine for name in fresh if (combine := _combined(name)) and not _is_whole(name, fresh[name])}
        if not self.cells.carried or not combined:
            return frame
        at = pl.Series("at", self.cells.continued)
        both = self.prior.select(pl.col(list(combined)).name.prefix("earlier:")).hstack(frame.select(list(combined))[at])
        told = both.select(combine(pl.col(f"earlier:{name}"), pl.col(name)).alias(name) for name, combine in combined.items())
        return frame.with_columns(frame[name].clone().scatter(at, told[name]) for name in combined)

    # ------------------------------------------------------------ numbers

    def _number(self, column: str, told: Told, samples: Mapping[str, Samples]) -> pl.Series:
        kind = kind_of(column)
        if kind == "stands":
            return self._stands(told)
        if kind in SUMS:
            summed = self.sums.added(kind, told.phases, told.values, None if told.is_complete else told.counts, self.prior[column])
        elif kind in _EXTREMES:
            worst, better = _EXTREMES[kind]
            reduced = np.full(self.cells.count, worst)
            better.at(reduced, self.cells.events.of, np.where(told.counts, told.numbers[self.source], worst))
            summed = pl.Series(reduced).set(pl.Series(reduced == worst), None)
        else:
            summed = self._sampled(column, samples[column], told)
        return summed.cast(dtype_of(kind, told.dtype))

    def _stands(self, told: Told) -> pl.Series:
        """Whether there is a value after the last event that counts; the same series for values that are always known."""
        rows = self.row("last", told.phases)
        if not told.is_complete:
            return told.values.is_not_null().gather(nullable(rows))
        if told.phases not in self._standing:
            self._standing[told.phases] = nullable(rows) >= 0
        return self._standing[told.phases]

    def _sampled(self, column: str, samples: Samples, told: Told) -> pl.Series:
        events, cells = self.cells.events, self.cells
        looked = cells.is_new & (told.counts | ~self.counts[told.phases])
        values = np.where(told.counts, told.numbers[self.source], np.nan)[looked]
        slots = slots_of(events.times[looked], samples.slot, samples.closed)
        of = events.of[looked]
        looks = Looks(cells.codes[of], slots, values, of)
        unfinished = np.full_like(cells.open, -1) if self.is_end else cells.open
        return pl.Series(samples.added(looks, cells.continued, as_floats(self.prior[column]), unfinished, cells.count))

    # ------------------------------------------------------------ places

    def _phase(self, kind: str, each: Tallied, names: Sequence[str]) -> pl.Series:
        """The phase itself at the picked event of each cell."""
        phases = self.cells.events.phases
        at = self.position(kind, self.counts[each.value.only, each.value.never] & (phases != UNKNOWN))
        return pl.Series(list(names), dtype=pl.String).gather(nullable(np.where(at >= 0, phases[at], UNKNOWN)))

    def row(self, kind: str, phases: Phases) -> Ints:
        """The row of each cell at which values that are always known are picked; the same array for the same rows."""
        counts = self.counts[phases]
        told = "exit" if kind == "last" and counts.all() else kind
        if (told, phases) not in self._positions:
            self._positions[told, phases] = self.row_where(told, counts)
        return self._positions[told, phases]

    def row_where(self, kind: str, counts: Bools) -> Ints:
        """The row of each cell at which a value that *counts* after some events is picked; -1 where there is none."""
        at = self.position(kind, counts)
        return np.where(at >= 0, self.source[at], -1)

    def position(self, kind: str, counts: Bools) -> Ints:
        """The event of each cell at which a value is picked; -1 where there is none."""
        if kind in ("entry", "exit"):
            at = self.cells.before if kind == "entry" else self.cells.ends
            return np.where((at >= 0) & counts[at], at, -1)
        found, counted = np.full(self.cells.count, -1), np.flatnonzero(counts)
        placed = counted[::-1] if kind == "first" else counted  # of several events of a cell the one placed last stays
        found[self.cells.events.of[placed]] = placed
        return found


@dataclass(frozen=True)
class Told:
    """One value over a batch.

    Attributes:
        tally: The tally that it is part of.
        phases: Phases in which it counts.
        dtype: Its type.
        values: The values in the order of rows, null where there is none.
        counts: Whether it counts and is known, by event.
        is_complete: It is known in every row.
    """

    tally: Tally
    phases: Phases
    values: pl.Series
    counts: Bools
    is_complete: bool

    @classmethod
    def of(cls, each: Tallied, values: pl.Series, tally: Tally) -> Told:
        """*values* of *each*."""
        phases = (each.value.only, each.value.never)
        counts = tally.counts[phases]
        is_complete = values.null_count() == 0
        if not is_complete:
            counts = counts & values.is_not_null().to_numpy()[tally.source]
        return cls(tally, phases, values, counts, is_complete)

    @property
    def dtype(self) -> pl.DataType:
        """Its type."""
        return self.values.dtype

    @cached_property
    def numbers(self) -> Floats:
        """The values as numbers, 0 where there is none."""
        return filled_floats(self.values)

    def row(self, kind: str) -> Ints:
        """The row of each cell at which the value is picked; -1 where there is none."""
        if self.is_complete or kind in ("entry", "exit"):
            return self.tally.row(kind, self.phases)
        return self.tally.row_where(kind, self.counts)


def _combined(column: str) -> Combine | None:
    return _COMBINED.get(column) or _COMBINED.get(kind_of(column))


def _is_whole(column: str, fresh: pl.Series) -> bool:
    """Whether what a cell had before makes no difference."""
    return kind_of(column) in ("last", "stands") and not fresh.null_count()
