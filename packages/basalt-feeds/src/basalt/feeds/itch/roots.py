"""The first identifier of orders that were replaced."""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.typed import Dict


def new_roots() -> Dict:
    """No order was replaced yet: identifier to first identifier."""
    return Dict.empty(types.int64, types.int64)


@njit(cache=True, nogil=True)
def trace_roots(order: np.ndarray, new_order: np.ndarray, is_entry: np.ndarray, is_gone: np.ndarray, roots: Dict, out: np.ndarray) -> None:
    """Give each event the identifier that its order was entered under.

    Args:
        order: Identifier before the event, or of a new order (int64).
        new_order: Identifier after a replacement, else 0 (int64).
        is_entry: Whether an order is entered, also in place of one whose end is missing (bool).
        is_gone: Whether nothing of the order is left (bool).
        roots: First identifiers of living orders that were replaced; changed.
        out: Gets the first identifiers (int64).
    """
    for row in range(order.size):
        one = order[row]
        if is_entry[row] and one in roots:
            roots.pop(one)
        root = roots.get(one, one)
        out[row] = root
        if new_order[row] != 0 and new_order[row] != one:
            if root != one:
                roots.pop(one)
            roots[new_order[row]] = root
        elif is_gone[row] and root != one:
            roots.pop(one)
