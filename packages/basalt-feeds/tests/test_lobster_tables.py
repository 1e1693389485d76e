from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from basalt.core.lake import conform
from basalt.feeds.identifiers import Listing, ListingDay
from basalt.feeds.lobster.finding import find_pairs
from basalt.feeds.lobster.reading import read_pair
from basalt.feeds.lobster.tables import TableMaker
from basalt.market.tables import TABLES

at = datetime.fromisoformat
HALF_PAST_NINE = at("2024-01-03 14:30:00")


def tables_of(folder, currency: str = "USD") -> dict[str, pl.DataFrame]:
    (pair,) = find_pairs([folder])
    maker, (recording,) = TableMaker(ListingDay(Listing("XNAS", pair.ticker, currency), pair.day)), read_pair(pair)
    return {table.name: frame for table, frame in (maker.events_of(recording) | maker.day()).items()}


@pytest.mark.parametrize("block_bytes", [1, 90, 120, 200, 250])
@pytest.mark.parametrize("levels", [1, 2])
def test_pieces_make_the_tables_of_the_whole(write_pair, messages: str, book: str, block_bytes: int, levels: int) -> None:
    """Sizes of orders, halts, quotes before trades and numbers of lines go on over the ends of pieces."""
    again = messages + "34600,1,11,30,5000000,1\n34600,4,11,10,5000000,1\n57600,4,99,5,4990000,1\n"
    rows = [",".join(row.split(",")[: 4 * levels]) for row in book.splitlines()] + [LEVELS[levels]] * 3
    folder = write_pair(again, "\n".join(rows) + "\n", levels=levels)
    (pair,) = find_pairs([folder])
    maker = TableMaker(ListingDay(Listing("XNAS", "ABC", "USD"), pair.day))
    parts = [maker.events_of(recording) for recording in read_pair(pair, block_bytes=block_bytes)]
    assert len(parts) > 1
    made = {table.name: pl.concat([part[table] for part in parts]) for table in parts[0]}
    made |= {table.name: frame for table, frame in maker.day().items()}
    for name, whole in tables_of(folder).items():
        assert made[name].equals(whole), name


LEVELS = {1: "5010000,50,5000000,20", 2: "5010000,50,5000000,20,9999999999,0,4990000,5"}


@pytest.fixture
def story(write_pair) -> dict[str, pl.DataFrame]:
    """The tables of the story in conftest: one message of every type."""
    return tables_of(write_pair())


def test_tables_keep_their_contracts(story: dict[str, pl.DataFrame]) -> None:
    contracts = {table.name: table for table in TABLES}
    assert set(story) == {"trades", "l2", "l3", "marketstate", "reference"}
    for name, frame in story.items():
        assert conform(frame, contracts[name], where=name).height == frame.height


@pytest.mark.parametrize(
    ("day", "open_utc"),
    [
        ("2024-01-03", at("2024-01-03 14:30:00")),
        ("2024-07-03", at("2024-07-03 13:30:00")),
        ("2024-03-08", at("2024-03-08 14:30:00")),
        ("2024-03-11", at("2024-03-11 13:30:00")),
    ],
    ids=["winter", "summer", "before the change", "after the change"],
)
def test_time_follows_new_york(write_pair, day: str, open_utc: datetime) -> None:
    made = tables_of(write_pair("34200,1,1,10,50,1\n", "60,1,50,10\n", day=day, levels=1))
    assert made["l3"]["TimestampNanoseconds"].to_list() == [open_utc]
    assert made["l3"]["TradeDate"].item().date() == date.fromisoformat(day)


def test_nanoseconds_survive(write_pair) -> None:
    made = tables_of(write_pair("34200.000000001,1,1,10,50,1\n", "60,1,50,10\n", levels=1))
    assert made["l2"]["TimestampNanoseconds"].dt.nanosecond().to_list() == [1]


def test_orders(story: dict[str, pl.DataFrame]) -> None:
    columns = ("BMLLSequenceNo", "LobAction", "Side", "Price", "Size", "OrderId", "OldPrice", "OldSize", "OldOrderId")
    assert story["l3"].select(columns).rows() == [
        (1, 2, 1, 500.0, 100, "11", None, 0, ""),
        (2, 2, 2, 501.0, 50, "12", None, 0, ""),
        (3, 4, 1, 500.0, 70, "11", 500.0, 100, "11"),
        (4, 4, 2, 501.0, 30, "12", 501.0, 50, "12"),
        (5, 3, 2, None, 0, "", 501.0, 30, "12"),
        (6, 1, 1, None, 0, "", None, 0, ""),
        (7, 4, 1, 499.0, 0, "99", 499.0, 5, "99"),
        (8, 3, 1, None, 0, "", 500.0, 70, "11"),
        (9, 1, 2, None, 0, "", None, 0, ""),
    ]


def test_size_ahead_of_orders_that_enter(write_pair) -> None:
    """Bids at 500 behind 70 from before the file, at 499 behind those and 10, the first ask, and a bid that the file's two levels do not show."""
    messages = "34200,1,1,30,5000000,1\n34201,1,2,5,4990000,1\n34202,1,3,8,5010000,-1\n34203,1,4,9,4980000,1\n34204,2,1,10,5000000,1\n"
    rows = [
        "9999999999,0,5000000,100,9999999999,0,4990000,10",
        "9999999999,0,5000000,100,9999999999,0,4990000,15",
        *["5010000,8,5000000,100,9999999999,0,4990000,15"] * 2,
        "5010000,8,5000000,90,9999999999,0,4990000,15",
    ]
    made = tables_of(write_pair(messages, "\n".join(rows) + "\n"))
    assert made["l3"]["SizeAhead"].to_list() == [70, 110, 0, None, None]


def test_executions_of_orders(story: dict[str, pl.DataFrame]) -> None:
    executed = story["l3"].filter("OrderExecuted")
    assert executed.select("TradeId", "ExecutionPrice", "ExecutionSize", "Printable").rows() == [
        ("4", 501.0, 20, True),
        ("5", 501.0, 30, True),
        ("6", 500.45, 40, True),
        ("7", 499.0, 5, True),
        ("9", 500.0, 500, True),
    ]
    others = story["l3"].filter(~pl.col("OrderExecuted"))
    assert others.select("TradeId", "ExecutionPrice", "ExecutionSize", "Printable").unique().rows() == [("", None, 0, False)]


def test_sizes_differ_by_what_was_taken_away(story: dict[str, pl.DataFrame]) -> None:
    taken = story["l3"].filter(pl.col("LobAction").is_in([3, 4])).select(pl.col("OldSize") - pl.col("Size")).to_series()
    assert taken.to_list() == [30, 20, 30, 5, 70]


@pytest.mark.parametrize(
    ("kind", "action", "sizes"),
    [(2, 4, (30, 0)), (3, 3, (30, 0)), (4, 4, (30, 0))],
    ids=["partial cancel", "delete", "execution"],
)
def test_order_from_before_the_file(write_pair, kind: int, action: int, sizes: tuple[int, int]) -> None:
    made = tables_of(write_pair(f"34200,{kind},7,30,50,1\n", "60,1,50,10\n", levels=1))
    assert made["l3"].select("LobAction", "OldSize", "Size").rows() == [(action, *sizes)]


def test_delete_of_less_than_what_was_seen(write_pair) -> None:
    """A cancellation while the order was outside the visible levels is not in the file."""
    made = tables_of(write_pair("34200,1,7,30,50,1\n34201,3,7,20,50,1\n", "60,1,50,30\n60,1,40,1\n", levels=1))
    assert made["l3"].select("LobAction", "OldSize", "Size").rows() == [(2, 0, 30), (3, 20, 0)]


def test_trades(story: dict[str, pl.DataFrame]) -> None:
    columns = ("BMLLSequenceNo", "TradeId", "Price", "Size", "AggressorSide", "Classification", "TradeNotional", "OrderRemainingQty")
    assert story["trades"].select(columns).rows() == [
        (4, "4", 501.0, 20.0, 1, "LIT_CONTINUOUS", 10_020.0, 30.0),
        (5, "5", 501.0, 30.0, 1, "LIT_CONTINUOUS", 15_030.0, 0.0),
        (6, "6", 500.45, 40.0, 2, "LIT_HIDDEN", 20_018.0, None),
        (7, "7", 499.0, 5.0, 2, "LIT_CONTINUOUS", 2_495.0, None),
        (9, "9", 500.0, 500.0, 0, "LIT_AUCTION", 250_000.0, None),
    ]


def test_quotes_around_trades(story: dict[str, pl.DataFrame]) -> None:
    columns = ("BestBidPrice", "BestBidSize", "BestAskPrice", "BestAskSize", "PricePoint", "PostTradeMid")
    assert story["trades"].select(columns).rows() == [
        (500.0, 70.0, 501.0, 50.0, 1.0, 500.5),
        (500.0, 70.0, 501.0, 30.0, 1.0, None),
        (500.0, 70.0, None, None, None, None),
        (500.0, 70.0, None, None, None, None),
        (499.0, 5.0, None, None, None, None),
    ]


def test_first_message_has_no_quotes_before_it(write_pair) -> None:
    made = tables_of(write_pair("34200,4,7,30,50,1\n", "60,1,50,10\n", levels=1))
    assert made["trades"].select("BestBidPrice", "BestAskSize", "PricePoint").rows() == [(None, None, None)]


def test_cross_of_size_zero_is_no_trade(write_pair) -> None:
    made = tables_of(write_pair("34200,6,-1,0,0,-1\n", "60,1,50,10\n", levels=1))
    assert made["trades"].height == 0


@pytest.mark.parametrize(("currency", "column"), [("USD", "TradeNotionalUSD"), ("EUR", "TradeNotionalEUR")])
def test_notional_in_its_own_currency(write_pair, currency: str, column: str) -> None:
    trades = tables_of(write_pair(), currency)["trades"]
    assert trades["CurrencyCode"].unique().to_list() == [currency]
    assert trades[column].to_list() == trades["TradeNotional"].to_list()


def test_notional_in_another_currency_is_not_guessed(write_pair) -> None:
    columns = tables_of(write_pair(), "CAD")["trades"].columns
    assert not {"TradeNotionalUSD", "TradeNotionalEUR"} & set(columns)


def test_book_is_the_row_of_the_file(story: dict[str, pl.DataFrame]) -> None:
    columns = [f"{side}{what}{level}" for level in (1, 2) for side in ("Ask", "Bid") for what in ("Price", "Quantity")]
    rows = story["l2"].select("L2EventNo", *columns).rows()
    assert len(rows) == 12
    assert rows[2] == (3, 501.0, 50, 500.0, 70, None, 0, 499.0, 10)
    assert rows[11] == (12, None, 0, 499.0, 5, None, 0, None, 0)


def test_levels_that_the_file_lacks_are_null(story: dict[str, pl.DataFrame]) -> None:
    assert story["l2"].select("BidPrice3", "BidQuantity3", "AskPrice10", "AskQuantity10").null_count().row(0) == (12, 12, 12, 12)


def test_prices_are_the_nearest_floats(write_pair) -> None:
    ticks = [5_804_300, 5_771_800, 5_806_700, 1_234_567, 1]
    lines = "".join(f"34200,1,{number + 1},10,{price},1\n" for number, price in enumerate(ticks))
    book = "".join(f"{price + 100},1,{price},10\n" for price in ticks)
    made = tables_of(write_pair(lines, book, levels=1))
    assert made["l3"]["Price"].to_list() == [price / 10_000 for price in ticks]
    assert made["l2"]["AskPrice1"].to_list() == [(price + 100) / 10_000 for price in ticks]


def test_phases_of_the_day(story: dict[str, pl.DataFrame]) -> None:
    assert story["marketstate"].select("TimestampNanoseconds", "MarketState", "ExchangeMarketState").rows() == [
        (HALF_PAST_NINE, "CONTINUOUS_TRADING", None),
        (at("2024-01-03 14:31:40"), "HALTED", "H"),
        (at("2024-01-03 14:33:20"), "UNSCHEDULED_AUCTION", "Q"),
        (at("2024-01-03 14:35:00"), "CONTINUOUS_TRADING", "T"),
        (at("2024-01-03 21:00:00"), "CLOSED", None),
    ]


def test_rows_know_their_phase(write_pair) -> None:
    messages = "34199,1,1,1,50,1\n34200,1,2,1,50,1\n34201,7,0,0,-1,-1\n34201,1,3,1,50,1\n34202,7,0,0,1,-1\n57600,1,4,1,50,1\n"
    made = tables_of(write_pair(messages, "60,1,50,10\n" * 6, levels=1))
    assert made["l2"]["MarketState"].to_list() == [
        "PRE_OPEN",
        "CONTINUOUS_TRADING",
        "HALTED",
        "HALTED",
        "CONTINUOUS_TRADING",
        "CLOSED",
    ]
    assert made["marketstate"]["MarketState"].to_list() == ["PRE_OPEN", "CONTINUOUS_TRADING", "HALTED", "CONTINUOUS_TRADING", "CLOSED"]


def test_halt_over_the_close_ends_as_closed(write_pair) -> None:
    made = tables_of(write_pair("57000,7,0,0,-1,-1\n", "60,1,50,10\n", levels=1))
    assert made["marketstate"]["MarketState"].to_list() == ["CONTINUOUS_TRADING", "HALTED", "CLOSED"]


def test_reference(story: dict[str, pl.DataFrame]) -> None:
    (row,) = story["reference"].to_dicts()
    listing = Listing("XNAS", "ABC", "USD")
    assert row == {
        "Ticker": "ABC",
        "ListingId": listing.listing_id,
        "InstrumentId": listing.instrument_id,
        "MIC": "XNAS",
        "OPOL": "XNAS",
        "CurrencyCode": "USD",
        "IsAlive": True,
        "IsPrimary": True,
        "MarketDataLevel": "L3",
        "Date": at("2024-01-03 00:00:00"),
    }
