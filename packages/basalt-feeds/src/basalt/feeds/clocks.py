"""Local days as UTC."""

from __future__ import annotations

from datetime import date

import polars as pl


def midnight_nanos(day: date, time_zone: str) -> int:
    """Midnight in *time_zone* at the start of *day*, in UTC nanoseconds since 1970."""
    local = pl.Series([day]).cast(pl.Datetime("ns"))
    return int(local.dt.replace_time_zone(time_zone).dt.epoch("ns").item())


def local_day(nanos: int, time_zone: str) -> date:
    """The day in *time_zone* at *nanos* (UTC, since 1970)."""
    instant = pl.Series([nanos]).cast(pl.Datetime("ns", "UTC"))
    day = instant.dt.convert_time_zone(time_zone).dt.date().item()
    assert isinstance(day, date)
    return day
