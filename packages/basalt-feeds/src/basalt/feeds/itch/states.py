"""Phases of each security's day, from system events, trading actions and operational halts.

The session gives the phase while the security may trade; a halt, a pause or a quotation-only period of the
security comes first. Nasdaq's auctions run beside continuous trading, so there is no phase for them: a cross
says itself which auction it was.

| said | phase |
|---|---|
| system event O, S, or none yet | `CLOSED` until S, then `PRE_OPEN` |
| system event Q | `CONTINUOUS_TRADING` |
| system event M | `POST_TRADE` |
| system event E, C | `CLOSED`, whatever the security's own state |
| trading action H, P; operational halt H | `HALTED` |
| trading action Q | `UNSCHEDULED_AUCTION` |
| trading action T; operational halt T | the session's phase |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from basalt.market.states import MARKET_STATES, MarketState

CODES: Mapping[str, int] = {state: code for code, state in enumerate(MARKET_STATES)}
"""Number of each phase, as kernels carry it."""

SESSION: Mapping[str, MarketState] = {
    "O": "CLOSED",
    "S": "PRE_OPEN",
    "Q": "CONTINUOUS_TRADING",
    "M": "POST_TRADE",
    "E": "CLOSED",
    "C": "CLOSED",
}
OWN: Mapping[str, MarketState | None] = {"H": "HALTED", "P": "HALTED", "Q": "UNSCHEDULED_AUCTION", "T": None}
CROSSES: Mapping[str, MarketState] = {
    "O": "OPENING_AUCTION",
    "C": "CLOSING_AUCTION",
    "H": "UNSCHEDULED_AUCTION",
    "I": "INTRADAY_AUCTION",
    "A": "POST_TRADE",
}
"""Phase of a cross by its type."""

_AFTER_HOURS = frozenset({"E", "C"})


@dataclass(frozen=True)
class Notice:
    """A message about phases: where it stands, whom it is about (0: everybody), what it says."""

    row: int
    kind: str
    locate: int
    code: str


@dataclass(frozen=True)
class Change:
    """A phase that begins: where its message stands, for whom, and the code of the venue."""

    row: int
    locate: int
    state: MarketState
    code: str


@dataclass
class Phases:
    """The phases of all securities, kept through a day.

    Attributes:
        session: Code of the last system event.
        known: Securities, by locate code, with the phase that they are in.
    """

    session: str = "O"
    known: dict[int, MarketState] = field(default_factory=dict)
    _actions: dict[int, str] = field(default_factory=dict)
    _stopped: set[int] = field(default_factory=set)

    def apply(self, notices: Iterable[Notice]) -> list[Change]:
        """The changes of phase that *notices*, in their order, bring about."""
        return [change for notice in notices for change in self._apply(notice)]

    def halted(self) -> list[int]:
        """Securities whose halt or quotation-only period never ended, by locate code."""
        return sorted(locate for locate in self.known if self._own(locate) is not None)

    def _apply(self, notice: Notice) -> Iterator[Change]:
        if notice.kind == "S":
            self.session = notice.code
            yield from self._changed(notice, list(self.known))
            return
        if notice.kind == "H":
            self._actions[notice.locate] = notice.code
        elif notice.kind == "h" and notice.code == "H":
            self._stopped.add(notice.locate)
        elif notice.kind == "h":
            self._stopped.discard(notice.locate)
        yield from self._changed(notice, [notice.locate])

    def _changed(self, notice: Notice, locates: list[int]) -> Iterator[Change]:
        for locate in locates:
            state = self._state(locate)
            if self.known.get(locate) != state:
                self.known[locate] = state
                yield Change(notice.row, locate, state, "" if notice.kind == "R" else notice.code)

    def _own(self, locate: int) -> MarketState | None:
        return "HALTED" if locate in self._stopped else OWN[self._actions.get(locate, "T")]

    def _state(self, locate: int) -> MarketState:
        own = None if self.session in _AFTER_HOURS else self._own(locate)
        return own or SESSION[self.session]
