"""Kernel: weighted values added up by cell."""

from __future__ import annotations

from numba import float64, int32, int64, njit, types, void
from numba.core.typing.templates import Signature

from basalt.core.holding.events import Floats, Ints, Places


def _signature(dtype: types.Type) -> Signature:
    numbers = types.Array(dtype, 1, "C", readonly=True)
    return void(float64[::1], int32[::1], float64[::1], numbers)


@njit([_signature(float64), _signature(int64)], cache=True, nogil=True)
def add_products(sums: Floats, cells: Places, weights: Floats, numbers: Floats | Ints) -> None:
    """Add each weight times its number to the sum of its cell, one after the other.

    Args:
        sums: By cell; added to.
        cells: Cell of each number.
        weights: Weight of each number.
        numbers: The numbers.
    """
    for at in range(numbers.size):
        sums[cells[at]] += weights[at] * numbers[at]
