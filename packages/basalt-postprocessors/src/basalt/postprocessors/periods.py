"""Periods: lengths of buckets as users write them, and the clocks they make."""

from __future__ import annotations

import re
from typing import Final

from basalt.core import Clock
from basalt.core.bucketing import NANOS_PER_DAY, NANOS_PER_SECOND
from basalt.core.errors import BucketConflict, InvalidValue

DAY: Final = "1d"
UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": NANOS_PER_SECOND,
    "m": 60 * NANOS_PER_SECOND,
    "h": 3600 * NANOS_PER_SECOND,
}
_PART = re.compile(r"(\d+)(ns|us|ms|s|m|h)")
_PERIOD = re.compile(rf"(?:{_PART.pattern})+")


def period_nanos(text: str) -> int:
    """The length of a period below a day: `15m`, `1h30m`, `500ms`.

    Raises:
        InvalidValue: *text* is no period, or not between one nanosecond and a day.

    Examples:
        >>> period_nanos("1h30m") == 90 * UNITS["m"]
        True
    """
    if not _PERIOD.fullmatch(text):
        raise InvalidValue(f"{text!r} is no length of a bucket", hint="write for example 30s, 15m, 1h, 1h30m, or 1d for a day")
    nanos = sum(int(count) * UNITS[unit] for count, unit in _PART.findall(text))
    if not 0 < nanos < NANOS_PER_DAY:
        raise InvalidValue(
            f"a bucket of {text!r} is not between a nanosecond and a day",
            hint="write 1d for one bucket a trade date; leave TimeBucket out of group_by for more",
        )
    return nanos


def checked_period(text: str | None, *, where: str) -> str | None:
    """*text* as it is, when it is a period or None.

    Raises:
        InvalidValue: As `period_nanos`, located at *where*.
    """
    if text is None or text == DAY:
        return text
    try:
        period_nanos(text)
    except InvalidValue as problem:
        raise problem.located(where) from None
    return text


def coarser_clock(source: Clock, rule: str | None, own: Clock, *, where: str) -> Clock:
    """The buckets of rows that are resampled by *rule*.

    Args:
        source: Buckets of the rows.
        rule: A period; None keeps the buckets.
        own: Buckets of the pass; its edges hold where the rows have none of their own.
        where: Path of the setting, for messages.

    Raises:
        BucketConflict: The buckets of the rows do not fill those of the rule.
    """
    if rule is None:
        return source
    if rule == DAY:
        return Clock.daily()
    nanos = period_nanos(rule)
    if source.is_event:
        return Clock(nanos, own.anchor, own.closed)
    if source.is_daily or nanos % source.width_nanos:
        raise BucketConflict(
            f"{source} do not fill buckets of {rule}", where=where, hint=f"choose a multiple of {source.nanos / NANOS_PER_SECOND:g} s"
        )
    return source.coarsened(nanos)
