"""Every fault is found, and located: what is wrong, with whom, when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest

from basalt.core.lake import lake_path
from basalt.market.tables import TABLES
from basalt.testing.faults import Fault, inject

DAY = date(2026, 2, 2)
MIC = "XLON"
Check = Callable[..., Any]

CASES = [
    ("drop", "l3", "NUMBER_GAP"),
    ("drop", "l2", "NUMBER_GAP"),
    ("drop", "trades", "UNMATCHED_EXECUTION"),
    ("duplicate", "l3", "DUPLICATE"),
    ("duplicate", "l2", "DUPLICATE"),
    ("duplicate", "trades", "DUPLICATE"),
    ("duplicate", "marketstate", "DUPLICATE"),
    ("reorder", "l3", "OUT_OF_ORDER"),
    ("reorder", "l2", "OUT_OF_ORDER"),
    ("reorder", "trades", "OUT_OF_ORDER"),
    ("wrong side", "l3", "SIDE_MISMATCH"),
    ("wrong side", "trades", "WRONG_SIDE"),
    ("negative size", "l3", "NEGATIVE_SIZE"),
    ("negative size", "l2", "NEGATIVE_SIZE"),
    ("negative size", "trades", "NEGATIVE_SIZE"),
    ("clock jump", "l3", "CLOCK_JUMP"),
    ("clock jump", "l2", "CLOCK_JUMP"),
    ("clock jump", "trades", "CLOCK_JUMP"),
    ("unknown id", "l3", "UNKNOWN_ORDER"),
    ("halt without resume", "marketstate", "HALT_UNRESOLVED"),
    ("truncated file", "l3", "BROKEN_FILE"),
    ("truncated file", "trades", "BROKEN_FILE"),
    ("truncated file", "reference", "BROKEN_FILE"),
]


def test_a_sound_day_has_no_findings(sound_lake: Path, check: Check) -> None:
    for checked in check(sound_lake).values():
        assert checked.findings.is_empty(), checked.findings


def test_every_fault_is_tried() -> None:
    assert {fault for fault, _, _ in CASES} == set(get_args(Fault))


@pytest.mark.parametrize(("fault", "table", "reason"), CASES)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_fault_is_found_where_it_is(fault: Fault, table: str, reason: str, seed: int, lake: Path, check: Check) -> None:
    injected = inject(lake, fault, table, MIC, DAY, seed=seed)
    findings = check(lake, MIC)[MIC].findings
    found = findings.filter(pl.col("Reason") == reason)
    assert found.height >= 1, findings
    if injected.listing is None:
        assert found["CheckedTable"].to_list() == [table]
    else:
        assert injected.at is not None
        here = found.filter(ListingId=injected.listing).filter((pl.col("Start") <= injected.at) & (pl.col("End") >= injected.at))
        assert here.height >= 1, (injected, found)


def test_other_markets_are_not_blamed(lake: Path, check: Check) -> None:
    inject(lake, "drop", "l3", MIC, DAY)
    checked = check(lake)
    assert {mic for mic, each in checked.items() if each.findings.height} == {MIC}


def test_batches_find_what_the_whole_finds(lake: Path, check: Check) -> None:
    for fault, table in (("drop", "l3"), ("negative size", "trades"), ("clock jump", "l2")):
        inject(lake, fault, table, MIC, DAY)  # type: ignore[arg-type]
    whole, batched = check(lake, MIC)[MIC].findings, check(lake, MIC, max_rows=1)[MIC].findings
    assert whole.height >= 3
    assert whole.equals(batched)


@pytest.mark.parametrize("table", ["trades", "l3", "marketstate", "reference"])
def test_a_file_that_is_damaged_inside_is_found_and_others_are_not_blamed(table: str, lake: Path, check: Check) -> None:
    path = Path(lake_path(str(lake), {each.name: each for each in TABLES}[table], MIC, DAY))
    whole = bytearray(path.read_bytes())
    damaged = len(whole) // 8
    whole[4 : 4 + damaged] = bytes(255 - byte for byte in whole[4 : 4 + damaged])
    path.write_bytes(whole)
    broken = check(lake, MIC)[MIC].findings.filter(Reason="BROKEN_FILE")
    assert broken["CheckedTable"].to_list() == [table]
