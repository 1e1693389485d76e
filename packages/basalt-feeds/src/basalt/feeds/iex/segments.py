"""Messages of the packets of a capture: Ethernet, IP, UDP, and the IEX Transport Protocol on top.

A segment of the transport protocol says the number of its first message, so lost packets are seen as gaps and repeated
ones as numbers that were there before.
"""

from __future__ import annotations

import numpy as np
from numba import njit

START, SEQUENCE, SENT, CAPTURED = range(4)
"""Rows of the output: where the message begins, its number, when its segment was sent and captured (ns since 1970)."""

SESSION, NEXT, SEGMENTS, GAPS, MISSING, REPEATED, FOREIGN, FIRST_GAP = range(8)
"""State: session, number of the message that comes next; counts of segments, gaps, missing and repeated messages, other packets;
number of the first message that is missing, 0 without."""

STATE_FIELDS = 8
SOUND, SHORT_PACKET, SHORT_SEGMENT, FULL = range(4)
"""What stopped the walk: nothing, a packet that was not captured whole, a segment whose messages do not fit it, a full output."""

DEEP = 0x8004
"""Protocol number of DEEP 1.0."""

SEGMENT_HEADER = 40
ETHERNET, RAW_IP, LINUX_COOKED = 1, 101, 113
_IPV4, _VLAN, _UDP = 0x0800, 0x8100, 17


@njit(cache=True, nogil=True)
def read_little(buffer: np.ndarray, at: int, length: int) -> int:
    """The little-endian number of *length* bytes."""
    value = np.int64(0)
    for place in range(length - 1, -1, -1):
        value = (value << np.int64(8)) | np.int64(buffer[at + place])
    return value  # type: ignore[return-value]


@njit(cache=True, nogil=True)
def find_payload(buffer: np.ndarray, start: int, end: int, link: int) -> int:
    """Where the payload of a UDP packet begins; -1 for other packets."""
    at, kind = start, _IPV4
    if link == ETHERNET:
        at, kind = start + 14, int(buffer[start + 12]) << 8 | int(buffer[start + 13])
    elif link == LINUX_COOKED:
        at, kind = start + 16, int(buffer[start + 14]) << 8 | int(buffer[start + 15])
    while kind == _VLAN and at + 4 <= end:
        at, kind = at + 4, int(buffer[at + 2]) << 8 | int(buffer[at + 3])
    if kind != _IPV4 or at + 20 > end or buffer[at] >> 4 != 4 or buffer[at + 9] != _UDP:
        return -1
    return at + 4 * (int(buffer[at]) & 15) + 8


@njit(cache=True, nogil=True)
def note_segment(state: np.ndarray, session: int, first: int) -> None:
    """Count a segment and what is missing before it."""
    state[SEGMENTS] += 1
    if state[SESSION] != session:
        state[SESSION], state[NEXT] = session, 1
    if first > state[NEXT]:
        if state[GAPS] == 0:
            state[FIRST_GAP] = state[NEXT]
        state[GAPS] += 1
        state[MISSING] += first - state[NEXT]
        state[NEXT] = first


@njit(cache=True, nogil=True)
def frame_segment(buffer: np.ndarray, at: int, end: int, captured: int, state: np.ndarray, out: np.ndarray, count: int) -> tuple[int, int]:
    """Find the new messages of one segment; how many there are then, and the fault."""
    size, messages = read_little(buffer, at + 12, 2), read_little(buffer, at + 14, 2)
    first, sent = read_little(buffer, at + 24, 8), read_little(buffer, at + 32, 8)
    place, stop = at + SEGMENT_HEADER, at + SEGMENT_HEADER + size
    if stop > end:
        return count, SHORT_PACKET
    if count + messages > out.shape[1]:
        return count, FULL
    note_segment(state, read_little(buffer, at + 8, 4), first)
    for number in range(first, first + messages):
        if place + 2 > stop or place + 2 + read_little(buffer, place, 2) > stop:
            return count, SHORT_SEGMENT
        if number < state[NEXT]:
            state[REPEATED] += 1
        else:
            out[START, count], out[SEQUENCE, count], out[SENT, count], out[CAPTURED, count] = place + 2, number, sent, captured
            count += 1
            state[NEXT] = number + 1
        place += 2 + read_little(buffer, place, 2)
    return count, SOUND


@njit(cache=True, nogil=True)
def frame_messages(buffer: np.ndarray, packets: np.ndarray, link: int, state: np.ndarray, out: np.ndarray) -> tuple[int, int, int]:
    """Find the messages of *packets*, each once.

    Args:
        buffer: Bytes of the packets (uint8).
        packets: Where they begin, their lengths, when they were captured (int64, 3 × n).
        link: Kind of the link layer.
        state: What is known so far, fields as above (int64); changed.
        out: Place for one column a message (int64, 4 × m).

    Returns:
        Number of messages, number of the packet where the walk stopped (that of packets at their end), and the fault.
    """
    count = 0
    for packet in range(packets.shape[1]):
        start, length, captured = packets[0, packet], packets[1, packet], packets[2, packet]
        at = find_payload(buffer, start, start + length, link) if length >= 34 else -1
        is_deep = at >= 0 and at + SEGMENT_HEADER <= start + length and buffer[at] == 1 and read_little(buffer, at + 2, 2) == DEEP
        if not is_deep:
            state[FOREIGN] += 1
            continue
        count, fault = frame_segment(buffer, at, start + length, captured, state, out, count)
        if fault != SOUND:
            return count, packet, fault
    return count, packets.shape[1], SOUND
