"""The exchange: all tables of a day, from the days of its listings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from basalt.core.errors import InvalidValue, UnknownName
from basalt.core.tables import Table
from basalt.market.tables import L2, L3, MARKETSTATE, REFERENCE, TRADES
from basalt.synthetic.book_tables import book_table, order_table, reference_table, state_table
from basalt.synthetic.day import ListingDay, simulate_listing
from basalt.synthetic.market import MOST_SCALE, Listing, universe
from basalt.synthetic.quotes import BookRows, Quotes, book_rows
from basalt.synthetic.trade_table import trade_table

TABLES = (TRADES, L2, L3, MARKETSTATE, REFERENCE)

_ORDER = {
    "trades": ("TradeTimestampNanoseconds", "BMLLSequenceNo"),
    "l2": ("TimestampNanoseconds", "BMLLSequenceNo"),
    "l3": ("TimestampNanoseconds", "BMLLSequenceNo"),
    "marketstate": ("TimestampNanoseconds", "BMLLSequenceNo"),
    "reference": ("ListingId",),
}


@dataclass(frozen=True)
class _Simulated:
    """A listing-day with what its tables and those of its sister listings need."""

    day: ListingDay
    book: BookRows
    quotes: Quotes


def simulate(
    day: date, *, listings: int = 10, scale: float = 1.0, seed: int = 7, only: Collection[int] | None = None
) -> dict[str, pl.DataFrame]:
    """The tables of a day.

    Every listing-day depends on *seed*, *day*, *scale* and its own listing alone: asking for fewer
    listings or for *only* some of them gives the same rows of those.

    Args:
        day: Any date.
        listings: Number of listings, 1 to 2500.
        scale: Activity; 1 gives about three thousand trades a listing.
        seed: Whole number from 0 on.
        only: Listing ids to keep; None for all.

    Returns:
        `trades`, `l2`, `l3`, `marketstate`, `reference`: rows as the tables' contracts say, all
        venues together, in order of time, then sequence number, then listing.

    Raises:
        InvalidValue: A parameter out of range.
        UnknownName: *only* names a listing that the market does not have.
    """
    market = universe(listings, seed)
    if not 0 < scale <= MOST_SCALE:
        raise InvalidValue(f"scale {scale} cannot be simulated", hint=f"give a number above 0, up to {MOST_SCALE:.0f}")
    chosen = _chosen(market, only)
    simulated = _simulate_all(chosen, market, day, seed, scale)
    return {
        "trades": _assemble(TRADES, (_trades(listing, simulated, market) for listing in chosen)),
        "l2": _assemble(L2, (book_table(simulated[each.number].day, simulated[each.number].book) for each in chosen)),
        "l3": _assemble(L3, (order_table(simulated[each.number].day) for each in chosen)),
        "marketstate": _assemble(MARKETSTATE, (state_table(simulated[each.number].day) for each in chosen)),
        "reference": _assemble(REFERENCE, [reference_table(chosen, day)]),
    }


def _chosen(market: Sequence[Listing], only: Collection[int] | None) -> tuple[Listing, ...]:
    by_id = {listing.listing_id: listing for listing in market}
    for listing_id in only or ():
        if listing_id not in by_id:
            raise UnknownName.of("synthetic listing", str(listing_id), map(str, by_id))
    return tuple(listing for listing in market if only is None or listing.listing_id in only)


def _primary(listing: Listing, market: Sequence[Listing]) -> Listing:
    """The listing of the same instrument on its home venue; it comes first in the market."""
    return next(each for each in market if each.instrument.number == listing.instrument.number and each.is_primary)


def _simulate_all(chosen: Sequence[Listing], market: Sequence[Listing], day: date, seed: int, scale: float) -> dict[int, _Simulated]:
    """The chosen listing-days and those of their home venues, by listing number."""
    needed = {each.number: each for listing in chosen for each in (listing, _primary(listing, market))}
    return {number: _simulated(simulate_listing(listing, day, seed=seed, scale=scale)) for number, listing in sorted(needed.items())}


def _simulated(listing_day: ListingDay) -> _Simulated:
    book = book_rows(listing_day.record)
    return _Simulated(listing_day, book, Quotes(listing_day, book))


def _trades(listing: Listing, simulated: dict[int, _Simulated], market: Sequence[Listing]) -> pl.DataFrame:
    own, primary = simulated[listing.number], simulated[_primary(listing, market).number]
    return trade_table(own.day, own.quotes, primary.day, primary.quotes)


def _assemble(table: Table, frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Rows of all listings in order of time, with the columns of the contract in its order."""
    parts = [frame.select(_contract_columns(table, frame)) for frame in frames]
    order = [*_ORDER[table.name], *(["ListingId"] if table.time else [])]
    return pl.concat(parts).sort(order)


def _contract_columns(table: Table, frame: pl.DataFrame) -> list[pl.Expr]:
    return [pl.col(column.name).cast(column.dtype) for column in table.columns if column.name in frame.columns]
