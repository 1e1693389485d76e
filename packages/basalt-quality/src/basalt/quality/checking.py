"""Checking a lake, one market and day after the other, some listings at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

import polars as pl

from basalt.core.errors import DataError
from basalt.core.sources.lake import check_schema, read_footer
from basalt.core.tables import Table
from basalt.market.sessions import calendar_of, has_calendar
from basalt.market.ticks import ladders_of_day
from basalt.quality.files import FoundFile, Lake, Wanted, files_of
from basalt.quality.findings import DATA_QUALITY, HIT_SCHEMA, merged, one_hit
from basalt.quality.looking import agreement, order, orders, silence, trading, values
from basalt.quality.seen import MarketDay, Seen

ALWAYS = ("trades", "reference")
"""Tables that every market and day has."""

_CONTEXT = ("marketstate", "reference", "ticksize")
"""Tables that the checks of others read; they are looked at first."""

MAX_ROWS = 1_000_000
"""Rows of all tables that are looked at together."""

LISTING_SCHEMA: dict[str, pl.DataType] = {
    "MIC": pl.String(),
    "Date": pl.Date(),
    "Table": pl.String(),
    "ListingId": pl.Int64(),
    "Rows": pl.Int64(),
    "First": pl.Int64(),
    "Last": pl.Int64(),
    "Coverage": pl.Float64(),
}


@dataclass(frozen=True)
class Checked:
    """What was found in a market's day.

    Attributes:
        mic, day: Which.
        findings: What is wrong, as `FINDING_SCHEMA` says.
        listings: Rows and coverage by table and listing, as `LISTING_SCHEMA` says.
        known: The listings of the day.
        is_there: Whether the lake has any file of the day.
    """

    mic: str
    day: date
    findings: pl.DataFrame
    listings: pl.DataFrame
    known: tuple[int, ...]
    is_there: bool = True


def check_lake(
    lake: Lake | Path | str,
    tables: Mapping[str, Table],
    wanted: Wanted,
    *,
    ladders: pl.DataFrame | None = None,
    max_rows: int = MAX_ROWS,
    observe: Callable[[str, int, int], None] = lambda text, done, total: None,
) -> Iterator[Checked]:
    """Look for what is wrong, market by market and day by day.

    Days that the lake has nothing of are looked at where *wanted* says a first and a last day and the market's calendar has a session:
    all tables that the market has on other days are missing.

    Args:
        lake: Its folder or URL.
        tables: Contracts by name.
        wanted: Days, markets and tables to look at.
        ladders: Tick sizes, of `basalt.market.ticks.read_ladders`, instead of those of the lake.
        max_rows: Rows that are looked at together; memory grows with it and not with the files.
        observe: Told what is looked at, how many days are done, and of how many.
    """
    looked_at = [table for table in tables.values() if table.folder and table.name != DATA_QUALITY.name]
    place = lake if isinstance(lake, Lake) else Lake.at(lake)
    everything = files_of(place, looked_at, Wanted(markets=wanted.markets))
    expected = _expected(everything)
    chosen = [file for file in everything if wanted.has(file)]
    there = {key: list(files) for key, files in groupby(chosen, key=lambda file: (file.mic, file.day))}
    absent = {(mic, day): list[FoundFile]() for mic in expected for day in _sessions(mic, wanted)}
    days = sorted((absent | there).items())
    for number, ((mic, day), files) in enumerate(days):
        observe(f"checking {mic} {day}", number, len(days))
        yield check_day(place, mic, day, files, tables, expected[mic], only=wanted.tables, ladders=ladders, max_rows=max_rows)


def _sessions(mic: str, wanted: Wanted) -> list[date]:
    """Days of the wanted range on which a market trades; none without a range or a calendar."""
    if wanted.first is None or wanted.last is None or not has_calendar(mic):
        return []
    return [session.day for session in calendar_of(mic).sessions(wanted.first, wanted.last)]


def _expected(files: Iterable[FoundFile]) -> dict[str, tuple[str, ...]]:
    """Tables that each market has on some day, and those that every market has."""
    found: dict[str, set[str]] = {}
    for file in files:
        found.setdefault(file.mic, set(ALWAYS)).add(file.table.name)
    return {mic: tuple(sorted(names)) for mic, names in found.items()}


def check_day(
    lake: Lake,
    mic: str,
    day: date,
    files: Sequence[FoundFile],
    tables: Mapping[str, Table],
    expected: Sequence[str] = ALWAYS,
    *,
    only: Sequence[str] = (),
    ladders: pl.DataFrame | None = None,
    max_rows: int = MAX_ROWS,
) -> Checked:
    """Look for what is wrong in the *files* of a market and day.

    Args:
        lake: Where the files are.
        mic, day: Which.
        files: Its files.
        tables: Contracts by name.
        expected: Tables that it ought to have.
        only: Tables to speak of; all if empty.
        ladders, max_rows: As of `check_lake`.
    """
    names = {file.table.name for file in files}
    found = [one_hit("MISSING_TABLE", name, day, detail=f"{mic} has no {name}") for name in expected if name not in names]
    sound: dict[str, str] = {}
    for file in files:
        problem = _broken(lake, file)
        if problem is None:
            sound[file.table.name] = file.path
        else:
            found.append(problem)
    rows = _Rows(MarketDay(lake, mic, day, sound, tables), max_rows, ladders)
    found += rows.hits()
    hits = pl.concat([pl.DataFrame(schema=HIT_SCHEMA), *found])
    if only:
        hits = hits.filter(pl.col("CheckedTable").is_in(list(only)))
    return Checked(mic, day, merged(hits, mic, day), rows.listings(), rows.known, is_there=bool(files))


def _broken(lake: Lake, file: FoundFile) -> pl.DataFrame | None:
    """A hit when a file cannot be read or breaks its contract."""
    try:
        footer = read_footer(file.path, lake.storage_options)
    except DataError as problem:
        return one_hit("BROKEN_FILE", file.table.name, file.day, detail=problem.what)
    try:
        check_schema(file.table, footer.schema, file.path)
    except DataError as problem:
        return one_hit("BROKEN_CONTRACT", file.table.name, file.day, detail=problem.what)
    return None


class _Rows:
    """The rows of a market's day, looked at some listings at a time."""

    def __init__(self, market: MarketDay, max_rows: int, ladders: pl.DataFrame | None) -> None:
        self.market, self.max_rows, self.ladders = market, max_rows, ladders
        self.unreadable: dict[str, str] = {}
        self.told: dict[str, pl.DataFrame] = {}
        for name in sorted(market.paths, key=lambda name: name not in _CONTEXT):
            told = self._told(name)
            if told is not None:
                self.told[name] = told
            elif name in self.unreadable:
                self.market = self.market.without(name)
        self.known = tuple(sorted({int(each) for told in self.told.values() for each in told["ListingId"].drop_nulls().to_list()}))

    def _told(self, name: str) -> pl.DataFrame | None:
        """Rows and coverage of each listing of a table."""
        seen = self.market.seen(name)
        if seen is None or "ListingId" not in seen.columns:
            return None
        opened = self.market.open_intervals() if seen.table.time and "marketstate" in self.market.paths else None
        collected = self._collected(name, [silence.coverage(seen, opened)])
        return collected[0] if collected else None

    def _collected(self, name: str, frames: Iterable[pl.LazyFrame]) -> list[pl.DataFrame]:
        """*frames* of the table *name*, computed; a file that turns out to be damaged is noted."""
        if name in self.unreadable:
            return []
        try:
            return pl.collect_all(list(frames), engine="streaming")
        except (pl.exceptions.PolarsError, OSError) as problem:
            self.unreadable[name] = str(problem).splitlines()[0]
            return []

    def listings(self) -> pl.DataFrame:
        """Rows and coverage by table and listing."""
        frames = [
            told.with_columns(pl.lit(self.market.mic).alias("MIC"), pl.lit(self.market.day).alias("Date"), pl.lit(name).alias("Table"))
            for name, told in self.told.items()
            if self.market.tables[name].time
        ]
        empty = pl.DataFrame(schema=LISTING_SCHEMA)
        return pl.concat(
            [empty, *(frame.select(pl.col(name).cast(dtype) for name, dtype in LISTING_SCHEMA.items()) for frame in frames)]
        ).sort("Table", "ListingId")

    def hits(self) -> list[pl.DataFrame]:
        """Everything that is wrong with the rows."""
        clocked = [name for name in self.told if self.market.tables[name].time]
        found = [*self._absences(), *self._whole_files(clocked)]
        for batch in self._batches(clocked):
            states, opened = self.market.states(batch), self.market.open_intervals(batch)
            ladders = self._ladders()
            for name in clocked:
                seen = self.market.seen(name, batch)
                assert seen is not None
                found += self._collected(name, _looks(seen, states, opened, ladders))
            found += self._collected("l3", agreement.look(self._seen("trades", batch), self._seen("l3", batch)))
        found += [one_hit("BROKEN_FILE", name, self.market.day, detail=problem) for name, problem in self.unreadable.items()]
        return found

    def _seen(self, name: str, batch: Sequence[int] | None) -> Seen | None:
        return self.market.seen(name, batch) if name in self.told and name not in self.unreadable else None

    def _whole_files(self, names: Iterable[str]) -> list[pl.DataFrame]:
        opened = self.market.open_intervals()
        looks = {name: silence.whole_market(seen, opened) for name in names if (seen := self.market.seen(name))}
        return [frame for name, look in looks.items() if look is not None for frame in self._collected(name, [look])]

    def _absences(self) -> Iterator[pl.DataFrame]:
        """Listings that the reference does not know, and those that one of the two book tables lacks."""
        rows = {name: set(told["ListingId"].to_list()) for name, told in self.told.items()}
        reference = rows.get("reference")
        for name, listings in rows.items():
            for listing in sorted(listings - reference - {None}) if reference is not None else ():
                yield one_hit("UNKNOWN_LISTING", name, self.market.day, listing=listing, detail=f"{name} has it, reference has not")
        for one, other in (("l2", "l3"), ("l3", "l2")):
            for listing in sorted(rows.get(one, set()) - rows.get(other, rows.get(one, set()))):
                yield one_hit("MISSING_ROWS", other, self.market.day, listing=listing, detail=f"{one} has it, {other} has not")

    def _batches(self, names: Sequence[str]) -> Iterator[list[int] | None]:
        """Listings that are looked at together: all, where they are few rows."""
        counted = pl.concat(
            [
                pl.DataFrame(schema={"ListingId": pl.Int64(), "Rows": pl.Int64()}),
                *(self.told[name].select("ListingId", "Rows") for name in names),
            ]
        )
        sizes = counted.group_by("ListingId").agg(pl.col("Rows").sum()).sort("ListingId")
        if int(sizes["Rows"].sum()) <= self.max_rows:
            yield None
            return
        batch: list[int] = []
        total = 0
        for listing, count in sizes.drop_nulls().iter_rows():
            if batch and total + count > self.max_rows:
                yield batch
                batch, total = [], 0
            batch.append(listing)
            total += count
        yield batch

    def _ladders(self) -> pl.LazyFrame | None:
        """Tick sizes of the day: those given, else of the table `ticksize`, else the single ones of the reference."""
        if self.ladders is not None:
            listings = pl.DataFrame({"ListingId": self.known, "MIC": self.market.mic}, schema={"ListingId": pl.Int64(), "MIC": pl.String()})
            return ladders_of_day(self.ladders, listings, self.market.day).lazy()
        ticks = self.market.seen("ticksize")
        if ticks is not None:
            return ticks.frame.select("ListingId", "PriceFrom", "TickSize")
        reference = self.market.seen("reference")
        if reference is None or not reference.has("TickSize"):
            return None
        return reference.frame.select("ListingId", pl.lit(0.0).alias("PriceFrom"), pl.col("TickSize").cast(pl.Float64())).drop_nulls()


def _looks(seen: Seen, states: pl.LazyFrame | None, opened: pl.LazyFrame | None, ladders: pl.LazyFrame | None) -> Iterator[pl.LazyFrame]:
    yield from order.look(seen)
    yield from values.look(seen, ladders)
    yield from trading.look(seen, states)
    yield from orders.look(seen)
    yield from silence.look(seen, opened)
