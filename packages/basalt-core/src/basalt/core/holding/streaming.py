"""Streaming: rows in batches, each put on top of what the listings had before, closed buckets given out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from basalt.core.bucketing import TIME_BUCKET, Clock
from basalt.core.cells import KEY
from basalt.core.facts import Piece
from basalt.core.holding.cells import Cells, divided, nullable
from basalt.core.holding.events import UNKNOWN, Bools, Changes, Events, Ints, Phases
from basalt.core.holding.sampling import Samples
from basalt.core.holding.tallying import Tallied, Tally
from basalt.core.holding.values import BEFORE, BEGIN, PHASE_COLUMN, SINCE, UNTIL, Standing, dtype_of, kind_of
from basalt.core.holding.windows import read_ahead, windows

_TIME, _LABEL = "held:time", "held:label"
TIMES = (SINCE, BEGIN, UNTIL)

_DENSE = 4_000_000
"""Widest range of ids that a table of all of them is made for."""


def hold(
    rows: pl.LazyFrame,
    time: str,
    clock: Clock,
    values: Sequence[Standing],
    wanted: Sequence[str],
    phases: pl.LazyFrame | None = None,
    pieces: Sequence[Piece] = (),
) -> pl.LazyFrame:
    """What *values* did in each bucket in which something happened.

    Args:
        rows: Events; `ListingId`, the clock column and what the values read; each listing's in order.
        time: The clock column, Datetime ns.
        clock: Buckets; daily ones need the column `Date` in *rows* and *phases*.
        values: What is followed.
        wanted: Columns to make: `<value>.<kind>` with the kinds of `values.KINDS`; moves and samples
            with the length of a slot in ns: `<value>.moves:1000000000`.
        phases: Changes of phase: `ListingId`, `EventTimestamp`, `MarketState`, each listing's in order. A
            row's own `MarketState` counts where they tell nothing.
        pieces: What the files of *rows* consist of, where it is known.

    Returns:
        One row a listing and bucket with a row or a change of phase after the first row: `ListingId`,
        `TimeBucket`, `held:event.since`, `.begin`, `.until` and *wanted*; a listing's buckets in order.

    Raises:
        UnsortedInput: While it is computed, when a listing's rows go back in time.
    """
    types = _types(rows, values)
    schema = _schema(rows.collect_schema()[KEY], types, wanted)

    def batches(columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, _: int | None) -> Iterator[pl.DataFrame]:
        kept = [column for column in wanted if columns is None or predicate is not None or column in columns]
        stream = _Stream(time, clock, values, kept, schema, types, _changes(phases, clock))
        for frame in stream.cells(windows(rows, time, pieces)):
            asked = frame if predicate is None else frame.filter(predicate)
            asked = asked if columns is None else asked.select(columns)
            yield asked if limit is None else asked.head(limit)
            limit = None if limit is None else max(0, limit - asked.height)

    return register_io_source(batches, schema=schema)


def _types(rows: pl.LazyFrame, values: Sequence[Standing]) -> Mapping[str, pl.DataType]:
    """Type of each value."""
    stored = rows.collect_schema()
    around = pl.LazyFrame(schema={**stored, **{BEFORE + name: dtype for name, dtype in stored.items()}, PHASE_COLUMN: pl.String()})
    return around.select(value.expr.alias(value.name) for value in values).collect_schema() if values else {}


def _schema(key: pl.DataType, types: Mapping[str, pl.DataType], wanted: Sequence[str]) -> dict[str, pl.DataType]:
    told = {column: dtype_of(kind_of(column), types[column.rpartition(".")[0]]) for column in wanted}
    return {KEY: key, TIME_BUCKET: pl.Datetime("ns"), **dict.fromkeys(TIMES, pl.Int64()), **told}


def _changes(phases: pl.LazyFrame | None, clock: Clock) -> tuple[Changes, list[str]]:
    """Changes of phase, and the phases by their codes."""
    if phases is None:
        return Changes(), []
    time = pl.col("EventTimestamp")
    frame = phases.select(KEY, time.cast(pl.Int64).alias(_TIME), clock.label(time).cast(pl.Int64).alias(_LABEL), PHASE_COLUMN).collect()
    names = frame[PHASE_COLUMN].unique().drop_nulls().sort().to_list()
    frame = frame.with_columns(_codes(names)).sort(KEY, _TIME, maintain_order=True)
    ends = np.cumsum((sizes := frame.group_by(KEY, maintain_order=True).len())["len"].to_numpy()).tolist()
    places = dict(zip(sizes[KEY], zip([0, *ends], ends, strict=False), strict=True))
    times, labels, codes = (frame[name].to_numpy() for name in (_TIME, _LABEL, PHASE_COLUMN))
    return Changes(times, labels, codes, places), names


def _codes(names: Sequence[str]) -> pl.Expr:
    return pl.col(PHASE_COLUMN).replace_strict(list(names), range(len(names)), default=UNKNOWN, return_dtype=pl.Int64)


class _Stream:
    """The state of the listings while rows go by."""

    def __init__(
        self,
        time: str,
        clock: Clock,
        values: Sequence[Standing],
        wanted: Sequence[str],
        schema: Mapping[str, pl.DataType],
        types: Mapping[str, pl.DataType],
        told: tuple[Changes, list[str]],
    ) -> None:
        self.time, self.clock, self.schema, self.types = time, clock, schema, types
        self.listings: list[int] = []
        self.phases, self.names = Phases(told[0]), told[1]
        self.tallied = [Tallied(each, found) for each in values if (found := _of(each, wanted))]
        self.samples = {column: self._chain(column) for column in wanted if kind_of(column) in ("moves", "samples")}
        exprs = {each.value.name: self._defined(each.value) for each in self.tallied if not each.value.is_phase}
        self._later = {name: expr for name, expr in exprs.items() if self._is_later(expr)}
        self._at_once = {name: expr for name, expr in exprs.items() if name not in self._later}
        self._earlier = dict.fromkeys(name for expr in self._later.values() for name in expr.meta.root_names() if name.startswith(BEFORE))
        self.carry: pl.DataFrame | None = None
        self.prior = pl.DataFrame(schema={name: dtype for name, dtype in schema.items() if name in (*TIMES, *wanted)})

    def _chain(self, column: str) -> Samples:
        return Samples(int(column.rpartition(":")[2]), self.clock.closed, kind_of(column) == "samples")

    def cells(self, spans: Iterator[pl.LazyFrame]) -> Iterator[pl.DataFrame]:
        """Closed cells, batch by batch; the open ones at the end."""
        for batch in read_ahead(self._labelled(rows) for rows in spans):
            if batch.height:
                yield self._fed(batch)
        yield self._closed()

    def _labelled(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """The values in each row, as far as they are of this row alone; columns that others are made of, and time and bucket."""
        names = rows.collect_schema().names()
        reads = {name.removeprefix(BEFORE) for expr in self._later.values() for name in expr.meta.root_names()}
        own = [PHASE_COLUMN] if PHASE_COLUMN in names else []
        time = pl.col(self.time)
        return rows.select(
            KEY,
            *(reads.intersection(names) - {KEY, PHASE_COLUMN}),
            *own,
            time.cast(pl.Int64).alias(_TIME),
            self.clock.label(time).cast(pl.Int64).alias(_LABEL),
            *(expr.alias(name) for name, expr in self._at_once.items()),
        )

    # ------------------------------------------------------------ one batch

    def _fed(self, rows: pl.DataFrame) -> pl.DataFrame:
        carried = len(self.listings)
        frame = rows if self.carry is None else pl.concat([self.carry, rows], how="diagonal")
        codes = self._coded(frame[KEY])
        cells = self._divided(frame, codes, carried, is_end=False)
        frame = self._with_earlier(frame, cells.events)
        kept = self._kept(frame, cells, is_end=False)
        self.carry = frame[cells.events.source[cells.ends[cells.open]]]
        self.prior = kept[cells.open].select(self.prior.columns)
        is_open = np.zeros(cells.count, np.bool_)
        is_open[cells.open] = True
        return kept.filter(~pl.Series(is_open)).select(self.schema.keys())

    def _closed(self) -> pl.DataFrame:
        """The open cells, and those of changes of phase after the last rows."""
        if self.carry is None:
            return pl.DataFrame(schema=self.schema)
        frame = self.carry
        cells = self._divided(frame, np.arange(frame.height), frame.height, is_end=True)
        return self._kept(frame, cells, is_end=True).select(self.schema.keys())

    def _divided(self, frame: pl.DataFrame, codes: Ints, carried: int, *, is_end: bool) -> Cells:
        times, labels = frame[_TIME].to_numpy(), frame[_LABEL].to_numpy()
        return divided(codes, times, labels, lambda: self._own(frame), carried, self.phases, self.listings, is_end=is_end)

    def _coded(self, listings: pl.Series) -> Ints:
        """Codes of *listings*, new ones in the order in which they come."""
        known = set(self.listings)
        fresh = [listing for listing in listings.unique(maintain_order=True).to_list() if listing not in known]
        self.listings += fresh
        self.phases.welcome(fresh)
        for each in self.samples.values():
            each.welcome(len(self.listings))
        return _positions(np.array(self.listings), listings.to_numpy())

    def _own(self, frame: pl.DataFrame) -> Ints | None:
        """Code of the phase that each row tells itself."""
        if PHASE_COLUMN not in frame.columns:
            return None
        told = frame[PHASE_COLUMN].unique().drop_nulls().sort().to_list()
        self.names += [name for name in told if name not in self.names]
        return frame.select(_codes(self.names)).to_series().to_numpy()

    # ------------------------------------------------------------ values

    def _kept(self, frame: pl.DataFrame, cells: Cells, *, is_end: bool) -> pl.DataFrame:
        counts: dict[tuple[tuple[str, ...], tuple[str, ...]], Bools] = {}
        for each in self.tallied:
            phases = (each.value.only, each.value.never)
            if phases not in counts:
                counts[phases] = self._counts(each.value, cells.events)
        tally = Tally(cells, counts, self.prior, is_end=is_end)
        kept = tally.kept(self.tallied, self._values(frame), self.samples, self.names)
        listings = np.array(self.listings)[cells.codes]
        keys = [
            pl.Series(KEY, listings, self.schema[KEY]),
            pl.Series(TIME_BUCKET, cells.labels).cast(pl.Datetime("ns")),
        ]
        missing = [pl.lit(None, dtype).alias(name) for name, dtype in self.schema.items() if name not in kept.columns]
        return kept.with_columns(*keys, *(each for each in missing if each.meta.output_name() not in (KEY, TIME_BUCKET)))

    def _counts(self, value: Standing, events: Events) -> Bools:
        """Whether the phase after each event is one in which *value* counts."""
        if value.only:
            counts = [False, *(name in value.only for name in self.names)]
        else:
            counts = [True, *(name not in value.never for name in self.names)]
        found: Bools = np.array(counts)[events.phases + 1]
        return found

    def _values(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The values in each row; the phase is none of them, it changes without a row."""
        if not self._later:
            return frame.select(*self._at_once)
        later = (expr.alias(name) for name, expr in self._later.items())
        return frame.lazy().select(*self._at_once, *later).collect(engine="in-memory")

    @staticmethod
    def _is_later(expr: pl.Expr) -> bool:
        """Whether a value is made of the row before, too."""
        return any(name.startswith(BEFORE) for name in expr.meta.root_names())

    def _defined(self, value: Standing) -> pl.Expr:
        """*value*, null where it is no number."""
        return value.expr if value.expr.meta.is_column() or not self.types[value.name].is_float() else value.expr.fill_nan(None)

    def _with_earlier(self, frame: pl.DataFrame, events: Events) -> pl.DataFrame:
        """*frame* with the columns of the row before, as far as values read them; carried rows have theirs."""
        if not self._earlier:
            return frame
        rows = np.flatnonzero(events.is_row)
        place, previous = np.full(frame.height, -1, np.int64), events.previous[rows]
        place[events.source[rows]] = np.where(previous >= 0, events.source[previous], -1)
        index = nullable(place)
        gathered = {name: frame[name.removeprefix(BEFORE)].gather(index) for name in self._earlier}
        known = [pl.coalesce(found, pl.col(name)) if name in frame.columns else found for name, found in gathered.items()]
        return frame.with_columns(expr.alias(name) for name, expr in zip(self._earlier, known, strict=True))


def _positions(known: Ints, wanted: Ints) -> Ints:
    """Position of each of *wanted* in *known*, which has them all."""
    low, high = int(known.min()), int(known.max())
    if high - low < _DENSE:
        places = np.zeros(high - low + 1, np.int64)
        places[known - low] = np.arange(known.size)
        return places[wanted - low]
    order = np.argsort(known)
    found: Ints = order[np.searchsorted(known, wanted, sorter=order)]
    return found


def _of(value: Standing, wanted: Sequence[str]) -> tuple[str, ...]:
    return tuple(column for column in wanted if column.rpartition(".")[0] == value.name)
