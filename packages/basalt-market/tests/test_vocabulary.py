from __future__ import annotations

import polars as pl
import pytest

from basalt.market.flags import flag_is_set, is_odd_lot
from basalt.market.sides import SIDE_TOKENS, aggressor_sign, is_on_side
from basalt.market.states import AUCTION_STATES, CONTINUOUS_STATES, IDLE_STATES, MARKET_STATES, UNCLEAR_STATES

TRADES = pl.DataFrame({"AggressorSide": [1, 2, 0, None, 7]})


def test_sign_of_the_aggressor() -> None:
    assert TRADES.select(sign=aggressor_sign())["sign"].to_list() == [1, -1, None, None, None]


@pytest.mark.parametrize(
    ("side", "rows"),
    [
        ("Bid", [False, True, False, False, False]),
        ("Ask", [True, False, False, False, False]),
        ("Unknown", [False, False, True, True, True]),
        ("Total", [True, True, True, True, True]),
    ],
)
def test_trades_of_a_side(side: str, rows: list[bool]) -> None:
    assert TRADES.with_columns(row=is_on_side(side))["row"].to_list() == rows  # type: ignore[arg-type]


def test_sides_add_up_to_the_total() -> None:
    parts = TRADES.select(is_on_side(side).cast(pl.Int64).alias(side) for side in SIDE_TOKENS if side != "Total")
    assert parts.sum_horizontal().to_list() == [1, 1, 1, 1, 1]


def test_every_state_has_one_meaning() -> None:
    meanings = [CONTINUOUS_STATES, AUCTION_STATES, IDLE_STATES, UNCLEAR_STATES]
    assert sorted(state for meaning in meanings for state in meaning) == sorted(MARKET_STATES)


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("IsBlock", ["TRUE", "FALSE", None, ""], [True, False, False, False]),
        ("AlgorithmicTrade", ["H", "-", "Y", "N"], [True, False, True, False]),
        ("NegotiatedTrade", ["N", "1", "-", None], [True, True, False, False]),
        ("CrossingTrade", ["X", "N", "-", "Y"], [True, False, False, True]),
        ("IsBlock", [True, False, None], [True, False, False]),
        ("IsBlock", [1, 0, None], [True, False, False]),
    ],
)
def test_flags(column: str, values: list[object], expected: list[bool]) -> None:
    frame = pl.DataFrame({column: values})
    assert frame.select(flag_is_set(column))[column].to_list() == expected


def test_odd_lots() -> None:
    frame = pl.DataFrame({"LotType": ["ODD", "ROUND", "MIXED", "Odd Lot", None]})
    assert frame.select(is_odd_lot())["LotType"].to_list() == [True, False, False, True, False]
