"""Whether the event loop may be kept compiled: Numba's cache looks at the file of the compiled function only, not at its parts'."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

PARTS = ("auctioning", "chance", "flow", "latent", "levels", "matching", "resting", "tape", "world")
"""Modules whose code is compiled into the event loop."""


def digest_of_parts() -> str:
    """What the files of all parts say, in short."""
    digest = sha256()
    for name in PARTS:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()[:16]
