"""The bundle brings what it promises: installed alone, its parts are there and found."""

from __future__ import annotations

import re
from importlib import metadata

import pytest

from basalt.core.catalog import Catalog

NAME = re.compile(r"[A-Za-z0-9-]+")
REQUIRED = [NAME.match(each).group() for each in metadata.requires("bmll-basalt") or [] if "extra ==" not in each]  # type: ignore[union-attr]


@pytest.mark.parametrize("distribution", REQUIRED)
def test_every_part_is_installed(distribution: str) -> None:
    assert metadata.version(distribution)


def test_its_modules_and_sources_are_found() -> None:
    shelf = Catalog()
    shelf.require_sound()
    assert {"trade", "retail_imbalance", "l2", "l2tw", "cbbo_analytics", "l3", "execution", "generic", "reaggregate"} <= set(shelf.modules)
    assert {"lake", "synthetic"} <= set(shelf.sources)
    assert {"trades", "l2", "l3", "marketstate", "reference"} <= set(shelf.tables)
