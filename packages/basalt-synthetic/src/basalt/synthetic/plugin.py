"""The simulated exchange: what Basalt sees of it before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basalt.core import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basalt.core.offers import Offer, Source
    from basalt.core.tables import Table


@hookimpl
def basalt_tables() -> Iterable[Table]:
    """The table `truth`."""
    from basalt.synthetic.truth import TRUTH

    return (TRUTH,)


@hookimpl
def basalt_sources() -> Iterable[Offer[Source]]:
    """The source `synthetic`."""
    from basalt.core.offers import Offer

    summary = "A simulated exchange; days are made when they are asked for and kept in the cache."
    return (Offer("synthetic", summary, "basalt.synthetic.source:SyntheticSource", "synthetic"),)


@hookimpl
def basalt_commands() -> Iterable[Offer[object]]:
    """The command `basalt data simulate`."""
    from basalt.core.offers import Offer

    return (Offer("data", "Bring market data into a lake.", "basalt.synthetic.commands:app"),)
