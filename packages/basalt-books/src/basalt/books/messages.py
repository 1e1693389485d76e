"""What a row of a feed says about the book, and what can be wrong with it."""

from __future__ import annotations

from enum import IntEnum


class BookMessage(IntEnum):
    """What a row does, in the column `BookMessage`."""

    NONE = 0
    """Nothing to the book: a trade report, a status."""
    ADD = 1
    """An order enters."""
    REDUCE = 2
    """An order loses Size, by execution or cancellation; with nothing left it is gone."""
    DELETE = 3
    """An order is gone."""
    MODIFY = 4
    """An order gets another price, size or id."""
    CLEAR = 5
    """The listing's book is empty; what rests follows."""
    GAP = 6
    """Messages of the listing are missing before this row."""
    SET = 7
    """A price level has Size and NumOrders now; 0 removes it."""
    CHANGE = 8
    """An order was OldSize at OldPrice and is Size at Price now, as in `l3`."""


class OrderFault(IntEnum):
    """Why a message does not fit the orders that are known, in the column `OrderFault`."""

    NONE = 0
    UNKNOWN = 1
    UNKNOWN_MODIFIED = 2
    DUPLICATE = 3
    OVERDRAWN = 4
    SIDE_CONFLICT = 5
    UNPLACED = 6
