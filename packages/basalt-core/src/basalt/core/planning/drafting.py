"""A pass while it is being planned: what it knows, and which tables its modules read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from basalt.configuration.models import PassConfig
from basalt.core.bucketing import DATE, TIME_BUCKET, Clock
from basalt.core.catalog import Catalog
from basalt.core.datasets import Dataset
from basalt.core.errors import (
    CyclicInputs,
    InvalidValue,
    MissingTable,
    nearest,
)
from basalt.core.first_party import wheel_of
from basalt.core.offers import Input

BUCKET_KEYS = ("ListingId", DATE, TIME_BUCKET)
LABELS: tuple[tuple[str, pl.DataType], ...] = (
    ("MIC", pl.String()),
    ("Ticker", pl.String()),
    ("CurrencyCode", pl.String()),
    ("InstrumentId", pl.Int64()),
)


@dataclass
class Draft:
    """A pass while it is being planned."""

    config: PassConfig
    where: str
    known: dict[str, Dataset]
    shelf: Catalog
    clock: Clock
    later: tuple[str, ...]
    reads: dict[str, list[str]]

    def reading(self, scans: Mapping[str, Iterable[str]]) -> None:
        """Remember the columns that *scans* take of each table."""
        for name, columns in scans.items():
            self.reads.setdefault(name, []).extend(columns)


def remapped(draft: Draft, module: str, inputs: Sequence[Input]) -> dict[str, str]:
    """Input name to dataset name, after the pass's `module_inputs`."""
    where = f"{draft.where}.module_inputs.{module}"
    mapping = draft.config.module_inputs.get(module, {})
    if isinstance(mapping, str):
        if len(inputs) != 1:
            raise InvalidValue(
                f"{module!r} reads {len(inputs)} tables", where=where, hint=f"say which: {{{', '.join(each.name for each in inputs)}: …}}"
            )
        mapping = {inputs[0].name: mapping}
    for name in mapping:
        if name not in {each.name for each in inputs}:
            raise InvalidValue(f"{module!r} has no input {name!r}", where=where, hint=nearest(name, (each.name for each in inputs)))
    return {
        each.name: resolve(draft, mapping.get(each.name, each.table), where if each.name in mapping else f"{draft.where}.{module}")
        for each in inputs
    }


def resolve(draft: Draft, name: str, where: str) -> str:
    """The dataset called *name*: exactly, or the only side table whose key ends with `:name`."""
    if name in draft.known:
        return name
    ending = [key for key in draft.known if key.endswith(f":{name}")]
    if len(ending) == 1:
        return ending[0]
    if len(ending) > 1:
        raise InvalidValue(f"{name!r} is ambiguous", where=where, hint=f"write one of {', '.join(ending)}")
    if name in draft.later:
        raise CyclicInputs(
            f"pass {draft.config.name!r} reads {name!r}, which does not come before it",
            where=where,
            hint="move the pass that is read to the front",
        )
    wheel = wheel_of("tables", name)
    hint = f"it comes with {wheel}: pip install {wheel}" if wheel else nearest(name, draft.known)
    raise MissingTable(f"no table, earlier pass or side table is called {name!r}", where=where, hint=hint)
