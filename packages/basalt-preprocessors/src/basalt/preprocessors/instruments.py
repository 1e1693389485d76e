"""Which instrument a listing belongs to, and which listing stands for it."""

from __future__ import annotations

from typing import Literal

import polars as pl

from basalt.core.datasets import Dataset

IndexBy = Literal["InstrumentId", "PrimaryListingId"]
REFERENCE = "reference"
_WANTED = ("ListingId", "InstrumentId", "MIC", "CurrencyCode", "IsPrimary")


def reference_reads(reference: Dataset) -> tuple[str, ...]:
    """Columns of the reference table that tell about instruments, where it has them."""
    known = reference.schema()
    return tuple(name for name in _WANTED if name in known)


def members(reference: pl.LazyFrame, index: str) -> pl.LazyFrame:
    """The listings whose books can be merged: `ListingId`, *index* and `MIC`.

    The primary listing of an instrument is the one that the reference says, the lowest number of
    several or without one. A listing that trades in another currency than the primary one is left out:
    its prices do not compare. So is one without an instrument.
    """
    known = reference.collect_schema().names()
    is_primary = pl.col("IsPrimary").fill_null(value=False) if "IsPrimary" in known else pl.lit(value=False)
    currency = pl.col("CurrencyCode") if "CurrencyCode" in known else pl.lit("")
    listings = (
        reference.drop_nulls("InstrumentId")
        .unique("ListingId", keep="first", maintain_order=True)
        .sort(~is_primary, "ListingId")
        .with_columns(currency.alias("currency"))
    )
    first = listings.group_by("InstrumentId").agg(
        pl.col("ListingId").first().alias("PrimaryListingId"), pl.col("currency").first().alias("primary currency")
    )
    joined = listings.join(first, on="InstrumentId").filter(pl.col("currency").eq_missing(pl.col("primary currency")))
    return joined.select("ListingId", pl.col(index).alias("index"), *(["MIC"] if "MIC" in known else []))
