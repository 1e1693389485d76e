"""The kernels by hand, against their twins in plain Python, and ids of all kinds."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from basalt.l3.life_kernel import CHANGE, DUPLICATE, ENTER, LEAVE, OTHER, UNKNOWN, UNNAMED
from basalt.l3.lifetimes import _estimated, shortened
from basalt.l3.lives import AFTER, BEFORE, KIND, Lives, order_numbers
from basalt.l3.replacement_kernel import ARRIVAL, EXECUTION, measure_replacements, nothing_waits, with_halves

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def read_only(values, dtype):
    array = np.array(values, dtype)
    array.flags.writeable = False
    return array


EVENTS = {"ListingId": pl.Int64, KIND: pl.Int8, BEFORE: pl.Int64, AFTER: pl.Int64}


def cut(rows, size):
    """Pieces of *rows*, *size* in each; all in one for 0."""
    return [rows[start : start + size] for start in range(0, len(rows), size)] if size else [rows]


def followed(rows, size=0):
    """Entries, ends and faults of rows of (listing, kind, id before, id after), followed *size* at a time."""
    lives, resting, done, found = Lives(), [], 0, ([], [-1] * len(rows), [])
    for piece in cut(rows, size):
        told = lives.follow(pl.DataFrame(piece, schema=EVENTS, orient="row"))
        mine = resting + [done + int(row) for row in told.entered]
        for life, end in enumerate(told.ends.tolist()):
            found[1][mine[life]] = done + end if end >= 0 else -1
        found[0].extend(mine[life] if life >= 0 else -1 for life in told.of_row.tolist())
        found[2].extend(told.faults.tolist())
        resting = [entry for entry, rests in zip(mine, told.rests, strict=True) if rests]
        done += len(piece)
    return found


def followed_by_hand(rows):
    resting, entries, ends, faults = {}, [], [-1] * len(rows), []
    for row, (listing, kind, before, after) in enumerate(rows):
        order = after if kind == ENTER else before or after
        key, entry, fault = (listing, order), -1, 0
        if kind == OTHER:
            pass
        elif not order:
            fault = UNNAMED
        elif kind == ENTER:
            entry = row
            if key in resting:
                ends[resting[key]], fault = row, DUPLICATE
            resting[key] = row
        elif key not in resting:
            fault = UNKNOWN
        else:
            entry = resting[key]
            if kind == LEAVE:
                ends[resting.pop(key)] = row
            elif after and after != order:
                moved = resting.pop(key)
                if (listing, after) in resting:
                    ends[resting[listing, after]], fault = row, DUPLICATE
                resting[listing, after] = moved
        entries.append(entry)
        faults.append(fault)
    return entries, ends, faults


def test_an_order_is_followed_over_a_change_of_its_id():
    rows = [(7, ENTER, 0, 5), (7, CHANGE, 5, 6), (7, LEAVE, 6, 0)]
    assert followed(rows) == ([0, 0, 0], [2, -1, -1], [0, 0, 0])


def test_the_same_id_on_two_listings_is_two_orders():
    rows = [(7, ENTER, 0, 5), (8, ENTER, 0, 5), (7, LEAVE, 5, 0)]
    assert followed(rows) == ([0, 1, 0], [2, -1, -1], [0, 0, 0])


def test_an_id_can_be_used_again_once_it_is_free():
    rows = [(7, ENTER, 0, 5), (7, LEAVE, 5, 0), (7, ENTER, 0, 5), (7, LEAVE, 5, 0)]
    assert followed(rows) == ([0, 0, 2, 2], [1, -1, 3, -1], [0, 0, 0, 0])


def test_an_entry_takes_the_id_of_an_order_that_rests():
    rows = [(7, ENTER, 0, 5), (7, ENTER, 0, 5), (7, LEAVE, 5, 0)]
    assert followed(rows) == ([0, 1, 1], [1, 2, -1], [0, DUPLICATE, 0])


ROW = st.tuples(st.sampled_from([1, 2]), st.sampled_from([OTHER, ENTER, CHANGE, LEAVE]), st.integers(0, 8), st.integers(0, 8))


@QUICK
@given(rows=st.lists(ROW, max_size=80), size=st.sampled_from([0, 1, 7]))
def test_following_is_its_twin_in_pieces_of_any_size(rows, size):
    assert followed(rows, size) == followed_by_hand(rows)


def test_following_is_its_twin_where_the_table_grows_many_times():
    source = np.random.default_rng(3)
    kinds = source.choice([ENTER, ENTER, ENTER, CHANGE, LEAVE], 30_000).tolist()
    ids = source.integers(-(2**62), 2**62, 9_000)
    picks = ids[source.integers(0, ids.size, (2, 30_000))].tolist()
    rows = list(zip(source.integers(0, 3, 30_000).tolist(), kinds, *picks, strict=True))
    assert followed(rows, 7_000) == followed_by_hand(rows)


def test_only_orders_that_rest_are_kept():
    lives = Lives()
    for number in range(1, 5_001):
        piece = [(7, ENTER, 0, number), (7, LEAVE, number - 1, 0)]
        told = lives.follow(pl.DataFrame(piece, schema=EVENTS, orient="row"))
        assert told.rests.sum() == 1
    assert len(lives._table) == 1024


# ------------------------------------------------------------ replacements


def waited_and_replaced(rows, size=0):
    """Waiting times and executions replaced of rows of (half, kind, price, time), measured *size* at a time."""
    heads, (keys, nodes, counts), found = np.empty(0, np.int64), nothing_waits(), ([], [])
    for piece in cut(rows, size):
        halves, kinds, prices, nanos = zip(*piece, strict=True) if piece else ((), (), (), ())
        heads = with_halves(heads, max(halves, default=0) + 1)
        sides = [half % 2 + 1 for half in halves]
        waited, replaced = np.empty(len(piece), np.int64), np.empty(len(piece), np.int64)
        columns = ((halves, "i4"), (kinds, "i1"), (sides, "i1"), (prices, "f8"), (nanos, "i8"))
        events = [read_only(each, dtype) for each, dtype in columns]
        keys, nodes = measure_replacements(heads, keys, nodes, counts, *events, waited, replaced)
        for told, values in zip(found, (waited, replaced), strict=True):
            told.extend(values.tolist())
    return found


def replaced_by_hand(rows):
    pending, waited, replaced = [], [], []
    for half, kind, price, now in rows:
        mine = []
        if kind == EXECUTION:
            pending.append((half, price, now))
        elif kind == ARRIVAL:
            mine = [each for each in pending if each[0] == half and (price >= each[1] if half % 2 == 0 else price <= each[1])]
            pending = [each for each in pending if each not in mine]
        waited.append(sum(now - time for *_, time in mine))
        replaced.append(len(mine))
    return waited, replaced


def test_a_sweep_is_replaced_price_by_price():
    sweep = [(0, EXECUTION, 10.0, 0), (0, EXECUTION, 9.0, 0), (0, EXECUTION, 8.0, 1)]
    back = [(1, ARRIVAL, 11.0, 2), (0, ARRIVAL, 9.0, 5), (0, ARRIVAL, 9.5, 6), (0, ARRIVAL, 10.5, 8)]
    assert waited_and_replaced(sweep + back) == ([0, 0, 0, 0, 5 + 4, 0, 8], [0, 0, 0, 0, 2, 0, 1])


CHANGE_OF_SIDE = st.tuples(
    st.integers(0, 3), st.sampled_from([0, EXECUTION, ARRIVAL]), st.sampled_from([9.0, 9.5, 10.0]), st.integers(0, 3)
)


@QUICK
@given(changes=st.lists(CHANGE_OF_SIDE, max_size=80), size=st.sampled_from([0, 1, 7]))
def test_replacing_is_its_twin_in_pieces_of_any_size(changes, size):
    times = np.cumsum([gap for *_, gap in changes]).tolist() if changes else []
    rows = [(half, kind, price, now) for (half, kind, price, _), now in zip(changes, times, strict=True)]
    assert waited_and_replaced(rows, size) == replaced_by_hand(rows)


def test_many_prices_wait_at_once():
    rows = [(0, EXECUTION, 10_000.0 - place, place) for place in range(5_000)]
    assert waited_and_replaced([*rows, (0, ARRIVAL, 10_000.0, 5_000)])[1][-1] == 5_000


# ------------------------------------------------------------ cohorts

AGES, LAST_HORIZON = [3, 10], 10


def spell(age, event):
    return age * 4 + event


EARLY = st.lists(st.builds(spell, st.integers(0, 14), st.integers(1, 3)), max_size=12)
LATE = st.lists(
    st.builds(spell, st.integers(0, 20), st.integers(1, 2)) | st.builds(spell, st.integers(LAST_HORIZON, 20), st.just(3)), max_size=6
)


@QUICK
@given(cohorts=st.lists(st.tuples(EARLY, LATE, LATE), max_size=4))
def test_short_cohorts_are_estimated_like_whole_ones(cohorts):
    """Later, nobody is lost from sight before the last age that is asked for."""
    early, late, last = (
        (pl.Series([list(each) for each in kind], dtype=pl.List(pl.Int64)) for kind in zip(*cohorts, strict=True))
        if cohorts
        else (pl.Series([], dtype=pl.List(pl.Int64)) for _ in range(3))
    )
    whole = early.list.concat(late).list.concat(last)
    short = shortened(shortened(early, AGES).list.concat(late), AGES).list.concat(last)
    for horizon in AGES:
        for cause in (0, 1, 2):
            found, expected = (_estimated(each, cause=cause, horizon=horizon) for each in (short, whole))
            assert_series_equal(found, expected, check_names=False, rel_tol=1e-13, abs_tol=1e-13)


def test_a_short_cohort_has_what_happens_between_two_horizons_once():
    cohort = [spell(1, 1), spell(3, 1), spell(4, 1), spell(5, 2), spell(6, 1), spell(11, 2), spell(12, 1)]
    assert shortened(pl.Series([cohort]), AGES).to_list() == [[-2, spell(3, 1), -2, spell(10, 1), spell(10, 2), -2, spell(11, 3)]]


# ------------------------------------------------------------ ids


def test_whole_numbers_are_their_own_ids():
    assert order_numbers(pl.Series(["", "17", None, "18446744073", "-5"])).to_list() == [0, 17, 0, 18446744073, -5]


@pytest.mark.parametrize("odd", ["A1", "007", "+7", "-07", "0", "99999999999999999999", "7.0"])
def test_other_ids_have_numbers_of_their_own_wherever_they_stand(odd):
    first, second = order_numbers(pl.Series(["7", odd, "-7"])), order_numbers(pl.Series([odd, None, odd]))
    assert first[1] == second[0] == second[2]
    assert len({0, *first}) == 4
