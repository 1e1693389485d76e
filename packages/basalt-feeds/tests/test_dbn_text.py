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


@pytest.mark.real
@pytest.mark.parametrize("pretty", [False, True], ids=["integers", "pretty"])
@pytest.mark.parametrize("name", NATIVE)
def test_text_of_real_samples_gives_the_same_rows(tmp_path: Path, name: str, pretty: bool) -> None:
    places = [Path(os.environ["BASALT_SHARED_DATA"])] if "BASALT_SHARED_DATA" in os.environ else []
    places += [folder.parent / "shared" / "data" for folder in Path(__file__).resolve().parents]
    sample = next((file for place in places for file in place.glob(f"native/databento/schemas/*.{name}.dbn.zst")), None)
    if sample is None:
        pytest.skip("no real market data here: set BASALT_SHARED_DATA to the folder that holds native/databento")
    records = zstandard.ZstdDecompressor().stream_reader(sample.read_bytes()).read()
    text = as_text(records, tmp_path / f"xnas-itch-20240103.{name.partition('.')[0]}.csv", pretty=pretty)
    ours, theirs = (import_dbn([file], tmp_path / lake, mic="XXXX").files for file, lake in ((text, "text"), (sample, "records")))
    assert [(each.table, each.day, each.rows) for each in ours] == [(each.table, each.day, each.rows) for each in theirs]
    assert all(pl.read_parquet(one.path).equals(pl.read_parquet(other.path)) for one, other in zip(ours, theirs, strict=True))
