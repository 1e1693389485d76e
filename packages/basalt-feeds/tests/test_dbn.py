"""Databento: what records become, against literal values and a slow replay by the vendor's rules."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.core.errors import ConflictingSettings, CorruptInput, InvalidValue, MissingData
from basalt.feeds.dbn.feed import DbnFeed
from basalt.feeds.dbn.fields import decimals
from basalt.feeds.dbn.importing import import_dbn
from basalt.feeds.dbn.opening import blocks
from basalt.feeds.dbn.records import layout_of, read_dbn
from basalt.feeds.dbn.writing import encoded_header, encoded_records
from basalt.testing import FeedContract

DAY = date(2024, 1, 3)
MIDNIGHT = 1_704_240_000 * 10**9
"""2024-01-03 00:00 in UTC."""
LAST, SNAPSHOT = 128, 32


def record(action: str, order: int, side: str, price: int | None, size: int, *, at: int, **more: Any) -> dict[str, Any]:
    """A record of kind `mbo`, *at* so many ns after midnight; the price in whole dollars."""
    given = {
        "instrument_id": 7,
        "flags": LAST,
        "sequence": at,
        "ts_event": MIDNIGHT + at,
        "ts_recv": MIDNIGHT + at + 50,
        "channel_id": 0,
        **more,
    }
    units = 2**63 - 1 if price is None else price * 10**9
    return {"action": ord(action), "side": ord(side), "order_id": order, "price": units, "size": size, **given}


def write_records(
    path: Path, kind: str, records: Iterable[dict[str, Any]], *, symbols: dict[int, str] | None = None, version: int = 3
) -> Path:
    """A DBN file of one kind."""
    header = encoded_header("XNAS.ITCH", kind, DAY, {7: "ABC"} if symbols is None else symbols, version=version)
    body = encoded_records("mbp-1" if kind == "tbbo" else kind, pl.DataFrame(list(records)), version=version)
    path.write_bytes(header + body)
    return path


def replayed(records: Iterable[dict[str, Any]]) -> Iterator[tuple[int, list[tuple[int, int, int]], list[tuple[int, int, int]]]]:
    """The whole book after each event by the vendor's rules: number of the event's last record; bids and asks as (price, size, orders), best first."""
    orders: dict[int, tuple[str, int, int]] = {}
    for number, each in enumerate(records, start=1):
        apply(orders, each)
        if each["flags"] & LAST:
            yield number, _levels(orders, "B"), _levels(orders, "A")


def apply(orders: dict[int, tuple[str, int, int]], each: dict[str, Any]) -> None:
    """Change *orders* as a record says."""
    action, order, side = chr(each["action"]), each["order_id"], chr(each["side"])
    if action == "R":
        orders.clear()
    elif action in "AM":
        orders[order] = (side, each["price"], each["size"])
    elif action == "C" and order in orders:
        known = orders[order]
        left = known[2] - each["size"]
        orders[order] = (known[0], known[1], left)
        if left <= 0:
            del orders[order]


def _levels(orders: dict[int, tuple[str, int, int]], side: str) -> list[tuple[int, int, int]]:
    sizes: defaultdict[int, list[int]] = defaultdict(list)
    for its_side, price, size in orders.values():
        if its_side == side:
            sizes[price].append(size)
    return [(price, sum(sizes[price]), len(sizes[price])) for price in sorted(sizes, reverse=side == "B")]


def shown(row: dict[str, Any], side: str) -> list[tuple[int, int, int]]:
    """The levels of a row of `l2`, prices in billionths."""
    names = (f"{side}Price", f"{side}Quantity", f"{side}NumOrders")
    levels = [tuple(row[f"{name}{level}"] for name in names) for level in range(1, 11)]
    return [(round(price * 10**9), int(quantity), orders) for price, quantity, orders in levels if price is not None]


def imported(folder: Path, *files: Path, **options: Any) -> dict[str, pl.DataFrame]:
    """The tables of the one market and day that *files* hold."""
    done = import_dbn(files, folder / "lake", **options)
    return {each.table: pl.read_parquet(each.path) for each in done.files}


EVENTS = [
    record("R", 0, "N", None, 0, at=1, flags=SNAPSHOT),
    record("A", 1, "B", 10, 100, at=1, flags=SNAPSHOT),
    record("A", 2, "A", 12, 50, at=1, flags=SNAPSHOT | LAST),
    record("A", 3, "B", 11, 30, at=2),
    record("T", 9, "A", 11, 40, at=3, flags=0),
    record("F", 3, "B", 11, 30, at=3, flags=0),
    record("F", 1, "B", 10, 10, at=3, flags=0),
    record("C", 3, "B", 11, 30, at=3, flags=0),
    record("M", 1, "B", 10, 90, at=3),
    record("C", 2, "A", 12, 20, at=4),
    record("C", 77, "A", 13, 5, at=5),
]


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, pl.DataFrame]:
    return imported(tmp_path, write_records(tmp_path / "a.dbn", "mbo", EVENTS))


def test_fills_and_what_follows_them_are_one_execution(tables: dict[str, pl.DataFrame]) -> None:
    names = ("OriginalOrderId", "LobAction", "OldSize", "Size", "OrderExecuted", "ExecutionSize", "TradeId", "EndOfEvent")
    assert tables["l3"].select(names).rows() == [
        ("1", 2, 0, 100, False, 0, "", False),
        ("2", 2, 0, 50, False, 0, "", True),
        ("3", 2, 0, 30, False, 0, "", True),
        ("3", 3, 30, 0, True, 30, "5", False),
        ("1", 4, 100, 90, True, 10, "5", True),
        ("2", 4, 50, 30, False, 0, "", True),
        ("77", 3, 5, 0, False, 0, "", True),
    ]


def test_orders_carry_prices_sides_and_clocks(tables: dict[str, pl.DataFrame]) -> None:
    names = (
        "Side",
        "Price",
        "OldPrice",
        "ExecutionPrice",
        "ReceiveTimestamp",
        "FeedTimestamp",
        "FeedFlags",
        "ExchangeSequenceNo",
        "BMLLSequenceNo",
    )
    rows = tables["l3"].select(names).rows()
    assert rows[0] == (1, 10.0, None, None, MIDNIGHT + 51, MIDNIGHT + 1, SNAPSHOT, 1, 2)
    assert rows[3] == (1, None, 11.0, 11.0, MIDNIGHT + 53, MIDNIGHT + 3, 0, 3, 6)
    assert tables["l3"]["TimestampNanoseconds"].dt.epoch("ns").to_list() == [MIDNIGHT + at for at in (51, 51, 51, 51, 51, 51, 51)]


def test_books_are_shown_where_events_end(tables: dict[str, pl.DataFrame]) -> None:
    rows = [(row["BMLLSequenceNo"], shown(row, "Bid"), shown(row, "Ask")) for row in tables["l2"].iter_rows(named=True)]
    ten, eleven, twelve = (price * 10**9 for price in (10, 11, 12))
    assert rows == [
        (3, [(ten, 100, 1)], [(twelve, 50, 1)]),
        (4, [(eleven, 30, 1), (ten, 100, 1)], [(twelve, 50, 1)]),
        (9, [(ten, 90, 1)], [(twelve, 50, 1)]),
        (10, [(ten, 90, 1)], [(twelve, 30, 1)]),
    ]


def test_trades_have_the_quotes_around_their_event(tables: dict[str, pl.DataFrame]) -> None:
    names = (
        "TradeId",
        "Price",
        "Size",
        "AggressorSide",
        "BestBidPrice",
        "BestBidSize",
        "BestAskPrice",
        "PostTradeMid",
        "PricePoint",
        "Classification",
    )
    assert tables["trades"].select(names).rows() == [("5", 11.0, 40.0, 2, 11.0, 30.0, 12.0, 11.0, 0.0, "LIT_CONTINUOUS")]


def test_the_reference_names_listing_and_step(tables: dict[str, pl.DataFrame]) -> None:
    assert tables["reference"].select("Ticker", "MIC", "CurrencyCode", "TickSize", "MarketDataLevel").rows() == [
        ("ABC", "XNAS", "USD", 1.0, "L3")
    ]


def test_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    events = [*EVENTS, record("F", 88, "B", 9, 1, at=6), record("M", 89, "B", 9, 1, at=7), record("A", 89, "B", 9, 2, at=8)]
    done = import_dbn([write_records(tmp_path / "a.dbn", "mbo", events)], tmp_path / "lake")
    assert done.notices[:4] == (
        "XNAS: 1 cancels of unknown orders",
        "XNAS: 1 changes of unknown orders",
        "XNAS: 1 fills of unknown orders",
        "XNAS: 1 entries of known orders",
    )


def test_a_book_that_is_cleared_removes_its_orders(tmp_path: Path) -> None:
    events = [record("A", 1, "B", 10, 100, at=1), record("R", 0, "N", None, 0, at=2, flags=0), record("A", 5, "B", 9, 1, at=2)]
    found = imported(tmp_path, write_records(tmp_path / "a.dbn", "mbo", events))
    assert found["l3"].select("OriginalOrderId", "LobAction", "OldSize", "Size").rows() == [
        ("1", 2, 0, 100),
        ("1", 3, 100, 0),
        ("5", 2, 0, 1),
    ]
    assert [shown(row, "Bid") for row in found["l2"].iter_rows(named=True)] == [[(10 * 10**9, 100, 1)], [(9 * 10**9, 1, 1)]]


def test_a_snapshot_without_its_first_record_clears_too(tmp_path: Path) -> None:
    snapshot = [record("A", 1, "B", 10, 100, at=1, flags=SNAPSHOT | LAST)]
    events = [*snapshot, record("A", 2, "B", 9, 5, at=2), record("A", 1, "B", 10, 70, at=3, flags=SNAPSHOT | LAST)]
    found = imported(tmp_path, write_records(tmp_path / "a.dbn", "mbo", events))
    assert shown(found["l2"].row(-1, named=True), "Bid") == [(10 * 10**9, 70, 1)]


def test_books_and_no_books_have_the_same_orders(tmp_path: Path) -> None:
    file = write_records(tmp_path / "a.dbn", "mbo", EVENTS)
    without = imported(tmp_path / "one", file, books=False)
    assert "l2" not in without
    both = imported(tmp_path / "two", file)
    assert all(without[name].equals(both[name]) for name in without)


messages = st.lists(
    st.tuples(st.sampled_from("AAACMTF"), st.integers(1, 6), st.sampled_from("AB"), st.integers(1, 12), st.integers(1, 4), st.booleans()),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(messages, st.integers(1, 40))
def test_books_are_those_of_a_slow_replay(drawn: list[tuple[str, int, str, int, int, bool]], at_once: int) -> None:
    """Whatever comes, in blocks of any size: the book at the end of an event is the replayed one, unless orders are unknown."""
    known: dict[int, tuple[str, int, int]] = {}
    records = []
    for number, (action, order, side, price, size, ends) in enumerate(drawn, start=1):
        if (action in "CMF" and order not in known) or (action == "A" and order in known):
            continue
        entry = record(action, order, known.get(order, (side,))[0], price, size, at=number, flags=LAST * ends)
        if action == "C":
            entry["size"] = min(size, known[order][2])
        if action != "F":  # a fill is followed by what takes it from the order; alone it changes nothing
            records.append(entry)
            apply(known, entry)
    if not any(each["flags"] for each in records):
        return
    with TemporaryDirectory() as folder:
        place = Path(folder)
        found = imported(place, write_records(place / "a.dbn", "mbo", records), records_at_once=at_once)
    expected = [(number, bids[:10], asks[:10]) for number, bids, asks in replayed(records)]
    ours = (
        [(row["BMLLSequenceNo"], shown(row, "Bid"), shown(row, "Ask")) for row in found["l2"].iter_rows(named=True)]
        if "l2" in found
        else []
    )
    states = [each for each, before in zip(expected, [(0, None, None), *expected], strict=False) if each[1:] != before[1:]]
    last = max((number for number, *_ in expected), default=0)
    assert [each for each in ours if each[0] <= last] == states


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


class TestDatabento(FeedContract):
    feed = DbnFeed()

    @pytest.fixture
    def paths(self, tmp_path: Path) -> list[Path]:
        return [write_records(tmp_path / "a.dbn", "mbo", EVENTS)]


# ---------------------------------------------------------------- real files


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


@pytest.mark.real
@pytest.mark.parametrize(
    "schema",
    ["mbo.v1", "mbo.v2", "mbp-10.v1", "mbp-10.v3", "mbp-1.v3", "tbbo.v3", "trades.v1", "definition.v3", "status.v3", "statistics.v3"],
)
def test_every_schema_imports(samples: Path, tmp_path: Path, schema: str) -> None:
    assert import_dbn([samples / "schemas" / f"test_data.{schema}.dbn.zst"], tmp_path / "lake").files


@pytest.mark.real
def test_layouts_are_whole(samples: Path) -> None:
    data = b"".join(blocks(samples / "schemas" / "test_data.imbalance.v3.dbn.zst"))
    assert len(data) == 5336 + 2 * layout_of(3, "imbalance").itemsize
