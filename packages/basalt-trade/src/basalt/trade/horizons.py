"""Horizons: spans of time after a trade, as users write them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from basalt.core.errors import InvalidValue

_PATTERN = r"^([1-9]\d{0,8})(ms|s|m)$"
_MILLIS = {"ms": 1, "s": 1000, "m": 60_000}

Horizon = Annotated[str, Field(pattern=_PATTERN)]
"""A whole number and `ms`, `s` or `m`: `100ms`, `1s`, `5m`."""


def horizon_millis(horizon: str) -> int:
    """The horizon in milliseconds.

    Raises:
        InvalidValue: It is not written as a horizon.
    """
    match = re.match(_PATTERN, horizon)
    if match is None:
        raise InvalidValue(f"{horizon!r} is no horizon", where="horizon", hint="write a whole number and ms, s or m: 100ms, 1s, 5m")
    return int(match[1]) * _MILLIS[match[2]]


def post_trade_mid(horizon: Horizon) -> str:
    """Name of the column that holds the mid *horizon* after each trade."""
    return f"PostTradeMid{horizon_millis(horizon)}ms"
