"""Scenarios: files, interruptions at given times, half days, clocks, other parts of the world."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from basalt.core.errors import InvalidValue, UnknownName
from basalt.synthetic import Scenario, read_scenario, simulate
from basalt.synthetic.commands import app
from basalt.synthetic.scenario import Behaviour, Halt, Interruption

MONDAY = date(2026, 2, 2)
SMALL = {"listings": 2, "scale": 0.05}


def on(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute))


def states(tables: dict[str, pl.DataFrame], listing: int = 100001) -> list[tuple[str, datetime]]:
    rows = tables["marketstate"].filter(pl.col("ListingId") == listing)
    return list(rows.select("MarketState", "TimestampNanoseconds").iter_rows())


def start_of(state: str, tables: dict[str, pl.DataFrame], listing: int = 100001) -> datetime:
    return next(start for name, start in states(tables, listing) if name == state).replace(microsecond=0)


def test_a_halt_at_a_given_time_ends_with_an_auction() -> None:
    halt = Halt(ticker="BSLT", at="10:30", minutes=5, auction_minutes=2)
    tables = simulate(MONDAY, scenario=Scenario(**SMALL, halts=(halt,), fault_free=True))
    names = [name for name, _ in states(tables)]
    place = names.index("HALTED")
    assert names[place - 1 : place + 3] == ["CONTINUOUS_TRADING", "HALTED", "UNSCHEDULED_AUCTION", "CONTINUOUS_TRADING"]
    starts = [start for _, start in states(tables)][place : place + 3]
    assert starts[0] == on(MONDAY, 10, 30)
    assert [later - starts[0] for later in starts[1:]] == [timedelta(minutes=5), timedelta(minutes=7)]
    elsewhere = [name for name, _ in states(tables, 100002)]
    assert elsewhere == ["CLOSED", "PRE_OPEN", "CONTINUOUS_TRADING", "HALTED", "CONTINUOUS_TRADING", "POST_TRADE", "CLOSED"]
    messages = tables["imbalance"].filter(pl.col("MarketState") == "UNSCHEDULED_AUCTION")
    assert messages["TimestampNanoseconds"].is_between(starts[1], starts[2]).all()
    assert messages.height > 10


def test_an_auction_at_a_given_time_leaves_other_venues_trading() -> None:
    scenario = Scenario(**SMALL, auctions=(Interruption(ticker="BSLT", at="14:00", minutes=5),), fault_free=True)
    tables = simulate(MONDAY, scenario=scenario)
    assert start_of("UNSCHEDULED_AUCTION", tables) == on(MONDAY, 14, 0)
    assert "UNSCHEDULED_AUCTION" not in {name for name, _ in states(tables, 100002)}
    during = pl.col("TimestampNanoseconds").is_between(on(MONDAY, 14, 0), on(MONDAY, 14, 5))
    assert tables["l3"].filter(during)["ListingId"].n_unique() == 2
    quotes = tables["cbbo"].filter(during)
    assert quotes.height > 0


def test_a_scenario_changes_nothing_else() -> None:
    halt = Halt(ticker="BSLT", at="10:30")
    plain, halted = (simulate(MONDAY, scenario=Scenario(listings=4, scale=0.05, halts=halts, fault_free=True)) for halts in ((), (halt,)))
    for name, rows in plain.items():
        other = pl.col("ListingId") > 100002
        assert_frame_equal(rows.filter(other), halted[name].filter(other))


def test_parameters_are_a_scenario() -> None:
    one, other = simulate(MONDAY, **SMALL), simulate(MONDAY, scenario=Scenario(**SMALL))
    for name, rows in one.items():
        assert_frame_equal(rows, other[name])


def test_without_faults_nothing_is_late_or_corrected() -> None:
    trades = simulate(MONDAY, scenario=Scenario(listings=4, scale=0.3, fault_free=True))["trades"]
    assert set(trades["ModificationIndicator"]) == {"-"}
    assert set(trades["PublicationMode"]) == {"-"}


def test_behaviour_is_what_participants_do() -> None:
    plain = Behaviour(hidden=0, midpoints=0, icebergs=0, fleeting=0, sweeps=0, retail=0, prints=0)
    tables = simulate(MONDAY, scenario=Scenario(listings=2, scale=0.1, behaviour=plain))
    assert set(tables["truth"]["OrderKind"]) == {"LIMIT", "AUCTION"}
    assert set(tables["truth"]["AggressorKind"]) == {"", "MARKETABLE"}
    assert set(tables["trades"]["Classification"]) == {"LIT_CONTINUOUS", "LIT_AUCTION"}
    assert set(tables["trades"]["BMLLParticipantType"]) == {"UNKNOWN"}


# clocks --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "opens", "offset"),
    [(date(2026, 3, 27), 8, 0), (date(2026, 3, 29), 7, 3600), (date(2026, 10, 24), 7, 3600), (date(2026, 10, 26), 8, 0)],
)
def test_daylight_saving_moves_the_hours(day: date, opens: int, offset: int) -> None:
    tables = simulate(day, scenario=Scenario(listings=4, scale=0.02, fault_free=True))
    for listing in (100001, 100003):
        assert start_of("CONTINUOUS_TRADING", tables, listing).hour == opens
    assert start_of("POST_TRADE", tables, 100002) == on(day, opens + 8, 30)
    london = tables["trades"].filter(pl.col("MIC") == "XLON")
    assert set(london["TZOffset"]) == {offset}
    ahead = london["LocalTradeTimestamp"] - london["TradeTimestamp"]
    assert set(ahead) == {timedelta(seconds=offset)}


def test_between_two_changes_of_clocks_new_york_is_an_hour_nearer() -> None:
    gaps = []
    for day in (date(2026, 3, 2), date(2026, 3, 16)):
        tables = simulate(day, only=[100001, 100011], scenario=Scenario(listings=11, scale=0.02, fault_free=True))
        gaps.append(start_of("CONTINUOUS_TRADING", tables, 100011) - start_of("CONTINUOUS_TRADING", tables))
    assert [round(gap / timedelta(hours=0.5)) for gap in gaps] == [13, 11]


@pytest.mark.parametrize(("day", "asked", "closes"), [(date(2026, 12, 24), None, 12), (date(2026, 12, 24), False, 16), (MONDAY, True, 12)])
def test_half_days(day: date, asked: bool | None, closes: int) -> None:
    tables = simulate(day, scenario=Scenario(**SMALL, half_day=asked, fault_free=True))
    auction = next(start for name, start in states(tables) if name == "CLOSING_AUCTION")
    assert (auction.hour, auction.minute) == (closes, 30)


def test_books_do_not_outlive_the_day() -> None:
    for day in (MONDAY, MONDAY + timedelta(days=1)):
        books = simulate(day, **SMALL)["l2"].group_by("ListingId").first()  # type: ignore[arg-type]
        assert (books["BidLevelCount"] + books["AskLevelCount"]).to_list() == [1, 1]


def test_nights_move_prices() -> None:
    opens, closes = [], []
    for number in range(6):
        latent = simulate(MONDAY + timedelta(days=number), listings=1, scale=0.02)["truth"].sort("TimestampNanoseconds")["LatentPrice"]
        opens.append(latent[0])
        closes.append(latent[-1])
    nights = [abs(opened / closed - 1) for opened, closed in zip(opens[1:], closes, strict=False)]
    assert 0.0005 < sum(nights) / len(nights) < 0.03


# the world -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world() -> dict[str, pl.DataFrame]:
    """Three venues in New York, and Hong Kong."""
    return simulate(MONDAY, only=[100011, 100012, 100013, 100019], scenario=Scenario(listings=20, scale=0.3, fault_free=True))


def test_first_listings_are_european() -> None:
    tables = simulate(MONDAY, scale=0.02)
    assert set(tables["reference"]["MIC"]) == {"XLON", "XPAR", "CHIX"}
    assert set(tables["reference"]["CurrencyCode"]) == {"GBp", "EUR"}


def test_currencies_and_countries(world: dict[str, pl.DataFrame]) -> None:
    trades = world["trades"].select("MIC", "CurrencyCode", "ISOCountryCode", "MinorCurrencyFactor").unique().sort("MIC")
    assert trades.rows() == [("ARCX", "USD", "US", 1.0), ("BATS", "USD", "US", 1.0), ("XHKG", "HKD", "HK", 1.0), ("XNAS", "USD", "US", 1.0)]


def test_nothing_happens_over_lunch(world: dict[str, pl.DataFrame]) -> None:
    lunch = pl.col("TimestampNanoseconds").is_between(on(MONDAY, 4), on(MONDAY, 5), closed="none")
    mine = pl.col("ListingId") == 100019
    assert world["l3"].filter(mine, lunch).is_empty()
    assert world["l3"].filter(mine, pl.col("TimestampNanoseconds") > on(MONDAY, 5)).height > 50
    names = [name for name, _ in states(world, 100019)]
    assert names[3:6] == ["CONTINUOUS_TRADING", "CLOSED", "CONTINUOUS_TRADING"]


def test_some_venues_rename_orders_that_change_their_price(world: dict[str, pl.DataFrame]) -> None:
    moved = world["l3"].filter((pl.col("LobAction") == 4) & ~pl.col("OrderExecuted") & (pl.col("Price") != pl.col("OldPrice")))
    renamed = dict(moved.group_by("ListingId").agg((pl.col("OrderId") != pl.col("OldOrderId")).all()).iter_rows())
    assert renamed == {100011: True, 100012: True, 100013: True, 100019: False}
    assert (moved["OriginalOrderId"] != "").all()


def test_three_venues_make_one_book(world: dict[str, pl.DataFrame]) -> None:
    assert set(world["trades"].filter(pl.col("MIC") != "XHKG")["BestBidVenue"].drop_nulls()) == {"XNAS", "BATS", "ARCX"}
    assert set(world["cbbo"]["ListingId"]) == {100011, 100019}


# files ---------------------------------------------------------------------------------------------------------------


def test_a_file_says_what_is_simulated(tmp_path: Path) -> None:
    file = tmp_path / "day.yaml"
    file.write_text(
        "listings: 2\nscale: 0.05\nhalts:\n  - {ticker: BSLT, at: 10:30, minutes: 7}\nbehaviour: {icebergs: 0.2}\n", encoding="utf-8"
    )
    scenario = read_scenario(file)
    assert scenario == Scenario(**SMALL, halts=(Halt(ticker="BSLT", at="10:30", minutes=7),), behaviour=Behaviour(icebergs=0.2))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("listing: 2", "listing"),
        ("listings: 0", "listings"),
        ("halts: [{ticker: BSLT}]", "halts.0.at"),
        ("behaviour: {icebergs: 2}", "behaviour.icebergs"),
        ("a: [", "no YAML"),
        ("- 1", "the scenario"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "day.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidValue, match=message) as caught:
        read_scenario(file)
    assert caught.value.where == str(file)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="cannot read"):
        read_scenario(tmp_path / "none.yaml")


def test_unknown_instrument() -> None:
    with pytest.raises(UnknownName, match="BSLT"):
        simulate(MONDAY, scenario=Scenario(**SMALL, halts=(Halt(ticker="BSLTT", at="10:30"),)))


def test_command_takes_a_scenario_and_options_before_it(tmp_path: Path) -> None:
    file, lake = tmp_path / "day.yaml", tmp_path / "lake"
    file.write_text("listings: 4\nscale: 0.02\nhalf_day: true\n", encoding="utf-8")
    given = ["simulate", "--lake", str(lake), "--date", "2026-02-02", "--scenario", str(file), "--listings", "1"]
    assert CliRunner().invoke(app, given).exit_code == 0
    (written,) = lake.glob("MarketState/*/*/*/*/*.parquet")
    assert "XLON" in written.name
    auction = pl.read_parquet(written).filter(pl.col("MarketState") == "CLOSING_AUCTION")
    assert auction["TimestampNanoseconds"].dt.hour().to_list() == [12]


def test_the_scenarios_that_are_shown(tmp_path: Path) -> None:
    package = Path(__file__).parents[1]
    (shown,) = re.findall(r"```yaml\n(.*?)```", (package / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "shown.yaml").write_text(shown, encoding="utf-8")
    scenario = read_scenario(tmp_path / "shown.yaml")
    assert scenario.behaviour == Behaviour()
    assert {*Scenario.model_fields} == scenario.model_fields_set
    assert read_scenario(package / "examples" / "stormy.yaml").halts[0].auction_minutes == 4
