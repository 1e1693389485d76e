"""The event loop of one instrument on one day: all its venues, their books, and everybody who trades."""

from __future__ import annotations

from numba import njit

from basalt.synthetic.auctioning import announce, take_part_in_call, uncross
from basalt.synthetic.chance import uniform, waiting_time
from basalt.synthetic.compiling import digest_of_parts
from basalt.synthetic.flow import decide
from basalt.synthetic.latent import price_at
from basalt.synthetic.levels import order_at
from basalt.synthetic.matching import let_take, sweep, unhide
from basalt.synthetic.resting import remove
from basalt.synthetic.world import (
    BASE,
    CALL,
    CONTINUOUS,
    FAIR_SEED,
    FOLLOWING,
    GAP,
    HIDDEN_COUNT,
    IDLE,
    LAST,
    MESSAGE,
    MIX,
    MOST_HIDDEN,
    N_BOOKS,
    N_CALLS,
    N_ROWS,
    NEVER,
    NONE,
    NOTHING,
    O_HALF,
    O_NUMBER,
    P_FIELDS,
    P_LIMIT,
    P_PARENT,
    P_RETAIL,
    P_SIDE,
    P_SIZE,
    P_TAKES,
    P_TIME,
    P_TOTAL,
    P_VENUE,
    PENDING,
    PENDING_COUNT,
    RATE,
    ROWS_AN_EVENT,
    STATE,
    STEP,
    SWEEP,
    UNCROSS,
    VENUES,
    VOLATILITY,
    Floats,
    Ints,
    Longs,
    Number,
    part,
)


@part
def do_pending(w: Longs, rows: Ints, books: Ints, time: Number, number: Number) -> None:
    """Do what was pending: an order that arrives, or the end of one that was meant to be fleeting."""
    entry, last = PENDING + number * P_FIELDS, PENDING + (w[PENDING_COUNT] - 1) * P_FIELDS
    venue, takes, side, limit = w[entry + P_VENUE], w[entry + P_TAKES], w[entry + P_SIDE], w[entry + P_LIMIT]
    size, parent, total, retail = w[entry + P_SIZE], w[entry + P_PARENT], w[entry + P_TOTAL], w[entry + P_RETAIL]
    for field in range(P_FIELDS):
        w[entry + field] = w[last + field]
    w[PENDING_COUNT] -= 1
    if w[STATE + venue] != CONTINUOUS:
        return
    if takes:
        let_take(w, 2 - side, parent, SWEEP, total, retail)
        sweep(w, rows, books, time, 2 * venue + side, limit, size)
    elif w[order_at(size) + O_NUMBER] == parent and w[order_at(size) + O_HALF] >> 1 == venue:
        remove(w, rows, books, time, size)


@part
def fair_at(w: Longs, f: Floats, path: Floats, clock: Floats, time: Number) -> Number:
    """The fair price at a time, in units."""
    second = time // 1_000_000
    return price_at(path, clock, w[FAIR_SEED], f[VOLATILITY], f[BASE], second, time / 1_000_000 - second)


@part
def next_step(w: Longs, f: Floats, intensity: Floats, time: Number, venue: Number) -> Number:
    """When somebody at *venue* decides next."""
    rate = f[RATE + venue]
    if w[STATE + venue] == CONTINUOUS:
        if uniform(w) < f[FOLLOWING]:
            return time + waiting_time(w, 1.0 / 300.0)
        rate *= intensity[time // 1_000_000] * (1.0 - f[FOLLOWING])
    return time + waiting_time(w, rate)


@part
def change_phase(  # noqa: PLR0917 - compiled functions take arrays one by one
    w: Longs, f: Floats, rows: Ints, books: Ints, calls: Longs, phases: Longs, settings: Floats, number: Number, fair: Number
) -> None:
    """Begin a phase of a venue: *phases* has time, venue, state and gap of messages, *settings* rate and mix."""
    time, venue, state = phases[0, number], phases[1, number], phases[2, number]
    if state == UNCROSS:
        announce(w, calls, time, venue, fair)
        uncross(w, rows, books, max(time, w[LAST]) + 1, venue, fair)
        state = IDLE
    elif w[STATE + venue] == CONTINUOUS and state != CONTINUOUS:
        for half in (2 * venue, 2 * venue + 1):
            while w[HIDDEN_COUNT + half]:
                unhide(w, rows, max(time - 2 * MOST_HIDDEN - 2, w[LAST]) + 1, half, half * MOST_HIDDEN)
    w[STATE + venue], w[GAP + venue] = state, phases[3, number]
    f[RATE + venue], f[MIX + venue] = settings[0, number], settings[1, number]
    w[MESSAGE + venue] = time + w[GAP + venue] if state == CALL else NEVER


@part
def first_venue(w: Longs, field: Number) -> Number:
    """The venue whose *field* is least."""
    found = 0
    for venue in range(1, w[VENUES]):
        found = venue if w[field + venue] < w[field + found] else found
    return found


@part
def first_pending(w: Longs) -> Number:
    """The pending act that comes first, and its time."""
    found, time = NOTHING, NEVER
    for number in range(w[PENDING_COUNT]):
        if w[PENDING + number * P_FIELDS + P_TIME] < time:
            found, time = number, w[PENDING + number * P_FIELDS + P_TIME]
    return found, time


COMPILED_FROM = "b81db6d89ab7b39b"
"""Digest of the files of parts. A change of them changes this line and so this file, which Numba's cache sees; until it does, nothing is kept."""


@njit(cache=digest_of_parts() == COMPILED_FROM, nogil=True, error_model="numpy")
def run(  # noqa: PLR0917 - compiled functions take arrays one by one
    w: Longs,
    f: Floats,
    path: Floats,
    clock: Floats,
    intensity: Floats,
    phases: Longs,
    settings: Floats,
    rows: Ints,
    books: Ints,
    calls: Longs,
) -> Number:
    """Let the day happen; true when the tape was long enough.

    Args:
        w, f: The world at its beginning, as the places above say; they change.
        path, clock: The fair price; see `latent`. What is asked for is kept in *path*.
        intensity: Activity at each second.
        phases, settings: Whole and float fields of each phase, in order of time; see `change_phase`.
        rows, books, calls: The tape. Afterwards `w` says how many entries of each were written.
    """
    phase, count = NONE, phases.shape[1]
    while w[N_ROWS] + 2 * ROWS_AN_EVENT < rows.shape[1] and w[N_BOOKS] + 2 < books.shape[0] and w[N_CALLS] + 2 < calls.shape[1]:
        number, pending = first_pending(w)
        venue, caller = first_venue(w, STEP), first_venue(w, MESSAGE)
        boundary = phases[0, phase] if phase < count else NEVER
        time = min(boundary, pending, w[STEP + venue], w[MESSAGE + caller])
        if time == NEVER:
            return True
        now = max(time, w[LAST] + 1)
        if boundary <= now:
            venue, time = phases[1, phase], boundary
            change_phase(w, f, rows, books, calls, phases, settings, phase, fair_at(w, f, path, clock, time))
            w[STEP + venue] = next_step(w, f, intensity, time, venue)
            phase += 1
        elif w[MESSAGE + caller] == time:
            announce(w, calls, time, caller, fair_at(w, f, path, clock, time))
            w[MESSAGE + caller] = time + w[GAP + caller]
        elif pending == time:
            do_pending(w, rows, books, now, number)
        else:
            fair = fair_at(w, f, path, clock, now)
            if w[STATE + venue] == CONTINUOUS:
                decide(w, f, rows, books, now, venue, fair)
            else:
                take_part_in_call(w, f, rows, books, now, venue, fair)
            w[STEP + venue] = next_step(w, f, intensity, time, venue)
    return False
