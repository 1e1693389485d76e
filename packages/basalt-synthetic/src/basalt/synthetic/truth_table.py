"""The `truth` rows: acts of the event loop, and prints."""

from __future__ import annotations

import numpy as np
import polars as pl

from basalt.synthetic import kernel as k
from basalt.synthetic.book_tables import counted, fact_columns, order_ids, trade_ids
from basalt.synthetic.clocks import LIT_SOURCE, PRINT_SOURCE, clock_columns, midnight, sequence
from basalt.synthetic.group import Group
from basalt.synthetic.truth import ACTIONS, ORDER_KINDS, TAKER_KINDS

_FACTS = ("ListingId", "InstrumentId", "MIC")


def truth_table(group: Group, deals: pl.DataFrame) -> pl.DataFrame:
    """One row for each act and each print; *deals* are those of the trades table."""
    return pl.concat([_acts(group), _prints(group, deals)], how="diagonal_relaxed")


def _present(values: np.ndarray, *, where: np.ndarray) -> pl.Series:
    """Whole numbers; null elsewhere."""
    return pl.Series(values, dtype=pl.Int64).set(pl.Series(~where), None)


def _acts(group: Group) -> pl.DataFrame:
    shown = np.flatnonzero(group.chosen[group.numbers])
    rows, numbers, nanos = group.rows[:, shown], group.numbers[shown], group.nanos[shown]
    visible, taken = rows[k.ACTION] != k.UNSEEN, rows[k.TAKER_PARENT] != k.NOTHING
    events = np.zeros(shown.size, dtype=np.int64)
    events[visible] = counted(numbers[visible])
    orders = np.where(rows[k.ORDER] == k.NOTHING, rows[k.OLD_ORDER], rows[k.ORDER])
    columns = {
        "EventNo": _present(events, where=visible),
        "TradeId": trade_ids(numbers, rows[k.TRADE], group),
        "Action": pl.Series(ACTIONS).gather(rows[k.ACT]),
        "Side": rows[k.SIDE],
        "OrderId": order_ids(numbers, orders, group),
        "OrderKind": pl.Series(ORDER_KINDS).gather(rows[k.KIND]),
        "ParentId": rows[k.PARENT],
        "DisplayedSize": rows[k.SIZE],
        "HiddenSize": rows[k.HIDDEN_LEFT],
        "AggressorSide": rows[k.TAKER_SIDE],
        "AggressorParentId": _present(rows[k.TAKER_PARENT], where=taken),
        "AggressorKind": pl.Series([*TAKER_KINDS, ""]).gather(np.where(taken, rows[k.TAKER_KIND], 2)),
        "AggressorSize": _present(rows[k.TAKER_SIZE], where=taken),
        "AggressorIsRetail": pl.Series(rows[k.TAKER_RETAIL] == 1).set(pl.Series(~taken), None),
        "LatentPrice": group.latent()[shown],
    }
    return pl.DataFrame(columns).with_columns(*_places(group, numbers, nanos, rows[k.TIE], LIT_SOURCE))


def _prints(group: Group, deals: pl.DataFrame) -> pl.DataFrame:
    off_book = deals.filter(pl.col("source") == PRINT_SOURCE)
    numbers = off_book["number"].to_numpy()
    columns = {
        "TradeId": trade_ids(numbers, off_book["trade"].to_numpy(), group),
        "AggressorSide": off_book["taker"],
        "AggressorIsRetail": off_book["is_retail"],
        "LatentPrice": off_book["latent"],
    }
    texts = {"Action": "PRINT", "OrderId": "", "OrderKind": "", "AggressorKind": ""}
    return pl.DataFrame(columns).with_columns(
        *_places(group, numbers, off_book["nanos"].to_numpy(), off_book["tie"].to_numpy(), PRINT_SOURCE),
        *(pl.lit(value).alias(name) for name, value in texts.items()),
        pl.lit(0, pl.Int64).alias("Side"),
    )


def _places(group: Group, numbers: np.ndarray, nanos: np.ndarray, ties: np.ndarray, source: int) -> list[pl.Series | pl.Expr]:
    return [
        *fact_columns(group, numbers, _FACTS),
        *clock_columns(group.day, nanos, {"TimestampNanoseconds": "ns"}),
        pl.Series("BMLLSequenceNo", sequence(nanos, group.slots[numbers], ties)),
        pl.lit(source, pl.Int64).alias("BMLLSequenceSource"),
        midnight(group.day).alias("TradeDate"),
    ]
