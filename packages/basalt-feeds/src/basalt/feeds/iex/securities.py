"""The securities of a capture."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from basalt.feeds.identifiers import Listing
from basalt.feeds.iex.fields import symbol_text

TEST_SECURITY, EXCHANGE_TRADED_PRODUCT = 0x80, 0x20
"""Flags of directory messages."""


@dataclass
class Securities:
    """The securities of a capture, numbered as they appear.

    Attributes:
        mic, currency: Venue and currency of all of them.
        tickers: Those that are wanted; empty for all.
    """

    mic: str
    currency: str
    tickers: frozenset[str] = frozenset()
    names: list[str] = field(default_factory=list)
    listing_ids: list[int] = field(default_factory=list)
    instrument_ids: list[int] = field(default_factory=list)
    described: dict[int, tuple[int, int]] = field(default_factory=dict)
    _numbers: dict[int, int] = field(default_factory=dict)

    def number(self, symbols: np.ndarray) -> np.ndarray:
        """Number of the security of each message, -1 for none."""
        found, inverse = np.unique(symbols, return_inverse=True)
        numbers = np.array([self._number(symbol) if symbol else -1 for symbol in found.tolist()], dtype=np.int64)
        return numbers[inverse]

    def _number(self, symbol: int) -> int:
        if symbol not in self._numbers:
            name = symbol_text(symbol)
            listing = Listing(self.mic, name, self.currency)
            is_wanted = not self.tickers or name in self.tickers
            self._numbers[symbol] = len(self.names)
            self.names.append(name)
            self.listing_ids.append(listing.listing_id if is_wanted else 0)
            self.instrument_ids.append(listing.instrument_id)
        return self._numbers[symbol]

    def describe(self, messages: np.ndarray) -> None:
        """Take in directory messages: flags and round lot."""
        for symbol, flags, lot in zip(messages["symbol"].tolist(), messages["flags"].tolist(), messages["round_lot"].tolist(), strict=True):
            self.described[self._number(symbol)] = (flags, lot)

    def columns(self) -> list[pl.Series]:
        """`Ticker`, `ListingId` (0 where it is not wanted) and `InstrumentId` by number."""
        ids = {"ListingId": self.listing_ids, "InstrumentId": self.instrument_ids}
        return [
            pl.Series("Ticker", self.names, dtype=pl.String),
            *(pl.Series(name, values, dtype=pl.Int64) for name, values in ids.items()),
        ]

    def reference(self, day: date) -> pl.DataFrame:
        """The `reference` rows of the wanted securities."""
        named = pl.DataFrame(self.columns()).with_columns(
            pl.Series("InstrumentType", [self._kind(number) for number in range(len(self.names))], dtype=pl.String),
            pl.lit(self.mic).alias("MIC"),
            pl.lit(self.mic).alias("OperatingMic"),
            pl.lit(self.currency).alias("CurrencyCode"),
            pl.lit(value=True).alias("IsAlive"),
            pl.lit("L2").alias("MarketDataLevel"),
            pl.lit(day).cast(pl.Datetime("ms")).alias("Date"),
        )
        return named.filter(pl.col("ListingId") != 0)

    def _kind(self, number: int) -> str | None:
        flags = self.described.get(number, (0, 0))[0]
        if flags & TEST_SECURITY:
            return "Test Security"
        return "Exchange Traded Product" if flags & EXCHANGE_TRADED_PRODUCT else None


def missing(securities: Securities, tickers: Collection[str]) -> list[str]:
    """Names among *tickers* that the capture does not have."""
    return sorted(set(tickers) - set(securities.names))
