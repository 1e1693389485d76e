"""Fields of the messages that become rows, and the phase of the security when they come."""

from __future__ import annotations

import numpy as np
from numba import njit

FIELDS = (
    "Locate",
    "Nanos",
    "Kind",
    "Phase",
    "Side",
    "Price",
    "Size",
    "OrderId",
    "NewOrderId",
    "Match",
    "Printable",
    "Cross",
    "Attribution",
)
"""Rows of the output: one column a message. Fields that a message does not have are 0."""

LOCATE, NANOS, KIND, PHASE, SIDE, PRICE, SIZE, ORDER, NEW_ORDER, MATCH, PRINTABLE, CROSS, ATTRIBUTION = range(len(FIELDS))

SOUND, BACKWARDS, NO_TIME, NO_SIDE, NO_SIZE, NO_PRICE = range(6)
"""Faults that stop the walk: time that runs backwards or beyond the day, a side, size or price that cannot be."""

DAY_NANOS = 86_400 * 10**9
LARGEST_SIZE = 2**31 - 1
LOCATES = 2**16

_A, _F, _E, _C, _X, _D, _U, _P, _Q = (ord(kind) for kind in "AFECXDUPQ")
_BUY, _SELL, _NO = (ord(code) for code in "BSN")


@njit(cache=True, nogil=True)
def read_number(buffer: np.ndarray, start: int, length: int) -> int:
    """The big-endian number of *length* bytes from *start*."""
    value = np.int64(0)
    for place in range(start, start + length):
        value = (value << np.int64(8)) | np.int64(buffer[place])
    return value  # type: ignore[return-value]


@njit(cache=True, nogil=True)
def read_side(indicator: int) -> int:
    """1 for B, 2 for S, 0 for what is neither."""
    if indicator == _BUY:
        return 1
    return 2 if indicator == _SELL else 0


@njit(cache=True, nogil=True)
def read_entry(buffer: np.ndarray, at: int, out: np.ndarray, row: int) -> None:
    """Fields of a new order or of a print of a hidden one: A, F, P."""
    out[ORDER, row], out[SIDE, row] = read_number(buffer, at + 11, 8), read_side(buffer[at + 19])
    out[SIZE, row], out[PRICE, row] = read_number(buffer, at + 20, 4), read_number(buffer, at + 32, 4)
    if buffer[at] == _F:
        out[ATTRIBUTION, row] = read_number(buffer, at + 36, 4)
    elif buffer[at] == _P:
        out[MATCH, row], out[PRINTABLE, row] = read_number(buffer, at + 36, 8), 1


@njit(cache=True, nogil=True)
def read_replacement(buffer: np.ndarray, at: int, out: np.ndarray, row: int) -> None:
    """Fields of U."""
    out[ORDER, row], out[NEW_ORDER, row] = read_number(buffer, at + 11, 8), read_number(buffer, at + 19, 8)
    out[SIZE, row], out[PRICE, row] = read_number(buffer, at + 27, 4), read_number(buffer, at + 31, 4)


@njit(cache=True, nogil=True)
def read_reduction(buffer: np.ndarray, at: int, out: np.ndarray, row: int) -> None:
    """Fields of E, C, X."""
    out[ORDER, row], out[SIZE, row] = read_number(buffer, at + 11, 8), read_number(buffer, at + 19, 4)
    if buffer[at] != _X:
        out[MATCH, row], out[PRINTABLE, row] = read_number(buffer, at + 23, 8), 1
    if buffer[at] == _C:
        out[PRINTABLE, row], out[PRICE, row] = buffer[at + 31] != _NO, read_number(buffer, at + 32, 4)


@njit(cache=True, nogil=True)
def read_cross(buffer: np.ndarray, at: int, out: np.ndarray, row: int) -> None:
    """Fields of Q."""
    out[SIZE, row], out[PRICE, row] = read_number(buffer, at + 11, 8), read_number(buffer, at + 27, 4)
    out[MATCH, row], out[CROSS, row], out[PRINTABLE, row] = read_number(buffer, at + 31, 8), buffer[at + 39], 1


@njit(cache=True, nogil=True)
def read_body(buffer: np.ndarray, at: int, out: np.ndarray, row: int) -> bool:
    """Fields behind the header; false for messages that are none about orders and trades."""
    kind = buffer[at]
    if kind in (_A, _F, _P):
        read_entry(buffer, at, out, row)
    elif kind in (_E, _C, _X):
        read_reduction(buffer, at, out, row)
    elif kind == _U:
        read_replacement(buffer, at, out, row)
    elif kind == _D:
        out[ORDER, row] = read_number(buffer, at + 11, 8)
    elif kind == _Q:
        read_cross(buffer, at, out, row)
    else:
        return False
    return True


@njit(cache=True, nogil=True)
def find_fault(out: np.ndarray, row: int) -> int:
    """What cannot be in a message that was read."""
    kind, size, price = out[KIND, row], out[SIZE, row], out[PRICE, row]
    if kind == _D or (kind == _Q and size == 0):
        return SOUND
    if kind in (_A, _F, _P) and out[SIDE, row] == 0:
        return NO_SIDE
    if size == 0 or (size > LARGEST_SIZE and kind != _Q) or size < 0:
        return NO_SIZE
    return NO_PRICE if price == 0 and kind not in (_E, _X) else SOUND


@njit(cache=True, nogil=True)
def read_fields(
    buffer: np.ndarray, starts: np.ndarray, phases: np.ndarray, changes: np.ndarray, since: int, out: np.ndarray
) -> tuple[int, int]:
    """Read the messages that begin at *starts*.

    Args:
        buffer: Bytes of the messages (uint8).
        starts: Where they begin (int64).
        phases: Code of each security's phase, by locate code (int64, 65,536); changed.
        changes: Changes of phase: message (its number in *starts*), locate code, code of the phase; in order (int64, 3 × m).
        since: Time of the message before (ns after midnight).
        out: Place for one column a message, rows as in `FIELDS`, zeroed (int64).

    Returns:
        The fault that stopped the walk and the number of its message; `SOUND` and their number without.
    """
    change = 0
    for row in range(starts.size):
        at = starts[row]
        kind, locate, nanos = buffer[at], read_number(buffer, at + 1, 2), read_number(buffer, at + 5, 6)
        if nanos < since:
            return BACKWARDS, row
        if nanos >= DAY_NANOS:
            return NO_TIME, row
        since = nanos
        while change < changes.shape[1] and changes[0, change] <= row:
            phases[changes[1, change]] = changes[2, change]
            change += 1
        out[LOCATE, row], out[NANOS, row], out[KIND, row], out[PHASE, row] = locate, nanos, kind, phases[locate]
        if read_body(buffer, at, out, row):
            fault = find_fault(out, row)
            if fault != SOUND:
                return fault, row
    return SOUND, starts.size
