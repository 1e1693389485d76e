"""Where messages begin in a piece of a file."""

from __future__ import annotations

import numpy as np
from numba import njit

WHOLE, BAD_LENGTH, BAD_KIND, ENDED = range(4)
"""What stopped the walk: the end of the piece, a message of the wrong length, a byte that is no type, the end of the session."""


@njit(cache=True, nogil=True)
def frame_messages(buffer: np.ndarray, lengths: np.ndarray, starts: np.ndarray) -> tuple[int, int, int]:
    """Find the messages of *buffer*: two bytes of length, then as many bytes.

    Args:
        buffer: Bytes that begin with a length (uint8).
        lengths: Length of each known type by its byte, 0 for others (int64, 256).
        starts: Place for where messages begin, behind their length (int64); the walk ends when it is full.

    Returns:
        Number of messages, bytes that they take, and what stopped the walk.
    """
    count, place = 0, 0
    while place + 2 <= buffer.size and count < starts.size:
        length = int(buffer[place]) * 256 + int(buffer[place + 1])
        if length == 0:
            return count, place + 2, ENDED
        if place + 2 + length > buffer.size:
            break
        kind = buffer[place + 2]
        known = lengths[kind]
        if known == 0 and not (65 <= kind <= 90 or 97 <= kind <= 122):
            return count, place, BAD_KIND
        if known != 0 and known != length:  # noqa: PLR1714 - a container of variables is slow in a kernel
            return count, place, BAD_LENGTH
        starts[count] = place + 2
        count += 1
        place += 2 + length
    return count, place, WHOLE
