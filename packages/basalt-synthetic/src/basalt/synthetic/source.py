"""The source `synthetic`: a lake in the cache that simulates the days it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from basalt.core.lake import lake_path
from basalt.core.offers import Inventory, SourceFile
from basalt.core.sources.lake import LakeSource
from basalt.core.tables import Table
from basalt.core.telling import tell
from basalt.synthetic.scenario import PLAIN, Scenario
from basalt.synthetic.writing import digest_of, markets_of, write_day

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


@dataclass(frozen=True)
class SyntheticSource:
    """Simulated tables as a source.

    Attributes:
        scenario: What is simulated; the run's section `synthetic` has its keys.
    """

    Options: ClassVar[type[BaseModel]] = Scenario

    scenario: Scenario = PLAIN

    def configured(self, settings: Mapping[str, Any]) -> SyntheticSource:
        """The source with the run's section `synthetic`."""
        return replace(self, scenario=Scenario.model_validate(settings.get(SECTION) or {}))

    @property
    def root(self) -> Path:
        """Folder of the lake with the days of this scenario."""
        return cache_folder() / digest_of(self.scenario)

    def ensure(self, days: Iterable[date]) -> Path:
        """Simulate those of *days* that are not in the cache yet, and give the lake's folder.

        Several processes may do so at once: files appear whole, and equal scenarios give equal
        files.
        """
        asked = list(days)
        for number, day in enumerate(asked):
            if not self._begins(day):
                tell(f"simulating {day}", number, len(asked))
            write_day(self.root, day, scenario=self.scenario)
        return self.root

    def _begins(self, day: date) -> bool:
        """Whether the first file of *day* is there, so that most likely all are."""
        from basalt.synthetic.exchange import TABLES

        return Path(lake_path(str(self.root), TABLES[0], markets_of(self.scenario)[0], day)).exists()

    def markets(self, table: Table, days: Sequence[date]) -> tuple[str, ...]:
        """Venues of the simulated market, whatever the days."""
        del days
        return markets_of(self.scenario) if self._simulates(table) else ()

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
