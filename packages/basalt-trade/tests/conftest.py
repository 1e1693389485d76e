"""Asking modules of trade analytics for columns of literal tables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.core.bucketing import DATE, Clock
from basalt.core.computing import compute_pass
from basalt.core.fusing import fuse
from basalt.core.planning import plan
from basalt.core.plans import PassPlan, Plan
from basalt.market.books import L2
from basalt.market.phases import MARKETSTATE
from basalt.market.trades import TRADES

DAY = date(2026, 1, 5)
CONTRACTS = {table.name: table for table in (TRADES, L2, MARKETSTATE)}


def _frame(name: str, columns: Mapping[str, Any]) -> pl.DataFrame:
    """A table as a scan delivers it: contract types, derived columns; times may be strings."""
    table = CONTRACTS[name]
    series = [
        _clock(column, values) if column == table.time else pl.Series(column, values, table[column].dtype)
        for column, values in columns.items()
    ]
    frame = pl.DataFrame(series)
    derived = [(each, each.choose(frame.columns)) for each in table.derived]
    return frame.with_columns(chosen[1] for _, chosen in derived if chosen is not None)


def _clock(column: str, values: Any) -> pl.Series:
    return pl.Series(column, [_nanos(value) for value in values], pl.Int64).cast(pl.Datetime("ns"))


def _nanos(value: str | int) -> int:
    """Nanoseconds of `HH:MM:SS.fff` on the day; numbers stay."""
    if isinstance(value, int):
        return value
    moment = datetime.fromisoformat(f"{DAY.isoformat()}T{value}+00:00")
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000


@dataclass(frozen=True, repr=False)
class Asked:
    """A planned pass, to be given tables."""

    plan: Plan
    planned: PassPlan

    def rows(self, **tables: Mapping[str, Any] | pl.DataFrame) -> pl.DataFrame:
        """All columns by listing and bucket."""
        frames = _frames(tables)
        listings = (
            frames["trades"]
            .select("ListingId")
            .unique()
            .with_columns(MIC=pl.lit("XLON"), Ticker=pl.lit("T"), CurrencyCode=pl.lit("GBX"), InstrumentId=pl.col("ListingId"))
        )
        return compute_pass(self.planned, {DAY: frames}, {DAY: listings}, self.plan.datasets()).rows.collect()

    def parts(self, clock: Clock, **tables: Mapping[str, Any] | pl.DataFrame) -> pl.DataFrame:
        """All columns and their supporting ones, in the buckets of *clock*."""
        frames = {name: frame.with_columns(pl.lit(DAY).alias(DATE)) for name, frame in _frames(tables).items()}
        return fuse(self.planned.queries[0], frames, clock).sort("ListingId", "TimeBucket").collect()


def _frames(tables: Mapping[str, Mapping[str, Any] | pl.DataFrame]) -> dict[str, pl.LazyFrame]:
    return {name: (table if isinstance(table, pl.DataFrame) else _frame(name, table)).lazy() for name, table in tables.items()}


def _ask(section: Mapping[str, Any], stored: Any = None, *, module: str = "trade", seconds: float = 60, **options: Any) -> Asked:
    config = {
        "DATASETNAME": "test",
        "START_DATE": DAY.isoformat(),
        "END_DATE": DAY.isoformat(),
        "UNIVERSE": "mic=XLON",
        "PASSES": [{"name": "bars", "modules": [module], f"{module}_analytics": dict(section), "time_bucket_seconds": seconds, **options}],
    }
    planned = plan(config, bound=None if stored is None else {"trades": frozenset(stored)})
    return Asked(planned, planned.passes[0])


@pytest.fixture(scope="session")
def ask():
    """Plan a module's section over trades whose files have the columns *stored*."""
    return _ask


@pytest.fixture(scope="session")
def table():
    """Make a table as a scan delivers it."""
    return _frame


@pytest.fixture
def vendor_files() -> Path:
    """Folder of the vendor's sample files."""
    places = [Path(os.environ["BASALT_SHARED_DATA"])] if "BASALT_SHARED_DATA" in os.environ else []
    places += [folder.parent / "shared" / "data" for folder in Path(__file__).resolve().parents]
    found = next((place / "native" / "bmll" for place in places if (place / "native" / "bmll").is_dir()), None)
    if found is None:
        pytest.skip("no real market data here: set BASALT_SHARED_DATA to the folder that holds native/bmll")
    return found
