"""What is found on a simulated day whose truth is known: scores must not get worse.

Sides of hidden and dark executions cannot be told from prices: they happen inside the spread, or at the mid. Their scores
stand in the scoreboard to be read, not here.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from truth_scoreboard import Score, scoreboard

ROOT = Path(__file__).parents[1]
LEAST = {
    "iceberg executions": (0.95, 0.99),
    "icebergs, as chains of peaks": (0.88, 0.97),
    "trades that met an iceberg": (0.95, 0.99),
    "aggressive orders, from trades": (0.99, 0.99),
    "aggressive orders of several executions, from trades": (0.99, 0.99),
    "aggressive orders, from l3": (0.99, 0.99),
    "aggressive orders of several executions, from l3": (0.99, 0.99),
    "side of LIT_CONTINUOUS": (0.98, 0.98),
}
"""Precision and recall that must be reached."""


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:
    return {each.what: each for each in scoreboard(date(2026, 2, 3), listings=10, scale=0.5)}


@pytest.mark.parametrize("what", LEAST)
def test_scores_stay_high(scores: dict[str, Score], what: str) -> None:
    precision, recall = LEAST[what]
    score = scores[what]
    assert score.true > 100
    assert score.precision >= precision, score
    assert score.recall >= recall, score


def test_the_scoreboard_is_printed() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "truth_scoreboard.py"), "--scale", "0.1", "--listings", "4"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[0].split() == ["precision", "recall", "found", "right", "true"]
    assert len(said.splitlines()) == 11
