"""What every importer leaves in a lake: files that keep their contracts, in order, and agree with each other; and what every feed does."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Protocol

import polars as pl
import pytest
from pydantic import BaseModel

from basalt.core.errors import ConflictingSettings, MissingData
from basalt.core.lake import ORDER_KEY, order_columns, write_lake_file
from basalt.core.lake import conform as conform_rows
from basalt.core.scanning import identity_columns
from basalt.core.sources.lake import LakeSource, check_schema
from basalt.core.tables import Table
from basalt.market.books import LEVELS
from basalt.market.statistics import STATISTICS
from basalt.market.tables import L2, REFERENCE, TABLES, TRADES
from basalt.testing.contracts.plugins import HEAVY
from basalt.testing.tables import clock_column

EVENTS = ("trades", "l2", "l3")
"""Tables whose rows are messages of files, and of no calendar."""

_ARRIVAL = "ReceiveTimestamp"
_SIZES = ("Size", "BidQuantity1", "AskQuantity1")

SLACK_HOURS = 14
"""Hours by which a trading day may start before or end after its date in UTC."""


class LakeContract:
    """Inherit it and give the fixture `lake`: a folder that an importer or a simulator filled."""

    @pytest.fixture
    def lake(self, tmp_path: Path) -> Path:
        """A lake with some tables of some markets and days."""
        pytest.fail(f"{type(self).__name__} has no fixture `lake`")

    def test_there_is_something(self, lake: Path) -> None:
        """There are trades or books, and a reference table that names their listings."""
        tables = {table.name for table, _, _ in _files(lake)}
        assert tables & {"trades", "l2", "l3"}
        assert "reference" in tables

    def test_files_keep_their_contracts(self, lake: Path) -> None:
        """Columns and types are those of the table, and no column is unknown to it."""
        for table, _, path in _files(lake):
            frame = pl.read_parquet(path)
            check_schema(table, frame.schema, str(path))
            assert conform_rows(frame, table, where=str(path)).schema == frame.schema, path

    def test_files_are_in_order_and_say_so(self, lake: Path) -> None:
        """Rows are in order of clock and sequence, so that no run has to sort them."""
        for table, _, path in _files(lake):
            names = [name for name in order_columns(table) if name in pl.read_parquet_schema(path)]
            if names:
                assert pl.read_parquet_metadata(path)[ORDER_KEY] == ",".join(names), path
                keys = pl.read_parquet(path, columns=names)
                assert keys.equals(keys.sort(names, maintain_order=True)), path

    def test_no_row_comes_twice(self, lake: Path) -> None:
        """Rows differ in what tells one row from another."""
        for table, _, path in _files(lake):
            identity = identity_columns(table, list(pl.read_parquet_schema(path)))
            if identity:
                assert not pl.read_parquet(path, columns=identity).is_duplicated().any(), path

    def test_rows_belong_to_the_market_and_day_of_their_file(self, lake: Path) -> None:
        """MIC, trade date and clock are those of the path."""
        for table, (mic, day), path in _files(lake):
            frame = pl.read_parquet(path)
            if "MIC" in frame.columns:
                assert set(frame["MIC"]) <= {mic}, path
            if "TradeDate" in frame.columns:
                assert set(frame["TradeDate"].cast(pl.Date)) <= {day}, path
            if table.time and frame.height:
                offset = (
                    pl.col(clock_column(table, frame.columns)).cast(pl.Datetime("ns")) - pl.lit(day).cast(pl.Datetime("ns"))
                ).dt.total_hours()
                assert frame.select(offset.is_between(-SLACK_HOURS, 24 + SLACK_HOURS).all()).item(), path

    def test_every_listing_is_in_the_reference(self, lake: Path) -> None:
        """No row names a listing that nobody can look up."""
        known = {
            (market, listing)
            for table, market, path in _files(lake)
            if table == REFERENCE
            for listing in pl.read_parquet(path)["ListingId"]
        }
        named = {
            (market, listing)
            for _, market, path in _files(lake)
            for listing in pl.read_parquet(path, columns=["ListingId"])["ListingId"].unique()
        }
        assert None not in {listing for _, listing in named}
        assert named <= known

    def test_books_get_worse_from_level_to_level(self, lake: Path) -> None:
        """Prices are strictly ordered outwards, levels have no holes, and a level with a price has a quantity."""
        for table, _, path in _files(lake):
            if table == L2:
                wrong = pl.read_parquet(path).filter(~pl.all_horizontal(_sound_levels(pl.read_parquet_schema(path))))
                assert wrong.is_empty(), (path, wrong.head(1).to_dicts())

    def test_trades_have_prices_and_sizes(self, lake: Path) -> None:
        """Every trade has a price, and a size that is not negative."""
        for table, _, path in _files(lake):
            if table == TRADES:
                frame = pl.read_parquet(path)
                assert frame["Price"].null_count() == 0, path
                assert frame.filter(pl.col("Size").is_null() | (pl.col("Size") < 0)).is_empty(), path

    def test_the_lake_is_one_that_basalt_reads(self, lake: Path) -> None:
        """The source `lake` finds every file, with its rows."""
        source = LakeSource(str(lake))
        for table, (mic, day), path in _files(lake):
            inventory = source.inventory(table, [day], [mic])
            assert [Path(file.path) for file in inventory.files] == [path]
            columns = [column.name for column in table.available(inventory.columns)]
            assert source.scan(table, inventory.files, columns).collect().height == inventory.files[0].rows


class ImportingFeed(Protocol):
    """What the contract needs of a feed."""

    Options: type[BaseModel]

    def import_files(self, paths: Sequence[Path], lake: Path, options: Any, progress: Callable[[str, int, int], None]) -> Any:
        """Import *paths* into *lake*; the result has `files`, each with `path` and `rows`."""
        ...


class FeedContract(LakeContract):
    """Inherit it, name the feed and give the fixture `paths`: files of the vendor that hold something.

    Attributes:
        feed: The feed, an instance.
        options: What its options are set to; those left out have their defaults.
    """

    feed: ClassVar[ImportingFeed]
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture
    def paths(self) -> Sequence[Path]:
        """Files, archives or folders to import."""
        pytest.fail(f"{type(self).__name__} has no fixture `paths`")

    @pytest.fixture
    def lake(self, paths: Sequence[Path], tmp_path: Path) -> Path:
        """A lake that the feed filled."""
        self.import_into(tmp_path / "lake", paths)
        return tmp_path / "lake"

    def import_into(self, lake: Path, paths: Sequence[Path], **more: Any) -> Any:
        """Import *paths* into *lake* with the contract's options, and *more* of them."""
        options = self.feed.Options(**{**self.options, **more})
        return self.feed.import_files(paths, lake, options, lambda what, done, total: None)

    def test_every_option_is_described(self) -> None:
        """`--help` says what each option means."""
        assert [name for name, field in self.feed.Options.model_fields.items() if not field.description] == []

    def test_importing_the_feed_imports_nothing_heavy(self) -> None:
        """Help lists the options of a feed without waiting for data frames."""
        code = f"import sys, {type(self.feed).__module__}; print([name for name in {HEAVY!r} if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - our own code
        assert done.stdout.strip() == "[]", done.stdout + done.stderr

    def test_a_missing_path_is_refused(self, tmp_path: Path) -> None:
        """A path that does not exist is an error, and nothing is written."""
        with pytest.raises(MissingData):
            self.import_into(tmp_path / "untouched", [tmp_path / "absent"])
        assert not (tmp_path / "untouched").exists()

    def test_importing_again_changes_nothing(self, lake: Path, paths: Sequence[Path]) -> None:
        """The same files leave the same rows, and the report names every file with all its rows."""
        before = {path: pl.read_parquet(path) for _, _, path in _files(lake)}
        files = self.import_into(lake, paths).files
        assert [path for _, _, path in _files(lake)] == list(before)
        assert all(pl.read_parquet(path).equals(frame) for path, frame in before.items())
        assert {each.path: each.rows for each in files} == {path: frame.height for path, frame in before.items()}

    @pytest.mark.parametrize("hours", [-1, 1], ids=["before", "after"])
    def test_rows_of_other_times_are_not_dropped_unasked(self, lake: Path, paths: Sequence[Path], tmp_path: Path, hours: int) -> None:
        """What the lake has of a listing from before or after the files stays, or the import is refused and says how to have it done."""
        for number, (table, place, path) in enumerate(_events(lake)):
            other = tmp_path / f"with-more-{number}"
            shutil.copytree(lake, other)
            is_extra = _add_row(lake, other, table, place, hours)
            refusal = self._refusal(other, paths)
            assert refusal is None or ("--replace" in str(refusal.hint) and table.name in str(refusal.where))
            assert pl.read_parquet(other / path.relative_to(lake)).filter(is_extra).height == 1, (table.name, "a row is lost")
            shutil.rmtree(other)

    def _refusal(self, lake: Path, paths: Sequence[Path]) -> ConflictingSettings | None:
        try:
            self.import_into(lake, paths)
        except ConflictingSettings as refusal:
            return refusal
        return None

    @pytest.mark.parametrize("hours", [-1, 1], ids=["before", "after"])
    def test_rows_of_other_times_are_dropped_when_asked(self, lake: Path, paths: Sequence[Path], tmp_path: Path, hours: int) -> None:
        """With `replace`, the lake has what the files have, and nothing else of these listings."""
        other = tmp_path / "with-more"
        shutil.copytree(lake, other)
        for table, place, _ in _events(lake):
            _add_row(lake, other, table, place, hours)
        self.import_into(other, paths, replace=True)
        for table, _, path in _files(lake):
            assert pl.read_parquet(other / path.relative_to(lake)).equals(pl.read_parquet(path)), table.name


def _events(lake: Path) -> Iterator[tuple[Table, tuple[str, date], Path]]:
    """The files whose rows are messages, if they have any."""
    return (each for each in _files(lake) if each[0].name in EVENTS and not _sizable(pl.read_parquet(each[2])).is_empty())


def _sizable(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.any_horizontal(pl.col(name) > 0 for name in _SIZES if name in rows.columns))


def _add_row(lake: Path, other: Path, table: Table, place: tuple[str, date], hours: int) -> pl.Expr:
    """Put a row into *other* that is as far from all that *lake* has as *hours* say; gives what finds it."""
    (path,) = [each for kind, where, each in _files(lake) if (kind, where) == (table, place)]
    stored = pl.read_parquet(path)
    clock = clock_column(table, stored.columns)
    times = [_times(kind, pl.read_parquet(each)) for kind, _, each in _files(lake)]
    reached = [nanos for each in times for nanos in each]
    moment = (max(reached) if hours > 0 else min(reached)) + hours * 3_600 * 10**9
    arrival = [pl.lit(moment).alias(_ARRIVAL)] * (_ARRIVAL in stored.columns)
    another = [pl.col(name) * 2 for name in _SIZES if name in stored.columns]
    apart = pl.col("BMLLSequenceNo") + moment  # some feeds number messages by their time
    extra = _sizable(stored).tail(1).with_columns(pl.lit(moment).cast(stored.schema[clock]).alias(clock), apart, *another, *arrival)
    names = [name for name in order_columns(table) if name in stored.columns]
    write_lake_file(other, table, *place, pl.concat([stored, extra]).sort(names, maintain_order=True))
    return pl.col(clock).cast(pl.Int64) == moment


def _times(table: Table, rows: pl.DataFrame) -> list[int]:
    """First and last times of *rows*, by their clock and by arrival."""
    clock = next((name for name in table.time_from if name in rows.columns), None)
    known = [rows[name].cast(pl.Int64).drop_nulls() for name in (clock, _ARRIVAL) if name in rows.columns]
    return [int(edge) for each in known if each.len() for edge in (each.min(), each.max())]  # type: ignore[arg-type]


def _files(lake: Path) -> Iterator[tuple[Table, tuple[str, date], Path]]:
    """Table, market and day, and path of each file of *lake*."""
    for table in (*TABLES, STATISTICS):
        for path in sorted((lake / table.folder).glob(f"*/*/*/*/{table.prefix}*.parquet")):
            year, month, day = path.parts[-4:-1]
            yield table, (path.parts[-5], date(int(year), int(month), int(day))), path


def _sound_levels(stored: pl.Schema | dict[str, pl.DataType]) -> list[pl.Expr]:
    levels = [level for level in range(1, LEVELS + 1) if f"BidPrice{level}" in stored and f"AskPrice{level}" in stored]
    conditions = []
    for side, outwards in (("Bid", -1), ("Ask", 1)):
        prices = [pl.col(f"{side}Price{level}") for level in levels]
        conditions += [((after - before) * outwards > 0).fill_null(value=True) for before, after in pairwise(prices)]
        conditions += [after.is_null() | before.is_not_null() for before, after in pairwise(prices)]
        conditions += [
            pl.col(f"{side}Price{level}").is_null() | (pl.col(f"{side}Quantity{level}") > 0).fill_null(value=False) for level in levels
        ]
    return conditions
