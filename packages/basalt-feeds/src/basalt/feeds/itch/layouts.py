"""The messages of ITCH 5.0: names, places and sizes of their fields.

All numbers are unsigned and big-endian, prices count ten-thousandths, times are nanoseconds after midnight in
New York, texts are padded with spaces on the right. A message begins with its type.

Source:
    Nasdaq TotalView-ITCH 5.0 interface specification, sections 4.1 to 4.9.
"""

from __future__ import annotations

import numpy as np

PRICE_SCALE = 10_000

_HEADER = [("kind", "S1"), ("locate", ">u2"), ("tracking", ">u2"), ("nanos", "u1", (6,))]


def _layout(*fields: tuple[str, str]) -> np.dtype[np.void]:
    return np.dtype([*_HEADER, *fields])


_ADD = (("order", ">u8"), ("side", "S1"), ("shares", ">u4"), ("stock", "S8"), ("price", ">u4"))

LAYOUTS: dict[str, np.dtype[np.void]] = {
    "S": _layout(("event", "S1")),
    "R": _layout(
        ("stock", "S8"),
        ("category", "S1"),
        ("financial_status", "S1"),
        ("round_lot", ">u4"),
        ("round_lots_only", "S1"),
        ("classification", "S1"),
        ("subtype", "S2"),
        ("authenticity", "S1"),
        ("short_sale_threshold", "S1"),
        ("ipo", "S1"),
        ("luld_tier", "S1"),
        ("etp", "S1"),
        ("etp_leverage", ">u4"),
        ("inverse", "S1"),
    ),
    "H": _layout(("stock", "S8"), ("state", "S1"), ("reserved", "S1"), ("reason", "S4")),
    "Y": _layout(("stock", "S8"), ("action", "S1")),
    "L": _layout(("mpid", "S4"), ("stock", "S8"), ("primary", "S1"), ("mode", "S1"), ("state", "S1")),
    "V": _layout(("level1", ">u8"), ("level2", ">u8"), ("level3", ">u8")),
    "W": _layout(("level", "S1")),
    "K": _layout(("stock", "S8"), ("release_time", ">u4"), ("qualifier", "S1"), ("price", ">u4")),
    "J": _layout(("stock", "S8"), ("reference", ">u4"), ("upper", ">u4"), ("lower", ">u4"), ("extension", ">u4")),
    "h": _layout(("stock", "S8"), ("market", "S1"), ("action", "S1")),
    "A": _layout(*_ADD),
    "F": _layout(*_ADD, ("mpid", "S4")),
    "E": _layout(("order", ">u8"), ("shares", ">u4"), ("match", ">u8")),
    "C": _layout(("order", ">u8"), ("shares", ">u4"), ("match", ">u8"), ("printable", "S1"), ("price", ">u4")),
    "X": _layout(("order", ">u8"), ("shares", ">u4")),
    "D": _layout(("order", ">u8")),
    "U": _layout(("old_order", ">u8"), ("order", ">u8"), ("shares", ">u4"), ("price", ">u4")),
    "P": _layout(*_ADD, ("match", ">u8")),
    "Q": _layout(("shares", ">u8"), ("stock", "S8"), ("price", ">u4"), ("match", ">u8"), ("cross", "S1")),
    "B": _layout(("match", ">u8")),
    "I": _layout(
        ("paired", ">u8"),
        ("imbalance", ">u8"),
        ("direction", "S1"),
        ("stock", "S8"),
        ("far", ">u4"),
        ("near", ">u4"),
        ("reference", ">u4"),
        ("cross", "S1"),
        ("variation", "S1"),
    ),
    "N": _layout(("stock", "S8"), ("interest", "S1")),
    "O": _layout(
        ("stock", "S8"),
        ("eligibility", "S1"),
        ("lowest", ">u4"),
        ("highest", ">u4"),
        ("near", ">u4"),
        ("near_time", ">u8"),
        ("lower", ">u4"),
        ("upper", ">u4"),
    ),
}
"""Layout of each message by its type."""

WITHOUT_TABLE = {
    "Y": "short-sale price test",
    "L": "market participant position",
    "V": "circuit breaker level",
    "W": "circuit breaker status",
    "K": "IPO quoting period",
    "J": "auction collar",
    "N": "retail interest",
    "O": "direct listing price discovery",
}
"""Messages that no table has a place for."""


def message_lengths() -> np.ndarray:
    """Length of each message by the byte of its type; 0 for bytes that are no type (int64, 256)."""
    lengths = np.zeros(256, dtype=np.int64)
    for kind, layout in LAYOUTS.items():
        lengths[ord(kind)] = layout.itemsize
    return lengths


def gather(buffer: np.ndarray, starts: np.ndarray, kind: str) -> np.ndarray:
    """The messages of one *kind* that begin at *starts* of *buffer* (uint8), as a structured array."""
    layout = LAYOUTS[kind]
    return buffer[starts[:, None] + np.arange(layout.itemsize)].view(layout)[:, 0]


def nanos_of(messages: np.ndarray) -> np.ndarray:
    """Nanoseconds after midnight of gathered *messages* (int64)."""
    return np.asarray(messages["nanos"].astype(np.int64) @ (1 << np.arange(40, -1, -8, dtype=np.int64)))


def texts_of(values: np.ndarray) -> list[str]:
    """Texts of a field, without the spaces that pad them."""
    return [value.decode("latin-1").rstrip() for value in values.tolist()]
