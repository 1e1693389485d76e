"""Statuses to phases: what a venue says of an instrument, and which auction it is in.

A status says what happens (`action`), why (`reason`) and whether the instrument trades. It has one word for all auctions, so the kind of one follows from its place:

* after a halt, or for a reason that is no schedule, it is `UNSCHEDULED_AUCTION`;
* before the session's first trading it is `OPENING_AUCTION`;
* after it, it is `CLOSING_AUCTION` where the pre-close period came before or trading does not go on after it, else `INTRADAY_AUCTION`.

A session begins anew with a pre-open period and after a close. A new price indication is no phase of its own: it is trading where the record says so.

Source:
    Databento, schema `status`: enumerations StatusAction, StatusReason, TriState.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from basalt.core.tables import Table
from basalt.feeds.dbn.facts import CLOCKS, enumerated, told
from basalt.feeds.dbn.fields import STREAM, listings_of
from basalt.feeds.dbn.naming import identity
from basalt.feeds.identifiers import Listing
from basalt.market.states import MarketState
from basalt.market.tables import L2, L3, TRADES

STATES: dict[str, MarketState] = {
    "PRE_OPEN": "PRE_OPEN",
    "QUOTING": "UNSCHEDULED_AUCTION",
    "TRADING": "CONTINUOUS_TRADING",
    "HALT": "HALTED",
    "PAUSE": "HALTED",
    "SUSPEND": "HALTED",
    "PRE_CLOSE": "CLOSING_AUCTION",
    "CLOSE": "CLOSED",
    "POST_CLOSE": "POST_TRADE",
    "NOT_AVAILABLE_FOR_TRADING": "CLOSED",
}
"""Phase of each action that has one whatever comes before and after it."""

AUCTIONS = frozenset({"PRE_CROSS", "CROSS", "ROTATION"})
SCHEDULED = frozenset({"NONE", "SCHEDULED", "INSTRUMENT_ACTIVATION", "INSTRUMENT_EXPIRATION"})
"""Reasons of what was to be expected."""

_CLOCK_OF = {L2: "TimestampNanoseconds", L3: "TimestampNanoseconds", TRADES: "TradeTimestampNanoseconds"}
_OVER = frozenset({"CLOSED", "POST_TRADE"})
_YES = ord("Y")


@dataclass(frozen=True)
class Status:
    """What one record says: the vendor's names of action and reason, and whether the instrument trades (None: not said)."""

    action: str
    reason: str = "NONE"
    is_trading: bool | None = None


def states_of(statuses: Sequence[Status]) -> list[MarketState | None]:
    """The phase that each of an instrument's *statuses*, in order, begins; None where it changes none."""
    found: list[MarketState | None] = []
    state: MarketState | None = None
    has_traded = False
    for place in range(len(statuses)):
        began = _state_of(statuses, place, state, has_traded=has_traded)
        found.append(began)
        state = began or state
        has_traded = began == "CONTINUOUS_TRADING" or (has_traded and state not in _OVER and began != "PRE_OPEN")
    return found


def _state_of(statuses: Sequence[Status], place: int, before: MarketState | None, *, has_traded: bool) -> MarketState | None:
    status = statuses[place]
    is_scheduled = status.reason in SCHEDULED
    if status.action == "NEW_PRICE_INDICATION":
        return "CONTINUOUS_TRADING" if status.is_trading else None
    if status.action == "PRE_OPEN" and has_traded and not is_scheduled:
        return "UNSCHEDULED_AUCTION"
    if status.action not in AUCTIONS:
        return STATES.get(status.action)
    if before in {"HALTED", "UNSCHEDULED_AUCTION"} or not is_scheduled:
        return "UNSCHEDULED_AUCTION"
    if not has_traded:
        return "OPENING_AUCTION"
    ends = before == "CLOSING_AUCTION" or not _goes_on(statuses[place + 1 :])
    return "CLOSING_AUCTION" if ends else "INTRADAY_AUCTION"


def _goes_on(later: Iterable[Status]) -> bool:
    """Whether there is trading, or a stop of it, before the session is over."""
    phases = (
        "CONTINUOUS_TRADING" if each.is_trading and each.action == "NEW_PRICE_INDICATION" else STATES.get(each.action) for each in later
    )
    return next((phase in {"CONTINUOUS_TRADING", "HALTED", "UNSCHEDULED_AUCTION"} for phase in phases if phase), False)


@dataclass
class DayPhases:
    """The phases of all instruments of a market's day."""

    _told: list[pl.DataFrame] = field(default_factory=list)
    _found: pl.DataFrame | None = None

    def add(self, records: pl.DataFrame) -> None:
        """Take records of kind `status` with `ListingId`, in order."""
        names = [
            enumerated("StatusAction", records["action"]).alias("Action"),
            enumerated("StatusReason", records["reason"]).alias("Reason"),
        ]
        event = enumerated("TradingEvent", records["trading_event"]).alias("Event")
        self._told.append(told(records).with_columns(*names, event).select(*CLOCKS, "ListingId", "Action", "Reason", "Event", "is_trading"))
        self._found = None

    @property
    def is_told(self) -> bool:
        """Whether there was any status."""
        return bool(self._told)

    def rows(self, listings: tuple[Listing, ...], day: date) -> pl.DataFrame:
        """Rows of `marketstate`: one a status that begins a phase; the venue's own words are action, reason and event."""
        words = [pl.col(name).replace("NONE", None) for name in ("Action", "Reason", "Event")]
        return self._phases().select(
            *CLOCKS,
            "MarketState",
            pl.concat_str(words, separator=" ", ignore_nulls=True).alias("ExchangeMarketState"),
            "ListingId",
            pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource"),
            *identity(listings, day, "MIC", "InstrumentId"),
        )

    def attach(self, table: Table, rows: pl.DataFrame) -> pl.DataFrame:
        """*rows* of `trades`, `l2` or `l3` with the phase that their listing is in at their time; null before its first, without the column where no status was told."""
        if not self._told or table not in _CLOCK_OF:
            return rows
        phases, clock = self._phases().select("ListingId", pl.col("TimestampNanoseconds").alias("since"), "MarketState"), _CLOCK_OF[table]
        if len(ids := listings_of(rows)) == 1:
            return rows.with_columns(_of_one(phases.filter(ListingId=ids[0]), rows[clock]))
        asked = rows.select("ListingId", pl.col(clock).alias("since")).with_row_index("row").sort("since", maintain_order=True)
        found = asked.join_asof(phases.sort("since", maintain_order=True), on="since", by="ListingId", check_sortedness=False)
        return rows.with_columns(found.sort("row")["MarketState"])

    def _phases(self) -> pl.DataFrame:
        if self._found is None:
            ordered = pl.concat(self._told).sort("ListingId", "TimestampNanoseconds", "BMLLSequenceNo", maintain_order=True)
            states = [state for _, each in ordered.group_by("ListingId", maintain_order=True) for state in states_of(_statuses(each))]
            self._found = ordered.with_columns(pl.Series("MarketState", states, dtype=pl.String)).drop_nulls("MarketState")
        return self._found


def _statuses(rows: pl.DataFrame) -> list[Status]:
    said = rows.select("Action", "Reason", pl.col("is_trading") == _YES)
    return [Status(*row) for row in said.iter_rows()]


def _of_one(phases: pl.DataFrame, times: pl.Series) -> pl.Series:
    """The phase at each of *times*, of one listing."""
    since, asked, states = phases["since"].to_numpy(), times.to_numpy(), phases["MarketState"]
    first, last = (int(place) - 1 for place in np.searchsorted(since, np.array([asked.min(), asked.max()]), side="right"))
    if first == last:
        return pl.Series("MarketState", [states[first] if first >= 0 else None], pl.String).new_from_index(0, times.len())
    places = np.searchsorted(since, asked, side="right").astype(np.int64) - 1
    known = pl.Series(places).set(pl.Series(places < 0), None)
    return pl.select(pl.lit(states).gather(pl.lit(known))).to_series().alias("MarketState")
