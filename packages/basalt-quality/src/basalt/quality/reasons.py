"""Reasons: what can be wrong with a row, a listing or a file, and how bad it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning")


@dataclass(frozen=True)
class Reason:
    """One thing that can be wrong.

    Attributes:
        code: How findings name it.
        severity: `error`: numbers made of such rows are wrong; `warning`: they may be.
        doc: What it says, in a sentence.
    """

    code: str
    severity: Severity
    doc: str


_ALL = (
    Reason("BROKEN_FILE", "error", "The file cannot be read: truncated, damaged, or no Parquet."),
    Reason("BROKEN_CONTRACT", "error", "A required column is missing, or a column has another type than the table's contract says."),
    Reason(
        "MISSING_TABLE",
        "error",
        "The market has the table on other days, or other tables on this day, and not this file.",
    ),
    Reason("MISSING_ROWS", "warning", "The listing has rows in the book or order table of the day and none in the other one."),
    Reason("UNKNOWN_LISTING", "warning", "The reference table of the day does not know the listing."),
    Reason("OUT_OF_ORDER", "error", "A row stands in the file after one with a later clock or sequence number."),
    Reason("DUPLICATE", "error", "A row occurs twice: everything that tells one row from another is equal."),
    Reason("NUMBER_GAP", "error", "Numbers that count a listing's events leave some out: rows are missing."),
    Reason("CLOCK_MISSING", "error", "A row has no time."),
    Reason("CLOCK_OFF_DAY", "error", "A row's time lies more than 14 hours outside of the day of its file."),
    Reason("CLOCK_JUMP", "error", "Time goes backwards from one number of a listing's events to the next."),
    Reason("CLOCK_SKEW", "warning", "A row was received or published before it happened."),
    Reason("CLOCK_DELAY", "warning", "A row was received more than a minute after it happened."),
    Reason("SILENCE", "warning", "A listing's events stop for far longer than usual while the market trades."),
    Reason("MARKET_SILENCE", "error", "A busy file has no event of any listing for a minute or more while the market trades."),
    Reason("NEGATIVE_SIZE", "error", "A size or quantity is below zero."),
    Reason("BAD_PRICE", "error", "A price is no number, or a trade has none."),
    Reason("PRICE_NOT_POSITIVE", "warning", "A price is zero or below."),
    Reason("OFF_TICK", "warning", "A price of the book is no whole number of ticks."),
    Reason("UNKNOWN_STATE", "error", "A market state that the vocabulary does not have."),
    Reason("UNKNOWN_CODE", "error", "A side, action or aggressor that the vocabulary does not have."),
    Reason("CROSSED", "warning", "The best bid stands above the best ask in continuous trading."),
    Reason("LOCKED", "warning", "The best bid stands at the best ask in continuous trading."),
    Reason("LEVELS_OUT_OF_ORDER", "error", "A level of the book is no worse than the one before it, or stands behind an empty one."),
    Reason("HALT_UNRESOLVED", "error", "A listing is halted, and no state follows."),
    Reason("TRADED_WHILE_HALTED", "error", "A trade on the book while the listing is halted."),
    Reason("UNKNOWN_ORDER", "error", "An event of an order that is not in the book: never entered, or gone."),
    Reason("REPEATED_ORDER", "error", "An order is entered that is in the book already."),
    Reason(
        "SIZE_MISMATCH", "error", "An event's size before it is not the order's size after its last event, for orders that the file enters."
    ),
    Reason("SIDE_MISMATCH", "error", "An event of an order is on another side than the order."),
    Reason("UNMATCHED_EXECUTION", "error", "An execution of the order table whose trade is not in the trades."),
    Reason("UNMATCHED_TRADE", "error", "A trade on the book that no execution of the order table belongs to."),
    Reason("TRADE_MISMATCH", "error", "Size or price of a trade are not those of its executions."),
    Reason("WRONG_SIDE", "error", "A trade's aggressor is on the side of the order that it executed."),
)

REASONS: Mapping[str, Reason] = {each.code: each for each in _ALL}
