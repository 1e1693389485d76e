"""The raw market tables: what Basalt sees of them before they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basalt.core import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basalt.core.tables import Table


@hookimpl
def basalt_tables() -> Iterable[Table]:
    """The contracts of `basalt.market.tables`."""
    from basalt.market.tables import TABLES

    return TABLES
