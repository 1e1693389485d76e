"""Summing: what stood over time and what rows brought, added up by cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from basalt.core.holding.cells import Cells
from basalt.core.holding.events import Bools, Floats, Ints, Places

Phases = tuple[tuple[str, ...], tuple[str, ...]]
"""Phases in which a value counts, and those in which it does not."""
SUMS = ("area", "held", "total", "count")
_IN_TIME = ("area", "held")


@dataclass(frozen=True)
class Sums:
    """Sums by cell of one batch, each one term after the other in the order of events, as if there were one batch.

    Attributes:
        cells: The cells.
        counts: Of each set of phases, whether its values count after each event.
    """

    cells: Cells
    counts: Mapping[Phases, Bools]
    _weights: dict[tuple[bool, Phases], Floats] = field(default_factory=dict)
    _counted: dict[tuple[bool, Phases], Floats] = field(default_factory=dict)

    def added(self, kind: str, phases: Phases, values: pl.Series, known: Bools | None, prior: pl.Series) -> pl.Series:
        """The sums of one value.

        Args:
            kind: `area` and `held` are over time, `total` and `count` over rows.
            phases: Where it counts.
            values: The value in each row.
            known: Whether it counts and is known after each event; None where it is known in every row: such values share what they can.
            prior: What the cells that go on have so far.
        """
        in_time = kind in _IN_TIME
        weights = self._shared_weights(phases, in_time=in_time) if known is None else self._weighed(known, in_time=in_time)
        if kind in ("held", "count"):  # sums of whole numbers, whose order does not matter
            found = self._shared_count(phases, in_time=in_time).copy() if known is None else self._summed(weights, in_time=in_time)
            found[self.cells.continued] += as_floats(prior)
            return pl.Series(found)
        found = np.zeros(self.cells.count)
        found[self.cells.continued] = as_floats(prior)
        self._add(found, values, weights, is_complete=known is None, in_time=in_time)
        return pl.Series(found)

    def _add(self, sums: Floats, values: pl.Series, weights: Floats, *, is_complete: bool, in_time: bool) -> None:
        from basalt.core.holding.summing_kernel import add_products

        bins, done = self._bins(in_time=in_time), 0
        in_order = is_complete and not self.cells.events.has_changes
        for numbers in _chunks(values) if in_order else (filled_floats(values)[self.cells.events.source],):
            until = done + numbers.size
            add_products(sums, bins[done:until], weights[done:until], numbers)
            done = until

    def _shared_weights(self, phases: Phases, *, in_time: bool) -> Floats:
        key = (in_time, phases)
        if key not in self._weights:
            self._weights[key] = self._weighed(self.counts[phases], in_time=in_time)
        return self._weights[key]

    def _shared_count(self, phases: Phases, *, in_time: bool) -> Floats:
        key = (in_time, phases)
        if key not in self._counted:
            self._counted[key] = self._summed(self._shared_weights(phases, in_time=in_time), in_time=in_time)
        return self._counted[key]

    def _weighed(self, counts: Bools, *, in_time: bool) -> Floats:
        """What the value after each event is multiplied with."""
        events = self.cells.events
        return np.where(counts, events.spans, 0.0) if in_time else (counts & events.is_row & self.cells.is_new).astype(np.float64)

    def _summed(self, weights: Floats, *, in_time: bool) -> Floats:
        return np.bincount(self._bins(in_time=in_time), weights, self.cells.count).astype(np.float64, copy=False)

    def _bins(self, *, in_time: bool) -> Places:
        """Cell of each event, over time of the next one: a value stands until then."""
        return self.cells.events.target if in_time else self.cells.events.of


def _chunks(values: pl.Series) -> Iterator[Floats | Ints]:
    """*values*, all known, piece by piece in memory that is there, as far as it is of numbers as long."""
    for chunk in values.get_chunks():
        numbers = chunk.to_numpy()
        yield numbers if numbers.dtype in (np.float64, np.int64) else numbers.astype(np.float64)


def filled_floats(values: pl.Series) -> Floats:
    """*values* as numbers, 0 where there is none."""
    return as_floats(values.fill_null(0) if values.dtype != pl.Boolean else values.fill_null(value=False))


def as_floats(values: pl.Series) -> Floats:
    """*values* as numbers."""
    found: Floats = values.to_numpy().astype(np.float64, copy=False)
    return found
