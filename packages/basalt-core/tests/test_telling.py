"""What is told of long work, and of many days at once."""

from __future__ import annotations

from datetime import date

import pytest

from basalt.core.preparing import _of_days
from basalt.core.telling import heard_by, tell

DAYS = [date(2026, 2, day) for day in range(2, 8)]


def test_what_is_told_is_heard_inside_the_block_only() -> None:
    heard: list[tuple[str, int, int]] = []

    tell("before", 0, 1)
    with heard_by(lambda *said: heard.append(said)):
        tell("inside", 1, 2)
    tell("after", 0, 1)

    assert heard == [("inside", 1, 2)]


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ([], []),
        (DAYS[:1], ["2026-02-02: no data"]),
        (DAYS[:3], ["2026-02-02, 2026-02-03, 2026-02-04: no data"]),
        (DAYS, ["2026-02-02, 2026-02-03, 2026-02-04 and 3 more: no data"]),
    ],
)
def test_many_days_are_one_notice(days: list[date], said: list[str]) -> None:
    assert _of_days(days, "no data") == said
