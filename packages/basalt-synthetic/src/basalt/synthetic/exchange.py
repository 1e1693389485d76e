"""The exchange: all tables of a day, from the days of its instruments."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

import polars as pl

from basalt.core.errors import InvalidValue, UnknownName
from basalt.core.lake import order_columns
from basalt.core.tables import Table
from basalt.market.tables import CBBO, IMBALANCE, L2, L3, MARKETSTATE, REFERENCE, TRADES
from basalt.synthetic.book_tables import book_table, consolidated_table, order_table
from basalt.synthetic.day_tables import imbalance_table, reference_table, state_table
from basalt.synthetic.group import Group
from basalt.synthetic.happening import sessions
from basalt.synthetic.market import MOST_SCALE, Listing, listings_of, universe
from basalt.synthetic.merging import ordered
from basalt.synthetic.planning import DayPlan, plan_day
from basalt.synthetic.scenario import PLAIN, Scenario
from basalt.synthetic.trade_table import deals_of, trade_table
from basalt.synthetic.truth import TRUTH
from basalt.synthetic.truth_table import truth_table

TABLES = (TRADES, L2, L3, CBBO, MARKETSTATE, IMBALANCE, REFERENCE, TRUTH)


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
        `trades`, `l2`, `l3`, `cbbo`, `marketstate`, `imbalance`, `reference`, `truth`: rows as the
        tables' contracts say, all venues together, in order of time, then sequence number, then listing.

    Raises:
        InvalidValue: A parameter out of range.
        UnknownName: *only* names a listing, or the scenario an instrument, that the market does not have.
    """
    chosen = scenario or plain_scenario(listings, scale, seed)
    parts = list(simulate_groups(day, chosen, only=only))
    return {table.name: assemble(table, [part[table.name] for part in parts]) for table in TABLES}


def plain_scenario(listings: int, scale: float, seed: int) -> Scenario:
    """The scenario of these parameters.

    Raises:
        InvalidValue: A parameter out of range.
    """
    if not 0 < scale <= MOST_SCALE:
        raise InvalidValue(f"scale {scale} cannot be simulated", hint=f"give a number above 0, up to {MOST_SCALE:.0f}")
    universe(listings, seed)
    return PLAIN.model_copy(update={"listings": listings, "scale": float(scale), "seed": seed})


def simulate_groups(day: date, scenario: Scenario, *, only: Collection[int] | None = None) -> Iterator[Mapping[str, pl.DataFrame]]:
    """The tables of a day, some instruments at a time: memory does not grow with their number."""
    market = universe(scenario.listings, scenario.seed)
    check_tickers(market, scenario)
    chosen = _chosen(market, only)
    wanted = frozenset(listing.listing_id for listing in chosen)
    for session in sessions(_plans(chosen, day, scenario)):
        yield _tables(Group.of(session, wanted))


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


def _tables(group: Group) -> dict[str, pl.DataFrame]:
    deals = deals_of(group)
    frames = {
        TRADES: trade_table(group, deals),
        L2: book_table(group),
        L3: order_table(group),
        CBBO: consolidated_table(group),
        MARKETSTATE: state_table(group),
        IMBALANCE: imbalance_table(group),
        REFERENCE: reference_table(group),
        TRUTH: truth_table(group, deals),
    }
    return {table.name: frame.select(_contract_columns(table, frame)) for table, frame in frames.items()}


def assemble(table: Table, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Rows of all parts in the table's order; rows at one instant in order of listing."""
    return ordered(parts, (*order_columns(table), "ListingId"))


def _contract_columns(table: Table, frame: pl.DataFrame) -> list[pl.Expr]:
    return [pl.col(column.name).cast(column.dtype) for column in table.columns if column.name in frame.columns]
