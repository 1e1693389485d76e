"""Rows of `marketstate` as system events and trading actions.

ITCH has one session for all securities; what a security does besides is said by its trading actions. The session's events
are placed so that the phases come back: trading hours begin when the first security trades continuously and end when the
last one stops. Auctions become quotation-only periods.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from basalt.feeds.itch.assembling import Batch, texts
from basalt.market.states import AUCTION_STATES, CONTINUOUS_STATES

EARLY, LATE = -(2**62), 2**62
"""What puts a message before, or behind, all others of its time."""


def phase_batches(rows: pl.DataFrame, first: int) -> list[Batch]:
    """The messages S and H that tell the phases of *rows*, but not the end of messages.

    Args:
        rows: Rows of `marketstate` with `Locate`, `Stock` and `Nanos`, in order of events; may be none.
        first: Time of the first message of the file.
    """
    start = _session({"O": first}, EARLY, -1)
    if rows.is_empty():
        return [start]
    times = _session_times(rows)
    begins, ends = ({code: times[code] for code in codes if code in times} for codes in ("SQ", "ME"))
    return [start, _session(begins, EARLY + 1), _actions(rows), _session(ends, EARLY + 3)]


def ending(last: int) -> Batch:
    """The message S that no other follows."""
    return _session({"C": last}, LATE)


def _session(times: dict[str, int], number: int, rank: int = 0) -> Batch:
    nanos = np.array(list(times.values()), dtype=np.int64)
    return Batch("S", nanos, np.full(len(nanos), number), rank, {"event": texts(list(times), 1)})


def _session_times(rows: pl.DataFrame) -> dict[str, int]:
    """When system hours and trading hours begin and end."""
    is_continuous = pl.col("MarketState").is_in(list(CONTINUOUS_STATES))
    is_open = pl.col("MarketState") != "CLOSED"
    ended = ~is_continuous & is_continuous.shift(1, fill_value=False)
    closed = ~is_open & is_open.shift(1, fill_value=False)
    flags = rows.with_columns(
        is_continuous.alias("Continuous"), is_open.alias("Open"), ended.over("Locate").alias("Ended"), closed.over("Locate").alias("Closed")
    )
    times = {
        "S": flags.filter("Open")["Nanos"].min(),
        "Q": flags.filter("Continuous")["Nanos"].min(),
        "M": flags.filter("Ended")["Nanos"].max(),
        "E": flags.filter("Closed")["Nanos"].max(),
    }
    return {code: nanos for code, nanos in times.items() if isinstance(nanos, int)}


def _actions(rows: pl.DataFrame) -> Batch:
    """Trading actions where they change: H halted, Q quotation only, T as the session says."""
    state = pl.col("MarketState")
    code = pl.when(state == "HALTED").then(pl.lit("H")).when(state.is_in(list(AUCTION_STATES))).then(pl.lit("Q")).otherwise(pl.lit("T"))
    coded = rows.with_columns(code.alias("Code"))
    changed = coded.filter(pl.col("Code") != pl.col("Code").shift(1, fill_value="T").over("Locate"))
    fields = {
        "locate": changed["Locate"].to_numpy(),
        "stock": texts(changed["Stock"].to_list(), 8),
        "state": texts(changed["Code"].to_list(), 1),
    }
    return Batch("H", changed["Nanos"].to_numpy(), np.full(changed.height, EARLY + 2), 0, fields)
