"""Values of rows that need the rows before them: followed piece by piece, in flat memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

Pieces = Iterator[pl.DataFrame]
Follow = Callable[[Pieces, pl.LazyFrame], Pieces]


@dataclass(frozen=True)
class Carried:
    """A value of each row that a function makes of the pieces of a day, one after the other.

    What the function keeps from piece to piece is its state, so that a day need not be in memory at once. It must
    give the same values however the day is cut, and may keep what grows with listings or with what stands, not with rows.

    Attributes:
        inputs: What the function reads besides the columns that rows have: names that begin with a word of its own
            (`life:kind`), and expressions of each row by itself.
        follow: From pieces with *inputs*, in order of time within each listing, and the rows of the whole day, which
            are read once more if it looks at them, to the same pieces with the value under the analytic's column.
            Rows, their order and every other column must stay; its own *inputs* need not.
        is_late: The function may hold rows back until their values are known, and give them with a later piece, or
            after the last. Reductions of such values must not depend on the order of rows.
    """

    inputs: Mapping[str, pl.Expr]
    follow: Follow
    is_late: bool = False


__all__ = ["Carried", "Follow", "Pieces"]
