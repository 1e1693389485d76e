from __future__ import annotations

import pytest

from basalt.core.errors import CorruptInput, UnsortedInput
from basalt.feeds.lobster.finding import find_pairs
from basalt.feeds.lobster.reading import read_messages, read_pair

LEVEL = "5010000,50,5000000,100"


def read_text(write_pair, messages: str, book: str | None = None, levels: int = 1):
    rows = messages.count("\n") + (not messages.endswith("\n"))
    (pair,) = find_pairs([write_pair(messages, book if book is not None else f"{LEVEL}\n" * rows, levels=levels)])
    (recording,) = read_pair(pair)
    return recording


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("34200", 34_200_000_000_000),
        ("34200.5", 34_200_500_000_000),
        ("34200.05990197", 34_200_059_901_970),
        ("34200.015105074", 34_200_015_105_074),
        ("34200.000000001", 34_200_000_000_001),
        ("57599.999999999", 57_599_999_999_999),
        ("34200.123456789999", 34_200_123_456_789),
        ("0.001", 1_000_000),
    ],
)
def test_time_is_exact(write_pair, text: str, nanos: int) -> None:
    assert read_text(write_pair, f"{text},1,1,10,5000000,1\n").messages["Nanos"].to_list() == [nanos]


def test_every_column_is_read(write_pair) -> None:
    frame = read_text(write_pair, "34200.1,1,11,100,5000000,-1\n").messages
    assert frame.drop("Nanos").rows() == [(1, 11, 100, 5_000_000, -1)]


def test_line_ends_of_any_kind(write_pair) -> None:
    recording = read_text(write_pair, "34200.1,1,1,10,50,1\r\n34200.2,1,2,10,50,1", f"{LEVEL}\r\n{LEVEL}")
    assert recording.messages["OrderId"].to_list() == [1, 2]
    assert recording.book.frame()["BidQuantity1"].to_list() == [100, 100]


def test_levels_beyond_ten_are_cut(write_pair) -> None:
    recording = read_text(write_pair, "34200.1,1,1,10,50,1\n", ",".join([LEVEL] * 12) + "\n", levels=12)
    assert recording.levels == 10
    assert recording.book.frame().width == 40


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("34200.3,1,1,10,5000000", "5 fields where a message has 6"),
        ("34200.3,1,1,10,5000000,1,1", "7 fields"),
        ("", "1 fields"),
        ("34200.3,1,1,10,50x,1", "'50x' is not an integer"),
        ("34200.3,1,1,10,,1", "'' is not an integer"),
        ("34200.3,1,1,10.5,50,1", "'10.5' is not an integer"),
        ("noon,1,1,10,50,1", "'noon' is not a time"),
        ("3.42e4,1,1,10,50,1", "'3.42e4' is not a time"),
        ("-34200.3,1,1,10,50,1", "is not a time"),
        ("86400.0,1,1,10,50,1", "another day"),
        ("34200.3,8,1,10,50,1", "unknown message type 8"),
        ("34200.3,0,1,10,50,1", "unknown message type 0"),
        ("34200.3,1,0,10,50,1", "order id 0"),
        ("34200.3,4,1,0,50,1", "size 0"),
        ("34200.3,5,0,-10,50,1", "size -10"),
        ("34200.3,1,1,10,0,1", "price 0"),
        ("34200.3,1,1,10,50,0", "direction of 0"),
        ("34200.3,7,0,0,2,-1", "halt message with price 2"),
        ("\x00\x01garbage", "1 fields"),
    ],
)
def test_bad_message_is_found(write_pair, line: str, fault: str) -> None:
    good = "34200.1,1,1,10,50,1\n34200.2,1,2,10,50,1\n"
    with pytest.raises(CorruptInput) as caught:
        read_text(write_pair, good + line + "\n34200.9,1,3,10,50,1\n")
    assert fault in caught.value.what
    assert caught.value.where.endswith("_message_1.csv, line 3")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("5010000,50,5000000", "3 fields where a book of 1 levels has 4"),
        (f"{LEVEL},{LEVEL}", "8 fields"),
        ("5010000,50,5000000,-", "'-' is not an integer"),
        ("5010000,-50,5000000,100", "a size of -50"),
        ("0,50,5000000,100", "a price of 0"),
    ],
)
def test_bad_row_of_the_book_is_found(write_pair, line: str, fault: str) -> None:
    messages = "34200.1,1,1,10,50,1\n34200.2,1,2,10,50,1\n"
    with pytest.raises(CorruptInput) as caught:
        read_text(write_pair, messages, f"{LEVEL}\n{line}\n")
    assert fault in caught.value.what
    assert caught.value.where.endswith("_orderbook_1.csv, line 2")


def test_bytes_that_are_no_text(write_pair) -> None:
    folder = write_pair("34200.1,1,1,10,50,1\n", f"{LEVEL}\n", levels=1)
    (pair,) = find_pairs([folder])
    pair.messages.path.write_bytes(b"34200.1,1,1,10,50,1\n\xff\xfe,1,1,10,50,1\n")
    with pytest.raises(CorruptInput) as caught:
        list(read_messages(pair.messages))
    assert caught.value.where.endswith("line 2")


def test_header_is_refused(write_pair) -> None:
    with pytest.raises(CorruptInput, match="'Time' is not a time"):
        read_text(write_pair, "Time,Type,OrderID,Size,Price,Direction\n34200.1,1,1,10,50,1\n")


def test_files_of_unequal_length(write_pair, messages: str, book: str) -> None:
    (pair,) = find_pairs([write_pair(messages, "".join(book.splitlines(keepends=True)[:-1]))])
    with pytest.raises(CorruptInput, match="12 messages but 11 rows of the book") as caught:
        list(read_pair(pair))
    assert "cut short" in caught.value.hint


def test_files_without_lines(write_pair) -> None:
    (pair,) = find_pairs([write_pair("", "")])
    with pytest.raises(CorruptInput, match="no lines"):
        list(read_pair(pair))


def test_time_that_goes_backwards(write_pair) -> None:
    with pytest.raises(UnsortedInput, match="backwards") as caught:
        read_text(write_pair, "34200.1,1,1,10,50,1\n34200.3,1,2,10,50,1\n34200.2,1,3,10,50,1\n")
    assert caught.value.where.endswith("line 3")


@pytest.mark.parametrize("block_bytes", [1, 50, 10_000])
@pytest.mark.parametrize(
    ("line", "fault"),
    [("34200.1,1,3,10,50,1", "backwards"), ("34200.3,9,3,10,50,1", "type 9"), ("34200.3,1,3,10,50", "5 fields"), ("", "1 fields")],
)
def test_lines_are_counted_over_blocks(write_pair, line: str, fault: str, block_bytes: int) -> None:
    messages = f"34200.1,1,1,10,50,1\n34200.2,1,2,10,50,1\n{line}\n34200.4,1,4,10,50,1\n"
    (pair,) = find_pairs([write_pair(messages, f"{LEVEL}\n" * 4, levels=1)])
    with pytest.raises((CorruptInput, UnsortedInput), match=fault) as caught:
        list(read_pair(pair, block_bytes=block_bytes))
    assert caught.value.where.endswith("_message_1.csv, line 3")


@pytest.mark.parametrize("block_bytes", [1, 50, 10_000])
@pytest.mark.parametrize(("messages", "rows"), [(5, 3), (3, 5), (4, 3)])
def test_unequal_files_are_counted_over_blocks(write_pair, messages: int, rows: int, block_bytes: int) -> None:
    (pair,) = find_pairs([write_pair("34200.1,1,1,10,50,1\n" * messages, f"{LEVEL}\n" * rows, levels=1)])
    with pytest.raises(CorruptInput, match=f"{messages} messages but {rows} rows of the book"):
        list(read_pair(pair, block_bytes=block_bytes))
