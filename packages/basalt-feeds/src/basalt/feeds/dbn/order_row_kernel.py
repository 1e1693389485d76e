"""Kernel: which tracked messages are rows of `l3`, and what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

ADD, CANCEL, MODIFY, FILL = 65, 67, 77, 70
ASK, BID = 65, 66
EXECUTE, REMOVE = 1, 3
UNKNOWN_MODIFIED, DUPLICATE = 2, 3
NO_PRICE = np.int64(2**63 - 1)
UNKNOWN_CANCELS, UNKNOWN_CHANGES, UNKNOWN_FILLS, KNOWN_ENTRIES = range(4)
FAULTS = 4
NUMBER, SIDE, ACTION, PRICE, SIZE, OLD_PRICE, OLD_SIZE, EXECUTED_PRICE, EXECUTED_SIZE = range(9)
VALUES = 9
REMAINS, EXISTED, EXECUTED, ENDS = range(4)
TRUTHS = 4
Longs = NDArray[np.int64]


@njit(cache=True, nogil=True)
def choose_rows(
    said: Any,
    done: Any,
    now: Any,
    before: Any,
    keys: Any,
    counts: Longs,
    faults: Longs,
    last: Longs,
    places: Longs,
    out: Longs,
    truths: Any,
) -> int:  # pragma: no cover - compiled
    """Choose the messages that are rows, and write their columns.

    Args:
        said: Action, side, price, size and order of the record.
        done: What came of it: book message, action (0: nothing), fault, and whether the order was filled in the same event.
        now: Side, price and size of the order after the message.
        before: Price and size of the order before it.
        keys: Dense number of the listing, and number of the event.
        counts: Rows of each listing so far; goes on.
        faults: Counts of messages that do not fit; goes on.
        last: Room for a number an event.
        places: Gets the row of the message.
        out: Gets the columns `NUMBER` to `EXECUTED_SIZE`.
        truths: Gets `REMAINS` to `ENDS`, the last of which are all false before.

    Returns:
        How many rows there are.
    """
    actions, said_sides, said_prices, said_sizes, orders = said
    messages, lob_actions, order_faults, is_after = done
    sides, prices, sizes = now
    old_prices, old_sizes = before
    listings, events = keys
    last[:] = -1
    written = 0
    for row in range(actions.size):
        action, lob_action, fault = actions[row], lob_actions[row], order_faults[row]
        is_fill, is_known = action == FILL, lob_action > 0
        if action == CANCEL and not is_known and fault > 0:
            faults[UNKNOWN_CANCELS] += 1
        elif action == MODIFY and fault == UNKNOWN_MODIFIED and not is_after[row]:
            faults[UNKNOWN_CHANGES] += 1
        elif is_fill and not is_known and orders[row] != 0:
            faults[UNKNOWN_FILLS] += 1
        elif action == ADD and fault == DUPLICATE:
            faults[KNOWN_ENTRIES] += 1
        is_unknown = action == CANCEL and not is_known and messages[row] == 0 and fault > 0
        is_idle = is_known and not is_fill and sizes[row] == old_sizes[row] and prices[row] == old_prices[row]
        if not (is_fill or is_unknown or (is_known and not (is_idle and is_after[row]))):
            continue
        places[written] = row
        counts[listings[row]] += 1
        out[NUMBER, written] = counts[listings[row]]
        said_side = 1 if said_sides[row] == BID else 2 if said_sides[row] == ASK else 0
        out[SIDE, written] = sides[row] if sides[row] > 0 else said_side
        out[ACTION, written] = EXECUTE if is_fill and not is_known else REMOVE if is_unknown else lob_action
        remains = sizes[row] > 0
        out[PRICE, written], out[SIZE, written] = (prices[row], sizes[row]) if remains else (NO_PRICE, np.int64(0))
        out[OLD_PRICE, written] = said_prices[row] if is_unknown else old_prices[row]
        out[OLD_SIZE, written] = np.int64(said_sizes[row]) if is_unknown else old_sizes[row]
        out[EXECUTED_PRICE, written] = said_prices[row] if is_fill else NO_PRICE
        out[EXECUTED_SIZE, written] = np.int64(said_sizes[row]) if is_fill else np.int64(0)
        truths[REMAINS, written], truths[EXECUTED, written] = remains, is_fill
        truths[EXISTED, written] = is_unknown or old_sizes[row] > 0
        last[events[row]] = written
        written += 1
    for event in range(last.size):
        if last[event] >= 0:
            truths[ENDS, last[event]] = True
    return written
