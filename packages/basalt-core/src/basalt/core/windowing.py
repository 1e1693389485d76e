"""Windowing: what a state did inside a bucket, listed: how wild it was in each of its windows, and what stood for how long.

The windows are followed as buckets are, on a clock of their own, and what each of them tells is listed in the bucket that it
lies in. Windows without an event are told in runs: what stood before stands in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from basalt.core.bucketing import BUCKET_DTYPE, TIME_BUCKET, Clock
from basalt.core.cells import KEY
from basalt.core.declaring.held import windows_between
from basalt.core.holding.streaming import hold
from basalt.core.holding.values import BEGIN, SINCE, UNTIL, Standing, kind_of


@dataclass(frozen=True)
class Windows:
    """Windows in which a value is sampled.

    Attributes:
        value: What is followed.
        slot: Length of a slot between samples, ns; 0 samples every instant.
        width: Length of a window, ns.
    """

    value: Standing
    slot: int
    width: int

    def column(self, kind: str) -> str:
        """The column of lists that says *kind* of the windows."""
        return self.value.column(f"{kind}:{self.slot}:{self.width}")


def in_windows(names: Iterable[str]) -> dict[tuple[str, int, int], list[str]]:
    """Columns of lists by the name of the value, the slot and the width of their windows."""
    found: dict[tuple[str, int, int], list[str]] = {}
    for name in (each for each in names if kind_of(each) != "spells"):
        of, _, kind = name.rpartition(".")
        _, slot, width = kind.split(":")
        found.setdefault((of, int(slot), int(width)), []).append(name)
    return found


def told_keys(clock: Clock) -> list[str]:
    """What tells the buckets of `windowed` apart: a day is one bucket of a listing."""
    return [KEY] if clock.is_daily else [KEY, TIME_BUCKET]


def windowed(rows: pl.LazyFrame, time: str, clock: Clock, windows: Windows, phases: pl.LazyFrame | None) -> pl.LazyFrame:
    """The windows of each bucket in which something happened, in order of time.

    Args:
        rows, time, phases: As for `hold`.
        clock: The buckets; windows fill them.
        windows: What is asked.

    Returns:
        `told_keys`, and lists: `sigmas` (root of the sum of squared moves), `times` (ns in which the value stood) and `windows`
        (how many: more than 1 for a run without an event, which begins after the window of the event before).
    """
    value = windows.value
    fine = Clock(windows.width, clock.anchor, clock.closed, clock.origin)
    names = {kind: value.column(kind) for kind in (f"moves:{windows.slot}", f"samples:{windows.slot}", "held", "entry", "exit")}
    cells = hold(rows, time, fine, [value], list(names.values()), phases)
    edges = fine.edges(pl.col(TIME_BUCKET))
    enters, exits = pl.col(names["entry"]).is_not_null(), pl.col(names["exit"]).is_not_null()
    head = pl.when(enters).then(edges["start"] - pl.col(SINCE)).otherwise(0)
    tail = pl.when(exits).then(edges["end"] - pl.col(UNTIL)).otherwise(0)
    run = pl.when(enters).then(windows_between(pl.col(SINCE), edges["start"], windows.width, edges["is_right"])).otherwise(0)
    is_run, is_measured = run > 0, pl.col(names[f"samples:{windows.slot}"]) > 0
    told = {
        "sigmas": (pl.lit(0.0), pl.col(names[f"moves:{windows.slot}"]).sqrt()),
        "times": (run * windows.width, pl.col(names["held"]) - head + tail),
        "windows": (run, pl.lit(1, pl.Int64)),
    }
    lists = [
        pl.concat_list(pl.when(is_run).then(of_run), pl.when(is_measured).then(of_window)).list.drop_nulls().alias(windows.column(kind))
        for kind, (of_run, of_window) in told.items()
    ]
    label = [] if clock.is_daily else [clock.label(pl.col(BEGIN).cast(BUCKET_DTYPE)).alias(TIME_BUCKET)]
    labelled = cells.select(KEY, *label, *lists)
    gathered = [pl.col(windows.column(kind)).explode(empty_as_null=False) for kind in told]
    return labelled.group_by(told_keys(clock), maintain_order=True).agg(gathered)


def spells(rows: pl.LazyFrame, time: str, clock: Clock, value: Standing, phases: pl.LazyFrame | None) -> pl.LazyFrame:
    """What stood from event to event up to each event of a bucket, in order of time.

    Args:
        rows, time, phases: As for `hold`.
        clock: The buckets.
        value: What is followed.

    Returns:
        `told_keys`, and the list `spells`; the first one began before the bucket if the event before it did.
    """
    entry = value.column("entry")
    instants = hold(rows, time, Clock.event(), [value], [entry], phases)
    spell = pl.struct(value=pl.col(entry).cast(pl.Float64), time=pl.col(BEGIN) - pl.col(SINCE))
    label = [] if clock.is_daily else [clock.label(pl.col(BEGIN).cast(BUCKET_DTYPE)).alias(TIME_BUCKET)]
    told = instants.filter(pl.col(entry).is_not_null()).select(KEY, *label, spell.alias(value.column("spells")))
    return told.group_by(told_keys(clock), maintain_order=True).agg(value.column("spells"))


__all__ = ["Windows", "in_windows", "spells", "told_keys", "windowed"]
