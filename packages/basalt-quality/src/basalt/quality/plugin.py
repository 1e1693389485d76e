"""Quality of input: what Basalt sees of it before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basalt.core import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basalt.core.offers import Offer
    from basalt.core.tables import Table


@hookimpl
def basalt_tables() -> Iterable[Table]:
    from basalt.quality.findings import DATA_QUALITY

    return (DATA_QUALITY,)


@hookimpl
def basalt_analytics() -> Iterable[object]:
    from basalt.quality.marking import QUALITY

    return (QUALITY,)


@hookimpl
def basalt_commands() -> Iterable[Offer[object]]:
    from basalt.core.offers import Offer

    return (Offer("data", "Bring market data into a lake.", "basalt.quality.commands:app"),)
