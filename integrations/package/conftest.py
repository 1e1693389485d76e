"""Environments made of nothing but wheels; each is made once per session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from installing import Environment, build_wheels, create_environment, from_wheels
from workspace import members


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the wheel of every package: the one that BASALT_WHEELS names, or one filled now."""
    if given := os.environ.get("BASALT_WHEELS"):
        return Path(given).resolve()
    folder = tmp_path_factory.mktemp("wheels")
    build_wheels(folder)
    return folder


@pytest.fixture(scope="session")
def core_only(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The kernel and what it declares."""
    return create_environment(tmp_path_factory.mktemp("core"), from_wheels(["bmll-basalt-core"], members(), wheels))


@pytest.fixture(scope="session")
def with_subpackages(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Every package of the workspace."""
    return create_environment(tmp_path_factory.mktemp("all"), from_wheels(list(members()), members(), wheels))
