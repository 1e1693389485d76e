"""Rows of `l3`, `trades` and `imbalance` as messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from basalt.feeds.itch.assembling import Batch, shares, texts, units
from basalt.feeds.itch.phase_batches import LATE
from basalt.feeds.itch.states import CROSSES
from basalt.market.sides import Aggressor, LobAction, RestingSide

_CROSS_OF = {state: kind for kind, state in CROSSES.items()}
_ON_BOOK = [action.value for action in (LobAction.INSERT, LobAction.REMOVE, LobAction.UPDATE)]


def order_batches(rows: pl.DataFrame, orders: OrderNumbers) -> tuple[list[Batch], int]:
    """Rows of `l3` that change the book as messages A, F, E, C, X, D, U, and P for what an execution takes beyond the displayed size.

    Match numbers are those of `match_numbers`.

    Args:
        rows: Rows that follow those of the last call.
        orders: Numbers of the orders of before; those of *rows* are added.

    Returns:
        The messages, and how many rows are left out because the entry of their order did not come.
    """
    events = orders.number(rows.filter(pl.col("LobAction").is_in(_ON_BOOK)))
    known = events.filter(pl.col("IsEntry") | pl.col("Before").is_not_null())
    executed, entry, replaced = pl.col("OrderExecuted").fill_null(False), pl.col("IsEntry"), pl.col("IsReplacement")
    said = pl.col("ExecutionPrice").ne_missing(pl.col("OldPrice")) | ~pl.col("Printable").fill_null(True)
    attributed = pl.col("MPIDAttribution").fill_null("") != ""
    gone = pl.col("Size") == 0
    kinds: dict[str, pl.Expr] = {
        "A": entry & ~attributed,
        "F": entry & attributed,
        "E": executed & ~said,
        "C": executed & said,
        "U": replaced,
        "D": ~executed & ~entry & ~replaced & gone,
        "X": ~executed & ~entry & ~replaced & ~gone & (pl.col("Size") < pl.col("OldSize")),
    }
    hidden = known.filter(executed, pl.col("ExecutionSize") > pl.col("OldSize"))
    batches = [_batch(kind, known.filter(condition), _ORDER_FIELDS[kind]) for kind, condition in kinds.items()]
    return [*batches, _batch("P", hidden, _hidden_part_fields)], events.height - known.height


class OrderNumbers:
    """Reference numbers of orders: they count entries and replacements. Known are the orders that rest.

    An order that is entered again under an identifier of before, or replaced under its own, is another order to ITCH:
    the n-th entry of a name is told apart by n.
    """

    def __init__(self) -> None:
        self._count = 0
        self._resting = pl.DataFrame(schema={"Locate": pl.Int64, "NewName": pl.String, "NewTimes": pl.Int64, "Number": pl.Int64})

    def number(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Events with the number of their order before (`Before`) and after (`After`) them; they follow those of the last call."""
        versions, keys = _versions(rows), ["Locate", "NewName", "NewTimes"]
        entries = versions.filter(pl.col("IsEntry") | pl.col("IsReplacement")).select(
            *keys, pl.int_range(self._count + 1, self._count + pl.len() + 1, dtype=pl.Int64).alias("Number")
        )
        self._count += entries.height
        numbers = pl.concat([self._resting, entries]).unique(keys, keep="first", maintain_order=True)
        after = versions.join(numbers.rename({"Number": "After"}), on=keys, how="left", maintain_order="left")
        before = numbers.rename({"NewName": "Name", "NewTimes": "OldTimes", "Number": "Before"})
        found = after.join(before, on=["Locate", "Name", "OldTimes"], how="left", maintain_order="left")
        gone = found.filter((pl.col("LobAction") == LobAction.REMOVE.value) | pl.col("IsReplacement"))["Before"].drop_nulls()
        resting = numbers.filter(~pl.col("Number").is_in(gone.implode())).unique(["Locate", "NewName"], keep="last", maintain_order=True)
        self._resting = resting.with_columns(pl.lit(0, pl.Int64).alias("NewTimes"))
        return found


def _versions(rows: pl.DataFrame) -> pl.DataFrame:
    """Events with names of their orders, and which entry of the name among *rows* it is, before and after them; 0 where none of them is."""
    blank = [pl.lit("").alias("MPIDAttribution")] * ("MPIDAttribution" not in rows.columns)
    old, new = pl.col("OldOrderId").fill_null(""), pl.col("OrderId").fill_null("")
    is_entry = pl.col("LobAction") == LobAction.INSERT.value
    changed = pl.col("Price").ne_missing(pl.col("OldPrice")) | (pl.col("Size") > pl.col("OldSize")) | (old != new)
    is_update = (pl.col("LobAction") == LobAction.UPDATE.value) & ~pl.col("OrderExecuted").fill_null(False)
    named = rows.with_columns(
        *blank,
        is_entry.alias("IsEntry"),
        (is_update & changed).alias("IsReplacement"),
        pl.when(is_entry).then(new).otherwise(old).alias("Name"),
        new.alias("NewName"),
    )
    again = pl.col("IsEntry") | (pl.col("IsReplacement") & (pl.col("Name") == pl.col("NewName")))
    counted = named.with_columns(again.cast(pl.Int64).alias("Again")).with_columns(
        pl.col("Again").cum_sum().over("Locate", "Name").alias("Times")
    )
    return counted.with_columns(
        (pl.col("Times") - pl.col("Again")).alias("OldTimes"),
        pl.when(pl.col("Name") == pl.col("NewName")).then("Times").otherwise(0).alias("NewTimes"),
    )


def print_batches(trades: pl.DataFrame, executed: pl.DataFrame) -> list[Batch]:
    """Trades without displayed order as messages P (hidden) and Q (cross).

    Trades of other classes, off the book or dark, are none of ITCH.

    Args:
        trades: Rows of `trades`.
        executed: `ListingId` and `TradeId` of the trades that executions of displayed orders belong to.
    """
    if trades.is_empty():
        return []
    prints = trades.join(executed, on=["ListingId", "TradeId"], how="anti", maintain_order="left")
    return [
        _batch("P", prints.filter(pl.col("Classification") == "LIT_HIDDEN"), _print_fields),
        _batch("Q", prints.filter(pl.col("Classification") == "LIT_AUCTION"), _cross_fields),
    ]


def broken_batches(broken: pl.DataFrame, last: int) -> list[Batch]:
    """Trades that were cancelled as messages B, at the time *last*."""
    if broken.is_empty():
        return []
    late = broken.with_columns(Nanos=pl.lit(last, pl.Int64), BMLLSequenceNo=pl.lit(LATE - 1, pl.Int64))
    return [_batch("B", late, lambda rows: {"match": match_numbers(rows)})]


def is_on_book() -> pl.Expr:
    """Whether a row of `l3` is the execution of a displayed order."""
    return pl.col("LobAction").is_in(_ON_BOOK) & pl.col("OrderExecuted").fill_null(value=False)


def imbalance_batches(rows: pl.DataFrame) -> list[Batch]:
    """Rows of `imbalance` as messages I."""
    return [] if rows.is_empty() else [_batch("I", rows, _imbalance_fields)]


def match_numbers(rows: pl.DataFrame) -> np.ndarray:
    """Match numbers of the trades in `TradeId`: the number itself, or one made of the text."""
    numbers = rows["TradeId"].cast(pl.UInt64, strict=False)
    return numbers.fill_null(rows["TradeId"].hash(seed=0)).to_numpy()


def _batch(kind: str, rows: pl.DataFrame, fields: Callable[[pl.DataFrame], dict[str, Any]]) -> Batch:
    made = fields(rows) | {"locate": rows["Locate"].to_numpy()}
    ranks = {"I": 1, "P": 2, "Q": 3, "B": 4}
    return Batch(kind, rows["Nanos"].to_numpy(), rows["BMLLSequenceNo"].to_numpy(), ranks.get(kind, 0), made)


def _entry_fields(rows: pl.DataFrame) -> dict[str, Any]:
    return {
        "order": rows["After"].to_numpy(),
        "side": _letters(rows["Side"], {RestingSide.BID.value: "B", RestingSide.ASK.value: "S"}, "?"),
        "shares": shares(rows, "Size"),
        "stock": texts(rows["Stock"].to_list(), 8),
        "price": units(rows, "Price"),
    }


def _attributed_fields(rows: pl.DataFrame) -> dict[str, Any]:
    return _entry_fields(rows) | {"mpid": texts([name[:4] for name in rows["MPIDAttribution"]], 4)}


def _execution_fields(rows: pl.DataFrame) -> dict[str, Any]:
    displayed = np.minimum(shares(rows, "ExecutionSize"), rows["OldSize"].to_numpy())
    return {"order": rows["Before"].to_numpy(), "shares": displayed, "match": match_numbers(rows)}


def _priced_execution_fields(rows: pl.DataFrame) -> dict[str, Any]:
    printable = np.where(rows["Printable"].fill_null(value=True).to_numpy(), b"Y", b"N")
    return _execution_fields(rows) | {"printable": printable, "price": units(rows, "ExecutionPrice")}


def _replacement_fields(rows: pl.DataFrame) -> dict[str, Any]:
    numbers = {"old_order": rows["Before"].to_numpy(), "order": rows["After"].to_numpy()}
    return numbers | {"shares": shares(rows, "Size"), "price": units(rows, "Price")}


def _deletion_fields(rows: pl.DataFrame) -> dict[str, Any]:
    return {"order": rows["Before"].to_numpy()}


def _cancel_fields(rows: pl.DataFrame) -> dict[str, Any]:
    return {"order": rows["Before"].to_numpy(), "shares": (rows["OldSize"] - rows["Size"]).to_numpy()}


def _hidden_part_fields(rows: pl.DataFrame) -> dict[str, Any]:
    fields = {"shares": (rows["ExecutionSize"] - rows["OldSize"]).to_numpy(), "stock": texts(rows["Stock"].to_list(), 8), "side": "B"}
    return fields | {"price": units(rows, "ExecutionPrice"), "match": match_numbers(rows)}


def _print_fields(rows: pl.DataFrame) -> dict[str, Any]:
    """Prints of hidden orders. Nasdaq says B whichever side the order was on."""
    fields = {"shares": shares(rows, "Size"), "stock": texts(rows["Stock"].to_list(), 8), "price": units(rows, "Price")}
    return fields | {"side": "B", "match": match_numbers(rows)}


def _cross_fields(rows: pl.DataFrame) -> dict[str, Any]:
    fields = {"shares": shares(rows, "Size", 2**53), "stock": texts(rows["Stock"].to_list(), 8), "price": units(rows, "Price")}
    return fields | {"match": match_numbers(rows), "cross": _letters(rows["MarketState"], _CROSS_OF, "I")}


def _imbalance_fields(rows: pl.DataFrame) -> dict[str, Any]:
    shown = rows.with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in {"AuctionOnlyIndicativePrice": pl.Float64, "ReferencePrice": pl.Float64, "ImbalanceSide": pl.Int64}.items()
        if name not in rows.columns
    )
    return {
        "paired": shown["PairedQuantity"].fill_null(0).cast(pl.Int64).to_numpy(),
        "imbalance": shown["ImbalanceQuantity"].fill_null(0).cast(pl.Int64).to_numpy(),
        "direction": _letters(shown["ImbalanceSide"], {Aggressor.BUY.value: "B", Aggressor.SELL.value: "S"}, "N"),
        "stock": texts(shown["Stock"].to_list(), 8),
        "far": units(shown, "AuctionOnlyIndicativePrice"),
        "near": units(shown, "IndicativeUncrossingPrice"),
        "reference": units(shown, "ReferencePrice"),
        "cross": _letters(shown["MarketState"], _CROSS_OF, "H"),
    }


def _letters(values: pl.Series, letters: dict[Any, str], default: str) -> np.ndarray:
    return texts([letters.get(value, default) for value in values], 1)


_ORDER_FIELDS: dict[str, Callable[[pl.DataFrame], dict[str, Any]]] = {
    "A": _entry_fields,
    "F": _attributed_fields,
    "E": _execution_fields,
    "C": _priced_execution_fields,
    "U": _replacement_fields,
    "D": _deletion_fields,
    "X": _cancel_fields,
}
