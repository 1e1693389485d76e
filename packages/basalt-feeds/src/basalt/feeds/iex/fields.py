"""Fields of DEEP messages, and the phase of the security when they come.

All numbers are little-endian, prices count ten-thousandths, times are nanoseconds since 1970 UTC. A message begins with its
type, a byte of flags or status, its time and, unless it is about the system, the name of the security in eight letters.

Source:
    IEX DEEP specification 1.06, sections on message formats.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from basalt.feeds.iex.segments import read_little

LENGTHS = {
    "S": 10,
    "D": 31,
    "H": 22,
    "I": 18,
    "O": 18,
    "P": 19,
    "E": 18,
    "8": 30,
    "5": 30,
    "T": 38,
    "B": 38,
    "X": 26,
    "A": 80,
}
"""Bytes of each message by its type; later versions may append more."""

FIELDS = ("Kind", "Flags", "Nanos", "Symbol", "Size", "Price", "TradeId")
"""Rows of the output: one column a message. Fields that a message does not have are 0; the name is its eight bytes as a number."""

KIND, FLAGS, NANOS, SYMBOL, SIZE, PRICE, TRADE_ID = range(len(FIELDS))
PRICE_SCALE = 10_000
_BUY, _SELL, _TRADE, _BREAK, _OFFICIAL, _SYSTEM = (ord(kind) for kind in "85TBXS")

SECURITY_DIRECTORY = np.dtype(
    [("kind", "S1"), ("flags", "u1"), ("nanos", "<i8"), ("symbol", "<i8"), ("round_lot", "<u4"), ("close", "<i8"), ("luld_tier", "u1")]
)
TRADING_STATUS = np.dtype([("kind", "S1"), ("status", "S1"), ("nanos", "<i8"), ("symbol", "<i8"), ("reason", "S4")])
SHORT_SALE = np.dtype([("kind", "S1"), ("status", "u1"), ("nanos", "<i8"), ("symbol", "<i8"), ("detail", "S1")])
AUCTION = np.dtype(
    [
        ("kind", "S1"),
        ("auction", "S1"),
        ("nanos", "<i8"),
        ("symbol", "<i8"),
        ("paired", "<u4"),
        ("reference", "<i8"),
        ("indicative", "<i8"),
        ("imbalance", "<u4"),
        ("side", "S1"),
        ("extension", "u1"),
        ("scheduled", "<u4"),
        ("auction_only", "<i8"),
        ("collar_reference", "<i8"),
        ("collar_lower", "<i8"),
        ("collar_upper", "<i8"),
    ]
)


def gather(buffer: np.ndarray, starts: np.ndarray, layout: np.dtype[np.void]) -> np.ndarray:
    """The messages that begin at *starts* of *buffer* (uint8), as a structured array."""
    return buffer[starts[:, None] + np.arange(layout.itemsize)].view(layout)[:, 0]


def symbol_text(symbol: int) -> str:
    """The name of a security, without the spaces that pad it."""
    return symbol.to_bytes(8, "little", signed=True).decode("latin-1").rstrip()


@njit(cache=True, nogil=True)
def read_fields(buffer: np.ndarray, starts: np.ndarray, lengths: np.ndarray, out: np.ndarray) -> int:
    """Read the messages that begin at *starts*, behind two bytes of length.

    Args:
        buffer: Bytes (uint8).
        starts: Where messages begin (int64).
        lengths: Bytes of each known type by its byte, 0 for others (int64, 256).
        out: Place for one column a message, rows as in `FIELDS`, zeroed (int64).

    Returns:
        Number of the first message that is too short for its type; that of messages without.
    """
    for row in range(starts.size):
        at = starts[row]
        length, kind = read_little(buffer, at - 2, 2), buffer[at] if read_little(buffer, at - 2, 2) > 0 else np.uint8(0)
        out[KIND, row] = kind
        if length < lengths[kind] or length == 0:
            return row
        if lengths[kind] == 0:
            continue
        out[FLAGS, row], out[NANOS, row] = buffer[at + 1], read_little(buffer, at + 2, 8)
        if kind == _SYSTEM:
            continue
        out[SYMBOL, row] = read_little(buffer, at + 10, 8)
        if kind in (_BUY, _SELL, _TRADE, _BREAK):
            out[SIZE, row], out[PRICE, row] = read_little(buffer, at + 18, 4), read_little(buffer, at + 22, 8)
        if kind in (_TRADE, _BREAK):
            out[TRADE_ID, row] = read_little(buffer, at + 30, 8)
        elif kind == _OFFICIAL:
            out[PRICE, row] = read_little(buffer, at + 18, 8)
    return starts.size


@njit(cache=True, nogil=True)
def assign_phases(
    securities: np.ndarray, nanos: np.ndarray, changes: np.ndarray, phases: np.ndarray, latest: np.ndarray, out: np.ndarray
) -> None:
    """Give each message the phase of its security, and a clock that does not go back for a security.

    Args:
        securities: Number of the security of each message, -1 for none (int64).
        nanos: Times of the messages (int64).
        changes: Changes of phase: message, security, code of the phase; in order (int64, 3 × m).
        phases: Code of each security's phase (int64); changed.
        latest: Latest time of each security (int64); changed.
        out: Gets phase and clock (int64, 2 × n).
    """
    change = 0
    for row in range(securities.size):
        while change < changes.shape[1] and changes[0, change] <= row:
            phases[changes[1, change]] = changes[2, change]
            change += 1
        security = securities[row]
        if security < 0:
            continue
        latest[security] = max(latest[security], nanos[row])
        out[0, row], out[1, row] = phases[security], latest[security]
