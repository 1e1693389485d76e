"""The door of this package: what plugins may offer to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from basalt.core.hookspecs import hookspec

if TYPE_CHECKING:
    from basalt.core.offers import Offer
    from basalt.feeds.feed import Feed


@hookspec
def basalt_feeds() -> Iterable[Offer[Feed]]:  # type: ignore[empty-body]
    """Offer feeds: the name is the word after `basalt data import`, the target a class of `basalt.feeds.feed.Feed`.

    Names are unique over all plugins. A feed that is also an `Exporter` gets a word after
    `basalt data export`.
    """
