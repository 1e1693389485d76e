from __future__ import annotations

import os
from pathlib import Path

import pytest


def _shared_data() -> Path | None:
    places = [Path(os.environ["BASALT_SHARED_DATA"])] if "BASALT_SHARED_DATA" in os.environ else []
    places += [folder.parent / "shared" / "data" for folder in Path(__file__).resolve().parents]
    return next((place for place in places if place.is_dir()), None)


@pytest.fixture
def vendor_files() -> Path:
    """Folder of the vendor's sample files."""
    shared = _shared_data()
    if shared is None or not (shared / "native" / "bmll").is_dir():
        pytest.skip("no real market data here: set BASALT_SHARED_DATA to the folder that holds native/bmll")
    return shared / "native" / "bmll"
