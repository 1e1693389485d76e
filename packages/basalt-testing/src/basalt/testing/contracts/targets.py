"""What every output target does: the old rows or the new ones, whole, in the order asked."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import BaseModel

from basalt.core.errors import BasaltError, ConflictingSettings, TargetFailed
from basalt.core.offers import OutputTarget, Receipt, Slot
from basalt.testing.tables import DAY

SLOT = Slot("test_bars", "bars", "all", DAY, DAY)
NEXT_WEEK = Slot("test_bars", "bars", "all", date(2026, 1, 12), date(2026, 1, 12))
COLUMNS = ("ListingId", "Volume", "Close")
SORT_KEYS = ("ListingId", "Minute")
OLD = pl.DataFrame(
    {"ListingId": [1, 1, 2], "Minute": [1, 2, 1], "Close": [10.0, None, 20.0], "Volume": [5, 6, 7], "Hidden": ["a", "b", "c"]}
)
NEW = pl.DataFrame({"ListingId": [1, 3], "Minute": [1, 1], "Close": [11.0, 30.0], "Volume": [8, 9], "Hidden": ["d", "e"]})


@dataclass(frozen=True)
class Place:
    """A target with somewhere to write.

    Attributes:
        target: The target under test.
        options: Options that give each slot a place of its own.
        shared: Options under which all slots share one place.
        unwritable: Options that point to a place that cannot be written.
        read: The rows of a slot in the order written; None when there are none.
    """

    target: OutputTarget
    options: BaseModel
    shared: BaseModel
    unwritable: BaseModel
    read: Callable[[Slot], pl.DataFrame | None]


class TargetContract:
    """Inherit it and give the fixture `place`."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        """The target under test, with somewhere to write."""
        pytest.fail(f"{type(self).__name__} has no fixture `place`")

    @pytest.fixture
    def parts(self, tmp_path: Path) -> Callable[..., list[Path]]:
        """A function that writes frames as the parts of workers."""

        def write(*frames: pl.DataFrame) -> list[Path]:
            folder = tmp_path / "parts"
            folder.mkdir(exist_ok=True)
            paths = [folder / f"{time.monotonic_ns()}-{index}.parquet" for index in range(len(frames))]
            for path, frame in zip(paths, frames, strict=True):
                frame.write_parquet(path)
            return paths

        return write

    def test_commit_writes_the_rows_and_the_columns_asked_in_order(self, place: Place, parts: Callable[..., list[Path]]) -> None:
        """Columns that were not asked for stay behind."""
        _commit(place, SLOT, parts(OLD))
        assert _read(place, SLOT).equals(OLD.select(COLUMNS))

    def test_parts_are_merged_in_order_of_the_sort_keys(self, place: Place, parts: Callable[..., list[Path]]) -> None:
        """Rows of several workers come out sorted, whichever was ready first."""
        _commit(place, SLOT, parts(OLD[2:], OLD[:2]))
        assert _read(place, SLOT).equals(OLD.select(COLUMNS))

    def test_receipt_says_what_was_written_where(self, place: Place, parts: Callable[..., list[Path]]) -> None:
        """Slot, place and number of rows."""
        receipt = _commit(place, SLOT, parts(OLD))
        assert (receipt.slot, receipt.location, receipt.rows) == (SLOT, place.target.location(place.options, SLOT), 3)

    def test_a_result_without_rows_is_written(self, place: Place, parts: Callable[..., list[Path]]) -> None:
        """No rows are a result: the columns are there."""
        assert _commit(place, SLOT, parts(OLD.clear())).rows == 0
        assert _read(place, SLOT).columns == list(COLUMNS)

    def test_a_second_commit_replaces_the_first(self, place: Place, parts: Callable[..., list[Path]]) -> None:
        """Running twice gives the rows once."""
        _commit(place, SLOT, parts(OLD))
        _commit(place, SLOT, parts(NEW))
        assert _read(place, SLOT).equals(NEW.select(COLUMNS))

    def test_slots_do_not_touch_each_other(self, place: Place, parts: Callable[..., list[Path]]) -> None:
        """Writing one range of dates leaves the others."""
        _commit(place, SLOT, parts(OLD))
        _commit(place, NEXT_WEEK, parts(NEW))
        assert _read(place, SLOT).equals(OLD.select(COLUMNS))
        assert _read(place, NEXT_WEEK).equals(NEW.select(COLUMNS))

    def test_a_commit_that_fails_leaves_the_old_rows(self, place: Place, parts: Callable[..., list[Path]]) -> None:
        """A part that cannot be read breaks the commit, not the output."""
        _commit(place, SLOT, parts(OLD))
        [bad] = parts(NEW)
        bad.write_bytes(bad.read_bytes()[:20])
        with pytest.raises((BasaltError, pl.exceptions.PolarsError, OSError)):
            _commit(place, SLOT, [*parts(NEW), bad])
        assert _read(place, SLOT).equals(OLD.select(COLUMNS))

    @pytest.mark.parametrize("wait", [0.0, 0.02, 0.1])
    def test_a_commit_that_is_killed_leaves_the_old_rows_or_the_new(
        self, place: Place, parts: Callable[..., list[Path]], wait: float
    ) -> None:
        """SIGKILL at any moment: never half, and the next commit succeeds."""
        _commit(place, SLOT, parts(OLD))
        many = pl.concat([NEW] * 50_000).sort(SORT_KEYS, maintain_order=True)
        _kill_a_commit(place, parts(many), wait)
        found = _read(place, SLOT)
        assert found.equals(OLD.select(COLUMNS)) or found.equals(many.select(COLUMNS))
        _commit(place, SLOT, parts(NEW))
        assert _read(place, SLOT).equals(NEW.select(COLUMNS))

    def test_check_refuses_slots_that_share_a_place(self, place: Place) -> None:
        """Two outputs in one place are refused before data are read."""
        with pytest.raises(ConflictingSettings):
            place.target.check(place.shared, [SLOT, NEXT_WEEK])

    def test_check_lets_slots_pass_that_have_places_of_their_own(self, place: Place) -> None:
        """What can be written is not refused, and nothing is written yet."""
        place.target.check(place.options, [SLOT, NEXT_WEEK])
        assert place.read(SLOT) is None

    def test_check_refuses_a_place_that_cannot_be_written(self, place: Place) -> None:
        """The error comes before the work."""
        with pytest.raises(TargetFailed):
            place.target.check(place.unwritable, [SLOT])

    def test_commit_says_when_a_place_cannot_be_written(self, place: Place, parts: Callable[..., list[Path]]) -> None:
        """Also a place that went away since the check."""
        with pytest.raises(TargetFailed):
            place.target.commit(place.unwritable, SLOT, parts(OLD), COLUMNS, SORT_KEYS, {})


def _commit(place: Place, slot: Slot, parts: Sequence[Path]) -> Receipt:
    return place.target.commit(place.options, slot, parts, COLUMNS, SORT_KEYS, {"basalt:run": "test"})


def _read(place: Place, slot: Slot) -> pl.DataFrame:
    found = place.read(slot)
    assert found is not None, "nothing was written"
    return found


def _kill_a_commit(place: Place, parts: Sequence[Path], wait: float) -> None:
    """Commit in a process of its own, and kill it *wait* seconds after it says that it begins."""
    chosen = multiprocessing.get_context("spawn")
    begins = chosen.Event()
    process = chosen.Process(target=_commit_elsewhere, args=(begins, place.target, place.options, [str(part) for part in parts]))
    process.start()
    assert begins.wait(60)
    time.sleep(wait)
    process.kill()
    process.join()


def _commit_elsewhere(begins: Any, target: OutputTarget, options: BaseModel, parts: Sequence[str]) -> None:
    begins.set()
    target.commit(options, SLOT, [Path(part) for part in parts], COLUMNS, SORT_KEYS, {})
