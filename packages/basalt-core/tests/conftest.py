from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from basalt.configuration import read_config
from basalt.core.catalog import Catalog, using_catalog
from basalt.core.computing import compute_pass
from basalt.core.lake import write_lake_file
from basalt.core.ledger import Ledger
from basalt.core.pipelines import Pipeline, load_module
from basalt.core.planning import plan
from basalt.core.reports import RunReport
from basalt.core.running import run

VENUE = Path(__file__).parent / "venue.py"
MONDAY = date(2026, 2, 2)


def _ticks(*rows: tuple[Any, ...], day: date = MONDAY) -> pl.DataFrame:
    """(listing, "HH:MM:SS", price, size[, kind]) as rows of the table `ticks`, numbered in the order given."""
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - UTC without a zone, as files hold it
    times = [
        midnight + timedelta(seconds=sum(int(part) * unit for part, unit in zip(row[1].split(":"), (3600, 60, 1), strict=True)))
        for row in rows
    ]
    return pl.DataFrame(
        {
            "ListingId": [row[0] for row in rows],
            "TimestampNanoseconds": times,
            "Sequence": list(range(len(rows))),
            "Price": [float(row[2]) for row in rows],
            "Size": [row[3] for row in rows],
            "Kind": [row[4] if len(row) > 4 else "Lit" for row in rows],
        },
        schema={
            "ListingId": pl.Int64,
            "TimestampNanoseconds": pl.Datetime("ns"),
            "Sequence": pl.Int64,
            "Price": pl.Float64,
            "Size": pl.Int64,
            "Kind": pl.String,
        },
    )


def _listings(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """(listing, mic[, instrument]) as a universe."""
    return pl.DataFrame(
        {
            "ListingId": [row[0] for row in rows],
            "MIC": [row[1] for row in rows],
            "Ticker": [f"T{row[0]}" for row in rows],
            "CurrencyCode": ["EUR" for _ in rows],
            "InstrumentId": [row[2] if len(row) > 2 else None for row in rows],
        },
        schema={"ListingId": pl.Int64, "MIC": pl.String, "Ticker": pl.String, "CurrencyCode": pl.String, "InstrumentId": pl.Int64},
    )


def _one_pass(**fields: Any) -> dict[str, Any]:
    """A config of one pass on one day."""
    return {"start_date": MONDAY, "end_date": MONDAY, "passes": [{"name": "bars", "modules": ["tick"], **fields}]}


@pytest.fixture(scope="session")
def monday() -> date:
    return MONDAY


@pytest.fixture(scope="session")
def ticks() -> Callable[..., pl.DataFrame]:
    return _ticks


@pytest.fixture(scope="session")
def listings() -> Callable[..., pl.DataFrame]:
    return _listings


@pytest.fixture(scope="session")
def one_pass() -> Callable[..., dict[str, Any]]:
    return _one_pass


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the kernel's own plugin, a state directory and a working directory of the test's own."""
    installed = {point.name for point in metadata.entry_points(group="basalt")}
    monkeypatch.setenv("BASALT_BLOCK_PLUGINS", ",".join(sorted(installed - {"core"})))
    monkeypatch.setenv("BASALT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("BASALT_LAKE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def venue() -> ModuleType:
    return load_module(VENUE)


@pytest.fixture(autouse=True)
def shelf(venue: ModuleType, _apart: None) -> Iterator[Catalog]:
    """The catalog of the kernel and the test's plugin, in force."""
    with using_catalog(Catalog([venue])) as chosen:
        yield chosen


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """An empty lake."""
    folder = tmp_path / "lake"
    folder.mkdir()
    return folder


@pytest.fixture
def fill(lake: Path, shelf: Catalog) -> Callable[..., Path]:
    """Write rows of a table into the lake."""

    def write(frame: pl.DataFrame, *, mic: str = "XTST", day: date = MONDAY, table: str = "ticks") -> Path:
        return write_lake_file(lake, shelf.tables[table], mic, day, frame).path

    return write


Runner = Callable[..., RunReport]


@pytest.fixture
def launch(shelf: Catalog, lake: Path) -> Runner:
    """Run a config on the lake, in workers, for one or two listings unless told otherwise."""

    def start(config: Mapping[str, Any], *, universe: Any = None, **options: Any) -> RunReport:
        settings = read_config({"lake": str(lake), "num_workers": 1, **config})
        get_universe = universe or (lambda day: _listings((1, "XTST", 10), (2, "XTST", 20)))
        return run(Pipeline(settings, None, shelf, VENUE, offers=True), get_universe=get_universe, **options)

    return start


@pytest.fixture
def compute(shelf: Catalog) -> Callable[..., pl.DataFrame]:
    """Compute the last pass of a config in memory, on literal tables of one day."""

    def rows(
        config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], *, universe: pl.DataFrame | None = None, hidden: bool = False
    ) -> pl.DataFrame:
        planned = plan(config)
        given = universe if universe is not None else _listings((1, "XTST", 10), (2, "XTST", 20))
        frames: dict[str, pl.LazyFrame] = {name: shelf_frame(shelf, name, frame) for name, frame in tables.items()}
        for each in planned.passes:
            made = compute_pass(each, {MONDAY: frames}, {MONDAY: given.lazy()}, planned.datasets())
            frames |= {each.name: made.rows, **made.side_tables}
        found = frames[planned.passes[-1].name].collect()
        return found if hidden else found.drop(column.name for column in planned.passes[-1].dataset.columns if column.hidden)

    return rows


def shelf_frame(shelf: Catalog, name: str, frame: pl.DataFrame) -> pl.LazyFrame:
    """Literal rows as a scan of the table delivers them: its clock, and its derived columns."""
    table = shelf.tables[name]
    derived = [chosen[1].alias(each.column.name) for each in table.derived if (chosen := each.choose(frame.columns))]
    clock = [pl.col(table.time_from[0]).cast(pl.Datetime("ns")).alias(table.time)] if table.time else []
    missing = [pl.lit(None, column.dtype).alias(column.name) for column in table.columns if column.name not in frame.columns]
    return frame.lazy().with_columns(*clock, *derived, *missing)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()
