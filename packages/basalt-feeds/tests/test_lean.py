"""LEAN ticks and the rows that they become."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.core.errors import ConflictingSettings, CorruptInput, DataError, MissingData, UnsortedInput
from basalt.feeds.feed import Imported
from basalt.feeds.identifiers import Listing, ListingDay
from basalt.feeds.lean.feed import LeanFeed
from basalt.feeds.lean.importing import import_lean
from basalt.feeds.lean.tables import BestQuotes, TradingDay
from basalt.testing import FeedContract

QUOTES = """\
14400152,0,0,494100,300,Q,1,0
34200000,494000,200,0,0,P,1,0
34200000,0,0,494100,300,Q,1,0
34200000.5,494000,500,0,0,N,1,0
34200001,500000,100,0,0,N,40000,0
34200002,600000,100,0,0,N,1,1
34200003,0,0,494200,700,Z,1,0
34200004,494000,500,0,0,N,400,0
57600000,493900,100,0,0,P,1,0
"""

TRADES = """\
34199999,493950,50,P,2000,0
34200000,494050,100,Q,4000000,0
34200001,494051,250,Q,20000020,0
34200001,494051,1000,D,1,0
34200002,999999,10,N,1,1
34200005,494000,30000,N,80000040,0
57600001,493900,100,N,2000,0
57600002,493900,42,N,1000000,0
"""


def write(folder: Path, *, quotes: str | None = QUOTES, trades: str | None = TRADES, ticker: str = "aig", day: str = "20131007") -> Path:
    folder.mkdir(exist_ok=True)
    for kind, text in (("quote", quotes), ("trade", trades)):
        if text is not None:
            with zipfile.ZipFile(folder / f"{day}_{ticker}_{kind}.zip", "w") as archive:
                archive.writestr(f"{day}_{ticker}_{kind.title()}_Tick.csv", text)
    return folder


@pytest.fixture
def lean(tmp_path: Path):
    """A function that imports ticks and gives what was imported and the tables."""

    def run(**options) -> tuple[Imported, dict[str, pl.DataFrame]]:
        imported = import_lean([write(tmp_path / "native", **options)], tmp_path / "lake")
        return imported, {each.table: pl.read_parquet(each.path) for each in imported.files}

    return run


class TestLean(FeedContract):
    feed = LeanFeed()

    @pytest.fixture
    def paths(self, tmp_path: Path) -> list[Path]:
        return [write(tmp_path / "native")]


def test_best_quotes_are_the_last_bid_and_ask(lean) -> None:
    _, tables = lean()
    columns = ["BMLLSequenceNo", "BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1", "MarketState", "FeedFlags"]
    assert tables["l2"].select(columns).rows() == [
        (1, None, 0, 49.41, 300, "PRE_OPEN", 1),
        (3, 49.4, 200, 49.41, 300, "CONTINUOUS_TRADING", 1),
        (4, 49.4, 500, 49.41, 300, "CONTINUOUS_TRADING", 1),
        (7, 49.4, 500, 49.42, 700, "CONTINUOUS_TRADING", 1),
        (8, None, 0, 49.42, 700, "CONTINUOUS_TRADING", 0x400),
        (9, 49.39, 100, 49.42, 700, "POST_TRADE", 1),
    ]


def test_times_are_exact_and_new_york(lean) -> None:
    _, tables = lean()
    times = tables["l2"]["TimestampNanoseconds"]
    assert times[1] == datetime.fromisoformat("2013-10-07T13:30:00")
    assert times[2] == datetime.fromisoformat("2013-10-07T13:30:00.000500")


def test_trades_and_their_conditions(lean) -> None:
    _, tables = lean()
    columns = ["BMLLSequenceNo", "Price", "Size", "ExecutionVenue", "Classification", "LotType", "OriginalTradeType", "MarketState"]
    assert tables["trades"].select(columns).rows() == [
        (1, 49.395, 50.0, "ARCX", "LIT_CONTINUOUS", "ODD", "2000", "PRE_OPEN"),
        (3, 49.4051, 250.0, "XNAS", "LIT_CONTINUOUS", "MIXED", "20000020", "CONTINUOUS_TRADING"),
        (4, 49.4051, 1_000.0, "XADF", "OTC", "ROUND", "1", "NOT_APPLICABLE"),
        (6, 49.4, 30_000.0, "XNYS", "LIT_AUCTION", "ODD", "80000040", "CONTINUOUS_TRADING"),
        (7, 49.39, 100.0, "XNYS", "LIT_CONTINUOUS", "ROUND", "2000", "POST_TRADE"),
    ]
    assert tables["trades"]["FeedFlags"].to_list() == [0x2000, 0x20000020, 1, 0x80000040, 0x2000]


def test_official_prices_are_no_trades(lean) -> None:
    _, tables = lean()
    assert tables["statistics"].select("Statistic", "Price", "Quantity").rows() == [
        ("OPENING_PRICE", 49.405, 100.0),
        ("CLOSING_PRICE", 49.39, 42.0),
    ]


def test_quotes_of_a_trade_stood_before_its_millisecond(lean) -> None:
    _, tables = lean()
    columns = ["BestBidPrice", "BestBidSize", "BestBidVenue", "BestAskPrice", "BestAskVenue", "PostTradeMid"]
    assert tables["trades"].select(columns).rows()[:3] == [
        (None, None, None, 49.41, "XNAS", None),
        (49.4, 500.0, "XNYS", 49.41, "XNAS", 49.405),
        (49.4, 500.0, "XNYS", 49.41, "XNAS", 49.405),
    ]


def test_suspicious_ticks_are_left_out_and_said(lean) -> None:
    imported, _ = lean()
    assert imported.notices == ("AIG 2013-10-07: 2 suspicious ticks are left out",)


def test_half_days_end_early(lean) -> None:
    _, tables = lean(day="20131129")
    last = tables["marketstate"].row(-1, named=True)
    assert (last["MarketState"], last["TimestampNanoseconds"]) == ("POST_TRADE", datetime.fromisoformat("2013-11-29T18:00:00"))


@pytest.mark.parametrize(("missing", "tables"), [("quotes", {"trades", "statistics"}), ("trades", {"l2"})])
def test_one_kind_alone(lean, missing: str, tables: set[str]) -> None:
    imported, _ = lean(**{missing: None})
    assert {each.table for each in imported.files} == tables | {"marketstate", "reference"}


@pytest.mark.parametrize("bytes_at_once", [1, 40, 150])
def test_size_of_pieces_changes_nothing(lean, tmp_path: Path, bytes_at_once: int) -> None:
    _, whole = lean()
    for each in import_lean([tmp_path / "native"], tmp_path / "other", bytes_at_once=bytes_at_once).files:
        assert pl.read_parquet(each.path).equals(whole[each.table]), each.table


def test_plain_files_and_several_tickers(tmp_path: Path) -> None:
    folder = write(tmp_path / "native", ticker="spy")
    (folder / "20131007_aig_Trade_Tick.csv").write_text(TRADES)
    files = import_lean([folder], tmp_path / "lake").files
    (trades,) = [pl.read_parquet(each.path) for each in files if each.table == "trades"]
    assert dict(trades.group_by("Ticker").len().rows()) == {"AIG": 5, "SPY": 5}


# ---------------------------------------------------------------- oracle

LINE = st.tuples(
    st.integers(0, 3),  # milliseconds since the line before
    st.sampled_from(["bid", "ask", "none"]),
    st.integers(1, 5),
    st.integers(0, 3),
    st.sampled_from([1, 1, 1, 0x400, 0x40000]),
    st.booleans(),
)


def slow_quotes(lines: list[tuple[int, int, int, int, int, int, bool]]) -> Iterator[tuple[int, int, int, int, int]]:
    """Line number, bid, size, ask, size whenever they change, one line after the other."""
    bid, ask, shown = (0, 0), (0, 0), (0, 0, 0, 0)
    for number, (time, bid_price, bid_size, ask_price, ask_size, flags, bad) in enumerate(lines):
        if bad or flags & 0x40000:
            continue
        is_firm = not flags & 0x400
        if bid_price or not ask_price:
            bid = (bid_price, bid_size) if is_firm and bid_price and bid_size else (0, 0)
        if ask_price or not bid_price:
            ask = (ask_price, ask_size) if is_firm and ask_price and ask_size else (0, 0)
        following = lines[number + 1] if number + 1 < len(lines) else None
        belongs = (
            following and following[0] == time and not following[1] and following[3] and not following[6] and not following[5] & 0x40000
        )
        if bid_price and not ask_price and belongs:
            continue
        if (*bid, *ask) != shown:
            shown = (*bid, *ask)
            yield (number + 1, *shown)


@settings(max_examples=60, deadline=None)
@given(st.lists(LINE, min_size=1, max_size=25), st.integers(1, 10))
def test_best_quotes_are_those_of_a_slow_loop(drawn: list, cut: int) -> None:
    lines, time = [], 0
    for step, side, price, size, flags, bad in drawn:
        time += step
        sides = {"bid": (price, size, 0, 0), "ask": (0, 0, price, size), "none": (0, 0, 0, 0)}[side]
        lines.append((time, *sides, flags, bad))
    day = TradingDay(ListingDay(Listing("XNYS", "A", "USD"), datetime.fromisoformat("2013-10-07").date()), 0, 0, 10)
    quotes = BestQuotes(day)
    schema = {"Nanos": pl.Int64, "BidPrice": pl.Int64, "BidSize": pl.Int64, "AskPrice": pl.Int64, "AskSize": pl.Int64}
    frame = pl.DataFrame(lines, schema=schema | {"Conditions": pl.Int64, "IsSuspicious": pl.Boolean}, orient="row").with_columns(
        pl.lit("N").alias("Exchange"), pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("Line")
    )
    pieces = [quotes.feed(frame[start : start + cut]) for start in range(0, frame.height, cut)]
    found = [row for piece in [*pieces, quotes.finish()] for row in piece.select("Line", "Bid", "BidShown", "Ask", "AskShown").rows()]
    assert found == list(slow_quotes(lines))


# ---------------------------------------------------------------- what is wrong with files


@pytest.mark.parametrize(
    ("line", "error", "what"),
    [
        ("34200006,494000,-5,N,1,0", CorruptInput, "is no trade"),
        ("34200006,-494000,5,N,1,0", CorruptInput, "is no trade"),
        ("34200006,494000,5,N,1,2", CorruptInput, "is no trade"),
        ("34200006,494000,5,N,xyz,0", CorruptInput, "is no trade"),
        ("34200006,494000,5", CorruptInput, "is no trade"),
        ("34200006,494000,5,N,1,0,9", CorruptInput, "is no trade"),
        ("86400000,494000,5,N,1,0", CorruptInput, "is no trade"),
        ("34200004,494000,5,N,1,0", UnsortedInput, "time goes backwards"),
        ("", CorruptInput, "is no trade"),
    ],
)
@pytest.mark.parametrize("bytes_at_once", [30, 10_000])
def test_impossible_lines(tmp_path: Path, line: str, error: type[DataError], what: str, bytes_at_once: int) -> None:
    lines = TRADES.splitlines()
    folder = write(tmp_path / "native", trades="\n".join([*lines[:6], line, *lines[6:]]) + "\n")
    with pytest.raises(error, match=what) as caught:
        import_lean([folder], tmp_path / "lake", bytes_at_once=bytes_at_once)
    assert caught.value.where.endswith("_Trade_Tick.csv, line 7")
    assert not list((tmp_path / "lake").rglob("*.parquet"))


def test_damaged_archives(tmp_path: Path) -> None:
    folder = write(tmp_path / "native", quotes=None)
    path = folder / "20131007_aig_trade.zip"
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(CorruptInput, match="cannot read the archive"):
        import_lean([folder], tmp_path / "lake")
    path.write_bytes(whole.replace(b"494051", b"494052"))
    with pytest.raises(CorruptInput, match="cannot be read to its end"):
        import_lean([folder], tmp_path / "lake")


def test_empty_file(lean) -> None:
    with pytest.raises(CorruptInput, match="the file has no lines"):
        lean(trades="")


def test_wrong_places(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no such file"):
        import_lean([tmp_path / "nothing"], tmp_path)
    (tmp_path / "other.csv").write_text(TRADES)
    with pytest.raises(MissingData, match="no tick files"):
        import_lean([tmp_path], tmp_path)
    (tmp_path / "20131399_aig_Trade_Tick.csv").write_text(TRADES)
    with pytest.raises(CorruptInput, match="20131399 is not a date"):
        import_lean([tmp_path], tmp_path)


def test_ticks_given_twice(tmp_path: Path) -> None:
    folder = write(tmp_path / "native")
    (folder / "20131007_aig_Trade_Tick.csv").write_text(TRADES)
    with pytest.raises(ConflictingSettings, match="trades of AIG 2013-10-07 are given twice"):
        import_lean([folder], tmp_path / "lake")


# ---------------------------------------------------------------- real


@pytest.fixture(scope="module")
def real_lean(real_data: Path) -> Path:
    folder = real_data / "native" / "lean"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


@pytest.fixture(scope="module")
def real_lake(real_lean: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("lake")
    import_lean([real_lean], lake)
    return lake


@pytest.mark.real
class TestRealLean(FeedContract):
    feed = LeanFeed()
    # small files hold the feed to these
    test_rows_of_other_times_are_not_dropped_unasked = None
    test_rows_of_other_times_are_dropped_when_asked = None
    test_importing_the_feed_imports_nothing_heavy = None

    @pytest.fixture
    def paths(self, real_lean: Path) -> list[Path]:
        return [real_lean]

    @pytest.fixture
    def lake(self, real_lake: Path) -> Path:
        return real_lake


def lines_of(folder: Path, kind: str) -> Iterable[list[str]]:
    with zipfile.ZipFile(folder / f"20131007_{kind}.zip") as archive:
        return [line.split(",") for line in archive.read(archive.namelist()[0]).decode().splitlines()]


@pytest.mark.real
def test_every_real_quote(real_lean: Path, real_lake: Path) -> None:
    lines = [
        (int(t), int(b), int(bs), int(a), int(s), int(c, 16), bad == "1") for t, b, bs, a, s, _, c, bad in lines_of(real_lean, "quote")
    ]
    assert len(lines) == 1_079_935
    expected = list(slow_quotes(lines))
    rows = pl.read_parquet(next((real_lake / "Equity").rglob("*.parquet"))).sort("BMLLSequenceNo")
    assert rows["BMLLSequenceNo"].to_list() == [each[0] for each in expected]
    for place, (name, scale) in enumerate((("BidPrice1", 10_000), ("BidQuantity1", 1), ("AskPrice1", 10_000), ("AskQuantity1", 1)), 1):
        values = [each[place] for each in expected]
        assert rows[name].to_list() == [(value / scale if value else None) if scale > 1 else value for value in values], name
    crossed = rows.filter(pl.col("BidPrice1") > pl.col("AskPrice1")).height
    assert crossed / rows.height < 0.001


@pytest.mark.real
def test_every_real_trade(real_lean: Path, real_lake: Path) -> None:
    lines = list(lines_of(real_lean, "trade"))
    assert len(lines) == 25_351
    kept = [line for line in lines if not int(line[4], 16) & ((1 << 24) | (1 << 26))]
    rows = pl.read_parquet(next((real_lake / "Trades-Plus").rglob("*.parquet"))).sort("BMLLSequenceNo")
    assert rows["Price"].to_list() == [int(line[1]) / 10_000 for line in kept]
    assert rows["Size"].to_list() == [int(line[2]) for line in kept]
    assert rows["FeedFlags"].to_list() == [int(line[4], 16) for line in kept]
    inside = rows.filter(pl.col("BMLLTradeType") == "LIT", pl.col("MarketState") == "CONTINUOUS_TRADING")
    assert inside.select(pl.col("PricePoint").is_between(-0.01, 1.01).mean()).item() > 0.97


# ---------------------------------------------------------------- one import after another


def test_lean_files_of_one_kind_say_nothing_of_the_other(tmp_path: Path) -> None:
    """Trades alone leave the quotes, and a lake with quotes has levels, whichever kind came last."""
    import_lean([write(tmp_path / "a")], tmp_path / "lake")
    import_lean([write(tmp_path / "b", quotes=None)], tmp_path / "lake")
    (reference,) = (tmp_path / "lake" / "Reference").rglob("*.parquet")
    assert pl.read_parquet(reference)["MarketDataLevel"].to_list() == ["L2"]
    assert list((tmp_path / "lake" / "Equity").rglob("*.parquet"))


def test_a_part_of_leans_trades_does_not_replace_them(tmp_path: Path) -> None:
    import_lean([write(tmp_path / "a", quotes=None)], tmp_path / "lake")
    part = write(tmp_path / "b", quotes=None, trades=TRADES.splitlines(keepends=True)[0])
    with pytest.raises(ConflictingSettings, match="the lake has trades of 1 of these listings"):
        import_lean([part], tmp_path / "lake")
