"""Databento's CSV form, as the vendor's own package writes it from records."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import databento_dbn
import polars as pl
import pytest
import zstandard

from basalt.core.errors import MissingData
from basalt.core.pipelines import load_module
from basalt.feeds.dbn.importing import import_dbn

kit: Any = load_module(Path(__file__).with_name("databento.py"))
EVENTS, MIDNIGHT, imported, record, write_records = kit.EVENTS, kit.MIDNIGHT, kit.imported, kit.record, kit.write_records

BASE = {"instrument_id": 7, "ts_event": MIDNIGHT + 5, "ts_recv": MIDNIGHT + 9}
NO_TIME, NO_PRICE = 2**64 - 1, 2**63 - 1
TRADE = {name: value for name, value in record("T", 0, "B", 20, 3, at=2).items() if name not in {"order_id", "channel_id"}}
BEST = {"bid_px_00": 10**9, "bid_sz_00": 5, "bid_ct_00": 2, "ask_px_00": NO_PRICE}
DEFINED = {"raw_symbol": "ABC", "currency": "EUR", "min_price_increment": 5_000_000, "display_factor": 10**14, "instrument_class": ord("F")}
RECORDS: dict[str, list[dict[str, Any]]] = {
    "mbo": EVENTS,
    "trades": [TRADE],
    "tbbo": [{**TRADE, **BEST}],
    "mbp-1": [{**TRADE, **BEST, "action": ord("A")}],
    "definition": [{**BASE, **DEFINED, "expiration": NO_TIME, "activation": MIDNIGHT, "high_limit_price": NO_PRICE}],
    "status": [{**BASE, "action": 7, "reason": 1, "is_trading": ord("Y")}],
    "statistics": [{**BASE, "price": NO_PRICE, "quantity": 12, "stat_type": 9, "update_action": 1, "ts_ref": NO_TIME}],
    "imbalance": [
        {**BASE, "ref_price": 1_250_000_000, "side": ord("A"), "total_imbalance_qty": 4, "upper_collar": 10**9, "auction_type": ord("O")}
    ],
}
NATIVE = (
    "definition.v3",
    "imbalance.v3",
    "mbo.v1",
    "mbo.v3",
    "mbp-1.v3",
    "mbp-10.v1",
    "mbp-10.v3",
    "statistics.v3",
    "status.v3",
    "tbbo.v3",
)


def as_text(records: bytes, path: Path, *, pretty: bool) -> Path:
    """What the vendor's package makes of DBN."""
    out = io.BytesIO()
    transcoder = databento_dbn.Transcoder(
        out, databento_dbn.Encoding.CSV, databento_dbn.Compression.NONE, pretty_px=pretty, pretty_ts=pretty, map_symbols=True
    )
    transcoder.write(records)
    transcoder.flush()
    path.write_bytes(out.getvalue())
    return path


@pytest.mark.parametrize("pretty", [False, True], ids=["integers", "pretty"])
@pytest.mark.parametrize("schema", RECORDS)
def test_text_of_the_vendor_gives_the_rows_of_its_records(tmp_path: Path, schema: str, pretty: bool) -> None:
    binary = write_records(tmp_path / f"a.{schema}.dbn", schema, RECORDS[schema])
    text = as_text(binary.read_bytes(), tmp_path / f"xnas-itch-20240103.{schema}.csv", pretty=pretty)
    theirs, ours = imported(tmp_path / "records", binary), imported(tmp_path / "text", text)
    assert list(ours) == list(theirs)
    assert all(ours[name].equals(theirs[name]) for name in theirs)


@pytest.mark.parametrize(
    "columns",
    [
        "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol",
        "ts_recv,ts_event,rtype,publisher_id,instrument_id,side,price,size,flags,sequence,bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,symbol",
        "ts_recv,ts_event,instrument_id,action,side,price,size,flags,bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,bid_pb_00,ask_pb_00,symbol",
    ],
    ids=["bars", "samples", "consolidated"],
)
def test_other_schemas_are_passed_over(tmp_path: Path, columns: str) -> None:
    """Beside other files they are told; alone there is nothing to import."""
    other = tmp_path / "xnas-itch-20240103.other.csv"
    other.write_text(f"{columns}\n{','.join('1' for _ in columns.split(','))}\n")
    done = import_dbn([other, write_records(tmp_path / "a.mbo.dbn", "mbo", EVENTS)], tmp_path / "lake")
    assert done.notices[0] == "xnas-itch-20240103.other.csv: no records of a kind that is read"
    with pytest.raises(MissingData, match="nothing to import") as caught:
        import_dbn([other], tmp_path / "alone")
    assert caught.value.hint.endswith(": definition, imbalance, mbo, mbp-1, mbp-10, statistics, status, tbbo, trades")


@pytest.fixture(scope="module")
def shared() -> Path:
    """The folder with `native` and `parquet` samples."""
    places = [Path(os.environ["BASALT_SHARED_DATA"])] if "BASALT_SHARED_DATA" in os.environ else []
    places += [folder.parent / "shared" / "data" for folder in Path(__file__).resolve().parents]
    found = next((place for place in places if (place / "native" / "databento").is_dir()), None)
    if found is None:
        pytest.skip("no real market data here: set BASALT_SHARED_DATA to the folder that holds native/databento")
    return found


@pytest.mark.real
def test_every_number_of_real_text_is_kept(shared: Path, tmp_path: Path) -> None:
    """ESU4 over midnight: 2,288 records, of which 120 are trades; each value against the file's integers, by Python's exact division."""
    records = pl.read_parquet(shared / "parquet" / "databento_glbx" / "ESU4_20240701_mbp-1.parquet")
    records.write_csv(tmp_path / "glbx-mdp3-20240701.mbp-1.csv")
    done = import_dbn([tmp_path / "glbx-mdp3-20240701.mbp-1.csv"], tmp_path / "lake")
    assert [(each.table, each.day.day, each.rows) for each in done.files if each.table != "reference"] == [
        ("l2", 1, 540),
        ("trades", 1, 28),
        ("l2", 2, 1628),
        ("trades", 2, 92),
    ]
    books, trades = (pl.concat(pl.read_parquet(each.path) for each in done.files if each.table == name) for name in ("l2", "trades"))
    clocks = ("ReceiveTimestamp", "FeedTimestamp", "FeedFlags", "ExchangeSequenceNo")
    ended, printed = records.filter(pl.col("flags") >= 128), records.filter(pl.col("action") == "T")
    for found, told in ((books, ended), (trades, printed)):
        assert found.select(clocks).rows() == told.select("ts_recv", "ts_event", "flags", "sequence").rows()
    levels = ("BidPrice1", "AskPrice1", "BidQuantity1", "AskQuantity1", "BidNumOrders1", "AskNumOrders1")
    texts = ("bid_px_00", "ask_px_00", "bid_sz_00", "ask_sz_00", "bid_ct_00", "ask_ct_00")
    assert books.select(levels).rows() == [(bid / 10**9, ask / 10**9, *rest) for bid, ask, *rest in ended.select(texts).rows()]
    assert trades.select("Price", "Size").rows() == [(price / 10**9, size) for price, size in printed.select("price", "size").rows()]
    sides = {"A": 2, "B": 1, "N": 0}
    assert trades["AggressorSide"].to_list() == [sides[side] for side in printed["side"]]


@pytest.mark.real
@pytest.mark.parametrize("pretty", [False, True], ids=["integers", "pretty"])
@pytest.mark.parametrize("name", NATIVE)
def test_text_of_real_samples_gives_the_same_rows(shared: Path, tmp_path: Path, name: str, pretty: bool) -> None:
    sample = shared / "native" / "databento" / "schemas" / f"test_data.{name}.dbn.zst"
    records = zstandard.ZstdDecompressor().stream_reader(sample.read_bytes()).read()
    text = as_text(records, tmp_path / f"xnas-itch-20240103.{name.partition('.')[0]}.csv", pretty=pretty)
    ours, theirs = (import_dbn([file], tmp_path / lake, mic="XXXX").files for file, lake in ((text, "text"), (sample, "records")))
    assert [(each.table, each.day, each.rows) for each in ours] == [(each.table, each.day, each.rows) for each in theirs]
    assert all(pl.read_parquet(one.path).equals(pl.read_parquet(other.path)) for one, other in zip(ours, theirs, strict=True))
