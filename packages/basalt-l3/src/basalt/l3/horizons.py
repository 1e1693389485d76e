"""Horizons: ages of an order, as users write them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from basalt.core.errors import InvalidValue

_PATTERN = r"^([1-9]\d{0,8})(us|ms|s|m)$"
_NANOS = {"us": 1000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000}

Horizon = Annotated[str, Field(pattern=_PATTERN)]
"""A whole number and `us`, `ms`, `s` or `m`: `50us`, `100ms`, `1s`, `5m`."""


def horizon_nanos(horizon: str) -> int:
    """The horizon in nanoseconds.

    Raises:
        InvalidValue: It is not written as a horizon.
    """
    match = re.match(_PATTERN, horizon)
    if match is None:
        raise InvalidValue(f"{horizon!r} is no horizon", where="horizon", hint="write a whole number and us, ms, s or m: 50us, 1s, 5m")
    return int(match[1]) * _NANOS[match[2]]
