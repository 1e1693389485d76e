"""Preparing: sources looked at, listings known, the plan bound to real columns, files surveyed.

Everything here reads metadata, reference rows and, once a file, its order columns; nothing of it
computes results.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl

from basalt.configuration.models import AnalyticsConfig
from basalt.core.catalog import Catalog
from basalt.core.errors import (
    InvalidValue,
    MissingData,
)
from basalt.core.guarding import foreign, told
from basalt.core.inputs import TableInput
from basalt.core.layering import LayeredSource, in_layers
from basalt.core.ledger import Ledger
from basalt.core.offers import Source, SourceFile
from basalt.core.places import check_places
from basalt.core.planning import plan
from basalt.core.planning.slots import run_days
from basalt.core.plans import Plan
from basalt.core.surveying import Found, survey_inputs
from basalt.core.tables import Table
from basalt.core.telling import Listener, heard_by, tell
from basalt.core.universes import LABEL_DTYPES, GetUniverse, conform, parse_spec

NAMED = 3
"""Days that a notice names one by one."""


@dataclass(frozen=True)
class Prepared:
    """A run that can start.

    Attributes:
        plan: The plan, bound to the columns that the files have.
        inputs: Raw tables by name.
        frames: The listings, by day.
        is_open: Nobody chose the listings, so those that the reference table does not know count too.
        notices: What the user should know of the data.
    """

    plan: Plan
    inputs: Mapping[str, TableInput]
    frames: Mapping[date, pl.DataFrame]
    notices: tuple[str, ...]
    is_open: bool = False

    def listings(self, day: date) -> pl.DataFrame:
        """The listings of *day*."""
        return self.frames[day]

    def fingerprint(self, days: Sequence[date]) -> str:
        """Changes whenever the inputs or the listings of *days* change."""
        wanted = set(days)
        digest = hashlib.sha256()
        for name in sorted(self.inputs):
            for file in self.inputs[name].files:
                if file.day in wanted:
                    digest.update(f"{name} {file.mic} {file.day} {file.stamp}\n".encode())
        for day in sorted(wanted & set(self.frames)):
            digest.update(self._universe_digests[day])
        return digest.hexdigest()

    @cached_property
    def _universe_digests(self) -> dict[date, bytes]:
        return {day: hashlib.sha256(frame.write_csv().encode()).digest() for day, frame in self.frames.items()}


def prepare(config: AnalyticsConfig, get_universe: GetUniverse | None, shelf: Catalog, ledger: Ledger, progress: Listener) -> Prepared:
    """Get a run ready.

    Raises:
        ConfigError, PlanError: The run cannot be planned.
        DataError: Files are missing, damaged, or break their contract.
    """
    with heard_by(progress):
        return _prepare(config, get_universe, shelf, ledger)


def _prepare(config: AnalyticsConfig, get_universe: GetUniverse | None, shelf: Catalog, ledger: Ledger) -> Prepared:
    first = plan(config, shelf=shelf)
    check_places(first, shelf)
    sources = _sources(config, shelf)
    tell("looking at the data", 0, 1)
    universes = _Universes(config, get_universe, shelf, sources)
    frames = {day: universes.of(day) for day in run_days(config)}
    if not universes.is_open:
        _refuse_no_listings(frames, universes)
    markets = _markets(frames)
    bound, found = _bind(first, config, shelf, sources, markets, every_market=universes.is_open)
    days, notices = _covered_days(bound, config, found, frames)
    inputs = survey_inputs(bound, config, found, ledger, notices)
    if universes.is_open:
        frames = {day: frame if frame.height else _listings_of_tables(found.values(), day) for day, frame in frames.items()}
    notices += _of_days([day for day in days if frames[day].is_empty()], "the universe has no listings")
    notices += _of_markets(frames, universes)
    notices += _of_the_lake(config)
    notices += _unknown_listings(frames, days, universes)
    notices += _of_later_sources(found, config, sources)
    final = bound if days == bound.days else replace(bound, days=days)
    tell("looking at the data", 1, 1)
    return Prepared(final, inputs, frames, tuple(notices), universes.is_open)


def _refuse_no_listings(frames: Mapping[date, pl.DataFrame], universes: _Universes) -> None:
    if all(frame.is_empty() for frame in frames.values()):
        raise MissingData(
            f"the universe has no listings on any day of the run: {_span(tuple(frames))}",
            where="get_universe" if universes.is_explicit else f"UNIVERSE {universes.config.universe}",
            hint="check the universe and the reference table",
        )


def _sources(config: AnalyticsConfig, shelf: Catalog) -> tuple[Source, ...]:
    sources = []
    for index, name in enumerate(config.data_source_path):
        offer = shelf.find("sources", name, where=f"DATA_SOURCE_PATH[{index}]")
        section = {offer.config_key: config.section(offer.config_key).model_dump()} if offer.config_key else {}
        settings = {"lake": config.lake, "s3_storage_options": config.s3_storage_options, **section}
        sources.append(offer.make().configured(settings))
    return tuple(sources)


# ---------------------------------------------------------------- listings


@dataclass(frozen=True)
class _Universes:
    """Listings of a day, from whoever knows them."""

    config: AnalyticsConfig
    get_universe: GetUniverse | None
    shelf: Catalog
    sources: tuple[Source, ...]

    def of(self, day: date) -> pl.DataFrame:
        if self.get_universe is not None:
            return self._own(self.get_universe, day)
        reference = self.reference(day)
        if self.config.universe is None:
            return (
                conform(reference, where="reference table")
                if reference is not None
                else conform(pl.DataFrame(schema={"ListingId": pl.Int64}), where="reference table")
            )
        kind, value = parse_spec(self.config.universe)
        provider = self.shelf.find("universes", kind, where="UNIVERSE").make()
        if reference is None:
            return conform(pl.DataFrame(schema={"ListingId": pl.Int64}), where="reference table")
        return conform(provider.listings(value, day, reference), where=f"UNIVERSE {self.config.universe}")

    def _own(self, get_universe: GetUniverse, day: date) -> pl.DataFrame:
        asked = f"get_universe({str(day)!r})"
        with foreign(lambda problem: InvalidValue(f"{asked} raised {told(problem)}", where="get_universe", hint="fix the pipeline")):
            frame = get_universe(str(day))
        return conform(frame, where=asked)

    def reference(self, day: date) -> pl.LazyFrame | None:
        table = self.shelf.tables.get("reference")
        if table is None:
            raise MissingData("no plugin offers the table 'reference'", where="UNIVERSE", hint="pip install bmll-basalt-market")
        for source in self.sources:
            inventory = source.inventory(table, [day], self.wanted_markets())
            if inventory.files:
                columns = [column.name for column in table.columns if column.name in (inventory.columns or ())]
                return source.scan(table, inventory.files, columns)
        return None

    def wanted_markets(self) -> tuple[str, ...] | None:
        """Markets that UNIVERSE names; None where it names none."""
        if self.config.universe is None or self.get_universe is not None:  # beside a function, UNIVERSE is but a name
            return None
        kind, value = parse_spec(self.config.universe)
        markets: tuple[str, ...] | None = self.shelf.find("universes", kind, where="UNIVERSE").make().markets(value)
        return markets

    @property
    def is_open(self) -> bool:
        """Whether nobody chose the listings."""
        return self.get_universe is None and self.config.universe is None

    @property
    def is_explicit(self) -> bool:
        return self.get_universe is not None


def _markets(frames: Mapping[date, pl.DataFrame]) -> tuple[str, ...] | None:
    """Markets of the listings; None, which is all of them, when the market of one is not known."""
    found = {mic for frame in frames.values() for mic in frame["MIC"].unique().to_list()}
    return None if None in found or not found else tuple(sorted(found))


def _listings_of_tables(found: Iterable[Found], day: date) -> pl.DataFrame:
    """Listings of *day* as the raw tables themselves describe them, where there is no reference table."""
    frames = [pl.LazyFrame(schema=LABEL_DTYPES)]
    for each in found:
        names = [name for name in LABEL_DTYPES if name in (each.inventory.columns or ()) and name in each.table.stored_names]
        if "ListingId" in names:
            files = [file for file in each.inventory.files if file.day == day]
            frames += [_listings_of_file(each, file, names) for file in files]
    stacked = pl.concat(frames, how="diagonal_relaxed")
    return conform(stacked.group_by("ListingId").agg(pl.all().drop_nulls().first()), where="listings of the tables")


def _listings_of_file(found: Found, file: SourceFile, names: Sequence[str]) -> pl.LazyFrame:
    rows = found.source.scan(found.table, [file], names).unique("ListingId", keep="any")
    return rows if "MIC" in names else rows.with_columns(pl.lit(file.mic).alias("MIC"))


def store_listings(frames: Mapping[date, pl.DataFrame], work_dir: Path) -> dict[date, Path]:
    """Write the listings of each day where workers find them."""
    folder = work_dir / "listings"
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for day, frame in frames.items():
        paths[day] = folder / f"{day}.parquet"
        frame.write_parquet(paths[day])
    return paths


def _unknown_listings(frames: Mapping[date, pl.DataFrame], days: Sequence[date], universes: _Universes) -> list[str]:
    """Say which listings of the user's own universe the reference table does not know."""
    if not universes.is_explicit or not days:
        return []
    notices = []
    for day in days:
        reference = universes.reference(day)
        if reference is None:
            continue
        known = reference.select("ListingId").collect().to_series()
        unknown = frames[day].filter(~pl.col("ListingId").is_in(known.to_list()))["ListingId"].to_list()
        if unknown:
            shown = ", ".join(map(str, unknown[:5])) + (" …" if len(unknown) > 5 else "")
            who = "1 listing of the universe is" if len(unknown) == 1 else f"{len(unknown):,} listings of the universe are"
            notices.append(f"{day}: {who} not in the reference table: {shown}")
    return notices


def _of_days(days: Sequence[date], what: str) -> list[str]:
    """Say *what* holds on *days*, in one sentence."""
    if not days:
        return []
    more = len(days) - NAMED
    return [", ".join(map(str, days[:NAMED])) + (f" and {more} more" if more > 0 else "") + f": {what}"]


def _of_markets(frames: Mapping[date, pl.DataFrame], universes: _Universes) -> list[str]:
    """Say which markets that the universe names have no listings."""
    known = {mic for frame in frames.values() for mic in frame["MIC"].to_list()}
    silent = [mic for mic in universes.wanted_markets() or () if mic not in known]
    return [f"UNIVERSE {universes.config.universe}: no listings of {', '.join(silent)} on any day"] if silent else []


def _of_the_lake(config: AnalyticsConfig) -> list[str]:
    """Say that the lake is not read, which a user who names one may not expect."""
    if config.lake is None or "lake" in config.data_source_path:
        return []
    return [
        f"the lake {config.lake} is not read: DATA_SOURCE_PATH is {', '.join(config.data_source_path)}; to read it: --data_source_path lake"
    ]


# ---------------------------------------------------------------- tables


def _bind(
    first: Plan,
    config: AnalyticsConfig,
    shelf: Catalog,
    sources: Sequence[Source],
    markets: tuple[str, ...] | None,
    *,
    every_market: bool,
) -> tuple[Plan, dict[str, Found]]:
    """Plan again with the columns that files have, until no further table is needed."""
    bound = first
    found: dict[str, Found] = {}
    while True:
        wanted = [name for name in bound.raw_reads if name not in found]
        if not wanted:
            return bound, {name: found[name] for name in bound.raw_reads}
        for name in wanted:
            looked_at = _with_own_markets(shelf.tables[name], bound.days, sources, markets) if every_market else markets
            found[name] = Found(shelf.tables[name], *in_layers(shelf.tables[name], bound.days, sources, looked_at))
        columns = {name: each.inventory.columns for name, each in found.items() if each.inventory.columns is not None}
        bound = plan(config, bound=columns, shelf=shelf)


def _with_own_markets(
    table: Table, days: Sequence[date], sources: Sequence[Source], markets: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """*markets*, and those that a source has of *table* though no listing names them."""
    if markets is None:
        return None
    return tuple(sorted({*markets, *(mic for source in sources for mic in source.markets(table, days))}))


def _of_later_sources(found: Mapping[str, Found], config: AnalyticsConfig, sources: Sequence[Source]) -> list[str]:
    """Say which days of a table come from another source than its other days."""
    notices = []
    for name, each in found.items():
        if not isinstance(each.source, LayeredSource):
            continue
        for number, source in list(enumerate(each.source.sources))[1:]:
            days = sorted({file.day for file in each.inventory.files if each.source.owners[file.path] == number})
            which = config.data_source_path[next(place for place, known in enumerate(sources) if known is source)]
            shown = ", ".join(map(str, days[:3])) + (f" and {len(days) - 3} more" if len(days) > 3 else "")
            notices.append(f"{name}: read from the source {which!r} for {shown}")
    return notices


def _covered_days(
    bound: Plan, config: AnalyticsConfig, found: Mapping[str, Found], frames: Mapping[date, pl.DataFrame]
) -> tuple[tuple[date, ...], list[str]]:
    """Days that have data, and what to say of those that have none.

    A day without any file is left out and said so. A file that is missing while others of its day
    exist is an error, unless the config says to skip it.
    """
    present: dict[date, set[tuple[str, str]]] = {day: set() for day in bound.days}
    for name, each in found.items():
        for file in each.inventory.files:
            present[file.day].add((name, file.mic))
    notices = _of_days([day for day in bound.days if found and not present[day]], "no data")
    days = tuple(day for day in bound.days if present[day] or not found)
    if found and not days:
        tables = ", ".join(found)
        raise MissingData(
            f"there are no data of {tables} on any day of the run",
            where=_span(bound.days),
            hint="check DATA_SOURCE_PATH, UNIVERSE and the dates"
            + (f"; what the lake holds: basalt data describe --lake {config.lake}" if config.lake else ""),
        )
    holes = _holes(found, present, {day: frames[day] for day in days})
    if holes:
        shown = ", ".join(f"{name} {mic} {day}" for name, mic, day in holes[:5]) + (f" and {len(holes) - 5} more" if len(holes) > 5 else "")
        if config.missing_data == "raise":
            raise MissingData(
                f"files are missing: {shown}", where=_span(days), hint="deliver them, or go on without them: MISSING_DATA: skip"
            )
        notices.append(f"files are missing and were skipped: {shown}")
    return days, notices


def _holes(
    found: Mapping[str, Found], present: Mapping[date, set[tuple[str, str]]], frames: Mapping[date, pl.DataFrame]
) -> list[tuple[str, str, date]]:
    """Table, market and day of each file that a listing needs and no source has."""
    asked = [(name, mic, day) for name, each in found.items() for mic, day in each.inventory.missing if day in frames]
    seen = [(name, mic, day) for day in frames for mic in sorted({mic for _, mic in present[day]}) for name in found]
    return [
        (name, mic, day)
        for name, mic, day in dict.fromkeys((*asked, *seen))
        if (name, mic) not in present[day] and _expects(frames[day], mic, has_some=any(table == name for table, _ in present[day]))
    ]


def _expects(frame: pl.DataFrame, mic: str, *, has_some: bool) -> bool:
    """Whether the day's listings need a file of *mic*; listings of unknown markets need those of a table that *has_some* of no market."""
    markets = set(frame["MIC"].to_list())
    return frame.is_empty() or mic in markets or (None in markets and not has_some)


def _span(days: Sequence[date]) -> str:
    return f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"


__all__ = ["Prepared", "SourceFile", "prepare", "store_listings"]
