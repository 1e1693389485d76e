"""Kernel: changes of orders to their places in the queues of their prices.

A half of a book is a run of levels as in `level_kernel`; a level here also holds the first and the last order of its queue. Orders are
nodes of a doubly linked list: before, after, size, half, key. The table of ids is that of `order_kernel`, with the node in place of the price.
"""

from __future__ import annotations

import numpy as np

from basalt.books.arrays import Bytes, Ints, Long, Longs, Rows
from basalt.books.compiling import kernel, part
from basalt.books.level_kernel import COUNT, NEAR, NO_KEY, NONE, ROOM, START, find
from basalt.books.order_kernel import CLEAR, LISTING_BITS, OWNER, PRICE, SIDE_BITS, forget, seek, store

QUANTITY, ORDERS, FIRST, LAST = 0, 1, 2, 3
BEFORE, AFTER, SIZE, HALF, KEY = 0, 1, 2, 3, 4
LEVEL, OLD_LEVEL, SIZE_AHEAD, ORDERS_AHEAD, LEFT_INDEX, TAKEN_INDEX = range(6)
UNKNOWN = -2
"""Written where an order is not known, so nothing can be said of its place."""
POOL_USED, NODES_USED, FREE, TABLE_USED = 0, 1, 2, 3


@part
def place_of(pool: tuple[Longs, Longs], heads: Longs, half: Long, key: Long) -> Long:
    """Number of a level, 1 being the best; 0 without one."""
    start, count = heads[half, START], heads[half, COUNT]
    place = find(pool, start, count, key)
    return start + count - place if place >= start and pool[0][place] == key else 0


@part
def ahead_of(pool: tuple[Longs, Longs], heads: Longs, nodes: Longs, node: Long) -> tuple[Long, Long]:
    """Size and number of orders that execute before *node*, all better prices included."""
    half = nodes[node, HALF]
    start, count = heads[half, START], heads[half, COUNT]
    place = find(pool, start, count, nodes[node, KEY])
    size, orders = np.int64(0), np.int64(0)
    for better in range(place + 1, start + count):
        size += pool[1][better, QUANTITY]
        orders += pool[1][better, ORDERS]
    each = nodes[node, BEFORE]
    while each >= 0:
        size += nodes[each, SIZE]
        orders += 1
        each = nodes[each, BEFORE]
    return size, orders


@part
def shift(pool: tuple[Longs, Longs], place: Long, into: Long) -> None:
    """Copy a level to another place."""
    pool[0][into] = pool[0][place]
    for field in range(4):
        pool[1][into, field] = pool[1][place, field]


@part
def leave(pool: tuple[Longs, Longs], heads: Longs, nodes: Longs, used: Longs, node: Long) -> None:
    """Take an order out of its queue; an empty level disappears."""
    half = nodes[node, HALF]
    start, count = heads[half, START], heads[half, COUNT]
    place = find(pool, start, count, nodes[node, KEY])
    before, after = nodes[node, BEFORE], nodes[node, AFTER]
    if before >= 0:
        nodes[before, AFTER] = after
    else:
        pool[1][place, FIRST] = after
    if after >= 0:
        nodes[after, BEFORE] = before
    else:
        pool[1][place, LAST] = before
    pool[1][place, QUANTITY] -= nodes[node, SIZE]
    pool[1][place, ORDERS] -= 1
    if pool[1][place, ORDERS] == 0:
        for each in range(place, start + count - 1):
            shift(pool, each + 1, each)
        heads[half, COUNT] -= 1
    nodes[node, AFTER], used[FREE] = used[FREE], node


@part
def join(pool: tuple[Longs, Longs], heads: Longs, nodes: Longs, used: Longs, half: Long, key: Long, size: Long) -> Long:
    """Put an order at the end of a queue; there is room. Gives its node."""
    node = used[FREE]
    if node >= 0:
        used[FREE] = nodes[node, AFTER]
    else:
        node = used[NODES_USED]
        used[NODES_USED] += 1
    start, count = heads[half, START], heads[half, COUNT]
    place = find(pool, start, count, key)
    if place < start or pool[0][place] != key:
        for each in range(start + count - 1, place, -1):
            shift(pool, each, each + 1)
        place += 1
        pool[0][place] = key
        pool[1][place, QUANTITY], pool[1][place, ORDERS], pool[1][place, FIRST], pool[1][place, LAST] = 0, 0, node, -1
        heads[half, COUNT] += 1
    last = pool[1][place, LAST]
    if last >= 0:
        nodes[last, AFTER] = node
    nodes[node, BEFORE], nodes[node, AFTER], nodes[node, SIZE], nodes[node, HALF], nodes[node, KEY] = last, -1, size, half, key
    pool[1][place, LAST] = node
    pool[1][place, QUANTITY] += size
    pool[1][place, ORDERS] += 1
    return node


@part
def has_room(pool: tuple[Longs, Longs], heads: Longs, nodes: Longs, table: Longs, used: Longs, half: Long) -> bool:
    """Whether one more order fits; gives a half more places where the pool has them."""
    if used[FREE] < 0 and used[NODES_USED] == nodes.shape[0]:
        return False
    if 2 * (used[TABLE_USED] + 1) > table.shape[0]:
        return False
    if heads[half, COUNT] < heads[half, ROOM]:
        return True
    room = max(2 * heads[half, ROOM], 8)
    if used[POOL_USED] + NEAR + room > pool[0].shape[0]:
        return False
    start, into = heads[half, START], used[POOL_USED] + NEAR
    for each in range(NEAR):
        pool[0][used[POOL_USED] + each] = NO_KEY
    for each in range(heads[half, COUNT]):
        shift(pool, start + each, into + each)
    heads[half, START], heads[half, ROOM] = into, room
    used[POOL_USED] += NEAR + room
    return True


@part
def empty(pool: tuple[Longs, Longs], heads: Longs, nodes: Longs, used: Longs, half: Long) -> None:
    """Take all orders out of a half."""
    for place in range(heads[half, START], heads[half, START] + heads[half, COUNT]):
        last = pool[1][place, LAST]
        nodes[last, AFTER], used[FREE] = used[FREE], pool[1][place, FIRST]
    heads[half, COUNT] = 0


@part
def note_old(
    pool: tuple[Longs, Longs], heads: Longs, nodes: Longs, node: Long, half: Long, key: Long, old_size: Long, row: Long, out: Longs
) -> None:
    """Write where an order stands before its change; *node* -1 is one that is not known, or new."""
    if node >= 0:
        out[SIZE_AHEAD, row], out[ORDERS_AHEAD, row] = ahead_of(pool, heads, nodes, node)
        out[LEFT_INDEX, row] = out[ORDERS_AHEAD, row]
    elif old_size > 0:
        out[OLD_LEVEL, row], out[LEFT_INDEX, row] = UNKNOWN, UNKNOWN
        out[SIZE_AHEAD, row], out[ORDERS_AHEAD, row] = UNKNOWN, UNKNOWN
        return
    out[OLD_LEVEL, row] = place_of(pool, heads, half, key)


@part
def arrive(
    pool: tuple[Longs, Longs],
    heads: Longs,
    nodes: Longs,
    used: Longs,
    table: Longs,
    order: Long,
    owner: Long,
    half: Long,
    key: Long,
    size: Long,
) -> Long:
    """Put an order at the end of a queue and remember it; one of the same id that is there leaves. Gives its node."""
    slot = seek(table, order, owner)
    if table[slot, OWNER] != 0:
        leave(pool, heads, nodes, used, table[slot, PRICE])
        used[TABLE_USED] -= 1
    node = join(pool, heads, nodes, used, half, key, size)
    store(table, slot, order, owner, np.int64(1), node, np.int64(0))
    used[TABLE_USED] += 1
    return node


@kernel
def follow_queues(
    first: Long,
    listings: Ints,
    message: Bytes,
    ids: tuple[Longs, Longs],
    new: Rows,
    old_size: Longs,
    limits: tuple[int, int, int],
    queues: tuple[Longs, ...],
    out: Longs,
) -> int:
    """Say where each order stands after its change, and where it stood.

    An order keeps its place when its id, side and price stay and its size does not grow; else it goes to the end of the queue.

    Args:
        first: Row to start at.
        listings: Dense number of the listing by row.
        message: `BookMessage` by row: CHANGE or CLEAR matter.
        ids: Id of the order before and after, by row.
        new: Side, price and size after the change, by row.
        old_size: Size before, by row; more than 0 where there was an order.
        limits: Lowest and highest price that is one, and what stands for none.
        queues: Heads, keys, levels, nodes, table, epochs, lengths in use; changed in place.
        out: Gets level, old level, size and orders ahead, place left and place taken, by row.

    Returns:
        First row that is not done, because something is full.
    """
    old_id, new_id = ids
    side, price, size = new
    heads, keys, levels, nodes, table, epochs, used = queues
    pool = (keys, levels)
    for row in range(first, listings.size):
        listing = np.int64(listings[row])
        for field in range(4):
            out[field, row] = 0
        out[LEFT_INDEX, row], out[TAKEN_INDEX, row] = -1, -1
        if message[row] == CLEAR:
            empty(pool, heads, nodes, used, 2 * listing)
            empty(pool, heads, nodes, used, 2 * listing + 1)
            epochs[listing] += 1
            continue
        enters = size[row] > 0 and 1 <= side[row] <= 2 and limits[0] <= price[row] <= limits[1]
        if message[row] == NONE or (old_size[row] <= 0 and not enters):
            continue
        half = 2 * listing + np.int64(side[row]) - 1
        key = ~price[row] if side[row] == 2 else price[row]
        if enters and not has_room(pool, heads, nodes, table, used, half):
            return row
        owner = (epochs[listing] << (SIDE_BITS + LISTING_BITS)) | (listing << SIDE_BITS)
        slot = seek(table, old_id[row] if old_size[row] > 0 else new_id[row], owner)
        node = table[slot, PRICE] if table[slot, OWNER] != 0 else np.int64(-1)
        old_half, old_key = half, key
        if node >= 0:
            old_half, old_key = nodes[node, HALF], nodes[node, KEY]
        note_old(pool, heads, nodes, node, old_half, old_key, old_size[row], row, out)
        stays = (
            node >= 0 and enters and old_id[row] == new_id[row] and half == old_half and key == old_key and size[row] <= nodes[node, SIZE]
        )
        if stays:
            place = find(pool, heads[half, START], heads[half, COUNT], key)
            levels[place, QUANTITY] -= nodes[node, SIZE] - size[row]
            nodes[node, SIZE] = size[row]
        elif node >= 0:
            leave(pool, heads, nodes, used, node)
            forget(table, slot)
            used[TABLE_USED] -= 1
        if enters and not stays:
            node = arrive(pool, heads, nodes, used, table, new_id[row], owner, half, key, size[row])
            out[SIZE_AHEAD, row], out[ORDERS_AHEAD, row] = ahead_of(pool, heads, nodes, node)
        if enters:
            out[TAKEN_INDEX, row] = out[ORDERS_AHEAD, row]
            out[LEVEL, row] = place_of(pool, heads, half, key)
        else:
            out[LEVEL, row] = place_of(pool, heads, old_half, old_key) if node >= 0 else 0
    return listings.size
