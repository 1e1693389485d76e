"""Any date works, every listing-day stands alone, and files keep their contracts."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt.core.errors import InvalidValue, UnknownName
from basalt.core.lake import conform
from basalt.market.states import MARKET_STATES
from basalt.synthetic import Scenario, index_members, simulate
from basalt.synthetic.exchange import TABLES
from basalt.synthetic.market import listings_of, universe
from basalt.synthetic.phases import Schedule, schedules

SUNDAY = date(2026, 2, 1)
NAMES = ["trades", "l2", "l3", "cbbo", "marketstate", "imbalance", "reference", "ticksize", "truth"]
CLOCKS = {
    "trades": "TradeTimestampNanoseconds",
    "l2": "TimestampNanoseconds",
    "l3": "TimestampNanoseconds",
    "marketstate": "TimestampNanoseconds",
    "imbalance": "TimestampNanoseconds",
    "truth": "TimestampNanoseconds",
}


@pytest.mark.parametrize("name", NAMES)
def test_rows_keep_the_contract(tables: dict[str, pl.DataFrame], name: str) -> None:
    (table,) = [each for each in TABLES if each.name == name]
    assert_frame_equal(conform(tables[name], table, where="simulated"), tables[name])


@pytest.mark.parametrize("name", list(CLOCKS))
def test_rows_are_in_order_and_numbers_are_unique(tables: dict[str, pl.DataFrame], name: str) -> None:
    venue_of = dict(tables["reference"].select("ListingId", "MIC").iter_rows())
    rows = tables[name].select(pl.col("ListingId").replace_strict(venue_of).alias("venue"), CLOCKS[name], "BMLLSequenceNo")
    for _, file in rows.group_by("venue"):
        numbers = file["BMLLSequenceNo"]
        assert (numbers.diff().drop_nulls() > 0).all()
        assert file[CLOCKS[name]].is_sorted()


def test_listings_are_interleaved(tables: dict[str, pl.DataFrame]) -> None:
    ids = tables["l3"].filter(pl.col("TimestampNanoseconds") > pl.datetime(2026, 2, 1, 8, 1))["ListingId"]
    assert (ids.diff() != 0).sum() > ids.len() // 10


@pytest.mark.parametrize("listing", [100001, 100002, 100004])
def test_one_listing_alone_is_the_same(tables: dict[str, pl.DataFrame], listing: int) -> None:
    alone = simulate(SUNDAY, listings=4, scale=0.15, only=[listing])
    for name in NAMES:
        assert_frame_equal(alone[name], tables[name].filter(pl.col("ListingId") == listing))


def test_more_listings_do_not_change_the_first(tables: dict[str, pl.DataFrame]) -> None:
    more = simulate(SUNDAY, listings=5, scale=0.15)
    assert more["reference"].height == 5
    for name in NAMES:
        assert_frame_equal(more[name].filter(pl.col("ListingId") < 100005), tables[name])


def test_another_seed_is_another_market() -> None:
    one, other = (simulate(SUNDAY, listings=1, scale=0.05, seed=seed)["trades"] for seed in (1, 2))
    assert not one.select("Price", "Size").equals(other.select("Price", "Size"))


def test_scale_is_activity() -> None:
    small, large = (simulate(SUNDAY, listings=1, scale=scale)["trades"].height for scale in (0.05, 0.4))
    assert 4 < large / small < 12


@pytest.mark.parametrize("day", [date(2026, 2, 1), date(2024, 2, 29), date(1999, 12, 31), date(2026, 2, 2), date(2060, 6, 5)])
def test_any_date_works(day: date) -> None:
    tables = simulate(day, listings=1, scale=0.02)
    for name, clock in CLOCKS.items():
        assert tables[name].height > 0
        assert set(tables[name][clock].dt.date()) == {day}
    assert set(tables["trades"]["TradeDate"].dt.date()) == {day}
    assert tables["reference"]["Date"].dt.date().to_list() == [day]


def test_days_differ_and_prices_stay_near() -> None:
    closes = [
        simulate(SUNDAY + timedelta(days=number), listings=1, scale=0.02)["trades"]["InstrumentCurrencyPrice"][-1] for number in range(5)
    ]
    assert len(set(closes)) == 5
    assert max(closes) / min(closes) < 1.2


def test_states_of_a_home_venue_and_of_another(tables: dict[str, pl.DataFrame]) -> None:
    states = {
        listing: rows["MarketState"].to_list() for (listing,), rows in tables["marketstate"].group_by("ListingId", maintain_order=True)
    }
    morning = ["CLOSED", "PRE_OPEN", "OPENING_AUCTION", "CONTINUOUS_TRADING"]
    evening = ["CLOSING_AUCTION", "POST_TRADE", "CLOSED"]
    assert states[100001] == [*morning, "INTRADAY_AUCTION", "CONTINUOUS_TRADING", *evening]
    assert states[100003] == [*morning, *evening]
    assert states[100002] == ["CLOSED", "PRE_OPEN", "CONTINUOUS_TRADING", "POST_TRADE", "CLOSED"]
    assert {state for each in states.values() for state in each} <= set(MARKET_STATES)


def home_schedule(day: date) -> Schedule:
    (listing,) = universe(1, 7)
    venues = tuple(each.venue for each in listings_of(listing, 7))
    return schedules(listing.instrument, venues, day, Scenario())[0]


def halted_day() -> date:
    """The first day from Sunday on which the first listing is halted and trades on without an auction."""
    days = (SUNDAY + timedelta(days=number) for number in range(300))
    for day in days:
        states = [phase.state for phase in home_schedule(day).phases]
        if "HALTED" in states and states[states.index("HALTED") + 1] == "CONTINUOUS_TRADING":
            return day
    raise AssertionError


def test_nothing_happens_on_the_book_during_a_halt() -> None:
    tables = simulate(halted_day(), listings=2, scale=0.5)
    states = tables["marketstate"].filter(pl.col("ListingId") == 100001)
    names = states["MarketState"].to_list()
    halt = names.index("HALTED")
    begins, ends = states["TimestampNanoseconds"][halt], states["TimestampNanoseconds"][halt + 1]
    assert timedelta(minutes=5) <= ends - begins <= timedelta(minutes=10)
    during = pl.col("TimestampNanoseconds").is_between(begins, ends, closed="none")
    assert tables["l3"].filter(during).is_empty()
    assert tables["l2"].filter(during).is_empty()
    assert tables["cbbo"].filter(during).is_empty()
    trades = tables["trades"].filter(pl.col("TradeTimestampNanoseconds").is_between(begins, ends, closed="left"))
    assert set(trades["Classification"]) <= {"OFF_BOOK_ON_EXCHANGE"}
    assert trades["BestBidPrice"].null_count() == trades.height
    later = tables["l3"].filter(pl.col("TimestampNanoseconds") > ends)
    assert later.height > 100


@pytest.mark.parametrize("state", ["HALTED", "UNSCHEDULED_AUCTION"])
def test_some_days_have_an_interruption(state: str) -> None:
    days = [SUNDAY + timedelta(days=number) for number in range(240)]
    found = sum(any(phase.state == state for phase in home_schedule(day).phases) for day in days)
    assert 8 <= found <= 50


def test_reference_names_venues_and_instruments(tables: dict[str, pl.DataFrame]) -> None:
    rows = tables["reference"].select("ListingId", "InstrumentId", "MIC", "OPOL", "IsPrimary", "CurrencyCode", "ISIN")
    assert rows.rows() == [
        (100001, 500001, "XLON", "XLON", True, "GBp", "GBSYN0000005"),
        (100002, 500001, "CHIX", "XLON", False, "GBp", "GBSYN0000005"),
        (100003, 500002, "XPAR", "XPAR", True, "EUR", "FRSYN0000011"),
        (100004, 500002, "CHIX", "XPAR", False, "EUR", "FRSYN0000011"),
    ]


def test_tick_sizes_are_the_steps_of_the_prices(tables: dict[str, pl.DataFrame]) -> None:
    ladders = tables["ticksize"]
    said = tables["reference"].select("ListingId", "MIC", "TickSize")
    assert_frame_equal(ladders.select("ListingId", "MIC", "TickSize"), said)
    assert set(ladders["PriceFrom"]) == {0.0}
    assert ladders["TickSize"][1] == ladders["TickSize"][0] / 2  # CHIX
    for listing, tick in ladders.select("ListingId", "TickSize").iter_rows():
        orders = tables["l3"].filter(pl.col("ListingId") == listing, pl.col("LobAction") != 1)
        steps = {Decimal(str(price)) / Decimal(str(tick)) for price in orders["Price"].drop_nulls()}
        assert len(steps) > 20
        assert all(step == int(step) for step in steps)
        assert any(int(step) % 2 for step in steps)


def test_venues_of_an_instrument_move_together(tables: dict[str, pl.DataFrame]) -> None:
    mids = (
        tables["l2"].filter(pl.col("MarketState") == "CONTINUOUS_TRADING").with_columns(mid=(pl.col("BidPrice1") + pl.col("AskPrice1")) / 2)
    )
    means = dict(mids.group_by("ListingId").agg(pl.col("mid").mean()).iter_rows())
    assert means[100001] == pytest.approx(means[100002], rel=0.005)
    assert means[100003] == pytest.approx(means[100004], rel=0.005)


def test_index_members() -> None:
    assert index_members("SYN-UK") == (100001, 100005, 100009)
    assert index_members("SYN-FR") == (100003, 100007, 100010)
    assert index_members("SYN-ALL", listings=3) == (100001, 100003)
    with pytest.raises(UnknownName, match="SYN-UK"):
        index_members("SYN-UX")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"listings": 0}, "0 listings"),
        ({"listings": 10_001}, "10001 listings"),
        ({"scale": 0.0}, "scale 0.0"),
        ({"scale": float("nan")}, "scale nan"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_bad_parameters(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        simulate(SUNDAY, **settings)  # type: ignore[arg-type]


def test_unknown_listing() -> None:
    with pytest.raises(UnknownName, match="unknown synthetic listing '100011'"):
        simulate(SUNDAY, only=[100011])
