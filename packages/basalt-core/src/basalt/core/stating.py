"""Stating: measures of what stands from row to row, in three steps that compute can take apart.

rows → `follow` (cells: what happened in a bucket) → `filled` (buckets in which nothing did) → `stated` (values)
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import polars as pl

from basalt.core.bucketing import TIME_BUCKET, Clock
from basalt.core.cells import KEY
from basalt.core.declaring.analytics import Measure, part_column
from basalt.core.declaring.held import Held
from basalt.core.errors import InvalidValue
from basalt.core.facts import Piece
from basalt.core.holding.streaming import TIMES, hold
from basalt.core.holding.values import SINCE, UNTIL, kind_of
from basalt.core.plans import Query
from basalt.core.windowing import Windows, in_windows, spells, told_keys, windowed

_RUN = "held:run"
_ZERO = ("area", "held", "total", "count", "moves", "samples")
_LISTS = ("sigmas", "times", "windows", "spells")


def follow(rows: pl.LazyFrame, query: Query, phases: pl.LazyFrame | None, clock: Clock, pieces: Sequence[Piece] = ()) -> pl.LazyFrame:
    """The cells of a query's states: one row a listing and bucket in which something happened, in no order.

    Raises:
        InvalidValue: The slots of a measure do not fill the buckets.
    """
    built = [_held(measure) for measure in query.measures]
    values = {value.standing.name: value.standing for value in built}
    wanted = dict.fromkeys(name for value in built for name in value.wanted if name not in TIMES)
    wanted |= dict.fromkeys(_exit(name) for name in wanted if kind_of(name) == "entry")
    _refuse_slots(query.measures, wanted, clock)
    lists = [name for name in wanted if kind_of(name) in _LISTS]
    cells = hold(rows, query.time, clock, list(values.values()), [name for name in wanted if name not in lists], phases, pieces)
    for name in lists:
        if kind_of(name) == "spells":
            told = spells(rows, query.time, clock, values[name.rpartition(".")[0]], phases)
            cells = cells.join(told, on=told_keys(clock), how="left")
    for (of, slot, width), names in in_windows(lists).items():
        told = windowed(rows, query.time, clock, Windows(values[of], slot, width), phases)
        cells = cells.join(told.select(*told_keys(clock), *names), on=told_keys(clock), how="left")
    return cells


def _held(measure: Measure) -> Held:
    value = measure.build()
    assert isinstance(value, Held), measure
    return value


def _refuse_slots(measures: Sequence[Measure], wanted: Mapping[str, None], clock: Clock) -> None:
    for name in wanted:
        if kind_of(name) in ("moves", "sigmas"):
            where = next((measure.origin for measure in measures if name in _held(measure).wanted), None)
            if clock.is_event and kind_of(name) == "sigmas":
                raise InvalidValue("windows fill buckets, and rows at their own times have none", where=where, hint="give the pass buckets")
            lengths = [int(length) for length in name.rpartition(".")[2].split(":")[1:]]
            _refuse_lengths([*lengths, clock.nanos], str(clock), where)


def _refuse_lengths(lengths: Sequence[int], buckets: str, where: str | None) -> None:
    """Each length fills the next one, slots windows and windows buckets; 0 is none."""
    given = [length for length in lengths if length]
    for length, longer in itertools.pairwise(given):
        if longer % length:
            filled = buckets if longer == lengths[-1] else f"windows of {longer / 1e9:g} s"
            raise InvalidValue(
                f"slots of {length / 1e9:g} s do not fill {filled}",
                where=where,
                hint="choose a length that the longer one is a multiple of",
            )


def filled(cells: pl.LazyFrame) -> pl.LazyFrame:
    """*cells* in order of listing and bucket, where those in which nothing happened get what stood before them, and sums of 0.

    Args:
        cells: Rows of `follow` and others, whose columns of states are null.
    """
    names = [name for name in cells.collect_schema().names() if name.startswith("held:")]
    is_silent = pl.col(UNTIL).is_null()
    told = {name: pl.col(name).first().over(KEY, _RUN) for name in names if kind_of(name) == "exit" or name == UNTIL}
    silent: dict[str, pl.Expr] = dict(told)
    silent |= {name: told[_exit(name)] for name in names if kind_of(name) == "entry"}
    silent |= {SINCE: told[UNTIL]} if SINCE in names else {}
    silent |= {name: pl.lit(0) for name in names if kind_of(name) in _ZERO}  # also before the first event: nothing happened
    silent |= {name: pl.when(told[UNTIL].is_not_null()).then(pl.lit([])) for name in names if kind_of(name) in _LISTS}
    counted = cells.sort(KEY, TIME_BUCKET).with_columns((~is_silent).cum_sum().over(KEY).alias(_RUN))
    return counted.with_columns(pl.when(is_silent).then(value).otherwise(pl.col(name)).alias(name) for name, value in silent.items())


def _exit(entry: str) -> str:
    return entry.removesuffix("entry") + "exit"


def stated(measures: Sequence[Measure], clock: Clock) -> list[pl.Expr]:
    """The columns of *measures* and their parts, over cells."""
    edges = clock.edges(pl.col(TIME_BUCKET))
    found: list[pl.Expr] = []
    for measure in measures:
        value = _held(measure)
        found += [part.expr.alias(part_column(measure.column, name)) for name, part in value.parts.items()]
        finished = value.finish({**{name: part.expr for name, part in value.parts.items()}, **edges})
        dtype = measure.analytic.dtype
        found.append((finished if dtype is None else finished.cast(dtype)).alias(measure.column))
    return found


__all__ = ["filled", "follow", "stated"]
