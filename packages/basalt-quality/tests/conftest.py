from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from basalt.core.catalog import catalog
from basalt.quality.checking import Checked, check_lake
from basalt.quality.files import Wanted

DAY = date(2026, 2, 2)


@pytest.fixture(scope="session")
def sound_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated day of three listings."""
    from basalt.synthetic import write_day

    lake = tmp_path_factory.mktemp("lake")
    write_day(lake, DAY, listings=3, scale=0.1, seed=7)
    return lake


@pytest.fixture
def lake(sound_lake: Path, tmp_path: Path) -> Path:
    """A copy of the simulated day, to be broken."""
    return Path(shutil.copytree(sound_lake, tmp_path / "lake"))


@pytest.fixture
def check() -> Callable[..., dict[str, Checked]]:
    """What is found in a lake, by market."""

    def checked(lake: Path, *markets: str, **options: int) -> dict[str, Checked]:
        return {each.mic: each for each in check_lake(lake, catalog().tables, Wanted(markets=markets), **options)}

    return checked
