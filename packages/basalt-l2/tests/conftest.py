"""Asking modules of book analytics for columns of literal books."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.core.computing import compute_pass
from basalt.core.planning import plan
from basalt.core.plans import PassPlan, Plan
from basalt.l2.microprices import MICROPRICE
from basalt.market.books import LEVELS
from basalt.market.tables import CBBO, L2, MARKETSTATE, REFERENCE, TRADES
from basalt.market.ticks import TICKSIZE

DAY = date(2026, 1, 5)
CONTRACTS = {table.name: table for table in (TRADES, L2, CBBO, MARKETSTATE, REFERENCE, TICKSIZE, MICROPRICE)}


def nanos(value: str | int) -> int:
    """Nanoseconds of `HH:MM:SS.fff` on the day; numbers stay."""
    if isinstance(value, int):
        return value
    moment = datetime.fromisoformat(f"{DAY.isoformat()}T{value}+00:00")
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000


def table(name: str, columns: Mapping[str, Sequence[Any]]) -> pl.DataFrame:
    """A table as a scan delivers it; times may be strings, levels that are not given are empty."""
    contract = CONTRACTS[name]
    size = len(next(iter(columns.values())))
    empty = {
        f"{side}{what}{level}": [None] * size
        for side in ("Bid", "Ask")
        for what in ("Price", "Quantity", "NumOrders")
        for level in range(1, LEVELS + 1)
    }
    filled = {**(empty if name in ("l2", "cbbo") else {}), "ListingId": [1] * size, **columns}
    return pl.DataFrame([_series(contract, column, values) for column, values in filled.items()])


def _series(contract: Any, column: str, values: Sequence[Any]) -> pl.Series:
    if column == contract.time:
        return pl.Series(column, [nanos(value) for value in values], pl.Int64).cast(pl.Datetime("ns"))
    return pl.Series(column, values, contract[column].dtype, strict=False)


@dataclass(frozen=True, repr=False)
class Asked:
    """A planned pass, to be given tables."""

    plan: Plan
    planned: PassPlan

    def rows(self, **tables: Mapping[str, Sequence[Any]] | pl.DataFrame) -> pl.DataFrame:
        """All columns by listing and bucket; tables that are not given are empty."""
        given = {name: each if isinstance(each, pl.DataFrame) else table(name, each) for name, each in tables.items()}
        empty = {name: pl.LazyFrame(schema=self.plan.dataset(name).schema()) for name in self.planned.reads}
        frames = {**empty, **{name: frame.lazy() for name, frame in given.items()}}
        ids = pl.concat([frame.select("ListingId") for frame in given.values() if "ListingId" in frame.columns]).unique().sort("ListingId")
        labels = ids.with_columns(MIC=pl.lit("XLON"), Ticker=pl.lit("T"), CurrencyCode=pl.lit("EUR"), InstrumentId=pl.lit(7, pl.Int64))
        return compute_pass(self.planned, {DAY: frames}, {DAY: labels.lazy()}, self.plan.datasets()).rows.collect()


def _ask(
    section: Mapping[str, Any], *, modules: Sequence[str] = ("l2",), key: str = "l2_analytics", seconds: float = 60, **options: Any
) -> Asked:
    asked = {"name": "books", "modules": list(modules), key: dict(section), "time_bucket_seconds": seconds, **options}
    planned = plan({"DATASETNAME": "test", "START_DATE": DAY, "END_DATE": DAY, "UNIVERSE": "mic=XLON", "PASSES": [asked]})
    return Asked(planned, planned.passes[0])


@pytest.fixture(scope="session")
def ask():
    """Plan a section of book analytics."""
    return _ask


def shared_data(*parts: str) -> Path:
    """A folder of real market data; skips the test where there is none."""
    places = [Path(os.environ["BASALT_SHARED_DATA"])] if "BASALT_SHARED_DATA" in os.environ else []
    places += [folder.parent / "shared" / "data" for folder in Path(__file__).resolve().parents]
    found = next((place.joinpath(*parts) for place in places if place.joinpath(*parts).exists()), None)
    if found is None:
        pytest.skip(f"no real market data here: set BASALT_SHARED_DATA to the folder that holds {'/'.join(parts)}")
    return found


@pytest.fixture
def real_data():
    """Find real market data."""
    return shared_data
