"""Several sources: each day of a table comes from the first one that has it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from basalt.core.lake import write_lake_file
from basalt.core.layering import LayeredSource, in_layers
from basalt.core.sources.lake import LakeSource

MONDAY = date(2026, 2, 2)
TUESDAY, WEDNESDAY = (MONDAY + timedelta(days=number) for number in (1, 2))
DAYS = [MONDAY, TUESDAY, WEDNESDAY]
Make = Callable[..., Any]


@pytest.fixture
def put(tmp_path: Path, ticks: Make, venue: Any) -> Callable[..., LakeSource]:
    """A lake with a tick of some size on each of some days."""

    def filled(name: str, size: int, *days: date, mic: str = "XTST") -> LakeSource:
        root = tmp_path / name
        root.mkdir(exist_ok=True)
        for day in days:
            write_lake_file(root, venue.TICKS, mic, day, ticks((1, "09:00:00", 10, size), day=day))
        return LakeSource(str(root))

    return filled


def sizes(source: Any, inventory: Any, venue: Any) -> list[int]:
    rows = source.scan(venue.TICKS, inventory.files, ["Size"]).collect()
    return [int(each) for each in rows["Size"]]


def test_each_day_comes_from_the_first_source_that_has_it(put: Callable[..., LakeSource], venue: Any) -> None:
    sources = [put("one", 1, MONDAY), put("two", 2, MONDAY, TUESDAY), put("three", 3, TUESDAY, WEDNESDAY)]
    source, inventory = in_layers(venue.TICKS, DAYS, sources, None)
    assert isinstance(source, LayeredSource)
    assert [file.day for file in inventory.files] == DAYS
    assert sizes(source, inventory, venue) == [1, 2, 3]
    assert inventory.missing == ()
    assert source.markets(venue.TICKS, DAYS) == ("XTST",)
    assert source.inventory(venue.TICKS, DAYS, None) == inventory


def test_one_source_that_has_everything_is_read_alone(put: Callable[..., LakeSource], venue: Any) -> None:
    one, two = put("one", 1, MONDAY), put("two", 2, MONDAY, TUESDAY)
    assert in_layers(venue.TICKS, [MONDAY], [one, two], ["XTST"])[0] is one
    assert in_layers(venue.TICKS, [TUESDAY], [one, two], ["XTST"])[0] is two


def test_what_nobody_has_is_missing_as_the_first_source_says(put: Callable[..., LakeSource], venue: Any) -> None:
    sources = [put("one", 1, MONDAY), put("two", 2, TUESDAY, mic="XOTH")]
    source, inventory = in_layers(venue.TICKS, DAYS, sources, ["XTST", "XOTH"])
    assert sizes(source, inventory, venue) == [1, 2]
    assert set(inventory.missing) == {("XOTH", MONDAY), ("XTST", TUESDAY), ("XTST", WEDNESDAY), ("XOTH", WEDNESDAY)}
    nothing, empty = in_layers(venue.TICKS, [WEDNESDAY], sources, ["XTST"])
    assert nothing is sources[0]
    assert empty.files == ()


def test_other_files_are_another_fingerprint(put: Callable[..., LakeSource], venue: Any) -> None:
    sources = [put("one", 1, MONDAY), put("two", 2, TUESDAY)]
    before = in_layers(venue.TICKS, DAYS, sources, None)[1].fingerprint
    put("two", 7, TUESDAY)
    assert in_layers(venue.TICKS, DAYS, sources, None)[1].fingerprint != before
