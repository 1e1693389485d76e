"""Import Databento: from paths to the files of a lake."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from basalt.core.errors import ConflictingSettings, CorruptInput, InvalidValue, MissingData
from basalt.core.lake import LakeFile, lake_path
from basalt.core.tables import Table
from basalt.feeds.blocks import read_ahead
from basalt.feeds.covering import Coverage, Span
from basalt.feeds.dbn.completing import COMPLETE
from basalt.feeds.dbn.facts import Steps, figure_rows, imbalance_rows, kinds_of, learn_definitions, reference_rows, steps_of
from basalt.feeds.dbn.fields import DAY_NANOS, listings_of
from basalt.feeds.dbn.finding import find_files
from basalt.feeds.dbn.flow import OrderFlow
from basalt.feeds.dbn.levels import LevelFlow
from basalt.feeds.dbn.naming import Directory
from basalt.feeds.dbn.phases import DayPhases
from basalt.feeds.dbn.records import KINDS, RECORDS_AT_ONCE, Header, read_dbn
from basalt.feeds.dbn.texts import read_csv
from basalt.feeds.feed import Imported, Progress, quietly
from basalt.feeds.identifiers import Listing
from basalt.feeds.streaming import MarketDay, MarketDays, market_days
from basalt.market.statistics import STATISTICS
from basalt.market.tables import IMBALANCE, L2, MARKETSTATE, REFERENCE

SCHEMAS = {*KINDS.values(), "tbbo"} - {"mapping"}
_DEPTHS = {"mbo": "L3", "mbp-10": "L2"}
_EPOCH = date(1970, 1, 1)
_MIC = re.compile(r"(?P<mic>[A-Z0-9]{4})\.")
_FACTS = {"statistics": (STATISTICS, figure_rows), "imbalance": (IMBALANCE, imbalance_rows)}


def import_dbn(
    paths: Sequence[Path],
    lake: Path,
    *,
    mic: str | None = None,
    currency: str = "USD",
    books: bool = True,
    queues: bool = True,
    replace: bool = False,
    progress: Progress = quietly,
    records_at_once: int = RECORDS_AT_ONCE,
) -> Imported:
    """Import DBN and CSV files of Databento into *lake*.

    A day is a day in UTC by the time of capture, as the vendor's daily files are. Memory is that of a few blocks of records. For a market and day either all tables
    appear or none; the same listing and day is replaced.

    Args:
        paths: Files and folders; the order does not matter.
        lake: Root of the lake; made if missing.
        mic: Market of everything; None: the first part of the data set's name, as in `XNAS.ITCH`.
        currency: Currency of instruments without a definition.
        books: Make `l2` from order events.
        queues: Say in `l3` where orders stand in their queues (`SizeAhead`, `OrdersAhead` and the like).
        replace: Drop what the lake has of the listings' day beyond the times that the files cover.
        progress: Told about each file.
        records_at_once: Records that are held at once.

    Raises:
        DataError: Files that are missing, cut short, or not what the vendor writes.
        ConflictingSettings: Records of one listing, kind and time are given twice; or the lake has rows of a listing's day from times that
            the files do not cover.
        InvalidValue: A file does not tell its market, and *mic* does not either.
        TargetFailed: The lake cannot be written.
    """
    files = find_files(paths)
    with market_days(lake, COMPLETE) as days, closing(_Work(days, mic, currency, has_books=books, has_queues=queues)) as work:
        for done, file in enumerate(files):
            progress(f"importing {file.name}", done, len(files))
            work.read(file, records_at_once)
        return work.put(lake, replace=replace)


@dataclass
class _Day:
    """What is known of one market's day."""

    records: int = 0
    listings: dict[int, Listing] = field(default_factory=dict)
    depths: set[str] = field(default_factory=set)
    owners: dict[tuple[str, int], str] = field(default_factory=dict)
    steps: dict[int, float] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)
    seen: Steps = field(default_factory=Steps)
    phases: DayPhases = field(default_factory=DayPhases)
    spans: dict[tuple[str, int], dict[Path, Span]] = field(default_factory=dict)
    books_before: dict[int, int] = field(default_factory=dict)

    def coverage(self) -> Coverage:
        """Times of arrival of the records that rows are made of, file by file."""
        told = Coverage()
        phases = {(MARKETSTATE.name, listing): "status" for listing in self.listings}
        for (table, listing), kind in (self.owners | phases).items():
            for span in self.spans.get((kind, listing), {}).values():
                told.add(table, listing, span)
        return told


class _Market:
    """One market, from file to file."""

    def __init__(self, mic: str, currency: str, days: MarketDays, *, has_books: bool, has_queues: bool) -> None:
        self.directory = Directory(mic, currency)
        self.orders, self.levels = OrderFlow(has_books, has_queues), defaultdict[str, LevelFlow](LevelFlow)
        self.days: dict[date, _Day] = {}
        self.passed_over: set[str] = set()
        self._into = days
        self._latest: dict[tuple[str, int], tuple[int, Path]] = {}

    def take(self, header: Header, kind: str, records: pl.DataFrame) -> None:
        """Take records of one kind and file."""
        if kind == "definition":
            learn_definitions(records, self.directory)
        for day, rows in _by_day(records):
            self._take_day(header, kind, day, rows)

    def finish_file(self) -> None:
        """End what a file left open."""
        if self.orders.day in self.days:
            self._add(self.orders.day, "mbo", self.orders.finish(self._listings(self.orders.day)))

    def into(self, day: date) -> MarketDay:
        """The files of *day*."""
        return self._into.of(self.directory.mic, day)

    def _take_day(self, header: Header, kind: str, day: date, rows: pl.DataFrame) -> None:
        known = self.days.setdefault(day, _Day())
        base = known.records
        rows, listings = self.directory.numbered(rows, day)
        self._refuse_repeats(header.path, kind, known, rows)
        known.listings |= {each.listing_id: each for each in listings}
        known.depths.add(_DEPTHS.get(kind, "L1"))
        rows = rows.with_columns((pl.col("position") - rows["position"].item(0) + base).alias("position"))
        known.records = int(rows["position"].item(-1)) + 1
        if kind == "definition":
            known.steps |= steps_of(rows)
            known.kinds |= kinds_of(rows)
            return
        if kind == "status":
            known.phases.add(rows)
            return
        if kind in _FACTS:
            table, make = _FACTS[kind]
            self._add(day, kind, [(table, make(rows, self._listings(day), day))])
            return
        known.seen.see(rows)
        self._add(day, kind, self._flow(kind, day, rows))

    def _flow(self, kind: str, day: date, rows: pl.DataFrame) -> Iterator[tuple[Table, pl.DataFrame]]:
        if kind == "mbo":
            if self.orders.day != day:
                self.finish_file()
                self.orders.start_day(day)
            return self.orders.feed(rows, self._listings(day))
        flow = self.levels[kind]
        if flow.day != day:
            flow.start_day(day)
        return flow.feed(rows, self._listings(day), kind)

    def _listings(self, day: date) -> tuple[Listing, ...]:
        return tuple(self.days[day].listings.values())

    def _add(self, day: date, kind: str, made: Iterable[tuple[Table, pl.DataFrame]]) -> None:
        """Put rows aside for the lake; of a listing's table, only the first kind of file is taken."""
        owners = self.days[day].owners
        for table, found in made:
            rows, ids = found, listings_of(found)
            mine = [each for each in ids if owners.setdefault((table.name, each), kind) == kind]
            if len(mine) < len(ids):
                self.passed_over.add(f"{kind}: {table.name} came from {owners[table.name, next(each for each in ids if each not in mine)]}")
                rows = rows.filter(pl.col("ListingId").is_in(mine))
            placed = self._numbered(day, rows) if table == L2 and kind == "mbo" else rows
            self.into(day).add(table, self.days[day].phases.attach(table, placed))

    def _numbered(self, day: date, books: pl.DataFrame) -> pl.DataFrame:
        """Books numbered within their day; the builder counts on from day to day."""
        if len(self.days) < 2:
            return books
        before = self.days[day].books_before
        for listing, first in books.group_by("ListingId").agg(pl.col("L2EventNo").min()).iter_rows():
            before.setdefault(listing, first - 1)
        return books.with_columns(pl.col("L2EventNo") - pl.col("ListingId").replace_strict(before, return_dtype=pl.Int64))

    def _refuse_repeats(self, path: Path, kind: str, known: _Day, rows: pl.DataFrame) -> None:
        spans = rows.group_by("ListingId").agg(pl.col("ts_recv").min().alias("first"), pl.col("ts_recv").max().alias("last"))
        for listing, first, last in spans.iter_rows():
            until, file = self._latest.get((kind, listing), (0, path))
            if file != path and first < until:
                raise ConflictingSettings(
                    f"records of {kind} of the same listing and time are given twice",
                    where=f"{file} and {path}",
                    hint="leave one of the files out",
                )
            self._latest[kind, listing] = (max(last, until), path)
            of_files = known.spans.setdefault((kind, listing), {})
            low, high = of_files.get(path, (first, last))
            of_files[path] = (min(low, first), max(high, last))

    def notices(self) -> Iterator[str]:
        """What a reader of the command should know."""
        mic = self.directory.mic
        yield from (f"{mic}: {count:,} {what}" for what, count in self.orders.counts.items() if count)
        back = self.orders.clock.steps_back + sum(flow.clock.steps_back for flow in self.levels.values())
        if back:
            yield f"{mic}: {back:,} records claim to be from before the one before them; they have its time"
        if self.directory.nameless:
            numbers = sorted(self.directory.nameless)
            shown = ", ".join(map(str, numbers[:5])) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")
            yield f"{mic}: no symbol for the instruments {shown}: their numbers are their names"
        yield from (f"{mic}: left out {each}" for each in sorted(self.passed_over))


class _Work:
    """One import."""

    def __init__(self, days: MarketDays, mic: str | None, currency: str, *, has_books: bool, has_queues: bool) -> None:
        self._days, self._mic, self._currency = days, mic, currency
        self._has_books, self._has_queues = has_books, has_queues
        self._markets: dict[str, _Market] = {}
        self._notices: list[str] = []

    def read(self, file: Path, records_at_once: int) -> None:
        """Read one file."""
        market: _Market | None = None
        read = read_csv if ".csv" in file.suffixes else read_dbn
        has_any = False
        for header, kind, records in read_ahead(read(file, records_at_once)):
            market = self._market(header)
            market.directory.learn(header.symbols)
            has_any = True
            if kind == "mapping":
                _learn_mappings(records, market.directory)
            else:
                market.take(header, "tbbo" if header.schema == "tbbo" else kind, records)
        if market is not None:
            market.finish_file()
        if not has_any:
            self._notices.append(f"{file.name}: no records of a kind that is read")

    def close(self) -> None:
        """End the threads of the markets."""
        for market in self._markets.values():
            market.orders.close()

    def _market(self, header: Header) -> _Market:
        mic = self._mic or _mic_of(header)
        if mic not in self._markets:
            self._markets[mic] = _Market(mic, self._currency, self._days, has_books=self._has_books, has_queues=self._has_queues)
        return self._markets[mic]

    def put(self, lake: Path, *, replace: bool) -> Imported:
        """Put everything into the lake, one market's day after the other."""
        files = [file for mic in sorted(self._markets) for file in _put_market(self._markets[mic], lake, replace=replace)]
        notices = [*self._notices, *(each for market in self._markets.values() for each in market.notices())]
        if not files:
            raise MissingData(
                "nothing to import", where="the given files", hint=f"kinds of records that are read: {', '.join(sorted(SCHEMAS))}"
            )
        return Imported(tuple(files), tuple(notices))


def _mic_of(header: Header) -> str:
    match = _MIC.match(header.dataset)
    if match is None:
        raise InvalidValue(
            f"{header.path.name} does not tell its market",
            where="--mic",
            hint="name the market, or keep the name that the vendor gave the file",
        )
    return match["mic"]


def _put_market(market: _Market, lake: Path, *, replace: bool) -> Iterator[LakeFile]:
    for day in sorted(market.days):
        known = market.days[day]
        listings = tuple(known.listings[each] for each in sorted(known.listings))
        depth = max(known.depths)
        made = reference_rows(listings, day, known.seen.steps() | known.steps, known.kinds, depth)
        market.into(day).add(REFERENCE, _with_stored(made, lake, market.directory.mic, day, described=set(known.steps) | set(known.kinds)))
        if known.phases.is_told:
            market.into(day).add(MARKETSTATE, known.phases.rows(listings, day))
        yield from market.into(day).put(lake, set(known.listings), coverage=known.coverage(), replace=replace)


def _with_stored(made: pl.DataFrame, lake: Path, mic: str, day: date, *, described: set[int]) -> pl.DataFrame:
    """*made*, with what the lake knows of listings that no definition was given for."""
    path = Path(lake_path(str(lake), REFERENCE, mic, day))
    if not path.exists() or not set(made["ListingId"]) - described:
        return made
    try:
        stored = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as problem:
        raise CorruptInput(f"the lake's file cannot be read: {problem}", where=str(path), hint="remove the file") from problem
    kept = stored.filter(pl.col("ListingId").is_in(made["ListingId"].to_list()), ~pl.col("ListingId").is_in(list(described)))
    kept = kept.select(pl.col(name).cast(REFERENCE[name].dtype) for name in kept.columns if name in REFERENCE.stored_names)
    return pl.concat([made.join(kept, on="ListingId", how="anti"), kept], how="diagonal")


def _by_day(records: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
    """Records of each day in UTC by their time of capture, or of their event without one."""
    captured = pl.col("ts_recv") if "ts_recv" in records.columns else pl.col("ts_event")
    number = (pl.when(captured <= 2**63 - 1).then(captured).otherwise("ts_event") // DAY_NANOS).cast(pl.Int64)
    numbers = records.select(number).to_series()
    if numbers.min() == numbers.max():
        yield _EPOCH + timedelta(days=int(numbers.item(0))), records
        return
    for each in numbers.unique().sort():
        yield _EPOCH + timedelta(days=int(each)), records.filter(numbers == each)


def _learn_mappings(records: pl.DataFrame, directory: Directory) -> None:
    for number, symbol in records.select("instrument_id", "stype_out_symbol").iter_rows():
        if symbol and not symbol.isdigit():
            directory.symbols.known[number] = symbol
