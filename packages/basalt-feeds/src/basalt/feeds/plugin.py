"""Vendor feeds: what Basalt sees of them before they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basalt.core import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basalt.core.offers import Offer


@hookimpl
def basalt_hookspecs() -> Iterable[object]:
    """The hook by which plugins offer feeds."""
    from basalt.feeds import hookspecs

    return (hookspecs,)


@hookimpl
def basalt_commands() -> Iterable[Offer]:
    """`basalt data import …` and `basalt data export …`."""
    from basalt.core.offers import Offer

    return (Offer("data", "Bring market data into a lake, and out of it.", "basalt.feeds.commands:app"),)


@hookimpl
def basalt_feeds() -> Iterable[Offer]:
    """The feeds of this package, one line each; heavy imports stand inside the methods of their classes."""
    from basalt.core.offers import Offer

    return (
        Offer("lobster", "LOBSTER message and orderbook files.", "basalt.feeds.lobster.feed:LobsterFeed"),
        Offer("dbn", "Databento files, DBN and CSV.", "basalt.feeds.dbn.feed:DbnFeed"),
        Offer("binance", "Captures of Binance streams, futures and spot.", "basalt.feeds.binance.feed:BinanceFeed"),
        Offer("tardis", "CSV files of Tardis: books, quotes and trades.", "basalt.feeds.tardis.feed:TardisFeed"),
        Offer("itch", "Nasdaq TotalView-ITCH 5.0 files.", "basalt.feeds.itch.feed:ItchFeed"),
        Offer("iex", "Captures of IEX DEEP.", "basalt.feeds.iex.feed:IexFeed"),
        Offer("lean", "LEAN ticks of US equities.", "basalt.feeds.lean.feed:LeanFeed"),
    )
