"""Cells: what values did in each bucket of each listing, put together from batches of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from basalt.core.holding.events import UNKNOWN, Bools, Events, Ints
from basalt.core.holding.sampling import Looks, Samples, slots_of
from basalt.core.holding.values import BEGIN, SINCE, UNTIL, Standing, dtype_of, kind_of

Floats = npt.NDArray[np.float64]
Phases = tuple[tuple[str, ...], tuple[str, ...]]
SUMS = ("area", "held", "total", "count")
_NUMERIC = ("area", "total", "min", "max", "moves", "samples")
_PICKED = ("first", "last", "entry", "exit")
_EXTREMES: Mapping[str, tuple[float, Any]] = {"min": (np.inf, np.minimum.reduceat), "max": (-np.inf, np.maximum.reduceat)}
Combine = Callable[[pl.Expr, pl.Expr, pl.Expr], pl.Expr]


def _begun(earlier: pl.Expr, fresh: pl.Expr, is_continued: pl.Expr) -> pl.Expr:
    return pl.when(is_continued).then(earlier).otherwise(fresh)


_COMBINED: Mapping[str, Combine] = {
    "min": lambda earlier, fresh, _: pl.min_horizontal(earlier, fresh),
    "max": lambda earlier, fresh, _: pl.max_horizontal(earlier, fresh),
    "first": lambda earlier, fresh, _: pl.coalesce(earlier, fresh),
    "last": lambda earlier, fresh, _: pl.coalesce(fresh, earlier),
    "entry": _begun,
    SINCE: _begun,
    BEGIN: _begun,
}


@dataclass(frozen=True)
class Cells:
    """The buckets of a batch, in order of listing and time.

    Attributes:
        events: The events.
        of: Cell of each event.
        starts, ends: First event of each cell, and the one after its last.
        heads: First cell of each listing.
        carried: Listings that were seen before; the first cell of each is its open one.
    """

    events: Events
    of: Ints
    starts: Ints
    ends: Ints
    heads: Ints
    carried: int

    @classmethod
    def among(cls, events: Events, carried: int) -> Cells:
        """The cells of *events*."""
        other = np.diff(events.codes, prepend=-1) != 0
        begins = other | (np.diff(events.labels, prepend=0) != 0)
        of = np.cumsum(begins) - 1
        starts = np.flatnonzero(begins)
        ends = np.append(starts[1:], events.codes.size)
        return cls(events, of, starts, ends, of[np.flatnonzero(other)], carried)

    @property
    def count(self) -> int:
        """Number of cells."""
        return int(self.starts.size)

    @property
    def open(self) -> Ints:
        """The last cell of each listing, which later rows may go on with."""
        return np.append(self.heads[1:], self.count) - 1

    @property
    def continued(self) -> Ints:
        """The first cell of each listing that was seen before."""
        return self.heads[: self.carried]

    @property
    def before(self) -> Ints:
        """The event before each cell's first one; -1 for the first cell of a listing."""
        found = self.starts - 1
        found[self.heads] = -1
        return found

    @cached_property
    def spans(self) -> tuple[Ints, Ints]:
        """Of each event, the time until the next one of its listing (0 for its last), and the cell of that next one."""
        times, codes = self.events.times, self.events.codes
        span, target = np.zeros(times.size, np.int64), self.of.copy()
        same = codes[1:] == codes[:-1]
        span[:-1] = np.where(same, times[1:] - times[:-1], 0)
        target[:-1] = np.where(same, self.of[1:], self.of[:-1])
        return span, target

    @property
    def is_new(self) -> Bools:
        """Events that earlier batches did not have."""
        found = np.ones(self.events.codes.size, np.bool_)
        found[self.starts[self.continued]] = False
        return found


@dataclass(frozen=True)
class Tallied:
    """What is kept of one value: columns by kind."""

    value: Standing
    columns: tuple[str, ...]

    def wants(self, *kinds: str) -> bool:
        """Whether any of *kinds* is kept."""
        return any(kind_of(column) in kinds for column in self.columns)


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
        self._positions: dict[tuple[str, Phases], pl.Expr] = {}

    def kept(self, tallied: Sequence[Tallied], values: pl.DataFrame, samples: Mapping[str, Samples], names: Sequence[str]) -> pl.DataFrame:
        """The columns of all values, one row a cell.

        Args:
            tallied: The values, and what is kept of each.
            values: Their values in each row of the batch, by name; null where there is none.
            samples: What is sampled of them, by column.
            names: Phases by their codes.
        """
        made = {SINCE: self._at(self.cells.before), BEGIN: self._at(self.cells.starts), UNTIL: self._at(self.cells.ends - 1)}
        picks: dict[str, pl.Expr] = {}
        for each in tallied:
            if each.value.is_phase:
                made |= {column: self._phase(kind_of(column), each, names) for column in each.columns}
            else:
                told = Told.of(each, values[each.value.name], self)
                for column in each.columns:
                    if kind_of(column) in _PICKED:
                        picks[column] = pl.col(each.value.name).gather(told.row(kind_of(column)))
                    else:
                        made[column] = self._number(column, told, samples)
        found = values.lazy().select(expr.alias(name) for name, expr in picks.items()).collect(engine="in-memory")
        fresh = pl.DataFrame(made).hstack(found) if picks else pl.DataFrame(made)
        return self._with_prior(fresh)

    def _at(self, positions: Ints) -> pl.Series:
        """Times of the events at *positions*; null at -1."""
        times = pl.Series(self.cells.events.times[positions])
        return times if (positions >= 0).all() else times.set(pl.Series(positions < 0), None)

    def _with_prior(self, fresh: pl.DataFrame) -> pl.DataFrame:
        """*fresh* put together with what open cells had, other than sums, which have it already."""
        if not self.cells.carried:
            return fresh
        index = np.full(self.cells.count, -1, np.int64)
        index[self.cells.continued] = np.arange(self.cells.carried)
        rows = pl.lit(nullable(index))
        names = [name for name in fresh.columns if _combined(name) is not None]
        earlier = self.prior.lazy().select(pl.col(names).gather(rows).name.prefix("earlier:")).collect(engine="in-memory")
        is_continued = pl.lit(pl.Series(index >= 0))
        combined = []
        for name in names:
            combine = _combined(name)
            assert combine is not None
            combined.append(combine(pl.col(f"earlier:{name}"), pl.col(name), is_continued).alias(name))
        return fresh.hstack(earlier).lazy().with_columns(combined).select(fresh.columns).collect(engine="in-memory")

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

    def row(self, kind: str, phases: Phases) -> pl.Expr:
        """The row of each cell at which values that are always known are picked."""
        if (kind, phases) not in self._positions:
            self._positions[kind, phases] = self.row_where(kind, self.counts[phases])
        return self._positions[kind, phases]

    def row_where(self, kind: str, counts: Bools) -> pl.Expr:
        """The row of each cell at which a value that *counts* after some events is picked."""
        at = self.position(kind, counts)
        return pl.lit(nullable(np.where(at >= 0, self.source[at], -1)))

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
        numbers: In the order of rows, 0 where it is not known; empty for what is no number.
        counts: Whether it counts and is known, by event.
        sum_counts: The same in the order of the sums.
        is_complete: It is known in every row.
    """

    tally: Tally
    phases: Phases
    dtype: pl.DataType
    numbers: Floats
    counts: Bools
    sum_counts: Bools
    is_complete: bool

    @classmethod
    def of(cls, each: Tallied, values: pl.Series, tally: Tally) -> Told:
        """*values* of *each*."""
        phases = (each.value.only, each.value.never)
        counts, sum_counts = tally.counts[phases], tally.sums.counts[phases]
        is_complete = values.null_count() == 0
        numbers = _floats(values) if each.wants(*_NUMERIC) else np.empty(0)
        if not is_complete:
            known = values.is_not_null().to_numpy()
            counts, sum_counts = counts & known[tally.source], sum_counts & tally.sums.taken(known)
            numbers = np.where(known, numbers, 0.0) if numbers.size else numbers
        return cls(tally, phases, values.dtype, numbers, counts, sum_counts, is_complete)

    def row(self, kind: str) -> pl.Expr:
        """The row of each cell at which the value is picked."""
        if self.is_complete or kind in ("entry", "exit"):
            return self.tally.row(kind, self.phases)
        return self.tally.row_where(kind, self.counts)


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
        np.multiply(weights, self.taken(told.numbers), out=terms[prior.len() :])
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


def nullable(positions: Ints) -> pl.Series:
    """*positions* as a series, -1 as null."""
    series = pl.Series("at", positions)
    return series if positions.size == 0 or positions.min() >= 0 else series.set(pl.Series(positions < 0), None)


def _combined(column: str) -> Combine | None:
    """How a column of an open cell goes on; None for what has the earlier part in it, or needs none."""
    return _COMBINED.get(column) or _COMBINED.get(kind_of(column))
