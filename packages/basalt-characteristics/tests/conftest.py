"""Asking the modules for columns of literal tables."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.core.computing import compute_pass
from basalt.core.planning import plan
from basalt.market.tables import L2, L3, MARKETSTATE, TRADES
from basalt.testing.tables import DAY, as_scanned, listings_of

CONTRACTS = {"l2": L2, "l3": L3, "trades": TRADES, "marketstate": MARKETSTATE}


def stored(name: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """*rows* as a file holds them, in the contract's types; times are integers of nanoseconds."""
    contract = CONTRACTS[name]
    names = list(dict.fromkeys(column for row in rows for column in row))
    columns = [pl.Series(column, [row.get(column) for row in rows], _integer_of(contract[column].dtype)) for column in names]
    return pl.DataFrame(columns).with_columns(
        pl.col(column).cast(pl.Datetime("ns")).cast(contract[column].dtype) for column in names if contract[column].dtype.is_temporal()
    )


def _integer_of(dtype: pl.DataType) -> pl.DataType:
    return pl.Int64() if dtype.is_temporal() else dtype


def _ask(module: str, section: Mapping[str, Any], seconds: float = 60, **tables: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a pass over *tables*, by listing and bucket, without what names them."""
    frames = {name: stored(name, rows) for name, rows in tables.items()}
    config = {
        "DATASETNAME": "test",
        "START_DATE": DAY,
        "END_DATE": DAY,
        "UNIVERSE": "mic=XLON",
        "PASSES": [{"name": "facts", "modules": [module], f"{module}_analytics": dict(section), "time_bucket_seconds": seconds}],
    }
    planned = plan(config, bound={name: frozenset(frame.columns) for name, frame in frames.items()})
    scanned = {name: as_scanned(CONTRACTS[name], frame) for name, frame in frames.items()}
    listings = listings_of(frames).lazy()
    found = compute_pass(planned.passes[0], {DAY: scanned}, {DAY: listings}, planned.datasets()).rows.collect()
    return found.sort("ListingId", "TimeBucket").to_dicts()


@pytest.fixture(scope="session")
def ask():
    """Compute a module's section over literal tables."""
    return _ask


@pytest.fixture
def vendor_files() -> Path:
    """Folder of the vendor's sample files."""
    places = [Path(os.environ["BASALT_SHARED_DATA"])] if "BASALT_SHARED_DATA" in os.environ else []
    places += [folder.parent / "shared" / "data" for folder in Path(__file__).resolve().parents]
    found = next((place / "native" / "bmll" for place in places if (place / "native" / "bmll").is_dir()), None)
    if found is None:
        pytest.skip("no real market data here: set BASALT_SHARED_DATA to the folder that holds native/bmll")
    return found
