"""Kernel: how long executed liquidity took to be offered again.

Of each listing and side, the executions that nobody has replaced yet stand in a list by price, the one that is replaced most
easily first, one node a price: a node holds how many they are, the time of the first and the sum of times since it. The list
grows with the prices that were left and not with the day.
"""

from __future__ import annotations

import numpy as np
from numba import njit

OTHER, EXECUTION, ARRIVAL = 0, 1, 2
"""Kinds of rows: neither, displayed liquidity that is executed, liquidity that arrives."""
NONE = -1
BID = 1

COUNT, FIRST, SINCE, NEXT = 0, 1, 2, 3
FIRST_NODES = 1024


@njit(cache=True, nogil=True)
def _widened(keys, nodes):  # noqa: ANN001, ANN202
    """The same nodes with room for as many more."""
    wider_keys, wider_nodes = np.empty(2 * keys.size, np.float64), np.empty((2 * keys.size, 4), np.int64)
    wider_keys[: keys.size] = keys
    wider_nodes[: keys.size] = nodes
    return wider_keys, wider_nodes


@njit(cache=True, nogil=True)
def _find(keys, nodes, heads, half, key):  # noqa: ANN001, ANN202
    """The last node of a list with a smaller key, and the node with *key*; `NONE` where there is none."""
    last, node = NONE, heads[half]
    while node != NONE and keys[node] < key:
        last, node = node, nodes[node, NEXT]
    return last, (node if node != NONE and keys[node] == key else NONE)


@njit(cache=True, nogil=True)
def measure_replacements(halves, kinds, sides, prices, nanos, waited, replaced):  # noqa: ANN001, ANN201
    """Say at each arrival how many executions it replaces, and how long these have waited.

    An arrival replaces all executions of its side at its price or a worse one that nothing replaced before.

    Args:
        halves: Number of the side of a listing by row, from 0 without gaps.
        kinds: `OTHER`, `EXECUTION` or `ARRIVAL` by row.
        sides: 1 bid, 2 ask, by row.
        prices: Price that was executed, or that liquidity arrives at, by row.
        nanos: Time by row, never falling within a listing.
        waited: Gets the sum of waiting times (ns) by row; 0 where nothing is replaced.
        replaced: Gets the number of executions replaced by row.
    """
    heads = np.full(halves.max() + 1 if halves.size else 1, NONE, np.int64)
    keys, nodes = np.empty(FIRST_NODES, np.float64), np.empty((FIRST_NODES, 4), np.int64)
    used, free = 0, NONE
    for row in range(halves.size):
        waited[row], replaced[row] = 0, 0
        kind, half, now = kinds[row], halves[row], nanos[row]
        if kind == OTHER or np.isnan(prices[row]):
            continue
        key = prices[row] if sides[row] == BID else -prices[row]
        if kind == ARRIVAL:
            node = heads[half]
            while node != NONE and keys[node] <= key:
                waited[row] += nodes[node, COUNT] * (now - nodes[node, FIRST]) - nodes[node, SINCE]
                replaced[row] += nodes[node, COUNT]
                heads[half], nodes[node, NEXT], free = nodes[node, NEXT], free, node
                node = heads[half]
            continue
        last, node = _find(keys, nodes, heads, half, key)
        if node != NONE:
            nodes[node, COUNT] += 1
            nodes[node, SINCE] += now - nodes[node, FIRST]
            continue
        if free != NONE:
            node, free = free, nodes[free, NEXT]
        else:
            if used == keys.size:
                keys, nodes = _widened(keys, nodes)
            node, used = used, used + 1
        following = heads[half] if last == NONE else nodes[last, NEXT]
        keys[node] = key
        nodes[node, COUNT], nodes[node, FIRST], nodes[node, SINCE], nodes[node, NEXT] = 1, now, 0, following
        if last == NONE:
            heads[half] = node
        else:
            nodes[last, NEXT] = node
