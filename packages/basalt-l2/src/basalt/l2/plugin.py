"""Book analytics: what Basalt sees of them before they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from basalt.core import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basalt.core.offers import Offer


@hookimpl
def basalt_tables() -> Iterable[Any]:
    from basalt.l2.microprices import MICROPRICE

    return (MICROPRICE,)


@hookimpl
def basalt_commands() -> Iterable[Offer[object]]:
    """`basalt data microprices`."""
    from basalt.core.offers import Offer

    return (Offer("data", "Bring market data into a lake.", "basalt.l2.commands:app"),)


@hookimpl
def basalt_analytics() -> Iterable[Any]:
    from basalt.l2.consolidated import CBBO_ANALYTICS
    from basalt.l2.module import L2, L2TW

    return (L2, L2TW, CBBO_ANALYTICS)
