"""Kernel: rows and changes of phase as they come, each with the one before it of its listing, and the buckets they fall in.

What is known of a listing stands at its code, so rows of many listings are divided in the order in which they lie, without
sorting them.
"""

from __future__ import annotations

from numba import boolean, float64, int32, int64, njit, types

from basalt.core.holding.events import NEVER, Bools, Floats, Ints, Places

ROW, PHASE, CELL, TARGET, PREVIOUS = 0, 1, 2, 3, 4
"""Rows of `events`."""
_READ = types.Array(int64, 1, "C", readonly=True)
_SIGNATURE = types.Tuple((int64, int64, int64))(  # type: ignore[no-untyped-call]
    *(_READ, _READ, _READ, int64, int64),
    *(_READ, _READ, _READ, int64[::1], int64[::1], int64[::1]),
    *(int32[:, ::1], int64[::1], float64[::1], boolean[::1], int64[:, ::1], int64[::1]),
)


@njit(_SIGNATURE, cache=True, nogil=True)
def divide_rows(
    codes: Ints,
    times: Ints,
    labels: Ints,
    carried: int,
    rest: int,
    change_times: Ints,
    change_labels: Ints,
    change_codes: Ints,
    following: Ints,
    ends: Ints,
    current: Ints,
    events: Places,
    moments: Ints,
    spans: Floats,
    is_row: Bools,
    cells: Ints,
    last: Ints,
) -> tuple[int, int, int]:
    """Put rows and changes of phase one after the other, and number the buckets of each listing in the order in which they begin.

    Args:
        codes, times, labels: Of each row: code of its listing, time, label of its bucket.
        carried: So many rows are the last ones of earlier batches, that of code 0 first.
        rest: Listings, in order of their codes, whose remaining changes follow the rows.
        change_times, change_labels, change_codes: Of each change of phase, those of a listing in order of time.
        following, ends: By code, the change that comes next, and the one after the last; the former is moved on.
        current: By code, the phase; moved on.
        events: Gets for each event its row, phase, cell, the cell of the next one of its listing (its own without one), and the
            one before (-1 without one). All arrays of events and cells are as wide as there can be events.
        moments: Gets the time of each event.
        spans: Gets the time until the next one, 0 without one.
        is_row: Gets whether it is a row.
        cells: Gets for each cell code, label, first and last event.
        last: By code, -1; gets the last event of the listing.

    Returns:
        Number of events, number of cells, and code of a listing whose rows go back in time, -1 if none do.
    """
    count, opened, wrong = 0, 0, -1
    for step in range(codes.size + rest):
        is_rest = step >= codes.size
        code = step - codes.size if is_rest else codes[step]
        time = NEVER if is_rest else times[step]
        at, end = following[code], ends[code]
        if last[code] < 0 and step >= carried:  # what went before the first row only says in which phase it stands
            while at < end and change_times[at] <= time:
                current[code] = change_codes[at]
                at += 1
        goes_on = True
        while goes_on:
            is_change = at < end and change_times[at] <= time
            goes_on = is_change
            if is_rest and not is_change:
                break
            previous = last[code]
            if is_change:
                moment, label, row = change_times[at], change_labels[at], events[ROW, previous]
                current[code] = change_codes[at]
                at += 1
            else:
                moment, label, row = time, labels[step], step
            cell = events[CELL, previous] if previous >= 0 else -1
            if cell < 0 or cells[1, cell] != label:
                cell = opened
                opened += 1
                cells[0, cell], cells[1, cell], cells[2, cell] = code, label, count
            if previous >= 0:
                if moment < moments[previous]:
                    wrong = code
                spans[previous] = moment - moments[previous]
                events[TARGET, previous] = cell
            events[ROW, count], events[PHASE, count], events[PREVIOUS, count] = row, current[code], previous
            events[CELL, count], events[TARGET, count] = cell, cell
            moments[count], spans[count] = moment, 0
            is_row[count] = not is_change
            cells[3, cell] = count
            last[code] = count
            count += 1
        following[code] = at
    return count, opened, wrong
