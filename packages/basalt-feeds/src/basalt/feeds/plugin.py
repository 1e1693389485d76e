"""Vendor feeds: what Basalt sees of them before they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basalt.core import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basalt.core.offers import Offer


@hookimpl
def basalt_commands() -> Iterable[Offer]:
    """`basalt data import …`."""
    from basalt.core.offers import Offer

    return (Offer("data", "Bring market data into a lake.", "basalt.feeds.commands:app"),)
