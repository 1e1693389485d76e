"""Workers see the caller as it is now, not as it was when the server that forks them was started."""

from __future__ import annotations

import os.path
import signal
from pathlib import Path

import pytest

from basalt.core.isolation import run_each


@pytest.mark.parametrize("name", ["one", "two"])
def test_workers_stand_in_the_callers_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    (ended,) = run_each(os.path.abspath, ["lake"], 1)
    assert ended.result == str(folder / "lake")


@pytest.mark.parametrize("value", ["one", "two"])
def test_workers_have_the_callers_environment(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASALT_TEST_SURROUNDINGS", value)
    (ended,) = run_each(os.getenv, ["BASALT_TEST_SURROUNDINGS"], 1)
    assert ended.result == value


def test_workers_do_not_hear_the_interrupt_that_a_terminal_sends_to_everybody() -> None:
    (ended,) = run_each(signal.raise_signal, [signal.SIGINT], 1)
    assert ended.exit_code == 0
