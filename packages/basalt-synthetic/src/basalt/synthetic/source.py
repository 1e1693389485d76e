"""The source `synthetic`: a lake in the cache that simulates the days it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from basalt.core.offers import Inventory, SourceFile
from basalt.core.sources.lake import LakeSource
from basalt.core.tables import Table
from basalt.synthetic.market import MOST_LISTINGS, MOST_SCALE
from basalt.synthetic.writing import Parameters, write_day

if TYPE_CHECKING:
    import polars as pl

SECTION = "synthetic"


def cache_folder() -> Path:
    """Where simulated days are kept.

    `$BASALT_CACHE_DIR/synthetic`, else `$XDG_CACHE_HOME/basalt/synthetic`, else
    `~/.cache/basalt/synthetic`.
    """
    own = os.environ.get("BASALT_CACHE_DIR")
    if own:
        return Path(own) / "synthetic"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "basalt" / "synthetic"


class SyntheticOptions(BaseModel):
    """The run's section `synthetic`: what is simulated."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    listings: int = Field(Parameters.listings, ge=1, le=MOST_LISTINGS, description="Number of listings.")
    scale: float = Field(Parameters.scale, gt=0, le=MOST_SCALE, description="Activity; 1 is about three thousand trades a listing.")
    seed: int = Field(Parameters.seed, ge=0, description="Another seed is another market.")


@dataclass(frozen=True)
class SyntheticSource:
    """Simulated tables as a source.

    Attributes:
        parameters: What is simulated.
    """

    Options: ClassVar[type[BaseModel]] = SyntheticOptions

    parameters: Parameters = field(default_factory=Parameters)

    def configured(self, settings: Mapping[str, Any]) -> SyntheticSource:
        """The source with the run's section `synthetic`."""
        options = SyntheticOptions.model_validate(settings.get(SECTION) or {})
        return replace(self, parameters=replace(self.parameters, listings=options.listings, scale=options.scale, seed=options.seed))

    @property
    def root(self) -> Path:
        """Folder of the lake with the days of these parameters."""
        return cache_folder() / self.parameters.digest()

    def ensure(self, days: Iterable[date]) -> Path:
        """Simulate those of *days* that are not in the cache yet, and give the lake's folder.

        Several processes may do so at once: files appear whole, and equal parameters give equal
        files.
        """
        for day in days:
            write_day(self.root, day, listings=self.parameters.listings, scale=self.parameters.scale, seed=self.parameters.seed)
        return self.root

    def markets(self, table: Table, days: Sequence[date]) -> tuple[str, ...]:
        """Venues of the simulated market, whatever the days."""
        del days
        return self.parameters.markets() if self._simulates(table) else ()

    def inventory(self, table: Table, days: Sequence[date], markets: Sequence[str] | None) -> Inventory:
        """Files of *table* on *days*, simulated now where need be."""
        if self._simulates(table):
            self.ensure(days)
        return self._lake().inventory(table, days, markets)

    def scan(self, table: Table, files: Sequence[SourceFile], columns: Sequence[str]) -> pl.LazyFrame:
        """Rows of *files* with *columns* as the contract types them."""
        return self._lake().scan(table, files, columns)

    def _simulates(self, table: Table) -> bool:
        from basalt.synthetic.exchange import TABLES

        return any(each.name == table.name for each in TABLES)

    def _lake(self) -> LakeSource:
        return LakeSource(root=str(self.root))
