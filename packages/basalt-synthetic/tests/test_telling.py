"""A source that simulates says so, once a day that it has not simulated before."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from basalt.core.telling import heard_by
from basalt.synthetic.source import SyntheticSource


def test_a_day_is_said_when_it_is_simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASALT_CACHE_DIR", str(tmp_path))
    source = SyntheticSource().configured({"synthetic": {"listings": 1, "scale": 0.02}})
    heard: list[tuple[str, int, int]] = []

    with heard_by(lambda *said: heard.append(said)):
        source.ensure([date(2026, 2, 2)])
        source.ensure([date(2026, 2, 2), date(2026, 2, 3)])

    assert heard == [("simulating 2026-02-02", 0, 1), ("simulating 2026-02-03", 1, 2)]
