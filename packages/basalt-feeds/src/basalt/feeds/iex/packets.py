"""Packets of a capture: where they begin in a piece of a file, and when they were captured."""

from __future__ import annotations

import numpy as np
from numba import njit

START, LENGTH, CAPTURED = range(3)
"""Rows of the output: where the packet begins, its bytes, nanoseconds since 1970."""

WHOLE, TOO_LONG, SECTION, INTERFACE = range(4)
"""What stopped the walk: the end of the piece, a packet that cannot be, a block that says how to read those behind it."""

LONGEST_PACKET = 1 << 18
SECTION_HEADER, INTERFACE_BLOCK, ENHANCED_PACKET = 0x0A0D0D0A, 1, 6


@njit(cache=True, nogil=True)
def read_word(buffer: np.ndarray, at: int, is_little: bool) -> int:  # noqa: FBT001
    """The unsigned number of four bytes."""
    if is_little:
        return int(buffer[at]) | int(buffer[at + 1]) << 8 | int(buffer[at + 2]) << 16 | int(buffer[at + 3]) << 24
    return int(buffer[at + 3]) | int(buffer[at + 2]) << 8 | int(buffer[at + 1]) << 16 | int(buffer[at]) << 24


@njit(cache=True, nogil=True)
def frame_records(buffer: np.ndarray, is_little: bool, nanos_a_tick: int, out: np.ndarray) -> tuple[int, int, int]:  # noqa: FBT001
    """Find the packets of a piece of a pcap file.

    Args:
        buffer: Bytes that begin with a record (uint8).
        is_little: Byte order of the file.
        nanos_a_tick: Unit of the fractions of seconds: 1,000 or 1.
        out: Place for one column a packet (int64, 3 × n).

    Returns:
        Number of packets, bytes that they take, and what stopped the walk.
    """
    count, at = 0, 0
    while at + 16 <= buffer.size and count < out.shape[1]:
        length = read_word(buffer, at + 8, is_little)
        if length > LONGEST_PACKET:
            return count, at, TOO_LONG
        if at + 16 + length > buffer.size:
            break
        seconds, ticks = read_word(buffer, at, is_little), read_word(buffer, at + 4, is_little)
        out[START, count], out[LENGTH, count] = at + 16, length
        out[CAPTURED, count] = seconds * 1_000_000_000 + ticks * nanos_a_tick
        count += 1
        at += 16 + length
    return count, at, WHOLE


@njit(cache=True, nogil=True)
def frame_blocks(buffer: np.ndarray, is_little: bool, units: np.ndarray, out: np.ndarray) -> tuple[int, int, int]:  # noqa: FBT001
    """Find the packets of a piece of a pcapng file, up to a block that describes those behind it.

    Args:
        buffer: Bytes that begin with a block (uint8).
        is_little: Byte order of the section.
        units: Of each interface: nanoseconds in a tick, ticks in a nanosecond; one of them is 1 (int64, n × 2).
        out: Place for one column a packet (int64, 3 × n).

    Returns:
        Number of packets, bytes that they take, and what stopped the walk.
    """
    count, at = 0, 0
    while at + 12 <= buffer.size and count < out.shape[1]:
        kind, size = read_word(buffer, at, is_little), read_word(buffer, at + 4, is_little)
        if kind == SECTION_HEADER:
            return count, at, SECTION
        if size < 12 or size > LONGEST_PACKET + 64:
            return count, at, TOO_LONG
        if at + size > buffer.size:
            break
        if kind == INTERFACE_BLOCK:
            return count, at, INTERFACE
        if kind == ENHANCED_PACKET:
            interface, length = read_word(buffer, at + 8, is_little), read_word(buffer, at + 20, is_little)
            if interface >= units.shape[0] or 32 + length > size:
                return count, at, TOO_LONG
            ticks = read_word(buffer, at + 12, is_little) << 32 | read_word(buffer, at + 16, is_little)
            out[START, count], out[LENGTH, count] = at + 28, length
            out[CAPTURED, count] = ticks * units[interface, 0] // units[interface, 1]
            count += 1
        at += size
    return count, at, WHOLE
