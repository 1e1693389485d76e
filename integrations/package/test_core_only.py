"""The kernel's wheel and nothing else of Basalt."""

from __future__ import annotations

import json

import pytest

from installing import Environment

NEEDS_TRADE = """\
USER_CONFIG = {
    "DATASETNAME": "Bars",
    "UNIVERSE": "mic=XLON",
    "DATA_SOURCE_PATH": ["lake"],
    "PASSES": [{"name": "bars", "time_bucket_seconds": 60, "modules": ["trade"]}],
}
"""
NEEDS_A_TYPO_FIXED = NEEDS_TRADE.replace('"modules"', '"moduls"')


@pytest.mark.parametrize("arguments", [[], ["pipeline"], ["pipeline", "run"], ["analytics"], ["plugins"], ["runs"]], ids=" ".join)
def test_help_works(core_only: Environment, arguments: list[str]) -> None:
    done = core_only.run("basalt", *arguments, "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage" in done.stdout


def test_help_offers_the_kernel_commands_only(core_only: Environment) -> None:
    text = core_only.run("basalt", "--help").stdout

    assert all(group in text for group in ("pipeline", "analytics", "plugins", "runs"))
    assert "data " not in text


def test_no_plugin_is_importable(core_only: Environment) -> None:
    done = core_only.run("python", "-c", "import basalt.core, basalt; print(len(list(basalt.__path__)), basalt.__file__)")
    missing = core_only.run("python", "-c", "import basalt.trade")

    assert done.stdout.split() == ["1", "None"]
    assert "No module named 'basalt.trade'" in missing.stderr


def test_plugins_list_shows_the_kernel_alone(core_only: Environment) -> None:
    done = core_only.run("basalt", "plugins", "list", "--json")

    assert done.returncode == 0, done.stderr
    assert "bmll-basalt-core" in done.stdout
    assert "bmll-basalt-trade" not in json.dumps(json.loads(done.stdout))


def test_a_module_of_a_missing_wheel_names_the_wheel(core_only: Environment) -> None:
    (core_only.folder / "bars.py").write_text(NEEDS_TRADE)

    done = core_only.run("basalt", "pipeline", "plan", "--pipeline", "bars.py", "--date", "2026-02-02")

    assert done.returncode == 64
    assert "bmll-basalt-trade" in done.stderr
    assert "PASSES[0].modules[0]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_running_config_fails_the_same_way_before_it_writes(core_only: Environment) -> None:
    (core_only.folder / "bars.py").write_text(NEEDS_TRADE)

    done = core_only.run("basalt", "pipeline", "run", "--pipeline", "bars.py", "--date", "2026-02-02")

    assert done.returncode == 64
    assert "bmll-basalt-trade" in done.stderr
    assert not list(core_only.folder.glob("**/*.parquet"))


def test_a_misspelt_key_gets_its_near_match(core_only: Environment) -> None:
    (core_only.folder / "typo.py").write_text(NEEDS_A_TYPO_FIXED)

    done = core_only.run("basalt", "pipeline", "plan", "--pipeline", "typo.py", "--date", "2026-02-02")

    assert done.returncode == 64
    assert "moduls" in done.stderr
    assert "modules" in done.stderr


def test_version_is_that_of_the_wheel(core_only: Environment) -> None:
    done = core_only.run("basalt", "--version")

    assert done.returncode == 0, done.stderr
    assert "0.1.0" in done.stdout
