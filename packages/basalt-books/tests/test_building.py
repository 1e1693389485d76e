"""Books by eye."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.books import BookBuilder, BookMessage, OrderFault, OrderTracker, warm_up
from basalt.core.errors import ConflictingSettings, InvalidValue, MissingColumn

README = Path(__file__).resolve().parents[1] / "README.md"


def changes(*rows: tuple[Any, ...], **more: Any) -> pl.DataFrame:
    """Rows of (side, price, size, old price, old size) of listing 7."""
    names = ["Side", "Price", "Size", "OldPrice", "OldSize"]
    types = {"Price": pl.Float64, "OldPrice": pl.Float64}
    frame = pl.DataFrame(list(rows), schema=names, schema_overrides=types, orient="row")
    return frame.with_columns(pl.lit(7).alias("ListingId"), *(pl.Series(name, values) for name, values in more.items()))


def sets(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """Rows of (message, side, price, size) of listing 7."""
    frame = pl.DataFrame(list(rows), schema=["BookMessage", "Side", "Price", "Size"], orient="row")
    return frame.with_columns(pl.lit(7).alias("ListingId"))


BIDS = changes((1, 10.0, 5, None, 0), (1, 10.5, 3, None, 0), (1, 10.0, 2, None, 0), (1, None, 0, 10.5, 3))


def test_levels_after_every_event() -> None:
    shown = BookBuilder(levels=2, sample="event").feed(BIDS)
    names = [
        "BidPrice1",
        "BidQuantity1",
        "BidNumOrders1",
        "BidPrice2",
        "BidQuantity2",
        "BidLevelCount",
        "AskPrice1",
        "AskQuantity1",
        "L2EventNo",
    ]
    assert shown.select(names).rows() == [
        (10.0, 5, 1, None, 0, 1, None, 0, 1),
        (10.5, 3, 1, 10.0, 5, 2, None, 0, 2),
        (10.5, 3, 1, 10.0, 7, 2, None, 0, 3),
        (10.0, 7, 2, None, 0, 1, None, 0, 4),
    ]


def test_only_changes_of_the_levels_shown() -> None:
    assert BookBuilder(levels=1, sample="change").feed(BIDS)["BidQuantity1"].to_list() == [5, 3, 7]


def test_only_where_an_event_ends() -> None:
    rows = BIDS.with_columns(EndOfEvent=pl.Series([False, True, None, True]))
    assert BookBuilder(levels=1).feed(rows)["BidPrice1"].to_list() == [10.5, 10.0]


def test_an_event_that_changes_nothing_in_the_end_is_not_shown() -> None:
    rows = changes((1, 10.0, 5, None, 0), (1, 10.5, 1, None, 0), (1, None, 0, 10.5, 1), EndOfEvent=[True, False, True])
    assert BookBuilder(levels=1).feed(rows).height == 1


def test_a_bucket_is_shown_when_it_is_over() -> None:
    builder = BookBuilder(levels=1, sample="bucket")
    rows = BIDS.with_columns(TimeBucket=pl.Series([1, 1, 2, 3]))
    assert builder.feed(rows[:1]).is_empty()
    assert builder.feed(rows[1:3]).select("TimeBucket", "BidPrice1").rows() == [(1, 10.5)]
    assert builder.feed(rows[3:]).select("TimeBucket", "BidQuantity1").rows() == [(2, 3)]
    assert builder.finish().select("TimeBucket", "BidQuantity1").rows() == [(3, 7)]
    assert builder.finish().is_empty()


def test_any_number_of_levels() -> None:
    count = 3_000
    rows = pl.DataFrame(
        {
            "ListingId": 1,
            "Side": [1, 2] * count,
            "Price": [float(1 + n // 2) for n in range(2 * count)],
            "Size": 1,
            "OldSize": 0,
            "OldPrice": 0.0,
        }
    )
    builder = BookBuilder(levels=count, sample="event")
    last = builder.feed(rows.tail(4))
    assert last.width == 1 + 3 + 6 * count
    assert (builder.report.locked_events, builder.report.crossed_events) == (1, 2)
    builder.feed(rows.head(2 * count - 4).with_columns(EndOfEvent=pl.lit(value=False)))
    books = builder.whole_books()
    assert books.filter(Side=1)["Price"].to_list() == [float(count - n) for n in range(count)]
    assert books.filter(Side=2)["Level"].to_list() == list(range(1, count + 1))


def test_many_listings_and_hash_slots() -> None:
    count = 5_000
    rows = pl.DataFrame(
        {
            "ListingId": [n * 64 for n in range(count)],
            "Side": 1,
            "Price": 1.0,
            "Size": list(range(1, count + 1)),
            "OldSize": 0,
            "OldPrice": 0.0,
        }
    )
    builder = BookBuilder(levels=1)
    assert builder.feed(rows)["BidQuantity1"].to_list() == list(range(1, count + 1))
    assert builder.report.by_listing["ListingId"].to_list() == rows["ListingId"].to_list()


def test_integer_prices_are_divided_exactly() -> None:
    rows = pl.DataFrame({"ListingId": [1], "Side": [2], "Price": [10_100_000_000], "Size": [1], "OldPrice": [0], "OldSize": [0]})
    assert BookBuilder(price_scale=10**9).feed(rows)["AskPrice1"].to_list() == [10.1]
    with pytest.raises(InvalidValue, match="without a scale"):
        BookBuilder().feed(rows)
    with pytest.raises(ConflictingSettings, match="floats in one place"):
        BookBuilder(price_scale=10**9).feed(rows.with_columns(OldPrice=pl.lit(1.0)))


def test_negative_prices_and_zero() -> None:
    rows = changes((1, -1.5, 1, None, 0), (1, -0.0, 2, None, 0), (1, 0.0, 3, None, 0), (1, -37.63, 4, None, 0), (2, -1.0, 1, None, 0))
    builder = BookBuilder(levels=4, sample="event")
    last = builder.feed(rows).row(-1, named=True)
    assert [last[f"BidPrice{level}"] for level in (1, 2, 3, 4)] == [0.0, -1.5, -37.63, None]
    assert last["BidQuantity1"] == 5
    assert last["AskPrice1"] == -1.0
    assert builder.report.crossed_events == 1


def test_levels_that_are_set() -> None:
    builder = BookBuilder(levels=1)
    shown = builder.feed(sets((7, 1, 10.0, 5), (7, 2, 11.0, 4), (7, 1, 10.0, 3), (7, 2, 11.0, 0), (7, 2, 12.0, 0), (5, 0, 0.0, 0)))
    assert shown.select("BidQuantity1", "AskQuantity1", "BidNumOrders1").rows() == [
        (5, 0, None),
        (5, 4, None),
        (3, 4, None),
        (3, 0, None),
        (0, 0, 0),
    ]
    assert builder.report.missing_levels == 1
    assert builder.report.snapshots == 1
    counted = sets((7, 1, 10.0, 5)).with_columns(NumOrders=pl.lit(2))
    assert builder.feed(counted)["BidNumOrders1"].to_list() == [2]


def test_nothing_is_shown_between_a_gap_and_a_snapshot() -> None:
    rows = sets((7, 1, 10.0, 5), (6, 0, 0.0, 0), (7, 1, 10.5, 5), (5, 0, 0.0, 0), (7, 1, 9.0, 5))
    careful, bold = BookBuilder(levels=1), BookBuilder(levels=1, on_gap="keep")
    assert careful.feed(rows)["BidPrice1"].to_list() == [10.0, None, 9.0]
    assert bold.feed(rows)["BidPrice1"].to_list() == [10.0, 10.5, None, 9.0]
    assert (careful.report.gaps, careful.report.withheld_rows, bold.report.withheld_rows) == (1, 2, 0)
    assert not careful.report.is_clean


def test_taking_what_is_not_there_is_told() -> None:
    builder = BookBuilder(levels=1)
    builder.feed(changes((1, None, 0, 10.0, 5), (1, 10.0, 5, None, 0), (1, None, 0, 10.0, 7)))
    report = builder.report
    assert (report.missing_levels, report.missing_quantity, report.overdrawn_levels, report.overdrawn_quantity) == (1, 5, 1, 2)
    assert str(report) == "events 3, overdrawn_levels 1, overdrawn_quantity 2, missing_levels 1, missing_quantity 5"


def test_a_new_day_starts_empty() -> None:
    builder = BookBuilder(levels=1)
    builder.feed(BIDS)
    builder.clear()
    assert builder.whole_books().is_empty()
    assert builder.feed(BIDS[:1]).select("L2EventNo", "BidQuantity1").rows() == [(1, 5)]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"levels": 0}, "levels is 0"),
        ({"price_scale": 0}, "price_scale is 0"),
        ({"sample": "row"}, "sample is 'row'"),
        ({"on_gap": "no"}, "on_gap"),
    ],
)
def test_settings_that_mean_nothing(setting: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidValue, match=re.escape(said)):
        BookBuilder(**setting)


def test_what_is_no_book_row() -> None:
    with pytest.raises(MissingColumn, match="OldSize"):
        BookBuilder().feed(BIDS.drop("OldSize"))
    with pytest.raises(MissingColumn, match="TimeBucket"):
        BookBuilder(sample="bucket").feed(BIDS)
    with pytest.raises(InvalidValue, match="fractions"):
        BookBuilder().feed(BIDS.with_columns(Size=pl.lit(0.5)))
    with pytest.raises(InvalidValue, match="OrderTracker"):
        BookBuilder().feed(sets((1, 1, 10.0, 5)))


def test_faults_of_messages() -> None:
    rows = [
        (1, 11, 1, 10.0, 5, OrderFault.NONE),
        (1, 11, 1, 10.5, 6, OrderFault.DUPLICATE),
        (2, 12, 0, None, 1, OrderFault.UNKNOWN),
        (3, 12, 0, None, 0, OrderFault.UNKNOWN),
        (4, 12, 2, 11.0, 3, OrderFault.UNKNOWN_MODIFIED),
        (4, 13, 0, 11.0, 3, OrderFault.UNKNOWN_MODIFIED),
        (2, 11, 2, None, 1, OrderFault.SIDE_CONFLICT),
        (2, 11, 1, None, 9, OrderFault.OVERDRAWN),
        (1, 14, 1, None, 5, OrderFault.UNPLACED),
        (0, 99, 0, None, 0, OrderFault.NONE),
    ]
    names = ["BookMessage", "OrderId", "Side", "Price", "Size", "Fault"]
    frame = pl.DataFrame(rows, schema=names, schema_overrides={"Price": pl.Float64}, orient="row").with_columns(
        pl.lit(1).alias("ListingId")
    )
    tracker = OrderTracker()
    told = tracker.feed(frame)
    assert told["OrderFault"].to_list() == [int(row[-1]) for row in rows]
    assert told.select("Size", "OldSize").rows() == [(5, 0), (6, 5), (0, 0), (0, 0), (3, 0), (0, 0), (5, 6), (0, 5), (0, 0), (0, 0)]
    assert tracker.resting == 1
    assert not tracker.report.is_clean


def test_ids_may_be_text_and_listings_may_share_them() -> None:
    frame = pl.DataFrame(
        {
            "ListingId": [1, 2, 1],
            "BookMessage": [1, 1, 3],
            "OrderId": ["5", "5", "5"],
            "Side": 1,
            "Price": [1, 2, None],
            "Size": [10, 20, 0],
        }
    )
    told = OrderTracker().feed(frame)
    assert told.select("OldSize", "OldPrice").row(2) == (10, 1)
    assert told["Price"].to_list() == [1, 2, None]


def test_an_order_cannot_take_the_id_of_another() -> None:
    frame = pl.DataFrame(
        {
            "ListingId": 1,
            "BookMessage": [1, 1, 4],
            "OrderId": [1, 2, 1],
            "NewOrderId": [0, 0, 2],
            "Side": 1,
            "Price": [1.0, 2.0, 3.0],
            "Size": [10, 20, 30],
        }
    )
    tracker = OrderTracker()
    told = tracker.feed(frame)
    assert told.select("Size", "OldSize", "OrderFault").row(2) == (0, 10, int(OrderFault.DUPLICATE))
    assert tracker.resting == 1


def test_the_readme_runs() -> None:
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)
    assert names["builder"].report.is_clean
    assert BookMessage.ADD in names["BookMessage"]
    warm_up()
