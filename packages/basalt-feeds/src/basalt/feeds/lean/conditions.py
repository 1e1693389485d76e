"""What LEAN's exchanges and conditions mean.

Source:
    LEAN's enums TradeConditionFlags and QuoteConditionFlags; codes of the exchanges as in the consolidated tape.
"""

from __future__ import annotations

from collections.abc import Mapping

EXCHANGES: Mapping[str, str] = {
    "A": "XASE",
    "B": "XBOS",
    "C": "XCIS",
    "D": "XADF",
    "H": "EPRL",
    "I": "XISX",
    "J": "EDGA",
    "K": "EDGX",
    "L": "LTSE",
    "M": "XCHI",
    "N": "XNYS",
    "P": "ARCX",
    "Q": "XNAS",
    "T": "XNAS",
    "U": "MEMX",
    "V": "IEXG",
    "W": "CBSX",
    "X": "XPSX",
    "Y": "BATY",
    "Z": "BATS",
}
"""Market identifier code by the exchange's letter; D are reports of trades off the exchanges."""

OFF_EXCHANGE = "D"

# trades
OPENING_PRINT, CLOSING_PRINT, REOPENING_PRINT, CROSS = 1 << 6, 1 << 7, 1 << 8, 1 << 21
OFFICIAL_CLOSE, OFFICIAL_OPEN = 1 << 24, 1 << 26
ODD_LOT = 1 << 31
AUCTION = OPENING_PRINT | CLOSING_PRINT | REOPENING_PRINT | CROSS
"""Trades of an auction: at one price, without aggressor."""

# quotes
_GAP, _NEWS_DISSEMINATION, _NEWS_PENDING, _RANGE, _IMBALANCE, _CLOSED_MAKER = (1 << bit for bit in (2, 4, 5, 6, 7, 8))
_PAUSE, _NON_FIRM, _RELATED, _COMMON, _EQUIPMENT, _SUB_PENNY, _NO_OPEN = (1 << bit for bit in (9, 10, 12, 14, 15, 16, 17))
_BAND, _BAND_AGAIN, _MANUAL, _INFLUX = (1 << bit for bit in (18, 19, 20, 22))

NO_QUOTE = _RANGE | _BAND | _BAND_AGAIN
"""Lines that are no quotes: probable ranges and price bands."""

NOT_FIRM = (
    _GAP
    | _NEWS_DISSEMINATION
    | _NEWS_PENDING
    | _IMBALANCE
    | _CLOSED_MAKER
    | _PAUSE
    | _NON_FIRM
    | _RELATED
    | _COMMON
    | _EQUIPMENT
    | _SUB_PENNY
    | _NO_OPEN
    | _MANUAL
    | _INFLUX
)
"""Lines after which the exchange has no quote that must be honoured: halts, manual and non-firm quotes."""
