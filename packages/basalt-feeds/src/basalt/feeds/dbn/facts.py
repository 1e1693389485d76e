"""Records about instruments and venues to rows of `reference`, `statistics` and `imbalance`.

Source:
    Databento, schemas `definition`, `statistics`, `imbalance`.
"""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Any

import databento_dbn
import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.core.errors import CorruptInput
from basalt.feeds.dbn.fields import NO_PRICE, NO_SIZE, STREAM, Clock, decimals, price, time
from basalt.feeds.dbn.naming import Directory, identity
from basalt.feeds.identifiers import Listing

_SIDES = {ord("B"): 1, ord("A"): 2}
_NO_QUANTITY = 2**63 - 1
CLOCKS = ("TimestampNanoseconds", "ReceiveTimestamp", "FeedTimestamp", "BMLLSequenceNo")


def name_of(kind: str, code: int) -> str:
    """The vendor's name of a *code* of the enumeration *kind*, or the code itself."""
    members: Any = getattr(databento_dbn, kind)
    try:
        found: Enum = members.from_int(code) if hasattr(members, "from_int") else members(code)
    except (ValueError, databento_dbn.DBNError):
        return str(code)
    return str(found.name)


def enumerated(kind: str, column: pl.Series) -> pl.Expr:
    """The vendor's names of the codes in *column*."""
    names = {code: name_of(kind, code) for code in column.unique().to_list()}
    return pl.col(column.name).replace_strict(names, return_dtype=pl.String)


def told(records: pl.DataFrame) -> pl.DataFrame:
    """*records* with clocks and `BMLLSequenceNo`."""
    return Clock().told(records).with_columns((pl.col("position") + 1).alias("BMLLSequenceNo"))


def figure_rows(records: pl.DataFrame, listings: tuple[Listing, ...], day: date) -> pl.DataFrame:
    """Rows of `statistics`."""
    quantity = pl.col("quantity").cast(pl.Int64)
    has_none = pl.col("quantity").is_in([_NO_QUANTITY, 2**31 - 1]) if records["quantity"].dtype == pl.Int32 else quantity == _NO_QUANTITY
    rows = told(records)
    return rows.select(
        *CLOCKS,
        enumerated("StatType", records["stat_type"]).alias("Statistic"),
        decimals(rows.select(price("price").alias("Price")).to_series()).alias("Price"),
        pl.when(~has_none).then(quantity).cast(pl.Float64).alias("Quantity"),
        time("ts_ref").alias("ReferenceTimestamp"),
        enumerated("StatUpdateAction", records["update_action"]).alias("UpdateAction"),
        pl.col("sequence").cast(pl.Int64).alias("ExchangeSequenceNo"),
        pl.col("stat_flags").cast(pl.Int64).alias("FeedFlags"),
        "ListingId",
        pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource"),
        *identity(listings, day, "Ticker", "MIC", "InstrumentId", "TradeDate"),
    )


def imbalance_rows(records: pl.DataFrame, listings: tuple[Listing, ...], day: date) -> pl.DataFrame:
    """Rows of `imbalance`; a price of 0 is none."""
    rows = told(records)

    def figure(field: str, name: str) -> pl.Series:
        return decimals(rows.select(pl.when(pl.col(field) != 0).then(price(field)).alias(name)).to_series())

    def size(field: str, name: str) -> pl.Expr:
        return pl.when(pl.col(field) != NO_SIZE).then(field).cast(pl.Float64).alias(name)

    letters = {code: chr(code) for code in records["auction_type"].unique().to_list() if code}
    return rows.select(
        *CLOCKS,
        pl.col("auction_type").replace_strict(letters, default=None, return_dtype=pl.String).alias("ExchangeAuctionType"),
        pl.col("side").replace_strict(_SIDES, default=None, return_dtype=pl.Int64).alias("ImbalanceSide"),
        figure("ref_price", "ReferencePrice"),
        figure("cont_book_clr_price", "IndicativeUncrossingPrice"),
        figure("auct_interest_clr_price", "AuctionOnlyIndicativePrice"),
        size("paired_qty", "PairedQuantity"),
        size("total_imbalance_qty", "ImbalanceQuantity"),
        "ListingId",
        pl.lit(STREAM, pl.Int64).alias("BMLLSequenceSource"),
        *identity(listings, day, "Ticker", "MIC", "InstrumentId", "CurrencyCode", "TradeDate"),
    )


def learn_definitions(records: pl.DataFrame, directory: Directory) -> None:
    """Let *directory* know symbols and currencies of instruments."""
    for number, symbol, currency in records.select("instrument_id", "raw_symbol", "currency").iter_rows():
        if not symbol:
            raise CorruptInput("a definition without a symbol", where=f"instrument {number}", hint="fetch the file again")
        directory.symbols.known[number] = symbol
        if currency:
            directory.currencies[number] = currency


def steps_of(records: pl.DataFrame) -> dict[int, float]:
    """The smallest step of prices by `ListingId`, where the definition has one."""
    last = records.unique("ListingId", keep="last", maintain_order=True)
    steps = decimals(last.select(price("min_price_increment")).to_series())
    return {listing: step for listing, step in zip(last["ListingId"], steps, strict=True) if step}


def kinds_of(records: pl.DataFrame) -> dict[int, str]:
    """The kind of security by `ListingId`: the vendor's type, or the name of its class."""
    last = records.unique("ListingId", keep="last", maintain_order=True)
    classes = [name_of("InstrumentClass", code) if code else "" for code in last["instrument_class"]]
    return {
        listing: kind or chosen
        for listing, kind, chosen in zip(last["ListingId"], last["security_type"], classes, strict=True)
        if kind or chosen
    }


def reference_rows(listings: tuple[Listing, ...], day: date, steps: dict[int, float], kinds: dict[int, str], level: str) -> pl.DataFrame:
    """Rows of `reference`, one a listing."""
    ids = [each.listing_id for each in listings]
    rows = pl.DataFrame({"ListingId": pl.Series(ids, dtype=pl.Int64)})
    return rows.with_columns(
        *identity(listings, day, "Ticker", "MIC", "OPOL", "InstrumentId", "CurrencyCode"),
        pl.Series("InstrumentType", [kinds.get(each) for each in ids], dtype=pl.String),
        pl.Series("TickSize", [steps.get(each) for each in ids], dtype=pl.Float64),
        pl.lit(level).alias("MarketDataLevel"),
        pl.lit(True).alias("IsAlive"),
        pl.lit(True).alias("IsPrimary"),
        pl.lit(day).cast(pl.Datetime("ms")).alias("Date"),
    )


class Steps:
    """The largest step that all prices of a listing are multiples of, as far as they were seen."""

    def __init__(self) -> None:
        self._units: dict[int, int] = {}

    def see(self, records: pl.DataFrame) -> None:
        """Take the prices of *records*."""
        if "price" not in records.columns:
            return
        ids = records["ListingId"]
        for listing in ids.unique().to_list():
            prices = records["price"] if ids.n_unique() == 1 else records["price"].filter(ids == listing)
            self._see(listing, prices.to_numpy())

    def _see(self, listing: int, units: NDArray[np.int64]) -> None:
        known = units[units != NO_PRICE]
        step = self._units.get(listing, 0)
        if known.size and (step == 0 or (known % step).any()):
            self._units[listing] = int(np.gcd(np.gcd.reduce(known), step))

    def steps(self) -> dict[int, float]:
        """Step by `ListingId`."""
        return {listing: units / 10**9 for listing, units in self._units.items() if units}
