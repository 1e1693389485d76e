"""The exchange: all tables of a day, from the days of its instruments."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

import polars as pl

from basalt.core.errors import InvalidValue, UnknownName
from basalt.core.tables import Table
from basalt.synthetic.book_tables import BOOKS, CONSOLIDATED, ORDERS, book_entries, consolidated_entries, order_entries
from basalt.synthetic.columns import Columns, Market
from basalt.synthetic.day_tables import LISTINGS, MESSAGES, PHASES, STEPS, listing_entries, message_entries, phase_entries
from basalt.synthetic.deals import deals_of
from basalt.synthetic.entries import Entries, Rows
from basalt.synthetic.group import Group
from basalt.synthetic.happening import sessions
from basalt.synthetic.layouts import Layout
from basalt.synthetic.market import MOST_SCALE, Listing, listings_of, universe
from basalt.synthetic.planning import DayPlan, plan_day
from basalt.synthetic.scenario import PLAIN, Scenario
from basalt.synthetic.trade_table import DEALS, trade_entries
from basalt.synthetic.truth_table import DEEDS, truth_entries

LAYOUTS: dict[str, Layout] = {
    layout.table.name: layout for layout in (DEALS, BOOKS, ORDERS, CONSOLIDATED, PHASES, MESSAGES, LISTINGS, STEPS, DEEDS)
}
TABLES: tuple[Table, ...] = tuple(layout.table for layout in LAYOUTS.values())


def simulate(
    day: date,
    *,
    listings: int = 10,
    scale: float = 1.0,
    seed: int = 7,
    only: Collection[int] | None = None,
    scenario: Scenario | None = None,
) -> dict[str, pl.DataFrame]:
    """The tables of a day.

    An instrument's day depends on the scenario, the day and the instrument alone: asking for fewer
    listings or for *only* some of them gives the same rows of those.

    Args:
        day: Any date.
        listings: Number of listings, 1 to 10,000.
        scale: Activity; 1 gives about three thousand trades a listing.
        seed: Whole number from 0 on.
        only: Listing ids to keep; None for all.
        scenario: What the day is like; *listings*, *scale* and *seed* are then the scenario's.

    Returns:
        `trades`, `l2`, `l3`, `cbbo`, `marketstate`, `imbalance`, `reference`, `ticksize`, `truth`:
        rows as the tables' contracts say, all venues together, in order of time, then sequence number, then listing.

    Raises:
        InvalidValue: A parameter out of range.
        UnknownName: *only* names a listing, or the scenario an instrument, that the market does not have.
    """
    chosen = scenario or plain_scenario(listings, scale, seed)
    parts = [dict(part) for part in simulate_groups(day, chosen, only=only)]
    market = market_of(day, chosen)
    return {name: _table(layout, market, [part.pop(name) for part in parts]) for name, layout in LAYOUTS.items()}


def market_of(day: date, scenario: Scenario) -> Market:
    """What columns of a day need besides entries."""
    return Market(universe(scenario.listings, scenario.seed), day)


def _table(layout: Layout, market: Market, parts: Sequence[Entries]) -> pl.DataFrame:
    return Columns(layout, market, Rows.of(parts, layout.tie_place)).frame()


def plain_scenario(listings: int, scale: float, seed: int) -> Scenario:
    """The scenario of these parameters.

    Raises:
        InvalidValue: A parameter out of range.
    """
    if not 0 < scale <= MOST_SCALE:
        raise InvalidValue(f"scale {scale} cannot be simulated", hint=f"give a number above 0, up to {MOST_SCALE:.0f}")
    universe(listings, seed)
    return PLAIN.model_copy(update={"listings": listings, "scale": float(scale), "seed": seed})


def simulate_groups(day: date, scenario: Scenario, *, only: Collection[int] | None = None) -> Iterator[Mapping[str, Entries]]:
    """What becomes the tables of a day, some instruments at a time: memory does not grow with their number."""
    market = universe(scenario.listings, scenario.seed)
    check_tickers(market, scenario)
    chosen = _chosen(market, only)
    wanted = frozenset(listing.listing_id for listing in chosen)
    for session in sessions(_plans(chosen, day, scenario)):
        yield _entries(Group.of(session, wanted))


def check_tickers(market: Sequence[Listing], scenario: Scenario) -> None:
    """That the scenario speaks of instruments that there are."""
    tickers = {listing.instrument.ticker for listing in market}
    for event in (*scenario.halts, *scenario.auctions):
        if event.ticker not in tickers:
            raise UnknownName.of("synthetic instrument", event.ticker, tickers)


def _chosen(market: Sequence[Listing], only: Collection[int] | None) -> tuple[Listing, ...]:
    by_id = {listing.listing_id: listing for listing in market}
    for listing_id in only or ():
        if listing_id not in by_id:
            raise UnknownName.of("synthetic listing", str(listing_id), map(str, by_id))
    return tuple(listing for listing in market if only is None or listing.listing_id in only)


def _plans(chosen: Sequence[Listing], day: date, scenario: Scenario) -> Iterator[DayPlan]:
    """The plan of each instrument that one of the *chosen* listings belongs to, with all its venues."""
    first = {listing.instrument.number: listing for listing in reversed(chosen)}
    for _, listing in sorted(first.items()):
        yield plan_day(listings_of(listing, scenario.seed), day, scenario)


def _entries(group: Group) -> dict[str, Entries]:
    deals = deals_of(group)
    return {
        DEALS.table.name: trade_entries(group, deals),
        BOOKS.table.name: book_entries(group),
        ORDERS.table.name: order_entries(group),
        CONSOLIDATED.table.name: consolidated_entries(group),
        PHASES.table.name: phase_entries(group),
        MESSAGES.table.name: message_entries(group),
        LISTINGS.table.name: listing_entries(group),
        STEPS.table.name: listing_entries(group),
        DEEDS.table.name: truth_entries(group, deals),
    }
