"""Comparing outputs: exact for everything but floats, which may differ in the last bits."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

RELATIVE = 1e-12


def outputs(root: Path) -> dict[str, pl.DataFrame]:
    """Every written file below *root*, by its path."""
    return {str(path.relative_to(root)): pl.read_parquet(path) for path in sorted(root.rglob("*.parquet"))}


def assert_same_outputs(found: dict[str, pl.DataFrame], wanted: dict[str, pl.DataFrame]) -> None:
    """Same files, same columns, same rows in the same order."""
    assert sorted(found) == sorted(wanted)
    for name, frame in wanted.items():
        assert_frame_equal(found[name], frame, rel_tol=RELATIVE, abs_tol=0.0, check_exact=False)
