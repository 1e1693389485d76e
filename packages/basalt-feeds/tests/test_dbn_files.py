"""Databento: versions, packing, text, damage; books, trades and facts of the vendor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard

from basalt.core.errors import ConflictingSettings, CorruptInput, InvalidValue, MissingData
from basalt.core.pipelines import load_module
from basalt.feeds.dbn.fields import decimals
from basalt.feeds.dbn.importing import import_dbn
from basalt.feeds.dbn.records import read_dbn
from basalt.feeds.dbn.writing import encoded_header, encoded_records

kit: Any = load_module(Path(__file__).with_name("databento.py"))
DAY, EVENTS, MIDNIGHT = kit.DAY, kit.EVENTS, kit.MIDNIGHT
imported, record, shown, write_records = kit.imported, kit.record, kit.shown, kit.write_records


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("pack", [bytes, zstandard.ZstdCompressor().compress], ids=["plain", "zstd"])
def test_versions_and_packing_make_no_difference(tmp_path: Path, version: int, pack: Any) -> None:
    plain = write_records(tmp_path / "a.dbn", "mbo", EVENTS, version=version)
    (tmp_path / "b.dbn.zst").write_bytes(pack(plain.read_bytes()))
    ((_, kind, frame),) = read_dbn(tmp_path / "b.dbn.zst")
    assert (kind, frame["order_id"].to_list()) == ("mbo", [each["order_id"] for each in EVENTS])


def test_kinds_may_be_mixed(tmp_path: Path) -> None:
    header = encoded_header("XNAS.ITCH", "mbo", DAY, {7: "ABC"})
    order = encoded_records("mbo", pl.DataFrame(EVENTS[:1]))
    trade = {key: value for key, value in record("T", 0, "B", 11, 3, at=2).items() if key not in {"order_id", "channel_id"}}
    (tmp_path / "a.dbn").write_bytes(header + order + encoded_records("trades", pl.DataFrame([trade])) + order)
    found = {kind: frame["position"].to_list() for _, kind, frame in read_dbn(tmp_path / "a.dbn")}
    assert found == {"trades": [1], "mbo": [0, 2]}


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda data: data[:-10], "ends within record 10"),
        (lambda data: data[:40], "ends within its metadata"),
        (lambda data: b"PK" + data, "not a DBN file"),
        (lambda data: b"", "empty"),
        (lambda data: data[:3] + b"\x09" + data[4:], "DBN of version 9"),
        (lambda data: data + b"\0" * 56, "without length"),
        (lambda data: zstandard.ZstdCompressor().compress(data)[:-20], "damaged"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, damage: Any, what: str) -> None:
    file = write_records(tmp_path / "a.dbn", "mbo", EVENTS)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(CorruptInput, match=what):
        import_dbn([file], tmp_path / "lake")
    assert not (tmp_path / "lake").exists()


def test_the_same_records_in_two_files_are_refused(tmp_path: Path) -> None:
    files = [write_records(tmp_path / name, "mbo", EVENTS) for name in ("a.dbn", "b.dbn")]
    with pytest.raises(ConflictingSettings, match="given twice"):
        import_dbn(files, tmp_path / "lake")


def test_a_file_without_a_market_needs_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ts_recv,ts_event,instrument_id,action,side,price,size,flags,sequence\n1,1,7,T,B,1.5,2,128,1\n")
    with pytest.raises(InvalidValue, match="does not tell its market"):
        import_dbn([tmp_path / "a.csv"], tmp_path / "lake")


def test_nothing_to_import_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.dbn").write_bytes(encoded_header("XNAS.ITCH", "ohlcv-1d", DAY, {7: "ABC"}))
    with pytest.raises(MissingData, match="nothing to import"):
        import_dbn([tmp_path / "a.dbn"], tmp_path / "lake")


def level_record(*, at: int, action: str = "A", **levels: int) -> dict[str, Any]:
    base = {key: value for key, value in record(action, 0, "A", 11, 3, at=at).items() if key not in {"order_id", "channel_id"}}
    empty = {f"{side}_px_{place:02}": 2**63 - 1 for side in ("bid", "ask") for place in range(10)}
    return {**base, **empty, **levels}


def test_books_of_the_vendor_are_kept(tmp_path: Path) -> None:
    full = {"bid_px_00": 10 * 10**9, "bid_sz_00": 5, "bid_ct_00": 2, "ask_px_00": 12_250_000_000, "ask_sz_00": 7, "ask_ct_00": 3}
    rows = [
        level_record(at=1, **full),
        level_record(at=2, action="T", flags=0, **full),
        level_record(at=3, ask_px_00=13 * 10**9, ask_sz_00=1, ask_ct_00=1),
    ]
    rows[1]["flags"] = 0
    found = imported(tmp_path, write_records(tmp_path / "a.dbn", "mbp-10", rows))
    assert [(shown(row, "Bid"), shown(row, "Ask")) for row in found["l2"].iter_rows(named=True)] == [
        ([(10 * 10**9, 5, 2)], [(12_250_000_000, 7, 3)]),
        ([], [(13 * 10**9, 1, 1)]),
    ]
    assert found["trades"].select("Price", "Size", "AggressorSide", "BestBidPrice", "BestAskPrice", "BestAskSize").rows() == [
        (11.0, 3.0, 2, 10.0, 12.25, 7.0)
    ]


def test_order_events_come_before_the_vendors_books(tmp_path: Path) -> None:
    orders = write_records(tmp_path / "a.mbo.dbn", "mbo", EVENTS)
    books = write_records(tmp_path / "b.mbp-10.dbn", "mbp-10", [level_record(at=9, bid_px_00=10**9, bid_sz_00=1)])
    done = import_dbn([orders, books], tmp_path / "lake")
    assert "XNAS: left out mbp-10: l2 came from mbo" in done.notices
    assert next(each.rows for each in done.files if each.table == "l2") == 4


def test_listings_may_come_from_different_kinds_of_files(tmp_path: Path) -> None:
    trade = {
        key: value for key, value in record("T", 0, "B", 20, 3, at=2, instrument_id=8).items() if key not in {"order_id", "channel_id"}
    }
    files = [
        write_records(tmp_path / "a.mbo.dbn", "mbo", EVENTS),
        write_records(tmp_path / "b.trades.dbn", "trades", [trade], symbols={8: "XYZ"}),
        write_records(
            tmp_path / "c.mbp-1.dbn", "mbp-1", [{**trade, "action": ord("A"), "bid_px_00": 10**9, "bid_sz_00": 1}], symbols={8: "XYZ"}
        ),
    ]
    found = imported(tmp_path, *files)
    assert found["trades"].select("Ticker", "Price", "BestBidPrice").rows() == [("XYZ", 20.0, None), ("ABC", 11.0, 11.0)]
    assert found["l2"].group_by("Ticker", maintain_order=True).len().sort("Ticker").rows() == [("ABC", 4), ("XYZ", 1)]


def test_facts(tmp_path: Path) -> None:
    base = {"instrument_id": 7, "ts_event": MIDNIGHT + 5, "ts_recv": MIDNIGHT + 9}
    definition = {
        **base,
        "raw_symbol": "XYZ",
        "currency": "EUR",
        "min_price_increment": 5_000_000,
        "security_type": "FUT",
        "instrument_class": ord("F"),
    }
    status = [{**base, "action": action, "reason": reason} for action, reason in ((7, 1), (14, 0), (8, 30))]
    figure = {**base, "price": 2**63 - 1, "quantity": 12, "stat_type": 9, "update_action": 1, "ts_ref": 2**64 - 1}
    files = [
        write_records(tmp_path / "a.definition.dbn", "definition", [definition]),
        write_records(tmp_path / "a.status.dbn", "status", status),
        write_records(tmp_path / "a.statistics.dbn", "statistics", [figure]),
        write_records(
            tmp_path / "a.imbalance.dbn",
            "imbalance",
            [{**base, "ref_price": 10**9, "side": ord("A"), "total_imbalance_qty": 4, "paired_qty": 2**32 - 1}],
        ),
    ]
    found = imported(tmp_path, *files)
    assert found["reference"].select("Ticker", "CurrencyCode", "TickSize", "InstrumentType").rows() == [("XYZ", "EUR", 0.005, "FUT")]
    assert found["marketstate"].select("MarketState", "ExchangeMarketState").rows() == [
        ("CONTINUOUS_TRADING", "TRADING SCHEDULED"),
        ("HALTED", "HALT NEWS_PENDING"),
    ]
    assert found["statistics"].select("Statistic", "Price", "Quantity", "ReferenceTimestamp").rows() == [
        ("OPEN_INTEREST", None, 12.0, None)
    ]
    assert found["imbalance"].select(
        "ReferencePrice", "IndicativeUncrossingPrice", "ImbalanceSide", "ImbalanceQuantity", "PairedQuantity"
    ).rows() == [(1.0, None, 2, 4.0, None)]
    assert found["statistics"]["TimestampNanoseconds"].dt.epoch("ns").to_list() == [MIDNIGHT + 5]


def test_a_later_import_keeps_what_a_definition_told(tmp_path: Path) -> None:
    definition = {
        "instrument_id": 7,
        "ts_event": MIDNIGHT,
        "ts_recv": MIDNIGHT,
        "raw_symbol": "ABC",
        "currency": "USD",
        "min_price_increment": 10**7,
    }
    import_dbn([write_records(tmp_path / "a.definition.dbn", "definition", [definition])], tmp_path / "lake")
    found = imported(tmp_path, write_records(tmp_path / "a.mbo.dbn", "mbo", EVENTS))
    assert found["reference"]["TickSize"].to_list() == [0.01]


@pytest.mark.parametrize("pretty", [False, True], ids=["integers", "pretty"])
def test_text_is_the_same_as_records(tmp_path: Path, *, pretty: bool) -> None:
    def written(each: dict[str, Any]) -> dict[str, Any]:
        letters = {**each, "action": chr(each["action"]), "side": chr(each["side"]), "symbol": "ABC"}
        price = "" if each["price"] == 2**63 - 1 else f"{each['price'] / 10**9:.9f}"
        times = {name: f"2024-01-03T00:00:00.{each[name] - MIDNIGHT:09}Z" for name in ("ts_recv", "ts_event")}
        return {**letters, "price": price, **times} if pretty else letters

    rows = pl.DataFrame([written(each) for each in EVENTS])
    rows.select(sorted(rows.columns)).write_csv(tmp_path / "xnas-itch-20240103.mbo.csv")
    ours = imported(tmp_path / "text", tmp_path / "xnas-itch-20240103.mbo.csv", records_at_once=3)
    theirs = imported(tmp_path / "records", write_records(tmp_path / "a.dbn", "mbo", EVENTS))
    assert all(ours[name].equals(theirs[name]) for name in theirs)


def test_prices_are_the_nearest_floats() -> None:
    units = pl.Series("Price", [1, 3, 10**8, 3_720_250_000_000, -5, None, 2**63 - 2, 9_007_199_254_740_993], dtype=pl.Int64)
    assert decimals(units).to_list() == [None if each is None else each / 10**9 for each in units.to_list()]


def test_symbols_of_many_instruments_are_told_apart(tmp_path: Path) -> None:
    trades = [
        {
            key: value
            for key, value in record("T", 0, "B", 10, 1, at=at, instrument_id=number).items()
            if key not in {"order_id", "channel_id"}
        }
        for at, number in ((1, 7), (2, 8), (3, 7))
    ]
    found = imported(tmp_path, write_records(tmp_path / "a.dbn", "trades", trades, symbols={7: "ABC"}))
    assert found["trades"]["Ticker"].to_list() == ["ABC", "8", "ABC"]
    assert found["reference"]["Ticker"].sort().to_list() == ["8", "ABC"]


# ---------------------------------------------------------------- one import after another


def hours(folder: Path) -> list[Path]:
    """The same day in two files, the second from where the first ends."""
    early, late = ([record("A", at, "B", 10, 100, at=at) for at in times] for times in ((1, 2), (3, 4)))
    return [write_records(folder / "a.mbo.dbn", "mbo", early), write_records(folder / "b.mbo.dbn", "mbo", late)]


def test_rows_that_files_do_not_cover_are_not_lost(tmp_path: Path) -> None:
    first, second = hours(tmp_path)
    import_dbn([first], tmp_path / "lake")
    with pytest.raises(ConflictingSettings, match="l3 of 1 of these listings from 00:00:00 to 00:00:00"):
        import_dbn([second], tmp_path / "lake")
    together = import_dbn([first, second], tmp_path / "lake")
    assert {each.table: each.rows for each in together.files} == {"l3": 4, "l2": 4, "reference": 1}
    assert import_dbn([first, second], tmp_path / "lake").files == together.files
    replaced = import_dbn([second], tmp_path / "lake", replace=True)
    assert {each.table: each.rows for each in replaced.files} == {"l3": 2, "l2": 2, "reference": 1}


def test_trades_of_a_file_have_their_own_times(tmp_path: Path) -> None:
    """Books that end later than trades of another file begin say nothing about when these happened."""
    best = {"bid_px_00": 10**9, "bid_sz_00": 5, "bid_ct_00": 1, "ask_px_00": 2 * 10**9, "ask_sz_00": 5, "ask_ct_00": 1}
    plain = [
        {name: value for name, value in record("T", 0, "B", 10, 1, at=at).items() if name not in {"order_id", "channel_id"}}
        for at in (1, 900)
    ]
    books = write_records(tmp_path / "a.mbp-1.dbn", "mbp-1", [{**each, **best, "action": ord("A")} for each in plain])
    done = import_dbn([books, write_records(tmp_path / "b.trades.dbn", "trades", plain)], tmp_path / "lake")
    (trades,) = (pl.read_parquet(each.path) for each in done.files if each.table == "trades")
    assert (trades["TradeTimestampNanoseconds"].dt.epoch("ns") - kit.MIDNIGHT).to_list() == [1, 900]
    assert done.notices == ()


def test_other_listings_and_tables_are_no_conflict(tmp_path: Path) -> None:
    import_dbn(hours(tmp_path), tmp_path / "lake")
    trade = record("T", 0, "B", 10, 1, at=2)
    reports = [{name: value for name, value in trade.items() if name not in {"order_id", "channel_id"}}]
    import_dbn([write_records(tmp_path / "c.trades.dbn", "trades", reports)], tmp_path / "lake")
    other = write_records(tmp_path / "d.mbo.dbn", "mbo", [record("A", 1, "B", 10, 100, at=9)], symbols={7: "XYZ"})
    done = import_dbn([other], tmp_path / "lake")
    assert {each.table: each.rows for each in done.files} == {"l3": 5, "l2": 5, "reference": 2}


def test_books_are_numbered_within_their_day(tmp_path: Path) -> None:
    day = 86_400 * 10**9
    first = write_records(tmp_path / "a.mbo.dbn", "mbo", [record("A", 1, "B", 10, 100, at=1)])
    second = write_records(tmp_path / "b.mbo.dbn", "mbo", [record("A", at, "B", 9, 100, at=day + at) for at in (2, 3)])
    done = import_dbn([first, second], tmp_path / "lake")
    books = [pl.read_parquet(each.path)["L2EventNo"].to_list() for each in done.files if each.table == "l2"]
    assert books == [[1], [1, 2]]
