"""Orders of LOBSTER against a slow look at every order that rests."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.feeds.lobster import order_kernel as kernel
from basalt.feeds.lobster import orders as module
from basalt.feeds.lobster.orders import FIELDS, Orders, changes

ENTRY, PARTIAL, DELETION, EXECUTION = 1, 2, 3, 4
PRICES = {1: (99, 98, 97, 96), -1: (101, 102, 103, 104)}
"""Best first, in dollars."""


@dataclass(frozen=True)
class Resting:
    """An order of the slow look."""

    number: int
    direction: int
    price: int
    size: int
    is_known: bool


@dataclass(frozen=True)
class Step:
    """A message, the book after it, and what is left and ahead: None where the file does not tell."""

    message: tuple[int, int, int, int, int]
    book: list[float]
    left: int | None
    size_ahead: int | None
    orders_ahead: int | None


def shown(resting: list[Resting]) -> list[float]:
    """A row of the orderbook file, all four levels of it."""
    row: list[float] = []
    levels = {each: sorted({order.price for order in resting if order.direction == each}, key=PRICES[each].index) for each in (-1, 1)}
    for place in range(4):
        for direction in (-1, 1):
            has = place < len(levels[direction])
            price = levels[direction][place] if has else None
            row += [float(price) if price else float("nan"), float(sum(each.size for each in resting if each.price == price))]
    return row


def before(resting: list[Resting], own: Resting) -> list[Resting]:
    """All orders at the price of *own*, which is the last of them, and at better ones."""
    prices = PRICES[own.direction]
    return [
        each
        for each in resting
        if each is not own and each.direction == own.direction and prices.index(each.price) <= prices.index(own.price)
    ]


def step(resting: list[Resting], number: int, choice: tuple[int, int, int, int, int]) -> tuple[list[Resting], Step]:
    """One message and what becomes of the orders."""
    kind, pick, level, size, direction = choice
    if kind == ENTRY or not resting:
        own = Resting(number, direction, PRICES[direction][level], size, is_known=True)
        after = [*resting, own]
        ahead = before(after, own)
        count = len(ahead) if all(each.is_known for each in ahead) else None
        message = (ENTRY, number, size, own.price * 10_000, direction)
        return after, Step(message, shown(after), size, sum(each.size for each in ahead), count)
    own = resting[pick % len(resting)]
    taken = own.size if kind == DELETION else min(size, own.size - 1 if kind == PARTIAL else own.size)
    if taken == 0:
        kind, taken = DELETION, own.size
    left = own.size - taken
    after = [replace(each, size=left) if each is own else each for each in resting if each is not own or left]
    message = (kind, own.number, taken, own.price * 10_000, own.direction)
    return after, Step(message, shown(after), left if own.is_known else None, None, None)


CHOICES = st.tuples(st.sampled_from([1, 1, 2, 3, 4]), st.integers(0, 99), st.integers(0, 3), st.integers(1, 5), st.sampled_from([1, -1]))


@settings(max_examples=60, deadline=None)
@given(st.lists(CHOICES, max_size=6), st.lists(CHOICES, min_size=1, max_size=40), st.integers(0, 40))
def test_what_is_left_and_ahead(early: list[tuple[int, int, int, int, int]], later: list[tuple[int, int, int, int, int]], cut: int) -> None:
    """Orders of *early* rest before the file begins; the rest comes in two pieces, and tables of two slots have to grow."""
    resting = [Resting(place + 1, each[4], PRICES[each[4]][each[2]], each[3], is_known=False) for place, each in enumerate(early)]
    steps: list[Step] = []
    for place, choice in enumerate(later):
        resting, made = step(resting, 100 + place, choice)
        steps.append(made)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FIRST_ROOM", (2, 2))
        orders = Orders()
    found = [_followed(orders, part) for part in (steps[:cut], steps[cut:]) if part]

    expected = [[-1 if value is None else value for value in (each.left, each.size_ahead, each.orders_ahead)] for each in steps]
    assert np.concatenate(found, axis=1).T.tolist() == expected


def _followed(orders: Orders, steps: list[Step]) -> np.ndarray:
    book = np.ascontiguousarray(np.array([each.book for each in steps]).T)
    book.flags.writeable = False
    return orders.follow(_messages([each.message for each in steps]), book)


def _messages(rows: list[tuple[int, int, int, int, int]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(FIELDS, pl.Int64), orient="row")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 7), st.integers(-1, 3), st.integers(1, 5), st.sampled_from([-1, 0, 1])), min_size=1, max_size=20))
def test_what_messages_do(rows: list[tuple[int, int, int, int]]) -> None:
    messages = _messages([(kind, 7, size, 10_000, direction) for kind, _, size, direction in rows])
    places, values, truths = changes(messages, np.array([left for _, left, _, _ in rows]))
    expected = [(place, *_done(*row)) for place, row in enumerate(rows) if row[0] != 7]
    assert list(zip(places.tolist(), values.T.tolist(), truths.T.tolist(), strict=True)) == expected


def _done(kind: int, left: int, size: int, direction: int) -> tuple[list[int], list[bool]]:
    """Side, action, size, size before, executed size; whether the order remains, was there, is executed."""
    side = {1: 1, -1: 2, 0: 0}[direction]
    executed = size if kind in (4, 5, 6) else 0
    if kind in (5, 6):
        return [side, kernel.EXECUTE, 0, 0, executed], [False, False, True]
    if kind == ENTRY:
        return [side, kernel.INSERT, size, 0, 0], [True, False, False]
    if kind == DELETION or (kind == EXECUTION and left == 0):
        return [side, kernel.REMOVE, 0, size, executed], [False, True, kind == EXECUTION]
    now = max(left, 0)
    return [side, kernel.UPDATE, now, now + size, executed], [True, True, kind == EXECUTION]


def test_an_order_that_left_unseen_makes_the_level_unknown() -> None:
    """Two orders of 5 enter, one leaves while its level is not shown; the level then holds 5, so the orders before a third are not counted."""
    nan = float("nan")
    rows = [(1, 1, 5, 990_000, 1), (1, 2, 5, 990_000, 1), (1, 3, 2, 990_000, 1)]
    book = np.array([[nan, 0, 99, 5], [nan, 0, 99, 10], [nan, 0, 99, 7]]).T.copy()
    book.flags.writeable = False
    out = Orders().follow(_messages(rows), book)
    assert out[kernel.AHEAD].tolist() == [0, 5, 5]
    assert out[kernel.ORDERS_AHEAD].tolist() == [0, 1, -1]
