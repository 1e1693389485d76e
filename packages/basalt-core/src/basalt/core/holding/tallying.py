"""Tallying: what values did in each cell of a batch of rows, put together with what earlier batches had of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from basalt.core.holding.cells import Cells, nullable
from basalt.core.holding.events import UNKNOWN, Bools, Ints
from basalt.core.holding.sampling import Looks, Samples, slots_of
from basalt.core.holding.values import BEGIN, SINCE, UNTIL, Standing, dtype_of, kind_of

Floats = npt.NDArray[np.float64]
Phases = tuple[tuple[str, ...], tuple[str, ...]]
SUMS = ("area", "held", "total", "count")
_PICKED = ("first", "last", "entry", "exit")
_EXTREMES: Mapping[str, tuple[float, Any]] = {"min": (np.inf, np.minimum.reduceat), "max": (-np.inf, np.maximum.reduceat)}
Combine = Callable[[pl.Expr, pl.Expr], pl.Expr]

_COMBINED: Mapping[str, Combine] = {
    "min": pl.min_horizontal,
    "max": pl.max_horizontal,
    "first": pl.coalesce,
    "last": lambda earlier, fresh: pl.coalesce(fresh, earlier),
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
        self.sums = Sums.of(cells, counts)
        self._positions: dict[tuple[str, Phases], Ints] = {}

    def kept(self, tallied: Sequence[Tallied], values: pl.DataFrame, samples: Mapping[str, Samples], names: Sequence[str]) -> pl.DataFrame:
        """The columns of all values, one row a cell.

        Args:
            tallied: The values, and what is kept of each.
            values: Their values in each row of the batch, by name; null where there is none.
            samples: What is sampled of them, by column.
            names: Phases by their codes.
        """
        made = {SINCE: self._at(self.cells.before), BEGIN: self._at(self.cells.starts), UNTIL: self._at(self.cells.ends - 1)}
        picks = Picks(values, self.cells)
        for each in tallied:
            if each.value.is_phase:
                made |= {column: self._phase(kind_of(column), each, names) for column in each.columns}
                continue
            told = Told.of(each, values[each.value.name], self)
            for column in each.columns:
                if kind_of(column) in _PICKED:
                    picks.ask(column, told)
                else:
                    made[column] = self._number(column, told, samples)
        return self._with_prior(made | picks.taken())

    def _at(self, positions: Ints) -> pl.Series:
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
        if kind in SUMS:
            summed = self.sums.added(kind, told, self.prior[column])
        elif kind in _EXTREMES:
            worst, reduce = _EXTREMES[kind]
            reduced = reduce(np.where(told.counts, told.numbers[self.source], worst), self.cells.starts)
            summed = pl.Series(reduced).set(pl.Series(reduced == worst), None)
        else:
            summed = self._sampled(column, samples[column], told)
        return summed.cast(dtype_of(kind, told.dtype))

    def _sampled(self, column: str, samples: Samples, told: Told) -> pl.Series:
        events, cells = self.cells.events, self.cells
        looked = cells.is_new & (told.counts | ~self.counts[told.phases])
        values = np.where(told.counts, told.numbers[self.source], np.nan)[looked]
        slots = slots_of(events.times[looked], samples.slot, samples.closed)
        looks = Looks(events.codes[looked], slots, values, cells.of[looked])
        unfinished = np.full_like(cells.open, -1) if self.is_end else cells.open
        return pl.Series(samples.added(looks, cells.continued, _floats(self.prior[column]), unfinished, cells.count))

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
            at = self.cells.before if kind == "entry" else self.cells.ends - 1
            return np.where((at >= 0) & counts[at], at, -1)
        size = counts.size
        if kind == "first":
            found = np.minimum.reduceat(np.where(counts, np.arange(size), size), self.cells.starts)
            return np.where(found < size, found, -1)
        return np.maximum.reduceat(np.where(counts, np.arange(size), -1), self.cells.starts)


@dataclass(frozen=True)
class Told:
    """One value over a batch.

    Attributes:
        tally: The tally that it is part of.
        phases: Phases in which it counts.
        dtype: Its type.
        values: The values in the order of rows, null where there is none.
        counts: Whether it counts and is known, by event.
        sum_counts: The same in the order of the sums.
        is_complete: It is known in every row.
    """

    tally: Tally
    phases: Phases
    values: pl.Series
    counts: Bools
    sum_counts: Bools
    is_complete: bool

    @classmethod
    def of(cls, each: Tallied, values: pl.Series, tally: Tally) -> Told:
        """*values* of *each*."""
        phases = (each.value.only, each.value.never)
        counts, sum_counts = tally.counts[phases], tally.sums.counts[phases]
        is_complete = values.null_count() == 0
        if not is_complete:
            known = values.is_not_null().to_numpy()
            counts, sum_counts = counts & known[tally.source], sum_counts & tally.sums.taken(known)
        return cls(tally, phases, values, counts, sum_counts, is_complete)

    @property
    def dtype(self) -> pl.DataType:
        """Its type."""
        return self.values.dtype

    @cached_property
    def numbers(self) -> Floats:
        """The values as numbers, 0 where there is none."""
        return _floats(self.values.fill_null(0) if self.values.dtype != pl.Boolean else self.values.fill_null(value=False))

    @property
    def chunks(self) -> Iterator[Floats]:
        """`numbers` piece by piece, in memory that is there as far as possible."""
        if self.is_complete:
            yield from (_floats(chunk) for chunk in self.values.get_chunks())
        else:
            yield self.numbers

    def row(self, kind: str) -> Ints:
        """The row of each cell at which the value is picked; -1 where there is none."""
        if self.is_complete or kind in ("entry", "exit"):
            return self.tally.row(kind, self.phases)
        return self.tally.row_where(kind, self.counts)


class Picks:
    """Values at single events of cells, each column of rows taken once.

    What stood before a cell is what stood after the cell before, and what stood last after all events that count is what
    stands at the end.
    """

    def __init__(self, values: pl.DataFrame, cells: Cells) -> None:
        self.values, self.cells = values, cells
        self._rows: dict[int, Ints] = {}
        self._names: dict[int, dict[str, str]] = {}
        self._asked: dict[str, tuple[str, bool]] = {}

    def ask(self, column: str, told: Told) -> None:
        """Take a value as *column*."""
        is_entry, name = kind_of(column) == "entry", told.values.name
        rows = told.row("exit" if is_entry else kind_of(column))
        self._rows[id(rows)] = rows
        alias = self._names.setdefault(id(rows), {}).setdefault(name, f"{name}:{id(rows)}")
        self._asked[column] = (alias, is_entry)

    def taken(self) -> dict[str, pl.Series]:
        """The columns asked for; what stood before the first cell of a listing is null."""
        found = {series.name: series for key, rows in self._rows.items() for series in self._at(rows, self._names[key])}
        entries = dict.fromkeys(name for name, is_entry in self._asked.values() if is_entry)
        before = pl.Series("before", np.maximum(np.arange(self.cells.count, dtype=np.uint32), 1) - 1)
        heads = pl.Series("heads", self.cells.heads)
        entered = {name: found[name].gather(before).scatter(heads, None) for name in entries}
        return {column: (entered if is_entry else found)[name] for column, (name, is_entry) in self._asked.items()}

    def _at(self, rows: Ints, names: Mapping[str, str]) -> list[pl.Series]:
        """The values of some columns in *rows*; those of carried rows, which lie in memory of their own, put between the others."""
        carried = self.cells.carried
        fresh = _gathered(self.values.slice(carried), names, np.maximum(rows - carried, -1))
        if not ((rows >= 0) & (rows < carried)).any():
            return fresh.get_columns()
        known = _gathered(self.values.head(carried), names, np.where(rows < carried, rows, -1))
        return [pl.select(pl.coalesce(one, other)).to_series() for one, other in zip(fresh, known, strict=True)]


def _gathered(values: pl.DataFrame, names: Mapping[str, str], rows: Ints) -> pl.DataFrame:
    """Some columns of *values* under their new names in *rows*, null at -1."""
    at = pl.lit(nullable(rows))
    taken = [pl.col(name).gather(at).alias(alias) for name, alias in names.items()]
    return values.lazy().select(taken).collect(engine="in-memory")


@dataclass(frozen=True)
class Sums:
    """What sums over events are made with, in the order of rows where every event is a row.

    Attributes:
        cells: The cells.
        index: Row of each event; None: the events stand in the order of rows.
        span, target: Time until the next event, ns, and the cell of that event.
        cell: Cell of the event.
        is_row: The event is a row that earlier batches did not have.
        counts: Of each set of phases, whether its values count.
        totals, bins: What several values share, once it was made.
    """

    cells: Cells
    index: Ints | None
    span: Floats
    target: Ints
    cell: Ints
    is_row: Bools
    counts: dict[Phases, Bools] = field(default_factory=dict)
    totals: dict[tuple[str, Phases], Floats] = field(default_factory=dict)
    bins: dict[str, Ints] = field(default_factory=dict)

    @classmethod
    def of(cls, cells: Cells, counts: Mapping[Phases, Bools]) -> Sums:
        """Ready for sums over *cells*; *counts* says of each event whether values count in its phase."""
        events = cells.events
        span, target = cells.spans
        index = events.source if events.has_changes else None
        place = None if events.has_changes else events.source
        arrays = (span.astype(np.float64), target, cells.of, cells.is_new & events.is_row)
        ordered = {phases: _scattered(counted, place) for phases, counted in counts.items()}
        span_in_ns, target, cell, is_row = (_scattered(each, place) for each in arrays)
        return cls(cells, index, span_in_ns, target, cell, is_row, ordered)

    def taken(self, by_row: Any) -> Any:
        """*by_row* in the order of the sums."""
        return by_row if self.index is None else by_row[self.index]

    def added(self, kind: str, told: Told, prior: pl.Series) -> pl.Series:
        """Sums by cell, each one term after the other in the order of events, as if there were one batch.

        Times and counts are whole numbers, whose order does not matter: values that are known in every row share theirs.
        """
        if kind in ("held", "count"):
            found = (self._shared(kind, told.phases) if told.is_complete else self._counted(kind, told.sum_counts)).copy()
            found[self.cells.continued] += _floats(prior)
            return pl.Series(found)
        in_time = kind == "area"
        weights = self._weights(kind, told.phases) if told.is_complete else self._weighed(kind, told.sum_counts)
        terms = np.empty(prior.len() + weights.size)
        terms[: prior.len()] = _floats(prior)
        done = 0
        for numbers in told.chunks if self.index is None else (told.numbers[self.index],):
            until = done + numbers.size
            np.multiply(weights[done:until], numbers, out=terms[prior.len() + done : prior.len() + until])
            done = until
        return pl.Series(np.bincount(self._bins(is_in_time=in_time), terms, self.cells.count))

    def _shared(self, kind: str, phases: Phases) -> Floats:
        if (kind, phases) not in self.totals:
            self.totals[kind, phases] = self._counted(kind, self.counts[phases])
        return self.totals[kind, phases]

    def _counted(self, kind: str, counts: Bools) -> Floats:
        weights = self._weighed("area" if kind == "held" else "total", counts)
        target = self.target if kind == "held" else self.cell
        return np.bincount(target, weights, self.cells.count).astype(np.float64, copy=False)

    def _weights(self, kind: str, phases: Phases) -> Floats:
        if (f"{kind} weights", phases) not in self.totals:
            self.totals[f"{kind} weights", phases] = self._weighed(kind, self.counts[phases])
        return self.totals[f"{kind} weights", phases]

    def _weighed(self, kind: str, counts: Bools) -> Floats:
        """What each event's value is multiplied with."""
        return np.where(counts, self.span, 0.0) if kind == "area" else (counts & self.is_row).astype(np.float64)

    def _bins(self, *, is_in_time: bool) -> Ints:
        name = "time" if is_in_time else "rows"
        if name not in self.bins:
            self.bins[name] = np.concatenate([self.cells.continued, self.target if is_in_time else self.cell])
        return self.bins[name]


def _scattered(values: Any, place: Ints | None) -> Any:
    """*values* of events at the *place* of their rows."""
    if place is None:
        return values
    found = np.empty_like(values)
    found[place] = values
    return found


def _floats(values: pl.Series) -> Floats:
    found: Floats = values.to_numpy().astype(np.float64, copy=False)
    return found


def _combined(column: str) -> Combine | None:
    return _COMBINED.get(column) or _COMBINED.get(kind_of(column))


def _is_whole(column: str, fresh: pl.Series) -> bool:
    """Whether what a cell had before makes no difference."""
    return kind_of(column) == "last" and not fresh.null_count()
