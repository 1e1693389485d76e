"""Contracts fail on what breaks them."""

from __future__ import annotations

import types
from dataclasses import dataclass, replace
from datetime import date
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from pydantic import BaseModel, Field

from basalt.core import hookimpl
from basalt.core.errors import ConflictingSettings, MissingData, TargetFailed
from basalt.core.lake import write_lake_file
from basalt.core.offers import Offer
from basalt.core.sources.lake import LakeSource
from basalt.core.targets.parquet import ParquetOptions, ParquetTarget
from basalt.market.tables import L2, REFERENCE, TRADES
from basalt.testing import ExecutorContract, FeedContract, LakeContract, LakeSourceContract, Place, PluginContract, TargetContract
from basalt.testing.contracts import targets
from basalt.testing.contracts.sources import some_rows
from basalt.testing.tables import DAY

FAILURES = (AssertionError, pytest.fail.Exception)


# ---------------------------------------------------------------- sources


@dataclass(frozen=True)
class Boasting(LakeSource):
    """Says that files have a row more than they have."""

    def inventory(self, table, days, markets):
        found = super().inventory(table, days, markets)
        return replace(found, files=tuple(replace(file, rows=file.rows + 1) for file in found.files), missing=())


@dataclass(frozen=True)
class Forgetful(LakeSource):
    """Gives every state of the data one fingerprint, and columns in an order of its own."""

    def inventory(self, table, days, markets):
        return replace(super().inventory(table, days, markets), fingerprint="same")

    def scan(self, table, files, columns):
        return super().scan(table, files, sorted(columns))


@pytest.fixture
def sources(tmp_path):
    contract = LakeSourceContract()
    for day in contract.days:
        for mic in contract.markets:
            write_lake_file(tmp_path, TRADES, mic, day, some_rows(TRADES))
    return contract, tmp_path


def inventory_of(contract, source):
    return source.inventory(TRADES, contract.days, contract.markets)


def test_a_source_that_miscounts_fails(sources):
    contract, lake = sources
    source = Boasting(str(lake))
    with pytest.raises(AssertionError):
        contract.test_inventory_counts_the_rows_that_a_scan_delivers(source, inventory_of(contract, source))


def test_a_source_that_hides_what_is_missing_fails(sources):
    contract, lake = sources
    with pytest.raises(AssertionError):
        contract.test_what_is_not_there_is_said_to_be_missing(Boasting(str(lake)))


def test_a_source_whose_fingerprint_never_changes_fails(sources):
    contract, lake = sources
    source = Forgetful(str(lake))
    with pytest.raises(AssertionError):
        contract.test_fingerprint_changes_with_the_data(source, lake, inventory_of(contract, source))


def test_a_source_with_an_order_of_its_own_fails(sources):
    contract, lake = sources
    source = Forgetful(str(lake))
    with pytest.raises(AssertionError):
        contract.test_scan_delivers_only_what_is_asked_for(source, inventory_of(contract, source))


# ---------------------------------------------------------------- targets


class Appending(ParquetTarget):
    """Adds to what is there."""

    def commit(self, options, slot, parts, columns, sort_keys, metadata):
        path = Path(self.location(options, slot))
        old = [pl.read_parquet(path)] if path.exists() else []
        receipt = super().commit(options, slot, parts, columns, sort_keys, metadata)
        pl.concat([*old, pl.read_parquet(path)]).write_parquet(path)
        return receipt


class Careless(ParquetTarget):
    """Empties the place before it looks at the parts, and refuses nothing."""

    def check(self, options, slots):
        pass

    def commit(self, options, slot, parts, columns, sort_keys, metadata):
        path = Path(self.location(options, slot))
        path.unlink(missing_ok=True)
        return super().commit(options, slot, parts, columns, sort_keys, metadata)


@pytest.fixture
def place_of(tmp_path):
    def make(target):
        options = ParquetOptions(path_template=f"{tmp_path}/{{start_date}}.parquet")
        shared = ParquetOptions(path_template=f"{tmp_path}/one.parquet")
        return Place(target, options, shared, shared, lambda slot: pl.read_parquet(target.location(options, slot)))

    return make


def parts_in(folder):
    numbers = count()

    def write(*frames):
        paths = [folder / f"{next(numbers)}.part" for _ in frames]
        for path, frame in zip(paths, frames, strict=True):
            frame.write_parquet(path)
        return paths

    return write


def test_a_target_that_appends_fails(place_of, tmp_path):
    with pytest.raises(AssertionError):
        TargetContract().test_a_second_commit_replaces_the_first(place_of(Appending()), parts_in(tmp_path))


def test_a_target_that_drops_the_old_rows_first_fails(place_of, tmp_path):
    with pytest.raises((AssertionError, FileNotFoundError)):
        TargetContract().test_a_commit_that_fails_leaves_the_old_rows(place_of(Careless()), parts_in(tmp_path))


def test_a_target_that_refuses_nothing_fails(place_of):
    with pytest.raises(FAILURES):
        TargetContract().test_check_refuses_slots_that_share_a_place(place_of(Careless()))
    with pytest.raises(FAILURES):
        TargetContract().test_check_refuses_a_place_that_cannot_be_written(place_of(Careless()))


def test_the_contract_s_own_rows_are_sorted():
    assert targets.OLD.equals(targets.OLD.sort(targets.SORT_KEYS))
    assert issubclass(TargetFailed, Exception)


# ---------------------------------------------------------------- executors


class Here:
    """Runs tasks in this very process."""

    def run(self, work, tasks):
        return map(work, tasks)


class Twice(Here):
    """Reports each task twice."""

    def run(self, work, tasks):
        for report in super().run(work, tasks):
            yield report
            yield report


def test_an_executor_that_reports_twice_fails(tmp_path):
    with pytest.raises(AssertionError):
        ExecutorContract().test_each_task_is_reported_once(Twice(), tmp_path)


def test_an_executor_without_processes_fails(tmp_path):
    with pytest.raises(AssertionError):
        ExecutorContract().test_tasks_run_in_processes_of_their_own(Here(), tmp_path)


# ---------------------------------------------------------------- plugins


def plugin_of(**hooks) -> PluginContract:
    module = types.ModuleType("statistics")
    for name, function in hooks.items():
        setattr(module, name, function)
    return type("Contract", (PluginContract,), {"plugin": module})()


def test_a_misspelt_hook_fails():
    with pytest.raises(AssertionError, match="basalt_source"):
        plugin_of(basalt_source=hookimpl(lambda: ())).test_every_hook_exists()


def test_a_hook_without_its_mark_fails():
    with pytest.raises(AssertionError, match="basalt_sources"):
        plugin_of(basalt_sources=lambda: ()).test_every_hook_is_marked()


def test_an_offer_that_can_be_changed_fails():
    loose = types.SimpleNamespace(name="loose")
    with pytest.raises(AssertionError, match="loose"):
        plugin_of(basalt_sources=hookimpl(lambda: [loose])).test_offers_are_frozen()


def test_two_offers_of_one_name_fail():
    twice = Offer("lake", "Twice.", "json:loads")
    with pytest.raises(AssertionError):
        plugin_of(basalt_sources=hookimpl(lambda: [twice, twice])).test_offers_of_a_hook_have_names_of_their_own()


def test_a_plugin_that_imports_polars_fails():
    contract = type("Contract", (PluginContract,), {"plugin": pl})()
    with pytest.raises(AssertionError, match="polars"):
        contract.test_importing_the_plugin_imports_nothing_heavy()


# ---------------------------------------------------------------- feeds


@pytest.fixture
def lake(tmp_path):
    write_lake_file(tmp_path, TRADES, "XONE", DAY, some_rows(TRADES).with_columns(pl.lit(10.0).alias("Price"), pl.lit(1.0).alias("Size")))
    write_lake_file(tmp_path, REFERENCE, "XONE", DAY, pl.DataFrame({"ListingId": [1], "MIC": ["XONE"]}))
    return tmp_path


def rewritten(lake, change):
    path = next(lake.rglob("trades-plus-*.parquet"))
    metadata = pl.read_parquet_metadata(path)
    change(pl.read_parquet(path)).write_parquet(path, metadata={"basalt:order": metadata["basalt:order"]})


LAWS = [name for name in dir(LakeContract) if name.startswith("test_")]


@pytest.mark.parametrize("law", LAWS)
def test_a_sound_lake_passes(lake, law):
    getattr(LakeContract(), law)(lake)


@pytest.mark.parametrize(
    ("law", "change"),
    [
        ("test_files_keep_their_contracts", lambda rows: rows.with_columns(pl.col("Price").cast(pl.Float32))),
        ("test_files_are_in_order_and_say_so", lambda rows: rows.reverse()),
        ("test_no_row_comes_twice", lambda rows: pl.concat([rows, rows])),
        ("test_rows_belong_to_the_market_and_day_of_their_file", lambda rows: rows.with_columns(pl.lit("XTWO").alias("MIC"))),
        (
            "test_rows_belong_to_the_market_and_day_of_their_file",
            lambda rows: rows.with_columns(pl.lit(date(2026, 1, 6)).cast(pl.Datetime("ms")).alias("TradeDate")),
        ),
        ("test_every_listing_is_in_the_reference", lambda rows: rows.with_columns(pl.lit(9, pl.Int64).alias("ListingId"))),
        ("test_trades_have_prices_and_sizes", lambda rows: rows.with_columns(pl.lit(None, pl.Float64).alias("Price"))),
        ("test_trades_have_prices_and_sizes", lambda rows: rows.with_columns(-pl.col("Size"))),
    ],
)
def test_a_lake_that_breaks_its_contract_fails(lake, law, change):
    rewritten(lake, change)
    with pytest.raises(AssertionError):
        getattr(LakeContract(), law)(lake)


@pytest.mark.parametrize("worse", [{"BidPrice2": 10.5}, {"AskPrice2": 11.0}, {"BidPrice1": None}, {"AskQuantity1": 0}])
def test_a_book_that_is_none_fails(lake, worse):
    level = {
        "BidPrice1": 10.0,
        "AskPrice1": 11.0,
        "BidPrice2": 9.0,
        "AskPrice2": 12.0,
        "BidQuantity1": 1,
        "AskQuantity1": 1,
        "BidQuantity2": 1,
        "AskQuantity2": 1,
    }
    book = some_rows(L2, count=1).select("ListingId", "MIC", "TimestampNanoseconds")
    for values, fails in ((level, False), (level | worse, True)):
        columns = [
            pl.lit(value, next(column.dtype for column in L2.columns if column.name == name)).alias(name) for name, value in values.items()
        ]
        write_lake_file(lake, L2, "XONE", DAY, book.with_columns(columns))
        if fails:
            with pytest.raises(AssertionError):
                LakeContract().test_books_get_worse_from_level_to_level(lake)
        else:
            LakeContract().test_books_get_worse_from_level_to_level(lake)


# ---------------------------------------------------------------- feeds


class FeedOptions(BaseModel):
    mic: str = Field("XONE", description="Venue.")
    replace: bool = Field(False, description="Drop rows of other times.")


class SteadyFeed:
    """Writes the same trade for every file it is given."""

    Options = FeedOptions
    sizes = count(1)

    def size(self) -> float:
        return 1.0

    def import_files(self, paths, lake, options, progress):
        for path in paths:
            if not path.exists():
                raise MissingData("no such file", where=str(path))
        trades = some_rows(TRADES, count=1).with_columns(pl.lit(self.size()).alias("Size"))
        if not options.replace:
            self.refuse_loss(lake)
        files = [write_lake_file(lake, TRADES, options.mic, DAY, trades)]
        files += [write_lake_file(lake, REFERENCE, options.mic, DAY, trades.select("ListingId", "MIC"))]
        return SimpleNamespace(files=files)

    def refuse_loss(self, lake):
        if any(pl.read_parquet(path).height > 1 for path in lake.glob("Trades-Plus/**/*.parquet")):
            raise ConflictingSettings("the lake has more trades", where="trades", hint="drop them: --replace")


class GreedyFeed(SteadyFeed):
    """Takes the day for its own."""

    def refuse_loss(self, lake):
        """Nothing is refused."""


class TimidFeed(SteadyFeed):
    """Refuses whatever it is asked."""

    def import_files(self, paths, lake, options, progress):
        self.refuse_loss(lake)
        return super().import_files(paths, lake, options, progress)


class FickleFeed(SteadyFeed):
    """Writes another trade each time."""

    def size(self) -> float:
        return float(next(self.sizes))


class TestSteadyFeed(FeedContract):
    feed = SteadyFeed()

    @pytest.fixture
    def paths(self, tmp_path):
        (tmp_path / "native").touch()
        return [tmp_path / "native"]

    def test_importing_the_feed_imports_nothing_heavy(self):
        """This module is none of a feed: it imports data frames."""


def contract_of(feed):
    return type("Contract", (FeedContract,), {"feed": feed})()


def test_a_feed_that_is_never_the_same_fails(tmp_path):
    contract = contract_of(FickleFeed())
    contract.import_into(tmp_path / "lake", [])
    with pytest.raises(AssertionError):
        contract.test_importing_again_changes_nothing(tmp_path / "lake", [])


def test_a_feed_that_drops_rows_of_other_times_fails(tmp_path):
    contract = contract_of(GreedyFeed())
    contract.import_into(tmp_path / "lake", [])
    with pytest.raises(AssertionError, match="a row is lost"):
        contract.test_rows_of_other_times_are_not_dropped_unasked(tmp_path / "lake", [], tmp_path, 1)


def test_a_feed_that_does_not_replace_when_asked_fails(tmp_path):
    contract = contract_of(TimidFeed())
    contract.import_into(tmp_path / "lake", [])
    with pytest.raises(ConflictingSettings):
        contract.test_rows_of_other_times_are_dropped_when_asked(tmp_path / "lake", [], tmp_path, 1)


def test_a_feed_with_an_option_that_nobody_explains_fails():
    class Unsaid(BaseModel):
        mic: str = "XONE"

    feed = SteadyFeed()
    feed.Options = Unsaid
    with pytest.raises(AssertionError):
        contract_of(feed).test_every_option_is_described()
