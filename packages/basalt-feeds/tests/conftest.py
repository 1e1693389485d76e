from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

MESSAGES = """\
34200.1,1,11,100,5000000,1
34200.2,1,12,50,5010000,-1
34200.2,2,11,30,5000000,1
34200.3,4,12,20,5010000,-1
34200.3,4,12,30,5010000,-1
34200.4,5,0,40,5004500,1
34200.5,4,99,5,4990000,1
34200.6,3,11,70,5000000,1
34200.7,6,-1,500,5000000,-1
34300,7,0,0,-1,-1
34400,7,0,0,0,-1
34500,7,0,0,1,-1
"""

BOOK = """\
9999999999,0,5000000,100,9999999999,0,4990000,10
5010000,50,5000000,100,9999999999,0,4990000,10
5010000,50,5000000,70,9999999999,0,4990000,10
5010000,30,5000000,70,9999999999,0,4990000,10
9999999999,0,5000000,70,9999999999,0,4990000,10
9999999999,0,5000000,70,9999999999,0,4990000,10
9999999999,0,5000000,70,9999999999,0,4990000,5
9999999999,0,4990000,5,9999999999,0,-9999999999,0
9999999999,0,4990000,5,9999999999,0,-9999999999,0
9999999999,0,4990000,5,9999999999,0,-9999999999,0
9999999999,0,4990000,5,9999999999,0,-9999999999,0
9999999999,0,4990000,5,9999999999,0,-9999999999,0
"""

WritePair = Callable[..., Path]


@pytest.fixture
def messages() -> str:
    """A message of every type; order 99 is from before the file."""
    return MESSAGES


@pytest.fixture
def book() -> str:
    """The two best levels after each of `messages`."""
    return BOOK


@pytest.fixture
def write_pair(tmp_path: Path) -> WritePair:
    """A function that writes a pair of files and returns their folder."""

    def write(messages: str = MESSAGES, book: str = BOOK, *, ticker: str = "ABC", day: str = "2024-01-03", levels: int = 2) -> Path:
        folder = tmp_path / "native"
        folder.mkdir(exist_ok=True)
        stem = f"{ticker}_{day}_34200000_57600000"
        (folder / f"{stem}_message_{levels}.csv").write_text(messages, newline="")
        (folder / f"{stem}_orderbook_{levels}.csv").write_text(book, newline="")
        return folder

    return write


@pytest.fixture(scope="session")
def real_lobster() -> Path:
    """The vendor's sample archive of GOOG, 2012-06-21, ten levels."""
    places = [Path(os.environ["BASALT_SHARED_DATA"])] if "BASALT_SHARED_DATA" in os.environ else []
    places += [folder.parent / "shared" / "data" for folder in Path(__file__).resolve().parents]
    archives = (place / "native" / "lobster" / "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip" for place in places)
    found = next((archive for archive in archives if archive.exists()), None)
    if found is None:
        pytest.skip("no real market data here: set BASALT_SHARED_DATA to the folder that holds native/lobster")
    return found


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder that holds files as vendors ship them (`native`) and their rows (`parquet`)."""
    places = [Path(os.environ["BASALT_SHARED_DATA"])] if "BASALT_SHARED_DATA" in os.environ else []
    places += [folder.parent / "shared" / "data" for folder in Path(__file__).resolve().parents]
    found = next((place for place in places if (place / "native").is_dir()), None)
    if found is None:
        pytest.skip("no real market data here: set BASALT_SHARED_DATA to the folder that holds native/ and parquet/")
    return found
