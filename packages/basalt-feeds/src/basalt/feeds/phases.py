"""Phases of each security's day, from what a venue says of its session and of each security.

The session gives the phase while the security may trade; what is said of the security itself (a halt, a pause, a period
of quotes only) comes first, until the session is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from basalt.market.states import MARKET_STATES, MarketState

CODES: Mapping[str, int] = {state: code for code, state in enumerate(MARKET_STATES)}
"""Number of each phase, as arrays carry it."""

SESSION, SECURITY, STATUS, STOP, GO = range(5)
"""What a notice is about: the session, a security that appears, its status, a stop by the venue's operator, the end of one."""


@dataclass(frozen=True)
class Dialect:
    """What a venue's codes mean.

    Attributes:
        session: Phase by code of the session; other codes change nothing.
        status: Phase by code of a security's status; None: that of the session. Other codes are `UNKNOWN`.
        first: Code of the session before any is told.
        over: Codes of the session after which nothing is said of securities.
        trading: Code of the status of a security that trades.
    """

    session: Mapping[str, MarketState]
    status: Mapping[str, MarketState | None]
    first: str
    over: frozenset[str]
    trading: str = "T"


@dataclass(frozen=True)
class Notice:
    """A message about phases: where it stands, what it is about, whom (a number; 0: everybody), and the code it says."""

    row: int
    about: int
    security: int
    code: str


@dataclass(frozen=True)
class Change:
    """A phase that begins: where its message stands, for whom, and the code of the venue; empty when none was said."""

    row: int
    security: int
    state: MarketState
    code: str


@dataclass
class Phases:
    """The phases of all securities, kept through a day.

    Attributes:
        dialect: What codes mean.
        known: Securities, with the phase that they are in.
    """

    dialect: Dialect
    known: dict[int, MarketState] = field(default_factory=dict)
    _session: str = ""
    _status: dict[int, str] = field(default_factory=dict)
    _stopped: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._session = self.dialect.first

    def apply(self, notices: Iterable[Notice]) -> list[Change]:
        """The changes of phase that *notices*, in their order, bring about."""
        return [change for notice in notices for change in self._apply(notice)]

    def unfinished(self) -> list[int]:
        """Securities whose halt, or whatever kept them from trading, never ended."""
        return sorted(security for security in self.known if self._own(security) is not None)

    def _apply(self, notice: Notice) -> Iterator[Change]:
        if notice.about == SESSION:
            self._session = notice.code if notice.code in self.dialect.session else self._session
            yield from self._changed(notice, list(self.known))
            return
        if notice.about == STATUS:
            self._status[notice.security] = notice.code
        elif notice.about == STOP:
            self._stopped.add(notice.security)
        elif notice.about == GO:
            self._stopped.discard(notice.security)
        yield from self._changed(notice, [notice.security])

    def _changed(self, notice: Notice, securities: list[int]) -> Iterator[Change]:
        for security in securities:
            state = self._state(security)
            if self.known.get(security) != state:
                self.known[security] = state
                yield Change(notice.row, security, state, notice.code)

    def _own(self, security: int) -> MarketState | None:
        return (
            "HALTED" if security in self._stopped else self.dialect.status.get(self._status.get(security, self.dialect.trading), "UNKNOWN")
        )

    def _state(self, security: int) -> MarketState:
        own = None if self._session in self.dialect.over else self._own(security)
        return own or self.dialect.session[self._session]
