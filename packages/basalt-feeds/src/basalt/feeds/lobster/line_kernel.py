"""Kernels: lines of LOBSTER's files to numbers. A line that is not what LOBSTER writes ends the walk; who looks for what is wrong is slow."""

from __future__ import annotations

import numpy as np
from numba import njit

from basalt.feeds.lobster.faults import EMPTY_PRICE

NANOS, TYPE, ORDER, SIZE, PRICE, DIRECTION = range(6)
MESSAGE_FIELDS = 6
MOST_DIGITS = 18
DAY_SECONDS = 86_400
NINE, TWELVE = 9, 12
UNITS = 10_000.0
_SPACE, _PLUS, _MINUS, _DOT, _COMMA, _RETURN, _END, _ZERO = (ord(sign) for sign in " +-.,\r\n0")
_EMPTY = EMPTY_PRICE
"""Stands for no price: of asks as it is, of bids negative."""


@njit(cache=True, nogil=True, inline="always")
def read_integer(buffer: np.ndarray, place: int) -> tuple[int, int]:  # pragma: no cover - compiled
    """The integer at *place* and where it ends; no end (-1) without one of up to 18 digits. Spaces around it count for nothing."""
    while buffer[place] == _SPACE:
        place += 1
    is_negative = buffer[place] == _MINUS
    if is_negative or buffer[place] == _PLUS:
        place += 1
    first, value = place, np.int64(0)
    while np.uint8(buffer[place] - _ZERO) < 10:
        value = value * 10 + np.int64(buffer[place] - _ZERO)
        place += 1
    count = place - first
    while buffer[place] == _SPACE:
        place += 1
    return (-value if is_negative else value), (place if 0 < count <= MOST_DIGITS else -1)  # type: ignore[return-value]


@njit(cache=True, nogil=True, inline="always")
def end_field(buffer: np.ndarray, place: int, following: int) -> int:  # pragma: no cover - compiled
    """Where the next field begins, behind a comma or, if none is *following*, behind the end of the line; -1 if that is not there."""
    if following == 0:
        if buffer[place] == _RETURN:
            place += 1
        return place + 1 if buffer[place] == _END else -1
    return place + 1 if buffer[place] == _COMMA else -1


@njit(cache=True, nogil=True)
def read_levels(buffer: np.ndarray, fields: int, out: np.ndarray, empty: np.ndarray) -> int:  # pragma: no cover - compiled
    """Read the rows of a book.

    Args:
        buffer: Whole lines, the last one with its end (uint8).
        fields: Numbers of a line.
        out: Gets price and size of asks and bids, level by level, a row of the output each (float64); an empty level has no price (NaN)
            and size 0. Numbers beyond are looked over.
        empty: Gets whether any row of the output has a value that is none.

    Returns:
        How many lines are sound, from the first.
    """
    kept = out.shape[0]
    place, row = 0, 0
    while place < buffer.size:
        price = 0
        for field in range(fields):
            if field < kept:
                value, end = read_integer(buffer, place)
                is_price = field % 2 == 0
                if end < 0 or (value <= 0 and is_price and value != -_EMPTY) or (value < 0 and not is_price):
                    return row
                if is_price:
                    price = value
                elif value == 0 or abs(price) == _EMPTY:
                    out[field - 1, row], out[field, row], empty[field - 1] = np.nan, 0.0, True
                else:
                    out[field - 1, row], out[field, row] = price / UNITS, np.float64(value)
                place = end
            else:
                while buffer[place] != _COMMA and buffer[place] != _END and buffer[place] != _RETURN:
                    place += 1
            place = end_field(buffer, place, fields - 1 - field)
            if place < 0:
                return row
        row += 1
    return row


@njit(cache=True, nogil=True, inline="always")
def read_time(buffer: np.ndarray, place: int) -> tuple[int, int]:  # pragma: no cover - compiled
    """Nanoseconds of the time at *place*, finer decimals cut off, and where it ends; no end (-1) where none of this day is."""
    first, seconds = place, np.int64(0)
    while np.uint8(buffer[place] - _ZERO) < 10 and place - first < NINE:
        seconds = seconds * 10 + np.int64(buffer[place] - _ZERO)
        place += 1
    if place == first or place - first > 5 or seconds >= DAY_SECONDS:
        return 0, -1
    nanos, decimals = np.int64(0), 0
    if buffer[place] == _DOT:
        place += 1
        while np.uint8(buffer[place] - _ZERO) < 10:
            if decimals < NINE:
                nanos = nanos * 10 + np.int64(buffer[place] - _ZERO)
            decimals += 1
            place += 1
        if not 0 < decimals <= TWELVE:
            return 0, -1
    for _ in range(decimals, NINE):
        nanos *= 10
    return seconds * 1_000_000_000 + nanos, place  # type: ignore[return-value]


@njit(cache=True, nogil=True, inline="always")
def is_message(kind: int, order: int, size: int, price: int, direction: int) -> bool:  # pragma: no cover - compiled
    """Whether LOBSTER writes such messages."""
    if kind == 7:
        return -1 <= price <= 1
    if kind == 6:
        return size >= 0 and price >= 0
    is_deal = size > 0 and price > 0 and (abs(direction) == 1)
    return is_deal and (kind == 5 or (1 <= kind <= 4 and order > 0))


@njit(cache=True, nogil=True)
def read_events(buffer: np.ndarray, out: np.ndarray) -> int:  # pragma: no cover - compiled
    """Read messages.

    Args:
        buffer: Whole lines, the last one with its end (uint8).
        out: Gets nanoseconds, type, order, size, price and direction, a row of the output each (int64).

    Returns:
        How many lines are sound, from the first.
    """
    place, row = 0, 0
    while place < buffer.size:
        value, end = read_time(buffer, place)
        for field in range(MESSAGE_FIELDS):
            if field > NANOS:
                value, end = read_integer(buffer, place)
            if end < 0:
                return row
            out[field, row] = value
            place = end_field(buffer, end, MESSAGE_FIELDS - 1 - field)
            if place < 0:
                return row
        if not is_message(out[TYPE, row], out[ORDER, row], out[SIZE, row], out[PRICE, row], out[DIRECTION, row]):
            return row
        row += 1
    return row
