"""Every formula of `l3` once more, in plain Python, as slow and as obvious as can be."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

INSERT, REMOVE, UPDATE, EXECUTE = 2, 3, 4, 1
SIDES = {"Bid": (1,), "Ask": (2,), "Total": (1, 2)}
Row = dict[str, Any]


def bucket(nanos: int, seconds: int = 60) -> int:
    """End of the bucket of an instant: buckets are open on the left and closed on the right."""
    width = seconds * 1_000_000_000
    return math.ceil(Fraction(nanos, width)) * width


# ------------------------------------------------------------ what a row is


def is_executed(row: Row) -> bool:
    return row["ExecutionSize"] > 0 and row["OldSize"] > 0


def taken_back(row: Row) -> int:
    return 0 if row["LobAction"] == INSERT else max(row["OldSize"] - row["Size"] - row["ExecutionSize"], 0)


def is_gone(row: Row) -> bool:
    return row["LobAction"] == REMOVE or (row["LobAction"] in {UPDATE, EXECUTE} and row["Size"] == 0)


def is_fill(row: Row) -> bool:
    return is_executed(row) and row["ExecutionSize"] >= row["OldSize"]


def size_of(action: str, row: Row) -> int | None:
    """What an action's volume adds for a row; None when the row is no such action."""
    kind, old, new, executed = row["LobAction"], row["OldSize"], row["Size"], row["ExecutionSize"]
    sizes = {
        "Insert": new if kind == INSERT else None,
        "Remove": old if kind == REMOVE else None,
        "Update": new - old if kind == UPDATE else None,
        "UpdateInserted": new if kind == UPDATE else None,
        "UpdateRemoved": old if kind == UPDATE else None,
        "Cancel": taken_back(row) or None,
        "Execute": executed if is_executed(row) else None,
        "ExecuteHidden": executed if executed > 0 and old == 0 else None,
    }
    return sizes[action]


ACTIONS = ("Insert", "Remove", "Update", "UpdateInserted", "UpdateRemoved", "Cancel", "Execute", "ExecuteHidden")
AGGREGATIONS: dict[str, Callable[[list[int]], Any]] = {
    "Sum": sum,
    "Mean": lambda values: statistics.fmean(values) if values else None,
    "Min": lambda values: min(values, default=None),
    "Max": lambda values: max(values, default=None),
    "First": lambda values: values[0] if values else None,
    "Last": lambda values: values[-1] if values else None,
    "Median": lambda values: statistics.median(values) if values else None,
    "Std": lambda values: statistics.stdev(values) if len(values) > 1 else None,
}


def share(above: float, below: float) -> float | None:
    return above / below if below else None


def mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


# ------------------------------------------------------------ lives


@dataclass
class Life:
    """One order from its entry on."""

    entry: Row
    end: int | None = None
    outcome: str = "censored"
    first: int | None = None
    filled: int = 0
    seen: int = 0

    @property
    def born(self) -> int:
        return self.entry["EventTimestamp"]


def follow(rows: Sequence[Row]) -> tuple[list[Life], list[Life | None], list[str]]:
    """All lives; the life of each row; the fault of each row."""
    last = {row["ListingId"]: row["EventTimestamp"] for row in rows}
    lives: list[Life] = []
    of_row: list[Life | None] = []
    faults: list[str] = []
    resting: dict[tuple[int, str], Life] = {}
    for row in rows:
        listing, now = row["ListingId"], row["EventTimestamp"]
        old, new = row["OldOrderId"] or "", row["OrderId"] or ""
        life, fault = None, ""
        if row["LobAction"] == EXECUTE and not old and not new:
            pass
        elif row["LobAction"] == INSERT:
            life = Life(row, seen=last[listing])
            lives.append(life)
            fault = _displace(resting, (listing, new), now)
            resting[listing, new] = life
        elif not (old or new):
            fault = "unnamed"
        elif (listing, old or new) not in resting:
            fault = "unknown"
        else:
            life = resting[listing, old or new]
            if is_executed(row):
                life.first = now if life.first is None else life.first
                life.filled += row["ExecutionSize"]
            if is_gone(row):
                del resting[listing, old or new]
                life.end, life.outcome = now, "filled" if is_fill(row) else "cancelled"
            elif new and new != old:
                del resting[listing, old]
                fault = _displace(resting, (listing, new), now)
                resting[listing, new] = life
        of_row.append(life)
        faults.append(fault)
    return lives, of_row, faults


def _displace(resting: dict[tuple[int, str], Life], key: tuple[int, str], now: int) -> str:
    if key not in resting:
        return ""
    lost = resting.pop(key)
    lost.end, lost.seen = now, now
    return "duplicate"


def aalen_johansen(spells: Sequence[tuple[int, str]], cause: str, horizon: int) -> Fraction | None:
    """The estimate by its definition: at each age, what happens then among those at risk then, censored ones after it."""
    if not spells:
        return None
    surviving, happened = Fraction(1), Fraction(0)
    for age in sorted({age for age, event in spells if event != "censored"}):
        at_risk = sum(1 for each, _ in spells if each >= age)
        events = [event for each, event in spells if each == age and event != "censored"]
        if age <= horizon:
            happened += surviving * Fraction(events.count(cause), at_risk)
        surviving *= 1 - Fraction(len(events), at_risk)
    longest = max(age for age, _ in spells)
    return None if longest < horizon and surviving > 0 else happened


def spell(life: Life) -> tuple[int, str]:
    """How long until filled, cancelled or censored."""
    return (life.end if life.end is not None else life.seen) - life.born, life.outcome


def untouched(life: Life) -> tuple[int, str]:
    """How long until the first execution, or until cancelled or censored before it."""
    return (life.first - life.born, "filled") if life.first is not None else spell(life)


def waits(rows: Sequence[Row]) -> list[list[int]]:
    """Waiting times of the executions that each row replaces."""
    pending: dict[tuple[int, int], list[tuple[float, int]]] = {}
    found: list[list[int]] = []
    for row in rows:
        mine = pending.setdefault((row["ListingId"], row["Side"]), [])
        replaced: list[int] = []
        grows = row["Size"] > row["OldSize"] or (None not in {row["Price"], row["OldPrice"]} and row["Price"] != row["OldPrice"])
        if is_executed(row):
            mine.append((row["OldPrice"], row["EventTimestamp"]))
        elif row["LobAction"] == INSERT or (row["LobAction"] == UPDATE and grows):
            better = [row["Price"] >= price if row["Side"] == 1 else row["Price"] <= price for price, _ in mine]
            replaced = [row["EventTimestamp"] - time for (_, time), is_it in zip(mine, better, strict=True) if is_it]
            mine[:] = [each for each, is_it in zip(mine, better, strict=True) if not is_it]
        found.append(replaced)
    return found
