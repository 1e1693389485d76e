from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from basalt.synthetic import simulate


@pytest.fixture(scope="session")
def tables() -> dict[str, pl.DataFrame]:
    """A small Sunday: two instruments, each on its home venue and on CHIX."""
    return simulate(date(2026, 2, 1), listings=4, scale=0.15)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder for the test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("BASALT_CACHE_DIR", str(folder))
    return folder
