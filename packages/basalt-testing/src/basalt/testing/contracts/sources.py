"""What every source does: its inventory tells the truth about its rows, and bad files are typed errors."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest

from basalt.core.errors import CorruptInput, SchemaMismatch
from basalt.core.lake import lake_path, write_lake_file
from basalt.core.offers import Inventory, Source, SourceFile
from basalt.core.tables import Table
from basalt.market.tables import TRADES
from basalt.testing.generating import Recipe, Sketch, make_rows
from basalt.testing.tables import DAY

NOWHERE = "XNIX"


class SourceContract:
    """Inherit it and give the fixture `source`, which holds `table` for all of `markets` on all of `days`.

    Attributes:
        table: The table asked for.
        days: Days that the source has.
        markets: Markets that it has on each of them.
    """

    table: ClassVar[Table] = TRADES
    days: ClassVar[Sequence[date]] = (DAY,)
    markets: ClassVar[Sequence[str]] = ("XONE",)

    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        """The source under test, configured."""
        pytest.fail(f"{type(self).__name__} has no fixture `source`")

    @pytest.fixture
    def inventory(self, source: Source) -> Inventory:
        """What it says that it has."""
        return source.inventory(self.table, self.days, self.markets)

    def test_inventory_lists_each_market_and_day(self, inventory: Inventory) -> None:
        """There is one file for each market and day, and nothing is missing."""
        assert sorted((file.mic, file.day) for file in inventory.files) == sorted((mic, day) for day in self.days for mic in self.markets)
        assert inventory.missing == ()

    def test_inventory_counts_the_rows_that_a_scan_delivers(self, source: Source, inventory: Inventory) -> None:
        """Rows of a file are known before it is read."""
        for file in inventory.files:
            assert self._scan(source, inventory, [file]).height == file.rows

    def test_scan_delivers_the_inventory_in_the_contract_s_types(self, source: Source, inventory: Inventory) -> None:
        """Every column that the inventory promises is there, typed as the contract says."""
        wanted = {column.name: column.dtype for column in self.table.available(inventory.columns)}
        assert dict(self._scan(source, inventory, inventory.files).schema) == wanted

    def test_scan_delivers_only_what_is_asked_for(self, source: Source, inventory: Inventory) -> None:
        """Columns come in the order asked, and no others."""
        names = [column.name for column in self.table.available(inventory.columns)][:3]
        for asked in (names, names[::-1]):
            assert source.scan(self.table, inventory.files, asked).collect().columns == asked

    def test_scan_of_no_files_has_no_rows_and_all_types(self, source: Source) -> None:
        """A market without files is an empty table, not an error."""
        empty = source.scan(self.table, [], [self.table.key, *([self.table.time] if self.table.time else [])]).collect()
        assert empty.is_empty()
        assert empty.schema[self.table.key] == self.table[self.table.key].dtype

    def test_what_is_not_there_is_said_to_be_missing(self, source: Source) -> None:
        """A market that the source does not have is reported, not left out."""
        inventory = source.inventory(self.table, self.days[:1], [NOWHERE])
        assert inventory.files == ()
        assert inventory.missing == ((NOWHERE, self.days[0]),)
        assert inventory.columns is None

    def test_markets_are_those_with_data(self, source: Source) -> None:
        """Asking for all markets finds the ones that have files, on their days only."""
        assert set(source.markets(self.table, self.days)) >= set(self.markets)
        assert {file.mic for file in source.inventory(self.table, self.days, None).files} >= set(self.markets)

    def test_fingerprint_stays_while_the_data_stay(self, source: Source, inventory: Inventory) -> None:
        """Looking twice at the same data gives one fingerprint."""
        assert source.inventory(self.table, self.days, self.markets).fingerprint == inventory.fingerprint

    def test_source_travels_to_workers(self, source: Source, inventory: Inventory) -> None:
        """A pickled source reads the same rows."""
        travelled = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own bytes
        assert self._scan(travelled, inventory, inventory.files).equals(self._scan(source, inventory, inventory.files))

    def _scan(self, source: Source, inventory: Inventory, files: Sequence[SourceFile]) -> pl.DataFrame:
        return source.scan(self.table, files, [column.name for column in self.table.available(inventory.columns)]).collect()


def some_rows(table: Table, *, seed: int = 0, count: int = 5) -> pl.DataFrame:
    """Rows of one listing of the first venue, a second apart."""
    columns = tuple(column.name for column in table.columns)
    return make_rows(Recipe(table, columns), Sketch((1_000_000_000,) * count, (0,) * count, seed))


class LakeSourceContract(SourceContract):
    """For sources that read lakes: inherit it and give the fixture `opened`, a function from a lake to the source."""

    markets: ClassVar[Sequence[str]] = ("XONE", "XTWO")
    days: ClassVar[Sequence[date]] = (DAY, DAY + timedelta(days=1))

    @pytest.fixture
    def opened(self) -> Callable[[Path], Source]:
        """A function that opens the lake of a folder."""
        pytest.fail(f"{type(self).__name__} has no fixture `opened`")

    @pytest.fixture
    def lake(self, tmp_path: Path) -> Path:
        """A lake with some rows for each market and day."""
        for seed, (mic, day) in enumerate((mic, day) for day in self.days for mic in self.markets):
            write_lake_file(tmp_path, self.table, mic, day, some_rows(self.table, seed=seed))
        return tmp_path

    @pytest.fixture
    def source(self, opened: Callable[[Path], Source], lake: Path) -> Source:
        """The source over that lake."""
        return opened(lake)

    def _file(self, lake: Path) -> Path:
        return Path(lake_path(str(lake), self.table, self.markets[0], self.days[0]))

    def test_rows_are_those_that_were_written(self, source: Source, inventory: Inventory) -> None:
        """Stored columns come out as they went in, file after file."""
        wanted = pl.concat([some_rows(self.table, seed=seed) for seed in range(len(inventory.files))])
        stored = [name for name in wanted.columns if name not in {self.table.time, *(each.column.name for each in self.table.derived)}]
        by_name = {(mic, day): index for index, (mic, day) in enumerate((mic, day) for day in self.days for mic in self.markets)}
        files = sorted(inventory.files, key=lambda file: by_name[file.mic, file.day])
        assert source.scan(self.table, files, stored).collect().equals(wanted.select(stored))

    def test_a_missing_file_is_reported(self, source: Source, lake: Path) -> None:
        """A day that one market lacks is named."""
        self._file(lake).unlink()
        inventory = source.inventory(self.table, self.days, self.markets)
        assert inventory.missing == ((self.markets[0], self.days[0]),)
        assert len(inventory.files) == len(self.days) * len(self.markets) - 1

    def test_fingerprint_changes_with_the_data(self, source: Source, lake: Path, inventory: Inventory) -> None:
        """Other rows in one file give another fingerprint."""
        write_lake_file(lake, self.table, self.markets[0], self.days[0], some_rows(self.table, seed=99, count=7))
        assert source.inventory(self.table, self.days, self.markets).fingerprint != inventory.fingerprint

    def test_a_truncated_file_is_corrupt(self, source: Source, lake: Path) -> None:
        """Half a file is refused, and the error says which."""
        file = self._file(lake)
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        with pytest.raises(CorruptInput) as refused:
            source.inventory(self.table, self.days, self.markets)
        assert str(file) in str(refused.value)

    def test_a_column_of_another_type_is_refused(self, source: Source, lake: Path) -> None:
        """Text where the contract has a number is an error that names the column."""
        file = self._file(lake)
        rows = pl.read_parquet(file)
        rows.with_columns(pl.lit("one").alias(self.table.key)).write_parquet(file)
        with pytest.raises(SchemaMismatch, match=self.table.key):
            source.inventory(self.table, self.days, self.markets)

    def test_a_required_column_that_is_missing_is_refused(self, source: Source, lake: Path) -> None:
        """A file without a column that every file has is an error that names it."""
        file = self._file(lake)
        lacking = min(self.table.required_names)
        rows = pl.read_parquet(file)
        rows.drop(lacking).write_parquet(file)
        with pytest.raises(SchemaMismatch, match=lacking):
            source.inventory(self.table, self.days, self.markets)
