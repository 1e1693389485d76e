"""What plugins offer: names with a way to load them, and the small protocols behind the names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

from basalt.core.errors import PluginLoadFailed
from basalt.core.facts import NOTHING_KNOWN, Facts

if TYPE_CHECKING:
    import polars as pl
    from pydantic import BaseModel

    from basalt.core.bucketing import Clock
    from basalt.core.datasets import Dataset, PlannedColumn
    from basalt.core.declaring.modules import ModuleConfig
    from basalt.core.tables import Table
    from basalt.core.tasks import Task, TaskReport

T = TypeVar("T")


@dataclass(frozen=True)
class Offer(Generic[T]):
    """A name, what it stands for, and where to load it from when it is needed.

    Attributes:
        name: Name that a config or command line selects.
        summary: One line for lists.
        target: `package.module:attribute`; a class is instantiated without arguments.
        config_key: Section of the config that it reads; empty for none. The target then has an
            attribute `Options`, the pydantic model of the section.
    """

    name: str
    summary: str
    target: str
    config_key: str = ""

    def load(self) -> Any:
        """Import the target.

        Raises:
            PluginLoadFailed: The module or the attribute does not exist, or its import fails.
        """
        module, _, attribute = self.target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (ImportError, AttributeError, ValueError) as problem:
            raise PluginLoadFailed(
                f"cannot load {self.name!r}: {problem}", where=self.target, hint="reinstall the distribution that offers it"
            ) from problem

    def make(self) -> T:
        """An instance of the target's class, or the target itself when it is none."""
        target = self.load()
        made: T = target() if isinstance(target, type) else target
        return made


Entities = Literal["listing", "instrument", "universe"]


@dataclass(frozen=True)
class Scope:
    """What a pass must see at once to be computed.

    Attributes:
        entities: `listing`: each listing by itself; `instrument`: all listings of an instrument
            together; `universe`: everything of a day together.
        all_dates: All dates of the run together, instead of each by itself.
    """

    entities: Entities = "listing"
    all_dates: bool = False

    def joined(self, other: Scope) -> Scope:
        """The narrowest scope that covers both."""
        order: tuple[Entities, ...] = ("listing", "instrument", "universe")
        wider = max(self.entities, other.entities, key=order.index)
        return Scope(wider, self.all_dates or other.all_dates)

    def __str__(self) -> str:
        return f"{self.entities}, all dates" if self.all_dates else self.entities


# ---------------------------------------------------------------- data in


@dataclass(frozen=True)
class Inventory:
    """What a source holds of one table, known without reading rows.

    Attributes:
        files: Market, day and path (or URL) of each file, with its rows and bytes.
        columns: Columns that all of the files have; None when there are no files.
        missing: Markets and days asked for that have no file.
        fingerprint: Changes whenever the data change.
        facts: What the files tell of all their rows: where no nulls are, and in which range values
            lie; the clock under the name that scans give it.
    """

    files: tuple[SourceFile, ...]
    columns: frozenset[str] | None
    missing: tuple[tuple[str, date], ...]
    fingerprint: str
    facts: Facts = NOTHING_KNOWN


@dataclass(frozen=True)
class SourceFile:
    """One file of a source."""

    mic: str
    day: date
    path: str
    rows: int
    bytes: int
    stamp: str = ""


@runtime_checkable
class Source(Protocol):
    """Raw tables by name, market and day."""

    def configured(self, settings: Mapping[str, Any]) -> Source:
        """The source with the run's settings.

        They are `lake` (root path or URL), `s3_storage_options`, and the source's own section under
        its config key.
        """
        ...

    def inventory(self, table: Table, days: Sequence[date], markets: Sequence[str] | None) -> Inventory:
        """What there is; *markets* None asks for all that the source knows.

        Raises:
            CorruptInput: A file exists but is no readable Parquet file.
            SchemaMismatch: A file breaks the table's contract.
        """
        ...

    def scan(self, table: Table, files: Sequence[SourceFile], columns: Sequence[str]) -> pl.LazyFrame:
        """Rows of *files* with *columns* as the contract types them, in the files' order."""
        ...

    def markets(self, table: Table, days: Sequence[date]) -> tuple[str, ...]:
        """Markets for which the source has *table* on any of *days*."""
        ...


@runtime_checkable
class UniverseProvider(Protocol):
    """Listings of a day by a value: `mic=XNAS`."""

    def listings(self, value: str, day: date, reference: pl.LazyFrame) -> pl.LazyFrame:
        """Rows of *reference* (one day, all markets) that belong to *value*."""
        ...

    def markets(self, value: str) -> tuple[str, ...] | None:
        """Markets to look at, None for all."""
        ...


# ---------------------------------------------------------------- work


class Executor(Protocol):
    """A way to run tasks."""

    def run(self, work: Callable[[Task], TaskReport], tasks: Iterable[Task]) -> Iterator[TaskReport]:
        """Run *work* on each task, in a process of its own, and yield reports as they come."""
        ...


# ---------------------------------------------------------------- data out


@dataclass(frozen=True)
class Slot:
    """One place that a run writes: a dataset over a range of dates.

    Attributes:
        dataset: Name, `<DATASETNAME>_<pass>` or `<DATASETNAME>_<pass>_<side>`.
        pass_name: The pass.
        universe: Universe as it stands in paths.
        start, end: First and last date, inclusive.
    """

    dataset: str
    pass_name: str
    universe: str
    start: date
    end: date


@dataclass(frozen=True)
class Receipt:
    """What was written, where.

    Attributes:
        slot: The slot.
        location: Path, URL or table.
        rows, bytes: Size; bytes is 0 where the target cannot tell.
    """

    slot: Slot
    location: str
    rows: int
    bytes: int


class OutputTarget(Protocol):
    """A place for results."""

    Options: type[BaseModel]

    def check(self, options: BaseModel, slots: Sequence[Slot]) -> None:
        """Refuse, before any data are read, what cannot be written.

        Raises:
            ConflictingSettings: Two slots would share one place.
            TargetFailed: The place cannot be written.
        """
        ...

    def location(self, options: BaseModel, slot: Slot) -> str:
        """Where *slot* goes."""
        ...

    def commit(
        self,
        options: BaseModel,
        slot: Slot,
        parts: Sequence[Path],
        columns: Sequence[str],
        sort_keys: Sequence[str],
        metadata: Mapping[str, str],
    ) -> Receipt:
        """Put the rows of *parts* in place of what the slot held before, atomically.

        Args:
            options: The target's options, validated.
            slot: What is written.
            parts: Parquet files, each sorted by *sort_keys*.
            columns: Columns to write, in order; parts may have more.
            sort_keys: Order of the rows.
            metadata: Text to keep with the data where the format can.
        """
        ...


# ---------------------------------------------------------------- transformations


@dataclass(frozen=True)
class Input:
    """A table that a module or preprocessor reads.

    Attributes:
        name: Name of the input, what `module_inputs` remaps.
        table: Table or pass that it reads unless remapped.
        columns: Columns needed of a raw table; empty: all that the dataset has.
    """

    name: str
    table: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Produced:
    """What a table module or preprocessor will make, known before data are read.

    Attributes:
        columns: Columns in order, without `ListingId`-like keys, `Date` and `TimeBucket`.
        keys: Key columns: what tells one row from another, `TimeBucket` included.
        scope: What it must see at once.
        clock: Buckets of its rows; None when the pass's clock holds.
        supports: Supporting columns it needs of its inputs: input name to column names.
        labels: Columns that only describe the keys.
        reads: Columns it reads of its inputs, where that is less than the `Input` says: input name
            to column names.
        stands: What it makes stands in buckets in which nothing happens: `compute` takes the buckets that the
            pass has anyway as `buckets`, and makes rows of them too.
    """

    columns: tuple[PlannedColumn, ...]
    keys: tuple[str, ...]
    scope: Scope
    clock: Clock | None = None
    supports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stands: bool = False


class TableModule(Protocol):
    """A module that is no set of formulas but a function from tables to a table.

    One whose `plan` says that what it makes stands takes another argument in `compute`: `buckets`, a frame of `ListingId` and
    `TimeBucket`.
    """

    name: str
    config_key: str
    config_model: type[ModuleConfig]
    doc: str

    def inputs(self, config: Any) -> tuple[Input, ...]:
        """Tables it reads under *config*."""
        ...

    def plan(self, config: Any, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Produced:
        """What it will make of the planned *inputs*, or a PlanError."""
        ...

    def compute(self, config: Any, inputs: Mapping[str, pl.LazyFrame], planned: Mapping[str, Dataset], clock: Clock) -> pl.LazyFrame:
        """The rows: keys, labels and columns of `plan`, with the supports of composite columns."""
        ...


class Preprocessor(Protocol):
    """A function from tables to new named tables (side outputs), run before a pass's modules."""

    name: str
    config_key: str
    config_model: type[ModuleConfig]
    doc: str

    def inputs(self, config: Any) -> tuple[Input, ...]:
        """Tables it reads under *config*."""
        ...

    def plan(self, config: Any, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Mapping[str, Produced]:
        """Name and schema of each table it will make."""
        ...

    def compute(
        self, config: Any, inputs: Mapping[str, pl.LazyFrame], planned: Mapping[str, Dataset], clock: Clock
    ) -> Mapping[str, pl.LazyFrame]:
        """The tables, by the names of `plan`."""
        ...


class Check(Protocol):
    """A quality check on the rows of a pass, before they are written."""

    def findings(self, frame: pl.LazyFrame, options: Any) -> list[str]:
        """One sentence for each thing that is wrong; empty when all is well."""
        ...


class Timeline(Protocol):
    """Which buckets appear in the output of a pass."""

    def configured(self, options: Any) -> Timeline:
        """The timeline with its section of a pass; offers without a `config_key` get None."""
        ...

    def clock(self, clock: Clock) -> Clock:
        """The clock that the pass's rows are labelled with."""
        ...

    def tables(self) -> tuple[Input, ...]:
        """Tables needed to know the buckets."""
        ...

    def complete(
        self,
        frame: pl.LazyFrame,
        tables: Mapping[str, pl.LazyFrame],
        listings: pl.LazyFrame,
        clock: Clock,
        day: date,
        empty: Mapping[str, str],
    ) -> pl.LazyFrame:
        """*frame* with the rows that the timeline adds; *empty* says each column's empty value."""
        ...

    def added_columns(self) -> tuple[PlannedColumn, ...]:
        """Columns that the timeline adds to the output."""
        ...
