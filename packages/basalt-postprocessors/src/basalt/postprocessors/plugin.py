"""Post-processors: what Basalt sees of them before they are used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from basalt.core import hookimpl


@hookimpl
def basalt_analytics() -> Iterable[Any]:
    from basalt.postprocessors.generic import GENERIC
    from basalt.postprocessors.reaggregate import REAGGREGATE

    return (GENERIC, REAGGREGATE)
