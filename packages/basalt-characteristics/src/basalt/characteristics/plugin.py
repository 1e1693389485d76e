"""Characteristics of events: what Basalt sees of them before they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basalt.core import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basalt.core.declaring import Module


@hookimpl
def basalt_analytics() -> Iterable[Module]:
    from basalt.characteristics.module import L3_CHARACTERISTICS, TRADE_CHARACTERISTICS

    return (L3_CHARACTERISTICS, TRADE_CHARACTERISTICS)
