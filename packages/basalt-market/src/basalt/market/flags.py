"""Flags of trades: which stored values mean that a flag is set."""

from __future__ import annotations

import polars as pl

SET_VALUES = ("TRUE", "True", "true", "Y", "y", "1")
"""Spellings of yes that any flag column may use."""

MMT_SET_CODES = {
    "NegotiatedTrade": ("N", "1", "2", "3", "4", "5", "6"),
    "CrossingTrade": ("X",),
    "AlgorithmicTrade": ("H",),
}
"""Codes of the Market Model Typology that set a flag, by column; `-` is no.

`N` is *negotiated* in NegotiatedTrade and *no* everywhere else, which is why the codes are kept
by column.
"""


def flag_is_set(column: str) -> pl.Expr:
    """Whether the flag in *column* is set: true or false, never null.

    Reads text (`TRUE`, `Y`, a code of the Market Model Typology), numbers (1) and booleans. Null,
    `-`, `FALSE` and every value that is not known to mean yes are false.

    Source:
        FIX Trading Community, Market Model Typology, levels 3.2, 3.3 and 3.9.
    """
    known = [*SET_VALUES, *MMT_SET_CODES.get(column, ())]
    return pl.col(column).cast(pl.String).is_in(known).fill_null(False)


ODD_LOT_VALUES = ("ODD", "Odd Lot", "ODD_LOT")
"""Spellings of an odd lot in LotType; MIXED is more than a round lot and not odd."""


def is_odd_lot(column: str = "LotType") -> pl.Expr:
    """Whether a trade is smaller than a round lot: true or false, never null."""
    return pl.col(column).is_in(list(ODD_LOT_VALUES)).fill_null(False)
