"""The raw market tables: what Basalt sees of them before they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basalt.core import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basalt.core.offers import Offer, Timeline
    from basalt.core.tables import Table


@hookimpl
def basalt_tables() -> Iterable[Table]:
    """The contracts of `basalt.market.tables`, tick sizes, and what venues publish of themselves."""
    from basalt.market.statistics import STATISTICS
    from basalt.market.tables import TABLES
    from basalt.market.ticks import TICKSIZE

    return (*TABLES, TICKSIZE, STATISTICS)


@hookimpl
def basalt_timelines() -> Iterable[Offer[Timeline]]:
    """The timeline `session`."""
    from basalt.core.offers import Offer

    summary = "Buckets of the venue's session by its calendar, also counted from its opening."
    return (Offer("session", summary, "basalt.market.timeline:SessionTimeline", "session_analytics"),)


@hookimpl
def basalt_analytics() -> Iterable[object]:
    """The module `convert`."""
    from basalt.market.converting import CONVERT

    return (CONVERT,)


@hookimpl
def basalt_commands() -> Iterable[Offer[object]]:
    """`basalt data ticks`."""
    from basalt.core.offers import Offer

    return (Offer("data", "Bring market data into a lake.", "basalt.market.commands:app"),)
