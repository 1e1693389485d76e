"""Kernel: how long executed liquidity took to be offered again.

Of each listing and side, the executions that nobody has replaced yet stand in a list by price, the one that is replaced most
easily first, one node a price: a node holds how many they are, the time of the first and the sum of times since it. The list
grows with the prices that were left and not with the day; it is carried from piece to piece of one.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from basalt.books.arrays import Bytes, Ints, Long, Longs

Floats = NDArray[np.float64]

OTHER, EXECUTION, ARRIVAL = 0, 1, 2
"""Kinds of rows: neither, displayed liquidity that is executed, liquidity that arrives."""
NONE = -1
BID = 1

COUNT, FIRST, SINCE, NEXT = 0, 1, 2, 3
FIRST_NODES = 1024


@njit(cache=True, nogil=True)
def _room(keys: Floats, nodes: Longs, used: Long) -> tuple[Floats, Longs]:
    """The same nodes, with room for one more after the first *used*."""
    if used < keys.size:
        return keys, nodes
    wider_keys, wider_nodes = np.empty(2 * keys.size, np.float64), np.empty((2 * keys.size, 4), np.int64)
    wider_keys[: keys.size] = keys
    wider_nodes[: keys.size] = nodes
    return wider_keys, wider_nodes


@njit(cache=True, nogil=True)
def _node_before(keys: Floats, nodes: Longs, first: Long, key: float) -> Long:
    """The last node of a list whose key is smaller; `NONE` where there is none."""
    last: Long = NONE
    node = first
    while node != NONE and keys[node] < key:
        last, node = node, nodes[node, NEXT]
    return last


@njit(cache=True, nogil=True)
def _replace(keys: Floats, nodes: Longs, heads: Longs, half: Long, key: float, now: Long, free: Long) -> tuple[Long, Long, Long]:
    """Take what an arrival replaces off a list: sum of waiting times, executions, first free node."""
    waited, replaced, node = 0, 0, heads[half]
    while node != NONE and keys[node] <= key:
        waited += nodes[node, COUNT] * (now - nodes[node, FIRST]) - nodes[node, SINCE]
        replaced += nodes[node, COUNT]
        heads[half], nodes[node, NEXT], free = nodes[node, NEXT], free, node
        node = heads[half]
    return waited, replaced, free


@njit(cache=True, nogil=True)
def _link(nodes: Longs, heads: Longs, half: Long, last: Long, node: Long, now: Long) -> None:
    """Put a node with one execution behind *last*."""
    following = heads[half] if last == NONE else nodes[last, NEXT]
    nodes[node, COUNT], nodes[node, FIRST], nodes[node, SINCE], nodes[node, NEXT] = 1, now, 0, following
    if last == NONE:
        heads[half] = node
    else:
        nodes[last, NEXT] = node


def nothing_waits() -> tuple[Floats, Longs, Longs]:
    """No executions that wait: keys and nodes of lists, and of the nodes how many were used and the first free one."""
    return np.empty(FIRST_NODES, np.float64), np.empty((FIRST_NODES, 4), np.int64), np.array([0, NONE], np.int64)


def with_halves(heads: Longs, count: int) -> Longs:
    """The first node of each list, for *count* lists or more."""
    return heads if heads.size >= count else np.append(heads, np.full(count, NONE, np.int64))


@njit(cache=True, nogil=True)
def measure_replacements(
    heads: Longs,
    keys: Floats,
    nodes: Longs,
    counts: Longs,
    halves: Ints,
    kinds: Bytes,
    sides: Bytes,
    prices: Floats,
    nanos: Longs,
    waited: Longs,
    replaced: Longs,
) -> tuple[Floats, Longs]:
    """Say at each arrival how many executions it replaces, and how long these have waited.

    An arrival replaces all executions of its side at its price or a worse one that nothing replaced before.

    Args:
        heads: First node of each half's list; changed.
        keys: Price of each node, of asks its negative; changed.
        nodes: The nodes; changed.
        counts: Nodes that were used, and the first free one; changed.
        halves: Number of the side of a listing by row, from 0 without gaps.
        kinds: `OTHER`, `EXECUTION` or `ARRIVAL` by row.
        sides: 1 bid, 2 ask, by row.
        prices: Price that was executed, or that liquidity arrives at, by row; NaN for none.
        nanos: Time by row, never falling within a listing.
        waited: Gets the sum of waiting times (ns) by row; 0 where nothing is replaced.
        replaced: Gets the number of executions replaced by row.

    Returns:
        Keys and nodes, in other places where they had to grow.
    """
    used, free = counts[0], counts[1]
    for row in range(halves.size):
        waited[row], replaced[row] = 0, 0
        if kinds[row] == OTHER or np.isnan(prices[row]):
            continue
        half, now = halves[row], nanos[row]
        key = prices[row] if sides[row] == BID else -prices[row]
        if kinds[row] == ARRIVAL:
            waited[row], replaced[row], free = _replace(keys, nodes, heads, half, key, now, free)
            continue
        last = _node_before(keys, nodes, heads[half], key)
        node = heads[half] if last == NONE else nodes[last, NEXT]
        if node != NONE and keys[node] == key:
            nodes[node, COUNT] += 1
            nodes[node, SINCE] += now - nodes[node, FIRST]
            continue
        if free == NONE:
            keys, nodes = _room(keys, nodes, used)
            node, used = used, used + 1
        else:
            node, free = free, nodes[free, NEXT]
        keys[node] = key
        _link(nodes, heads, half, last, node, now)
    counts[0], counts[1] = used, free
    return keys, nodes
