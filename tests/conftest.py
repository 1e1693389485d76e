from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real market data; a test that asks for it is skipped where it is absent."""
    folder = Path(os.environ.get("BASALT_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no real market data here: set BASALT_SHARED_DATA")
    return folder
