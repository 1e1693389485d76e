from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from basalt.core.lake import lake_path
from basalt.core.tables import Table
from basalt.market.tables import CBBO, L2, L3, MARKETSTATE, REFERENCE, TABLES, TRADES

OWN = {("reference", "Index"), ("reference", "TickSize")}
OWN |= {(table, "ReceiveTimestamp") for table in ("l2", "trades", "marketstate", "imbalance")}
OWN |= {(table, name) for table in ("l2", "l3", "trades", "marketstate", "imbalance") for name in ("FeedTimestamp", "FeedFlags")}
OWN |= {
    ("l2", f"{side}{what}{level}") for side in ("Bid", "Ask") for what in ("InsertAge", "LastMod", "SizeAhead") for level in range(1, 11)
}
"""Columns that Basalt adds to the vendor's, or that only some deliveries have."""

WIDER = {(table, f"{side}Quantity{level}") for table in ("l2", "cbbo") for side in ("Bid", "Ask") for level in range(1, 11)}
"""Columns of whole numbers that may have fractions in Basalt; the vendor's files are read as they are."""


@pytest.mark.real
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_contract_is_the_schema_of_the_vendor(table: Table, vendor_files: Path) -> None:
    schema = pl.read_parquet_schema(vendor_files / f"{table.vendor_name}.parquet")
    # A column without any value has no type of its own in the file.
    typed = {name: (pl.String() if dtype == pl.Null else dtype) for name, dtype in schema.items()}
    typed |= {name: pl.Float64() for name, dtype in typed.items() if (table.name, name) in WIDER and dtype.is_integer()}
    columns = [column for column in table.columns if (table.name, column.name) not in OWN]
    assert {column.name: column.dtype for column in columns} == typed
    assert [column.name for column in columns] == list(schema)


@pytest.mark.real
def test_local_notional_has_one_currency(vendor_files: Path) -> None:
    trades = pl.read_parquet(vendor_files / "trades-plus.parquet")
    derived = {each.column.name: each.choose(trades.columns) for each in TRADES.derived}
    frame = trades.select(pl.col("Price", "Size", "CurrencyCode"), *(chosen[1] for chosen in derived.values() if chosen))
    assert frame["LocalPrice"].is_between(98.0, 101.0).all()
    assert not frame["Price"].is_between(98.0, 101.0).all()
    per_unit = frame.select((pl.col("LocalNotional") / (pl.col("PriceEUR") * pl.col("Size"))).alias("rate"))["rate"]
    assert per_unit.max() / per_unit.min() == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_columns_named_by_a_contract_exist(table: Table) -> None:
    known = table.stored_names | {table.time}
    assert set(table.order) | set(table.time_from) <= table.stored_names
    assert set(table.identity) | {table.key} <= known
    assert len(table.stored_names) == len(table.columns)


def test_required_columns() -> None:
    assert TRADES.required_names == {"ListingId", "MIC", "Price", "Size"}
    assert L2.required_names == {"ListingId", "BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1"}
    assert CBBO.required_names == L2.required_names
    assert L3.required_names == {"ListingId", "TimestampNanoseconds", "Side", "LobAction"}
    assert MARKETSTATE.required_names == {"ListingId", "TimestampNanoseconds", "MarketState"}
    assert REFERENCE.required_names == {"ListingId", "MIC"}


def test_places_in_a_lake() -> None:
    day = date(2026, 1, 2)
    assert lake_path("lake", TRADES, "XLON", day) == "lake/Trades-Plus/XLON/2026/01/02/trades-plus-XLON-20260102.parquet"
    assert lake_path("lake", L2, "XLON", day) == "lake/Equity/XLON/2026/01/02/XLON-20260102.parquet"
    assert lake_path("lake", L3, "XLON", day) == "lake/Equity-L3/XLON/2026/01/02/l3-XLON-20260102.parquet"


def derive(name: str, frame: pl.DataFrame) -> list[float | None]:
    """Values of the derived trade column *name* over *frame*."""
    (derived,) = (each for each in TRADES.derived if each.column.name == name)
    chosen = derived.choose(frame.columns)
    assert chosen is not None
    return frame.select(chosen[1])[name].to_list()


def test_local_price_is_in_the_currency_of_the_listing() -> None:
    trades = pl.DataFrame({"Price": [99.7, 0.997], "InstrumentCurrencyPrice": [99.7, 99.7], "Size": [10.0, 2.0]})
    assert derive("LocalPrice", trades) == [99.7, 99.7]
    assert derive("LocalNotional", trades) == [997.0, 199.4]


def test_local_price_is_the_price_where_no_other_is_stored() -> None:
    trades = pl.DataFrame({"Price": [12.5], "Size": [4.0]})
    assert derive("LocalPrice", trades) == [12.5]
    assert derive("LocalNotional", trades) == [50.0]


def test_euro_price_of_an_empty_trade_is_null() -> None:
    trades = pl.DataFrame({"TradeNotionalEUR": [30.0, 0.0], "Size": [4.0, 0.0]})
    assert derive("PriceEUR", trades) == [7.5, None]


def test_pre_trade_mid_prefers_the_stored_one() -> None:
    both = pl.DataFrame({"PreTradeMid": [10.0], "PreTradeMid1ms": [11.0]})
    assert derive("PreTradeMid", both) == [10.0]
    assert derive("PreTradeMid", both.drop("PreTradeMid")) == [11.0]


def test_plugin_offers_every_table() -> None:
    from basalt.market.plugin import basalt_tables

    assert [table.name for table in basalt_tables()] == [
        "trades",
        "l2",
        "l3",
        "cbbo",
        "marketstate",
        "reference",
        "imbalance",
        "ticksize",
        "statistics",
    ]
