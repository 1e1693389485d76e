"""The securities of a file: what the directory messages say of each locate code."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from basalt.feeds.identifiers import Listing
from basalt.feeds.itch.fields import LOCATES
from basalt.feeds.itch.layouts import texts_of

OPERATOR = "XNAS"
ROUND_LOT = 100
"""Round lot of a security that no directory message describes."""

HOMES = {"Q": "XNAS", "G": "XNAS", "S": "XNAS", "N": "XNYS", "A": "XASE", "P": "ARCX", "Z": "BATS", "V": "IEXG"}
"""Primary market of a security by its market category."""

KINDS = {
    "A": "American Depositary Share",
    "B": "Bond",
    "C": "Common Stock",
    "F": "Depositary Receipt",
    "I": "144A",
    "L": "Limited Partnership",
    "N": "Notes",
    "O": "Ordinary Share",
    "P": "Preferred Stock",
    "Q": "Other Security",
    "R": "Right",
    "S": "Shares of Beneficial Interest",
    "T": "Convertible Debenture",
    "U": "Unit",
    "V": "Units of Beneficial Interest",
    "W": "Warrant",
}
TEST_SECURITY = "Test Security"


@dataclass(frozen=True)
class Security:
    """One security, as a directory message describes it; empty texts where only its name is known."""

    ticker: str
    category: str = ""
    classification: str = ""
    round_lot: int = ROUND_LOT
    is_test: bool = False


@dataclass
class Directory:
    """The securities of a file by locate code.

    Attributes:
        mic, currency: Venue and currency of all of them.
        tickers: Those that are wanted; empty for all.
    """

    mic: str
    currency: str
    tickers: frozenset[str] = frozenset()
    securities: dict[int, Security] = field(default_factory=dict)
    listing_ids: np.ndarray = field(default_factory=lambda: np.zeros(LOCATES, dtype=np.int64))
    instrument_ids: np.ndarray = field(default_factory=lambda: np.zeros(LOCATES, dtype=np.int64))
    round_lots: np.ndarray = field(default_factory=lambda: np.full(LOCATES, ROUND_LOT, dtype=np.int64))

    @property
    def wanted(self) -> np.ndarray:
        """Whether the security of a locate code is known and wanted (bool, 65,536)."""
        return self.listing_ids != 0

    def learn(self, messages: np.ndarray) -> None:
        """Take in directory messages (R)."""
        texts = {name: texts_of(messages[name]) for name in ("stock", "category", "classification", "authenticity")}
        for row, locate in enumerate(messages["locate"].tolist()):
            self._enter(
                locate,
                Security(
                    texts["stock"][row],
                    texts["category"][row],
                    texts["classification"][row],
                    int(messages["round_lot"][row]) or ROUND_LOT,
                    texts["authenticity"][row] == "T",
                ),
            )

    def learn_names(self, messages: np.ndarray) -> None:
        """Take in the names of securities that no directory message described."""
        locates, first = np.unique(messages["locate"], return_index=True)
        for locate, name in zip(locates.tolist(), texts_of(messages["stock"][first]), strict=True):
            if locate not in self.securities:
                self._enter(locate, Security(name))

    def _enter(self, locate: int, security: Security) -> None:
        self.securities[locate] = security
        if self.tickers and security.ticker not in self.tickers:
            return
        listing = Listing(self.mic, security.ticker, self.currency)
        self.listing_ids[locate], self.instrument_ids[locate] = listing.listing_id, listing.instrument_id
        self.round_lots[locate] = security.round_lot

    def names(self) -> pl.Series:
        """Name of the security of each locate code; null without one (65,536)."""
        names: list[str | None] = [None] * LOCATES
        for locate, security in self.securities.items():
            names[locate] = security.ticker
        return pl.Series("Ticker", names, dtype=pl.String)

    def reference(self, day: date) -> pl.DataFrame:
        """The `reference` rows of the wanted securities."""
        rows = [self._row(locate) for locate in sorted(self.securities) if self.listing_ids[locate]]
        schema = {"ListingId": pl.Int64, "InstrumentId": pl.Int64, "OPOL": pl.String, "InstrumentType": pl.String, "SegmentCode": pl.String}
        return (
            pl.DataFrame(rows, schema_overrides=schema).with_columns(Date=pl.lit(day).cast(pl.Datetime("ms"))) if rows else pl.DataFrame()
        )

    def _row(self, locate: int) -> dict[str, object]:
        security = self.securities[locate]
        home = HOMES.get(security.category)
        return {
            "ListingId": int(self.listing_ids[locate]),
            "InstrumentId": int(self.instrument_ids[locate]),
            "CurrencyCode": self.currency,
            "InstrumentType": TEST_SECURITY if security.is_test else KINDS.get(security.classification),
            "IsAlive": True,
            "IsPrimary": None if home is None else home == self.mic,
            "MIC": self.mic,
            "MarketDataLevel": "L3",
            "OPOL": home,
            "OperatingMic": OPERATOR,
            "SegmentCode": security.category or None,
            "Ticker": security.ticker,
        }


def missing(directory: Directory, tickers: Collection[str]) -> list[str]:
    """Names among *tickers* that the file does not have."""
    return sorted(set(tickers) - {security.ticker for security in directory.securities.values()})
