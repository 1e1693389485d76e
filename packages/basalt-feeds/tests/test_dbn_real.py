"""The vendor's samples: counts that are known of them, and a slow replay."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.core.errors import MissingData
from basalt.core.pipelines import load_module
from basalt.feeds.dbn.importing import import_dbn
from basalt.feeds.dbn.opening import blocks
from basalt.feeds.dbn.records import layout_of, read_dbn

kit: Any = load_module(Path(__file__).with_name("databento.py"))
apply, imported, shown = kit.apply, kit.imported, kit.shown


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder with the vendor's samples."""
    places = [Path(os.environ["BASALT_SHARED_DATA"])] if "BASALT_SHARED_DATA" in os.environ else []
    places += [folder.parent / "shared" / "data" for folder in Path(__file__).resolve().parents]
    found = next((place / "native" / "databento" for place in places if (place / "native" / "databento").exists()), None)
    if found is None:
        pytest.skip("no real market data here: set BASALT_SHARED_DATA to the folder that holds native/databento")
    return found


@pytest.mark.real
def test_a_real_book_is_that_of_a_slow_replay(samples: Path, tmp_path: Path) -> None:
    file = samples / "esh4-glbx-mdp3-20231225.mbo.dbn.zst"
    (frame,) = (frame for _, _, frame in read_dbn(file))
    assert Counter(chr(each) for each in frame["action"]) == {"A": 29_216, "C": 17_999, "F": 6_371, "M": 12_233, "T": 2_973}
    found = imported(tmp_path, file)
    rows = {row["BMLLSequenceNo"]: row for row in found["l2"].iter_rows(named=True)}
    orders: dict[int, tuple[str, int, int]] = {}
    best: dict[str, Counter[int]] = {"A": Counter(), "B": Counter()}
    checked = 0
    for number, each in enumerate(frame.iter_rows(named=True), start=1):
        before = orders.get(each["order_id"])
        apply(orders, each)
        after = orders.get(each["order_id"])
        for sign, order in ((-1, before), (1, after)):
            if order is not None:
                best[order[0]][order[1]] += sign * order[2]
        if number in rows:
            for side, name, outwards in (("B", "Bid", True), ("A", "Ask", False)):
                expected = sorted((price for price, size in best[side].items() if size), reverse=outwards)[:10]
                assert [(price, size) for price, size, _ in shown(rows[number], name)] == [(price, best[side][price]) for price in expected]
            checked += 1
        if checked > 3_000:
            return


@pytest.mark.real
def test_counts_of_the_real_days(samples: Path, tmp_path: Path) -> None:
    done = import_dbn([samples / f"esh4-glbx-mdp3-202312{day}.mbo.dbn.zst" for day in (24, 25)], tmp_path / "lake")
    assert done.notices == ("GLBX: 7 fills of unknown orders",)
    rows = {(each.table, each.day.day): each for each in done.files}
    assert {key: each.rows for key, each in rows.items() if key[0] != "reference"} == {
        ("l3", 24): 8_725,
        ("l2", 24): 1,
        ("l3", 25): 59_606,
        ("l2", 25): 37_064,
        ("trades", 25): 2_973,
    }
    book = pl.read_parquet(rows["l2", 25].path).filter(pl.col("BidPrice1") > pl.col("AskPrice1"))
    assert str(book["TimestampNanoseconds"].min())[11:19] == "22:39:55"
    assert str(book["TimestampNanoseconds"].max())[11:24] == "22:59:59.9997"
    orders = pl.read_parquet(rows["l3", 25].path)
    assert orders["ExecutionSize"].sum() == 10_201
    assert pl.read_parquet(rows["trades", 25].path)["Size"].sum() == 44 + 5_322 + 4_526


SCHEMAS = {
    "mbo": (("v1", "v2", "v3"), {"l3": 2, "l2": 1}),
    "mbp-10": (("v1", "v2", "v3"), {"l2": 2}),
    "trades": (("v1", "v2", "v3"), {"trades": 2}),
    "mbp-1": (("v3",), {"l2": 2}),
    "tbbo": (("v3",), {"trades": 2}),
    "definition": (("v3",), {}),
    "status": (("v3",), {"marketstate": 4}),
    "statistics": (("v3",), {"statistics": 2}),
    "imbalance": (("v3",), {"imbalance": 2}),
}


@pytest.mark.real
@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_schema_and_version_gives_its_rows(samples: Path, tmp_path: Path, schema: str) -> None:
    versions, expected = SCHEMAS[schema]
    lakes = []
    for version in versions:
        done = import_dbn([samples / "schemas" / f"test_data.{schema}.{version}.dbn.zst"], tmp_path / version, mic="XXXX")
        assert {each.table: each.rows for each in done.files if each.table != "reference"} == expected
        assert {each.rows for each in done.files if each.table == "reference"} == {1}
        lakes.append([pl.read_parquet(each.path) for each in done.files])
    assert all(one.equals(other) for lake in lakes[1:] for one, other in zip(lakes[0], lake, strict=True))


@pytest.mark.real
@pytest.mark.parametrize("schema", ["bbo-1s", "bbo-1m", "cbbo-1s", "cmbp-1", "ohlcv-1s", "ohlcv-1m", "ohlcv-1h", "ohlcv-1d"])
def test_bars_and_samples_are_not_imported(samples: Path, tmp_path: Path, schema: str) -> None:
    with pytest.raises(MissingData, match="nothing to import"):
        import_dbn([samples / "schemas" / f"test_data.{schema}.v3.dbn.zst"], tmp_path / "lake", mic="XXXX")
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.real
def test_layouts_are_whole(samples: Path) -> None:
    data = b"".join(blocks(samples / "schemas" / "test_data.imbalance.v3.dbn.zst"))
    assert len(data) == 5336 + 2 * layout_of(3, "imbalance").itemsize
