"""Which orders rest: those that entered, less those that left, of books that were not cleared since."""

from __future__ import annotations

import polars as pl
import pytest

from basalt.books import BookBuilder, BookMessage, OrderTracker


def messages(*rows: tuple[int, BookMessage, int, int, float | int | None, int]) -> pl.DataFrame:
    names = ("ListingId", "BookMessage", "OrderId", "Side", "Price", "Size")
    return pl.DataFrame([(listing, int(kind), *rest) for listing, kind, *rest in rows], schema=names, orient="row")


def test_no_orders_rest_at_first() -> None:
    assert OrderTracker().orders().is_empty()


@pytest.mark.parametrize("price", [10.5, 10_500_000_000])
def test_orders_that_rest(price: float) -> None:
    tracker = OrderTracker()
    tracker.feed(
        messages(
            (7, BookMessage.ADD, 2, 1, price, 300),
            (8, BookMessage.ADD, 2, 2, price, 50),
            (7, BookMessage.ADD, 1, 2, price, 40),
            (7, BookMessage.REDUCE, 2, 0, None, 100),
            (7, BookMessage.ADD, 3, 1, price, 10),
            (7, BookMessage.DELETE, 3, 0, None, 0),
        )
    )
    assert tracker.orders().rows() == [(7, 1, 2, price, 40), (7, 2, 1, price, 200), (8, 2, 2, price, 50)]


def test_a_cleared_book_has_no_orders() -> None:
    tracker = OrderTracker()
    tracker.feed(messages((7, BookMessage.ADD, 2, 1, 1.0, 300), (8, BookMessage.ADD, 2, 2, 1.0, 50), (7, BookMessage.CLEAR, 0, 0, None, 0)))
    assert tracker.orders().rows() == [(8, 2, 2, 1.0, 50)]


def test_codes_instead_of_null_build_the_same_books() -> None:
    none = 2**63 - 1
    rows = pl.DataFrame(
        {
            "ListingId": [7] * 4,
            "BookMessage": [1, 2, 3, 2],
            "OrderId": [1, 1, 1, 9],
            "Side": [1] * 4,
            "Price": [10, none, none, none],
            "Size": [5, 2, 0, 1],
        }
    )
    plain, coded = OrderTracker().feed(rows), OrderTracker(keeps_codes=True).feed(rows)
    assert coded["Price"].to_list() == [10, 10, none, none]
    assert plain["Price"].to_list() == [10, 10, None, None]
    assert (coded["LobAction"].to_list(), plain["LobAction"].to_list()) == ([2, 4, 3, 0], [2, 4, 3, None])
    built, same = (BookBuilder(levels=1, price_scale=1).feed(each) for each in (plain, coded))
    assert built.equals(same)
