"""Compile the kernels before they are needed."""

from __future__ import annotations

import polars as pl

from basalt.books.building import BookBuilder
from basalt.books.messages import BookMessage
from basalt.books.tracking import OrderTracker


def warm_up() -> None:
    """Load the kernels from Numba's cache, or compile them: once a process, seconds on a machine's first time."""
    rows = pl.DataFrame({"ListingId": [1], "BookMessage": [int(BookMessage.ADD)], "OrderId": [1], "Side": [1], "Price": [1.0], "Size": [1]})
    BookBuilder(levels=1).feed(OrderTracker().feed(rows))
