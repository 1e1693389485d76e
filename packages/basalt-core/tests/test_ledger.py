"""The ledger: what it refuses, and what it says of runs whose process is gone."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from basalt.core.errors import TargetFailed, UnknownName
from basalt.core.ledger import Ledger, state_dir
from basalt.core.tasks import PartFile, Task, TaskReport

DAY = date(2026, 2, 2)


def started(ledger: Ledger, run_id: str) -> None:
    ledger.start_run(run_id, config_hash="c", pipeline="p.py", days=[DAY], config={"a": 1}, work_dir=Path("w"), versions={})


def test_the_state_directory_is_where_the_environment_says(tmp_path: Path) -> None:
    assert state_dir() == tmp_path / "state"
    assert Ledger().runs() == []
    assert (tmp_path / "state" / "ledger.sqlite").is_file()


def test_a_state_directory_that_cannot_be_written_is_a_typed_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BASALT_STATE_DIR", str(tmp_path / "file" / "state"))

    with pytest.raises(TargetFailed) as caught:
        Ledger()

    assert "BASALT_STATE_DIR" in str(caught.value.hint)


def test_a_ledger_that_is_no_database_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "ledger.sqlite").write_bytes(b"this is no database, and long enough to be looked at " * 30)

    with pytest.raises(TargetFailed) as caught:
        Ledger()

    assert "ledger.sqlite" in str(caught.value)
    assert caught.value.hint


def test_a_run_is_found_by_the_start_of_its_id() -> None:
    ledger = Ledger()
    started(ledger, "20260202-a1")
    started(ledger, "20260202-b2")

    assert ledger.show("20260202-a")["run_id"] == "20260202-a1"


@pytest.mark.parametrize("run_id", ["20260202-", "2027", "%", "_" * 11], ids=["ambiguous", "unknown", "percent", "underscores"])
def test_a_run_that_is_not_one_is_refused(run_id: str) -> None:
    ledger = Ledger()
    started(ledger, "20260202-a1")
    started(ledger, "20260202-b2")

    with pytest.raises(UnknownName) as caught:
        ledger.show(run_id)

    assert "basalt runs list" in str(caught.value.hint)


def test_one_run_is_not_found_by_a_pattern() -> None:
    ledger = Ledger()
    started(ledger, "20260202-a1")

    with pytest.raises(UnknownName):
        ledger.show("%")


def test_parts_count_only_while_they_are_whole(tmp_path: Path) -> None:
    ledger = Ledger()
    path = tmp_path / "part.parquet"
    path.write_bytes(b"12345")
    task = Task("key", 0, (DAY,), None, tmp_path / "context")
    ledger.record("run", TaskReport(task, 0, (PartFile("bars", path, 1, 5, DAY, DAY),)))

    assert ledger.finished(task) == (PartFile("bars", path, 1, 5, DAY, DAY),)
    path.write_bytes(b"123")
    assert ledger.finished(task) is None
    path.unlink()
    assert ledger.finished(task) is None


def test_a_failed_attempt_is_not_finished_work(tmp_path: Path) -> None:
    ledger = Ledger()
    task = Task("key", 0, (DAY,), (1, 2), tmp_path / "context")
    ledger.record("run", TaskReport(task, 75))

    assert ledger.finished(task) is None


def test_the_newest_receipt_of_a_place_counts() -> None:
    from basalt.core.offers import Receipt, Slot

    ledger = Ledger()
    slot = Slot("Set_bars", "bars", "all", DAY, DAY)
    ledger.record_receipt("one", Receipt(slot, "out.parquet", 1, 10), "first")
    ledger.record_receipt("two", Receipt(slot, "out.parquet", 2, 20), "second")

    found = ledger.last_receipt("out.parquet")
    assert found is not None
    assert (found["fingerprint"], found["rows"]) == ("second", 2)
    assert ledger.last_receipt("other.parquet") is None
