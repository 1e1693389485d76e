"""The slow and obvious way: follow one listing's book instant by instant, in plain Python."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
Value = Callable[[Row], float | None]
NOT_COUNTED = {
    "AUCTION_ON_DEMAND", "CLOSING_AUCTION", "INTRADAY_AUCTION", "OPENING_AUCTION", "UNSCHEDULED_AUCTION", "CLOSED", "HALTED", "POST_TRADE",
    "PRE_OPEN",
}  # fmt: skip


@dataclass(frozen=True)
class Instant:
    """What stands from a time on: the row, the phase, and whether a row came."""

    time: int
    row: Row
    phase: str | None
    is_row: bool


def instants(rows: Sequence[Row], changes: Sequence[tuple[int, str]]) -> list[Instant]:
    """Rows and changes of phase of one listing, in order; a change comes before the rows of its time."""
    told = sorted([(time, 0, index, state) for index, (time, state) in enumerate(changes)])
    merged = sorted([*told, *((row["time"], 1, index, row) for index, row in enumerate(rows))], key=lambda each: each[:3])
    found: list[Instant] = []
    row, phase = None, None
    for time, kind, _, what in merged:
        row, phase = (what, phase) if kind else (row, what)
        if row is not None:
            found.append(Instant(time, row, phase or row.get("MarketState"), bool(kind)))
    return found


def bucket_of(time: int, width: int, closed: str) -> int:
    """End of the bucket."""
    return -(-time // width) * width if closed == "right" else (time // width + 1) * width


def counts(instant: Instant, states: Sequence[str] | None) -> bool:
    return instant.phase in states if states else instant.phase not in NOT_COUNTED


def reduced(
    path: Sequence[Instant], value: Value, reduction: str, width: int, *, closed: str = "right", states: Sequence[str] | None = None
) -> dict[int, float | None]:
    """The reduction of *value* in each bucket in which something happened, by the bucket's end."""
    counted = [counts(each, states) for each in path]
    stood = [value(each.row) if is_counted else None for each, is_counted in zip(path, counted, strict=True)]
    ends = sorted({bucket_of(each.time, width, closed) for each in path})
    return {end: _reduce(reduction, _Bucket(path, stood, counted, end - width, end, closed)) for end in ends}


@dataclass(frozen=True)
class _Bucket:
    path: Sequence[Instant]
    stood: Sequence[float | None]
    counted: Sequence[bool]
    start: int
    end: int
    closed: str

    def spells(self) -> list[tuple[float, int]]:
        """Value and time of each spell of the bucket in which there is one."""
        found = []
        for index, (each, value) in enumerate(zip(self.path, self.stood, strict=True)):
            until = self.path[index + 1].time if index + 1 < len(self.path) else self.end
            span = min(until, self.end) - max(each.time, self.start)
            if value is not None and span > 0:
                found.append((value, span))
        return found

    def inside(self) -> list[int]:
        """Instants of the bucket."""
        return [index for index, each in enumerate(self.path) if bucket_of(each.time, self.end - self.start, self.closed) == self.end]

    def events(self) -> list[float]:
        return [value for index in self.inside() if (value := self.stood[index]) is not None]

    def rows(self) -> list[float]:
        return [value for index in self.inside() if self.path[index].is_row and (value := self.stood[index]) is not None]

    def standing(self) -> list[float]:
        """All values that stood in the bucket, the one carried in first."""
        first = self.inside()[0]
        carried = self.stood[first - 1] if first else None
        is_seen = carried is not None and self.path[first].time > self.start
        return [*([carried] if is_seen and carried is not None else []), *self.events()]

    def last(self) -> float | None:
        """What stands after the last instant that counts, the one carried in if none does."""
        inside = self.inside()
        counted = [index for index in inside if self.counted[index]]
        is_seen = inside[0] > 0 and self.path[inside[0]].time > self.start
        return self.stood[counted[-1]] if counted else self.stood[inside[0] - 1] if is_seen else None


def _reduce(reduction: str, bucket: _Bucket) -> float | None:
    if reduction in ("TWA", "Coverage"):
        spells = bucket.spells()
        time = sum(span for _, span in spells)
        if reduction == "Coverage":
            return time / (bucket.end - bucket.start)
        return sum(value * span for value, span in spells) / time if time else None
    if reduction == "Rate":
        time = sum(span for _, span in bucket.spells())
        return sum(bucket.rows()) / (time / 1e9) if time else None
    if reduction in ("Sum", "Mean"):
        rows = bucket.rows()
        return sum(rows) if reduction == "Sum" else sum(rows) / len(rows) if rows else None
    if reduction == "Last":
        return bucket.last()
    values = bucket.events() if reduction.startswith("Event") else bucket.standing()
    pick = {"First": lambda found: found[0], "Last": lambda found: found[-1], "Min": min, "Max": max}[
        reduction.removeprefix("Event").removesuffix("Known")
    ]
    return pick(values) if values else None


def realised(path: Sequence[Instant], value: Value, slot: int, width: int, states: Sequence[str] | None = None) -> dict[int, float | None]:
    """Root of summed squared changes between samples, by the end of the bucket."""
    found: dict[int, list[float]] = {bucket_of(each.time, width, "right"): [] for each in path}
    last: float | None = None
    pending: tuple[float, int, int] | None = None

    def look() -> None:
        nonlocal last, pending
        if pending is not None:
            if last is not None:
                found[pending[2]].append(pending[0] - last)
            last, pending = pending[0], None

    for each in path:
        end = bucket_of(each.time, width, "right")
        cell = each.time if slot == 0 else -(-each.time // slot)
        if pending is not None and (cell, end) != pending[1:]:
            look()
        if not counts(each, states):
            look()
            last = None
        elif (now := value(each.row)) is not None:
            pending = (now, cell, end)
    look()
    return {end: math.sqrt(sum(move * move for move in moves)) if moves else None for end, moves in found.items()}


def windows(
    path: Sequence[Instant], value: Value, slot: int, window: int, width: int, states: Sequence[str] | None = None
) -> dict[int, list[tuple[float, int]]]:
    """Of each window that counts: its volatility and the time in which the price stood in it, by the end of the bucket."""
    measured = realised(path, value, slot, window, states)
    stood = [value(each.row) if counts(each, states) else None for each in path]
    found: dict[int, list[tuple[float, int]]] = {}
    for bucket in sorted({bucket_of(each.time, width, "right") for each in path}):
        found[bucket] = []
        for end in range(bucket - width + window, bucket + 1, window):
            before = [index for index, each in enumerate(path) if each.time <= end - window]
            if end not in measured and before and stood[before[-1]] is not None:
                found[bucket].append((0.0, window))
            elif measured.get(end) is not None:
                time = sum(span for _, span in _Bucket(path, stood, [], end - window, end, "right").spells())
                found[bucket].append((measured[end] or 0.0, time))
    return found


def over_windows(told: Sequence[tuple[float, int]], reduction: str) -> float | None:
    sigmas = [sigma for sigma, _ in told]
    time = sum(span for _, span in told)
    if not sigmas or (reduction == "Std" and len(sigmas) < 2) or (reduction.startswith("TW") and not time):
        return None
    if reduction.startswith("TW"):
        mean = sum(sigma * span for sigma, span in told) / time
        return mean if reduction == "TWMean" else math.sqrt(sum(span * (sigma - mean) ** 2 for sigma, span in told) / time)
    simple = {
        "Min": min,
        "Max": max,
        "Mean": statistics.mean,
        "Median": statistics.median,
        "Std": statistics.stdev,
        "Last": lambda all_: all_[-1],
    }
    return float(simple[reduction](sigmas))


# ---------------------------------------------------------------- formulas


def _sound(row: Row) -> bool:
    bid, ask = row["BidPrice1"], row["AskPrice1"]
    return bid is not None and ask is not None and bid <= ask


def _total(row: Row, side: str, levels: int, what: Callable[[int], float | None]) -> float:
    return sum(what(level) or 0 for level in range(1, levels + 1) if row[f"{side}Price{level}"] is not None)


def depth(side: str, levels: int) -> Value:
    return lambda row: _total(row, side, levels, lambda level: row[f"{side}Quantity{level}"])


def orders(side: str, levels: int) -> Value:
    return lambda row: _total(row, side, levels, lambda level: row[f"{side}NumOrders{level}"])


def money(side: str, levels: int) -> Value:
    return lambda row: _total(row, side, levels, lambda level: row[f"{side}Price{level}"] * row[f"{side}Quantity{level}"])


def imbalance(of_side: Callable[[str], Value]) -> Value:
    def value(row: Row) -> float | None:
        bid, ask = of_side("Bid")(row), of_side("Ask")(row)
        return None if bid is None or ask is None or bid + ask == 0 else (bid - ask) / (bid + ask)

    return value


def mid(row: Row) -> float | None:
    return (row["BidPrice1"] + row["AskPrice1"]) / 2 if _sound(row) else None


def spread(row: Row) -> float | None:
    return row["AskPrice1"] - row["BidPrice1"] if _sound(row) else None


def spread_bps(row: Row) -> float | None:
    return 20_000 * (row["AskPrice1"] - row["BidPrice1"]) / (row["AskPrice1"] + row["BidPrice1"]) if _sound(row) else None


def weighted_mid(levels: int) -> Value:
    def value(row: Row) -> float | None:
        bids, asks = depth("Bid", levels)(row), depth("Ask", levels)(row)
        assert bids is not None
        assert asks is not None
        return (row["BidPrice1"] * asks + row["AskPrice1"] * bids) / (bids + asks) if _sound(row) and bids + asks else None

    return value


def within(side: str, bps: float) -> Value:
    def value(row: Row) -> float | None:
        middle = mid(row)
        if middle is None:
            return None
        reach = middle * bps / 10_000
        levels = [(row[f"{side}Price{level}"], row[f"{side}Quantity{level}"]) for level in range(1, 11)]
        return sum(q for p, q in levels if p is not None and (p >= middle - reach if side == "Bid" else p <= middle + reach))

    return value


def round_trip(size: float) -> Value:
    def walk(row: Row, side: str) -> float | None:
        left, paid = size, 0.0
        for level in range(1, 11):
            if row[f"{side}Price{level}"] is not None and left > 0:
                taken = min(left, row[f"{side}Quantity{level}"])
                left, paid = left - taken, paid + taken * row[f"{side}Price{level}"]
        return paid if left <= 0 else None

    def value(row: Row) -> float | None:
        bought, sold, middle = walk(row, "Ask"), walk(row, "Bid"), mid(row)
        return None if bought is None or sold is None or middle is None else 10_000 * (bought - sold) / (size * middle)

    return value


def slope(levels: int) -> Value:
    def one(row: Row, side: str) -> float | None:
        middle = mid(row)
        prices = [row[f"{side}Price{level}"] for level in range(1, levels + 1)]
        if middle is None or None in prices or prices[0] == middle:
            return None
        volumes = [math.log(depth(side, level)(row) or 0) for level in range(1, levels + 1)]
        if 0 in volumes[:-1]:
            return None
        total = volumes[0] / abs(prices[0] / middle - 1)
        for j in range(levels - 1):
            total += (volumes[j + 1] / volumes[j] - 1) / abs(prices[j + 1] / prices[j] - 1)
        return total / levels

    def value(row: Row) -> float | None:
        bid, ask = one(row, "Bid"), one(row, "Ask")
        return None if bid is None or ask is None else (bid + ask) / 2

    return value


def order_flow(rows: Sequence[Row], level: int) -> dict[int, float]:
    """What each row but the first brought, by its position."""
    found = {}
    for n in range(1, len(rows)):
        total = 0.0
        for side, sign in (("Bid", 1), ("Ask", -1)):
            worst = -math.inf if side == "Bid" else math.inf
            p, p0 = ((each[f"{side}Price{level}"] if each[f"{side}Price{level}"] is not None else worst) for each in (rows[n], rows[n - 1]))
            q, q0 = (each[f"{side}Quantity{level}"] or 0 for each in (rows[n], rows[n - 1]))
            better, worse = (p >= p0, p <= p0) if side == "Bid" else (p <= p0, p >= p0)
            total += sign * ((q if better else 0) - (q0 if worse else 0))
        found[n] = total
    return found
