"""Numbers of instruments to listings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from basalt.feeds.identifiers import Listing


@dataclass
class Symbols:
    """Which symbol a number of an instrument stood for, on which days.

    Attributes:
        spans: By number: symbol, first day, day after the last.
        known: By number: symbols that hold on all days, from definitions or from the rows themselves.
    """

    spans: dict[int, list[tuple[str, date, date]]] = field(default_factory=dict)
    known: dict[int, str] = field(default_factory=dict)

    def add_mappings(self, mappings: Mapping[str, Iterable[Mapping[str, Any]]], *, numbers_are_symbols: bool) -> None:
        """Take the symbol mappings of a file's metadata; a symbol of many instruments gets their numbers behind it.

        Args:
            mappings: Symbol asked for, to where it led in which span of days.
            numbers_are_symbols: The file was asked for by number, so that numbers lead to symbols.
        """
        for asked, intervals in mappings.items():
            found = list(intervals)
            for each in found:
                number, symbol = (asked, each["symbol"]) if numbers_are_symbols else (each["symbol"], asked)
                is_shared = not numbers_are_symbols and any(_overlap(each, other) and other["symbol"] != number for other in found)
                if number.isdigit():
                    span = (f"{symbol}:{number}" if is_shared else symbol, each["start_date"], each["end_date"])
                    self.spans.setdefault(int(number), []).append(span)

    def symbol(self, number: int, day: date) -> str | None:
        """The symbol of *number* on *day*; that of another day where none covers it; None when nothing is known."""
        if number in self.known:
            return self.known[number]
        spans = self.spans.get(number, [])
        for symbol, start, end in spans:
            if start <= day < end:
                return symbol
        return spans[0][0] if spans else None


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["start_date"] < other["end_date"] and other["start_date"] < one["end_date"])


@dataclass
class Directory:
    """The listings of one market: what a number of an instrument is called, and in which currency it trades.

    Attributes:
        mic: Market.
        currency: Currency of instruments without a definition.
        symbols: Symbols of numbers, from all files of the market.
        currencies: Currency by number, from definitions.
    """

    mic: str
    currency: str
    symbols: Symbols = field(default_factory=Symbols)
    currencies: dict[int, str] = field(default_factory=dict)
    nameless: set[int] = field(default_factory=set)

    def learn(self, symbols: Symbols) -> None:
        """Take the symbols of a file."""
        for number, spans in symbols.spans.items():
            known = self.symbols.spans.setdefault(number, [])
            known += [span for span in spans if span not in known]
        self.symbols.known |= symbols.known

    def listing(self, number: int, day: date) -> Listing:
        """The listing of *number* on *day*, under its number when no file has a symbol for it."""
        symbol = self.symbols.symbol(number, day)
        if symbol is None:
            self.nameless.add(number)
        return Listing(self.mic, symbol or str(number), self.currencies.get(number, self.currency))

    def numbered(self, records: pl.DataFrame, day: date) -> tuple[pl.DataFrame, tuple[Listing, ...]]:
        """*records* with `ListingId`, and the listings that they belong to."""
        numbers = records["instrument_id"].unique().to_list()
        listings = {number: self.listing(number, day) for number in numbers}
        if len(listings) == 1:
            identified = pl.lit(listings[numbers[0]].listing_id, pl.Int64)
        else:
            ids = {number: listing.listing_id for number, listing in listings.items()}
            identified = pl.col("instrument_id").replace_strict(ids, return_dtype=pl.Int64)
        return records.with_columns(identified.alias("ListingId")), tuple(listings.values())


def identity(listings: tuple[Listing, ...], day: date, *names: str) -> list[pl.Expr]:
    """Columns that say whose a row is, for rows with `ListingId`.

    Args:
        listings: All listings that the rows belong to.
        day: Trading day of the rows.
        names: Among `Ticker`, `InstrumentId`, `MIC`, `OPOL`, `ExecutionVenue`, `CurrencyCode`, `InstrumentCurrencyCode`, `TradeDate`.
    """
    return [_identity(listings, day, name).alias(name) for name in names]


def _identity(listings: tuple[Listing, ...], day: date, name: str) -> pl.Expr:
    if name == "TradeDate":
        return pl.lit(day).cast(pl.Datetime("ms"))
    values = {each.listing_id: _value(each, name) for each in listings}
    dtype = pl.Int64 if name == "InstrumentId" else pl.String
    if len(set(values.values())) == 1:
        return pl.lit(next(iter(values.values())), dtype)
    return pl.col("ListingId").replace_strict(values, return_dtype=dtype)


def _value(listing: Listing, name: str) -> str | int:
    if name == "InstrumentId":
        return listing.instrument_id
    if name == "Ticker":
        return listing.ticker
    return listing.currency if name.endswith("CurrencyCode") else listing.mic
