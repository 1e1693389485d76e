"""What becomes of an order after it is entered: forward-looking, as the rows that enter orders carry it."""

from __future__ import annotations

import numpy as np
import polars as pl

from basalt.core.declaring import analytic
from basalt.l3.conditions import is_execution, shares
from basalt.l3.following import ENTRY, is_entry, is_filled, is_gone

FATE = "OrderFate"
CENSORED, FILLED, CANCELLED = 0, 1, 2
_FATE = pl.Struct(
    {
        "Life": pl.Int64(),
        "Outcome": pl.Int8(),
        "Touch": pl.Int64(),
        "Touched": pl.Int8(),
        "Observed": pl.Int64(),
        "Filled": pl.Int64(),
    }
)


def fate(name: str) -> pl.Expr:
    """A field of `order_fate`."""
    return pl.col(FATE).struct.field(name)


@analytic(grain="row", column=FATE, unit="", dtype=_FATE, table="l3", forward=True)
def order_fate() -> pl.Expr:
    """How the order lives that a row enters; null on other rows. Times are nanoseconds from the entry.

    `Life` lasts until nothing of the order is displayed, or until it is lost from sight: at the last
    event of its listing's day, or when another order takes its id. `Outcome` is 1 when all that was
    displayed executed, 2 when it ended any other way, 0 when it was lost from sight (censored).
    `Touch` and `Touched` are the same up to the first execution: 1 executed, 2 ended untouched, 0
    censored untouched. `Observed` is how long the order would have been seen had it rested;
    `Filled` is the size that executed.
    """
    seen_until = _nanos().max().over("ListingId")
    inputs = {"Nanos": _nanos(), "Until": seen_until, "Gone": is_gone(), "Full": is_filled(), "Size": _executed()}
    return pl.struct(ENTRY, *(expr.alias(name) for name, expr in inputs.items()), is_entry().alias("New")).map_batches(
        _fates, return_dtype=_FATE
    )


def _executed() -> pl.Expr:
    return pl.when(is_execution()).then(shares("ExecutionSize")).otherwise(0)


def _nanos() -> pl.Expr:
    return pl.col("EventTimestamp").cast(pl.Datetime("ns")).cast(pl.Int64)


def _fates(events: pl.Series) -> pl.Series:
    """`order_fate` of all rows at once: what later rows say is put on the rows that entered their orders."""
    frame = events.struct.unnest().unnest(ENTRY)
    nanos, until = frame["Nanos"].to_numpy(), frame["Until"].to_numpy()
    born = (frame["New"] & frame["Entry"].is_not_null()).arg_true().to_numpy()
    end = frame["End"].fill_null(-1).to_numpy()[born]
    is_lost = np.where(end >= 0, ~_flags(frame, "Gone")[end] | _flags(frame, "New")[end], True)
    life = np.where(end >= 0, nanos[end], until[born]) - nanos[born]
    outcome = np.where(is_lost, CENSORED, np.where(_flags(frame, "Full")[end], FILLED, CANCELLED))
    touch, size = _executions(frame, born)
    is_touched = touch >= 0
    made = {
        "Life": life,
        "Outcome": outcome,
        "Touch": np.where(is_touched, touch - nanos[born], life),
        "Touched": np.where(is_touched, FILLED, outcome),
        "Observed": np.where((end >= 0) & is_lost, life, until[born] - nanos[born]),
        "Filled": size,
    }
    lives = pl.DataFrame({"Row": born, **made}).cast({"Row": pl.Int64, "Outcome": pl.Int8, "Touched": pl.Int8})
    return _on_rows(lives, frame.height).alias(events.name)


def _flags(frame: pl.DataFrame, name: str) -> np.ndarray:
    return frame[name].fill_null(value=False).to_numpy()


def _executions(frame: pl.DataFrame, born: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Time of the first execution (-1 for none) and executed size of the order that each row of *born* enters."""
    nanos, size = frame["Nanos"].to_numpy(), frame["Size"].to_numpy()
    rows = ((frame["Size"] > 0) & frame["Entry"].is_not_null()).fill_null(value=False).arg_true().to_numpy()
    entry = frame["Entry"].fill_null(-1).to_numpy()[rows]
    first, total = np.full(frame.height, -1, np.int64), np.zeros(frame.height, np.int64)
    first[entry[::-1]] = nanos[rows[::-1]]  # the last assignment stays, so the first execution
    np.add.at(total, entry, size[rows])
    return first[born], total[born]


def _on_rows(lives: pl.DataFrame, height: int) -> pl.Series:
    """*lives* as structs on their rows, null structs elsewhere."""
    places = np.full(height, -1, np.int64)
    places[lives["Row"].to_numpy()] = np.arange(lives.height)
    return lives.drop("Row").to_struct("").gather(pl.Series(places).set(pl.Series(places < 0), None))
