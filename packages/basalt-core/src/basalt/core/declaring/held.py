"""Held values: states that stand until the next row, reduced over the time of a bucket.

A formula of grain `state` returns `held(value, reduction)`: *value* is elementwise over the columns of
a row (and, with `before`, of the row before it), *reduction* says what is made of it in a bucket. The state
that stood before a bucket is carried in, what stands at its end is carried on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import polars as pl

from basalt.core.declaring.rollups import First, Gathered, Last, Max, Min, Rollup, Sum
from basalt.core.declaring.rows import RowFilter, all_of
from basalt.core.declaring.values import Composite, Part, identity, safe_divide
from basalt.core.holding.values import BEGIN, PHASE_COLUMN, SINCE, UNTIL, Standing

Reduction = Literal[
    "Last",
    "LastKnown",
    "TWA",
    "Median",
    "Min",
    "Max",
    "Mean",
    "Sum",
    "Count",
    "First",
    "EventFirst",
    "EventLast",
    "EventMin",
    "EventMax",
    "Coverage",
    "Rate",
]
"""What is made of a state in a bucket.

`Last`: what stands after the last event that counts, null where that is nothing. `LastKnown`: the last value that stood,
whatever came after it. `TWA`: the mean over the time in which it stood. `Median`: the value that stood at most
half of that time higher and at most half of it lower, the mean of both where two do. `First`, `Min`, `Max`: the
first, smallest and largest value that stood, the one carried in included. `EventFirst` … `EventMax`: the same
of what rows and phases of the bucket brought, nothing carried in. `Mean`, `Sum`, `Count`: over the rows of the
bucket. `Coverage`: the share of the bucket in which it stood. `Rate`: the sum a second of that time.
"""

START, END, IS_RIGHT = "start", "end", "is_right"
"""Names under which a finish finds the edges of its bucket (ns), and whether its end belongs to it."""

WindowReduction = Literal["Min", "Max", "Mean", "Median", "Std", "Last", "TWMean", "TWStd"]
"""What is made of windows in a bucket; `TWMean` and `TWStd` weight each with the time in which the value stood in it."""

Parts = Mapping[str, pl.Expr]


@dataclass(frozen=True)
class OverTime(Rollup):
    """The spans of the fine buckets, and what stood between them, put together; exact along the time of a listing."""

    name = "put together over time"
    along_time: ClassVar[bool] = True


NOTHING = Standing("", pl.lit(None))


@dataclass(frozen=True)
class Held(Composite):
    """A state reduced over a bucket.

    Attributes:
        standing: What is followed.
        reduction: What is made of it, in words.
    """

    standing: Standing = NOTHING
    reduction: str = ""

    def where(self, rows: RowFilter) -> Held:
        """The same of the rows of a config entry: in its phases only, and where its columns have the values it says."""
        if rows.is_empty:
            return self
        condition = all_of(RowFilter(attributes=rows.attributes).expr())
        expr = self.standing.expr if condition is None else pl.when(condition).then(self.standing.expr)
        reduction = "LastKnown" if self.reduction == "Last" and condition is not None else self.reduction  # the last row that counts
        return _MAKERS[reduction](_standing(expr, rows.market_states, () if rows.market_states else self.standing.never))

    @property
    def wanted(self) -> tuple[str, ...]:
        """The columns of cells that it is made of."""
        return tuple(dict.fromkeys(name for part in self.parts.values() for name in part.expr.meta.root_names()))


def held(value: pl.Expr, reduction: str, *, never: Collection[str] = ()) -> Held:
    """*value* reduced over the bucket.

    Args:
        value: Elementwise over a row's columns; null where there is no state.
        reduction: One of `Reduction`, or `moves(…)`.
        never: Phases in which it does not count, unless a config entry names its phases.
    """
    return _MAKERS[reduction](_standing(value, (), tuple(sorted(never))))


def moves(value: pl.Expr, slot_nanos: int, *, never: Collection[str] = ()) -> Held:
    """Root of the sum of squared changes of *value* between samples on a grid of *slot_nanos*; 0 samples every instant.

    A sample is what stood last in its slot; the chain goes on over buckets and ends where the value does
    not count. Null without a change to measure. *slot_nanos* must fill buckets.
    """
    return _moves(_standing(value, (), tuple(sorted(never))), slot_nanos)


def window_moves(value: pl.Expr, slot_nanos: int, window_nanos: int, reduction: WindowReduction, *, never: Collection[str] = ()) -> Held:
    """The windows of a bucket, each by the root of the sum of squared changes of *value* between its samples, reduced to one number.

    Samples are those of `moves`. A window over which the value stands without an event has 0, one without a change to
    measure does not count. Null without a window; `Std` (divided by n - 1) and `TWStd` also of a single one. Slots must fill
    windows, and windows buckets.
    """
    return _windows(_standing(value, (), tuple(sorted(never))), slot_nanos, window_nanos, reduction)


def _standing(expr: pl.Expr, only: tuple[str, ...], never: tuple[str, ...]) -> Standing:
    told = identity(expr) + repr((only, never)).encode()
    return Standing("held:" + hashlib.sha1(told, usedforsecurity=False).hexdigest()[:16], expr, only, never)


# ---------------------------------------------------------------- parts


def _part(value: Standing, kind: str, rule: Rollup) -> Part:
    return Part(pl.col(value.column(kind)), rule)


def _around(value: Standing) -> dict[str, Part]:
    """What stood before the first event of a bucket, and whether anything did."""
    entry = pl.col(value.column("entry"))
    return {"entry": Part(entry, First()), "enters": Part(entry.is_not_null(), First())}


def _stood_at_start(parts: Parts) -> pl.Expr:
    """Whether the state carried in stood in the bucket: not when the first event came at its very start."""
    return parts["enters"] & (parts["begin"].is_null() | (parts["begin"] > parts[START]))


def _spans(value: Standing) -> dict[str, Part]:
    exit_ = pl.col(value.column("exit"))
    ends = {"exit": Part(exit_, Last()), "exits": Part(exit_.is_not_null(), Last())}
    times = {"since": Part(pl.col(SINCE), First()), "until": Part(pl.col(UNTIL), Last())}
    return {"held": _part(value, "held", Sum()), **_around(value), **ends, **times}


def _time_held(parts: Parts) -> pl.Expr:
    """Time in the bucket in which the value stood, ns."""
    head = pl.when(parts["enters"]).then(parts[START] - parts["since"]).otherwise(0)
    tail = pl.when(parts["exits"]).then(parts[END] - parts["until"]).otherwise(0)
    return parts["held"] - head + tail


def _integral(parts: Parts) -> pl.Expr:
    """Integral of the value over that time."""
    head = pl.when(parts["enters"]).then(parts["entry"] * (parts[START] - parts["since"])).otherwise(0.0)
    tail = pl.when(parts["exits"]).then(parts["exit"] * (parts[END] - parts["until"])).otherwise(0.0)
    return parts["area"] - head + tail


# ---------------------------------------------------------------- reductions


def _time_weighted(value: Standing) -> Held:
    def finish(parts: Parts) -> pl.Expr:
        time = _time_held(parts)
        return pl.when(time > 0).then(_integral(parts) / time)

    return Held({"area": _part(value, "area", Sum()), **_spans(value)}, finish, (), value, "TWA")


def _median(value: Standing) -> Held:
    parts = {"spells": _part(value, "spells", Gathered()), **_spans(value)}

    def finish(p: Parts) -> pl.Expr:
        before = pl.struct(value=p["entry"].cast(pl.Float64), time=p["since"] - p[START])
        after = pl.struct(value=p["exit"].cast(pl.Float64), time=p[END] - p["until"])
        edges = pl.when(p["enters"]).then(before), pl.when(p["exits"]).then(after)
        spells = pl.concat_list(p["spells"].fill_null([]), *edges).list.drop_nulls()
        return pl.when(_time_held(p) > 0).then(spells.list.eval(_middle()).list.mean())

    return Held(parts, finish, (), value, "Median")


def _middle() -> pl.Expr:
    """The one or two values in the middle of the time of spells; what is taken off at the start comes first among its equals."""
    value, time = pl.element().struct.field("value"), pl.element().struct.field("time")
    ordered, gone = value.sort_by(value, time), 2 * time.sort_by(value, time).cum_sum()
    return pl.concat([ordered.filter(gone >= time.sum()).first(), ordered.filter(gone > time.sum()).first()])


def _coverage(value: Standing) -> Held:
    return Held(_spans(value), lambda parts: safe_divide(_time_held(parts), parts[END] - parts[START]), (), value, "Coverage")


def _rate(value: Standing) -> Held:
    parts = {"total": _part(value, "total", Sum()), **_spans(value)}
    return Held(parts, lambda p: safe_divide(1e9 * p["total"], _time_held(p)), (), value, "Rate")


def _begin() -> Part:
    return Part(pl.col(BEGIN), Min())


def _last(value: Standing) -> Held:
    parts = {name: _part(value, name, Last()) for name in ("last", "stands")} | {**_around(value), "begin": _begin()}

    def finish(p: Parts) -> pl.Expr:
        carried = pl.when(_stood_at_start(p)).then(p["entry"])
        return pl.when(p["stands"].is_null()).then(carried).when(p["stands"]).then(p["last"])

    return Held(parts, finish, (), value, "Last")


def _last_known(value: Standing) -> Held:
    parts = {"last": _part(value, "last", Last()), **_around(value), "begin": _begin()}
    return Held(parts, lambda p: pl.coalesce(p["last"], pl.when(_stood_at_start(p)).then(p["entry"])), (), value, "LastKnown")


def _first(value: Standing) -> Held:
    parts = {"first": _part(value, "first", First()), **_around(value), "begin": _begin()}
    return Held(parts, lambda p: pl.when(_stood_at_start(p)).then(p["entry"]).otherwise(p["first"]), (), value, "First")


def _extreme(kind: Literal["min", "max"], name: str) -> Callable[[Standing], Held]:
    rule = Min() if kind == "min" else Max()
    pick = pl.min_horizontal if kind == "min" else pl.max_horizontal

    def make(value: Standing) -> Held:
        parts = {kind: _part(value, kind, rule), **_around(value), "begin": _begin()}
        return Held(parts, lambda p: pick(p[kind], pl.when(_stood_at_start(p)).then(p["entry"])), (), value, name)

    return make


def _single(kind: str, rule: Rollup, name: str) -> Callable[[Standing], Held]:
    return lambda value: Held({kind: _part(value, kind, rule)}, lambda parts: parts[kind], (), value, name)


def _mean(value: Standing) -> Held:
    parts = {"total": _part(value, "total", Sum()), "count": _part(value, "count", Sum())}
    return Held(parts, lambda p: safe_divide(p["total"], p["count"]), (), value, "Mean")


def _moves(value: Standing, slot_nanos: int) -> Held:
    names = (f"moves:{slot_nanos}", f"samples:{slot_nanos}")
    parts = {"total": _part(value, names[0], Sum()), "observations": _part(value, names[1], Sum())}
    return Held(parts, lambda p: pl.when(p["observations"] > 0).then(p["total"].sqrt()), (), value, f"moves:{slot_nanos}")


def windows_between(earlier: pl.Expr, edge: pl.Expr, width: int, is_right: pl.Expr) -> pl.Expr:
    """Whole windows after the one that the instant *earlier* lies in, up to *edge*, the end of one."""
    return (edge - earlier - pl.when(is_right).then(0).otherwise(1)).floordiv(width)


def _windows(value: Standing, slot: int, width: int, reduction: WindowReduction) -> Held:
    lists = {kind: _part(value, f"{kind}:{slot}:{width}", Gathered()) for kind in ("sigmas", "times", "windows")}
    spans = {name: part for name, part in _spans(value).items() if name != "held"}
    finish = _WINDOW_REDUCTIONS[reduction]
    return Held({**lists, **spans}, lambda parts: finish(_Told.of(parts, width)), (), value, f"windows:{slot}:{width}:{reduction}")


@dataclass(frozen=True)
class _Told:
    """The windows of a bucket: those that the lists tell, less *head* before the bucket, and *tail* that followed the last event."""

    sigmas: pl.Expr
    times: pl.Expr
    windows: pl.Expr
    head: pl.Expr
    tail: pl.Expr
    width: int

    @classmethod
    def of(cls, parts: Parts, width: int) -> _Told:
        between = [windows_between(parts[of], parts[edge], width, parts[IS_RIGHT]) for of, edge in (("since", START), ("until", END))]
        head, tail = (pl.when(parts[name]).then(each).otherwise(0) for name, each in zip(("enters", "exits"), between, strict=True))
        return cls(parts["sigmas"], parts["times"], parts["windows"], head, tail, width)

    @property
    def count(self) -> pl.Expr:
        return self.windows.list.sum() - self.head + self.tail

    @property
    def zeros(self) -> pl.Expr:
        """Windows without a move."""
        return self.count - self.positive.list.len().cast(pl.Int64)

    @property
    def positive(self) -> pl.Expr:
        return self.sigmas.list.eval(pl.element().filter(pl.element() > 0))

    @property
    def time(self) -> pl.Expr:
        return self.times.list.sum() + (self.tail - self.head) * self.width

    def mean(self, *, in_time: bool = False) -> pl.Expr:
        weights, total = (self.times, self.time) if in_time else (self.windows, self.count)
        return safe_divide((self.sigmas * weights.cast(pl.List(pl.Float64))).list.sum(), total)

    def spread(self, *, in_time: bool = False) -> pl.Expr:
        """Weighted sum of squared deviations from the mean."""
        mean = self.mean(in_time=in_time)
        deviations = self.sigmas - mean
        weights = (self.times if in_time else self.windows).cast(pl.List(pl.Float64))
        beyond = (self.tail - self.head) * (self.width if in_time else 1)
        return (deviations * deviations * weights).list.sum() + mean * mean * beyond

    def at(self, place: pl.Expr) -> pl.Expr:
        """The value at a place in order of size."""
        return pl.when(place < self.zeros).then(0.0).otherwise(self.positive.list.sort().list.get(place - self.zeros, null_on_oob=True))


def _if_any(told: _Told, value: pl.Expr) -> pl.Expr:
    return pl.when(told.count > 0).then(value)


_WINDOW_REDUCTIONS: Mapping[WindowReduction, Callable[[_Told], pl.Expr]] = {
    "Min": lambda told: _if_any(told, told.at(pl.lit(0))),
    "Max": lambda told: _if_any(told, told.at(told.count - 1)),
    "Mean": lambda told: told.mean(),
    "Median": lambda told: _if_any(told, (told.at((told.count - 1).floordiv(2)) + told.at(told.count.floordiv(2))) / 2),
    "Std": lambda told: pl.when(told.count > 1).then((told.spread() / (told.count - 1).cast(pl.Float64)).sqrt()),
    "Last": lambda told: _if_any(told, pl.when(told.tail > 0).then(0.0).otherwise(told.sigmas.list.last())),
    "TWMean": lambda told: told.mean(in_time=True),
    "TWStd": lambda told: safe_divide(told.spread(in_time=True), told.time).sqrt(),
}


class _Makers(dict[str, Callable[[Standing], Held]]):
    """Reductions by name; those with a length in it are made as they are asked for."""

    def __missing__(self, name: str) -> Callable[[Standing], Held]:
        kind, *given = name.split(":")
        if kind == "moves":
            return lambda value: _moves(value, int(given[0]))
        if kind == "windows":
            return lambda value: _windows(value, int(given[0]), int(given[1]), given[2])  # type: ignore[arg-type]
        raise KeyError(name)


_MAKERS = _Makers(
    {
        "Last": _last,
        "LastKnown": _last_known,
        "TWA": _time_weighted,
        "Median": _median,
        "First": _first,
        "Min": _extreme("min", "Min"),
        "Max": _extreme("max", "Max"),
        "Mean": _mean,
        "Sum": _single("total", Sum(), "Sum"),
        "Count": _single("count", Sum(), "Count"),
        "EventFirst": _single("first", First(), "EventFirst"),
        "EventLast": _single("last", Last(), "EventLast"),
        "EventMin": _single("min", Min(), "EventMin"),
        "EventMax": _single("max", Max(), "EventMax"),
        "Coverage": _coverage,
        "Rate": _rate,
    }
)

__all__ = ["END", "PHASE_COLUMN", "START", "Held", "OverTime", "Reduction", "held", "moves", "window_moves"]
