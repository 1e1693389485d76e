"""Kill a run at any moment: resuming gives the outputs of an undisturbed run, and nothing else."""

from __future__ import annotations

import os
import random
from datetime import date
from pathlib import Path

import pytest
from comparing import assert_same_outputs, outputs
from killing import Place, seconds_of

from basalt.synthetic import write_day

KILLS = int(os.environ.get("BASALT_TEST_KILLS", "8"))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake")
    for day in (2, 3, 4):
        write_day(root, date(2026, 2, day), listings=10, scale=0.3, seed=3)
    return root


@pytest.fixture(scope="module")
def undisturbed(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, float]:
    place = Place(tmp_path_factory.mktemp("undisturbed"), lake)
    return place, seconds_of(place)


@pytest.mark.parametrize("attempt", range(KILLS))
def test_killed_run_resumes(attempt: int, lake: Path, undisturbed: tuple[Place, float], tmp_path: Path) -> None:
    """A killed run, resumed, ends like one that was never killed."""
    whole, seconds = undisturbed
    place = Place(tmp_path, lake)
    place.kill_after(random.Random(attempt).uniform(0.1, seconds))
    place.finish("--resume")
    assert_same_outputs(outputs(place.out), outputs(whole.out))
    assert place.leftovers() == []


def test_resume_does_only_what_is_missing(lake: Path, undisturbed: tuple[Place, float], tmp_path: Path) -> None:
    """Tasks that the killed run finished are not done again."""
    place = Place(tmp_path, lake)
    place.die_after(tasks=4)
    report = place.finish("--resume")
    assert report["reused"] == 4
    assert_same_outputs(outputs(place.out), outputs(undisturbed[0].out))
