"""Which days a run covers, and which of them share an output."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby

from basalt.configuration.models import AnalyticsConfig
from basalt.core.errors import InvalidValue
from basalt.core.offers import Slot


def run_days(config: AnalyticsConfig) -> tuple[date, ...]:
    """The days of the run, in order.

    Weekends are left out of a range when `exclude_weekends` says so; a single day is always run.

    Raises:
        InvalidValue: There are no dates, or none is left.
    """
    if config.start_date is None or config.end_date is None:
        raise InvalidValue("the run has no dates", where="START_DATE", hint="give --date 2026-02-02, or START_DATE and END_DATE")
    span = (config.end_date - config.start_date).days + 1
    days = tuple(config.start_date + timedelta(days=offset) for offset in range(span))
    if config.exclude_weekends and len(days) > 1:
        days = tuple(day for day in days if day.weekday() < 5)
    if not days:
        raise InvalidValue(
            "no day is left between START_DATE and END_DATE",
            where="EXCLUDE_WEEKENDS",
            hint="the range is a weekend: set EXCLUDE_WEEKENDS to False",
        )
    return days


def slots_of(
    config: AnalyticsConfig, dataset: str, pass_name: str, freq: str | None, days: Sequence[date], *, whole: bool
) -> tuple[Slot, ...]:
    """One slot for each group of days, clipped to the run at both ends.

    Args:
        config: The run's config.
        dataset: Name of the dataset.
        pass_name: The pass.
        freq: `D`, `W`, `2W`, `M`, `A`; None chooses by the length of the run.
        days: Days of the run.
        whole: All days in one slot.
    """
    assert config.start_date is not None
    assert config.end_date is not None
    universe = config.universe or "all"
    if whole:
        return (Slot(dataset, pass_name, universe, config.start_date, config.end_date),)
    chosen = freq or _chosen_freq((config.end_date - config.start_date).days + 1)
    groups = [list(group) for _, group in groupby(days, key=lambda day: _period(day, chosen))]
    return tuple(Slot(dataset, pass_name, universe, group[0], group[-1]) for group in groups)


def _chosen_freq(span: int) -> str:
    for longest, freq in ((7, "A"), (60, "W"), (180, "2W"), (730, "M")):
        if span <= longest:
            return freq
    return "A"


def _period(day: date, freq: str) -> object:
    if freq == "D":
        return day
    if freq in ("W", "2W"):
        weeks = (day - date(1970, 1, 5)).days // 7
        return weeks if freq == "W" else weeks // 2
    return (day.year, day.month) if freq == "M" else day.year
