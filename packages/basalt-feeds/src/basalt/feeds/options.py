"""Options of feeds: models whose fields become options of the command line."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Mic = Annotated[
    str,
    Field(
        pattern="^[A-Z0-9]{4}$",
        description="Venue of the listings (ISO 10383).",
        examples=["XNAS"],
    ),
]
"""A market identifier code: four capital letters or digits."""

Currency = Annotated[
    str,
    Field(
        pattern="^[A-Z]{2,4}[A-Za-z]$",
        description="Currency of the prices (ISO 4217, GBp for pence, or the name of a coin).",
        examples=["USD"],
    ),
]
"""A currency code: three capital letters, or a coin such as USDT."""


class FeedOptions(BaseModel):
    """Base of the options of a feed: frozen; unknown names are refused.

    Every field has a description. Types that a command line can hold: `str`, `int`, `float`,
    `bool`, `Path`, `Literal`, each also as `… | None` or `list[…]`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class ImportOptions(FeedOptions):
    """Base of what a user may say of an import.

    Attributes:
        replace: Whether it may drop rows that it does not replace by others.
    """

    replace: bool = Field(
        False,
        description="Drop rows of the same listings, day and tables that the lake has from times that the files do not cover, and columns "
        "that the tables do not have; else none is ever dropped.",
    )
