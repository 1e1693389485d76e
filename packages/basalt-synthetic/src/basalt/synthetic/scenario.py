"""Scenarios: what a simulated day is like, as a file says it.

    listings: 4
    scale: 0.5
    halts:
      - {ticker: BSLT, at: "10:30", minutes: 5, auction_minutes: 2}
    auctions:
      - {ticker: GRNT, at: "14:00", minutes: 5}

Times are on the clock of the instrument's home venue.
"""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from basalt.core.errors import InvalidValue
from basalt.synthetic.market import MOST_LISTINGS, MOST_SCALE


def _as_time(value: object) -> object:
    """YAML 1.1 reads 10:30 without quotes as the number 630."""
    return time(*divmod(value, 60)) if isinstance(value, int) and 0 <= value < 1440 else value


Share = Annotated[float, Field(ge=0, le=1)]
Clock = Annotated[time, BeforeValidator(_as_time)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Interruption(_Strict):
    """Trading of one instrument stops, on all its venues, or on its home venue to collect orders.

    Attributes:
        ticker: Short name of the instrument, as the tables have it.
        at: When, on the clock of its home venue.
        minutes: How long.
    """

    ticker: str = Field(description="Short name of the instrument.")
    at: Clock = Field(description="When, on the clock of its home venue.")
    minutes: int = Field(5, ge=1, le=120, description="How long.")


class Halt(Interruption):
    """A halt on all venues, which may end with an auction on the home venue."""

    auction_minutes: int = Field(0, ge=0, le=60, description="Minutes of an unscheduled auction on the home venue after it; 0 for none.")


class Behaviour(_Strict):
    """Shares of what participants do."""

    taking: Share = Field(0.24, description="Decisions that take liquidity.")
    changing: Share = Field(0.14, description="Decisions that change an order.")
    sweeps: Share = Field(0.12, description="Takers that go to all venues at once.")
    retail: Share = Field(0.08, description="Takers that are retail investors.")
    hidden: Share = Field(0.03, description="New orders that are never shown.")
    midpoints: Share = Field(0.02, description="New orders that are never shown and follow the mid.")
    icebergs: Share = Field(0.05, description="New orders that show a peak of what they have.")
    fleeting: Share = Field(0.10, description="New orders that are cancelled within a fraction of a second.")
    careless: Share = Field(0.02, description="New orders that look at their own venue only, and may lock or cross others.")
    prints: float = Field(0.045, ge=0, le=1, description="Trades off the book, for each decision on it.")
    late: Share = Field(0.03, description="Trades off the book that are published much later.")
    cancelled: Share = Field(0.006, description="Trades off the book that are cancelled afterwards.")
    amended: Share = Field(0.006, description="Trades off the book that are amended afterwards.")


class Scenario(_Strict):
    """What is simulated.

    Attributes:
        listings, scale, seed: As in `simulate`.
        half_day: Whether venues close early; unset for on 24 and 31 December.
        halt_odds, auction_odds: Chance that an instrument has a halt, or an unscheduled auction, on a day.
        halts, auctions: Those that happen in any case.
        daily_volatility: Standard deviation of the fair price's return from open to close.
        behaviour: Shares of what participants do.
        fault_free: No halts and unscheduled auctions by chance, no late, cancelled or amended trades.
    """

    listings: int = Field(10, ge=1, le=MOST_LISTINGS, description="Number of listings.")
    scale: float = Field(1.0, gt=0, le=MOST_SCALE, description="Activity; 1 is about three thousand trades a listing.")
    seed: int = Field(7, ge=0, description="Another seed is another market.")
    half_day: bool | None = Field(None, description="Whether venues close early; unset for on 24 and 31 December.")
    halt_odds: Share = Field(1 / 12, description="Chance that an instrument is halted on a day.")
    auction_odds: Share = Field(1 / 12, description="Chance of an unscheduled auction on its home venue.")
    halts: tuple[Halt, ...] = Field((), description="Halts that happen in any case.")
    auctions: tuple[Interruption, ...] = Field((), description="Unscheduled auctions that happen in any case.")
    daily_volatility: float = Field(0.012, ge=0, le=0.1, description="Standard deviation of the return from open to close.")
    behaviour: Behaviour = Field(default_factory=Behaviour, description="Shares of what participants do.")
    fault_free: bool = Field(False, description="No halts or unscheduled auctions by chance, no late, cancelled or amended trades.")

    @property
    def odds(self) -> tuple[float, float]:
        """Chances of a halt and of an unscheduled auction."""
        return (0.0, 0.0) if self.fault_free else (self.halt_odds, self.auction_odds)

    @property
    def corrections(self) -> tuple[float, float, float]:
        """Shares of prints that are late, cancelled and amended."""
        chosen = self.behaviour
        return (0.0, 0.0, 0.0) if self.fault_free else (chosen.late, chosen.cancelled, chosen.amended)


PLAIN = Scenario()
"""What is simulated when nothing is said."""


def read_scenario(path: Path) -> Scenario:
    """The scenario of a YAML file.

    Raises:
        InvalidValue: No such file, no YAML, an unknown key or a value out of range.
    """
    import yaml

    try:
        return Scenario.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except OSError as problem:
        raise InvalidValue(f"cannot read the scenario: {problem.strerror}", where=str(path), hint="give a YAML file") from problem
    except yaml.YAMLError as problem:
        raise InvalidValue(f"the scenario is no YAML: {problem}", where=str(path), hint="see the package's README") from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidValue(f"{place or 'the scenario'}: {first['msg']}", where=str(path), hint="see the package's README") from problem
