"""Preprocessor `cbbofroml3_preprocess`: consolidated books from order events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from pydantic import Field, model_validator

from basalt.core import Clock, Input, Produced
from basalt.core.datasets import Dataset
from basalt.core.errors import ConflictingSettings
from basalt.market.books import LEVELS
from basalt.preprocessors.book import NEEDED, books_after, event_reads
from basalt.preprocessors.cbbo import CLOCK, PHASES, STATE, CbboConfig, book_reads, consolidated, phase_input, plan_cbbo, refuse_no_buckets
from basalt.preprocessors.instruments import REFERENCE, reference_reads


class CbboFromL3Config(CbboConfig):
    """Section `cbbofroml3_preprocess` of a pass."""

    time_bucket_seconds: float | None = Field(
        None, gt=0, description="Length of a bucket; that of the pass when it is left out. Not used when time_index is event."
    )

    @model_validator(mode="after")
    def _check(self) -> Any:
        asked = "time_bucket_seconds" in self.model_fields_set
        if self.time_index == "timebucket" and asked and self.time_bucket_seconds is None:
            raise ConflictingSettings(
                "time_index 'timebucket' needs a length of buckets",
                where="cbbofroml3_preprocess.time_bucket_seconds",
                hint="give seconds, or leave it out to take those of the pass",
            )
        return self


@dataclass(frozen=True)
class CbboFromL3:
    """The consolidated book of an instrument, from the order events of its listings.

    The book of each listing is built from the whole day's events, so orders from before continuous trading
    count; then books are consolidated as `cbbo_preprocess` does. Rows are those that it makes of the `l2` that belongs
    to the events.
    """

    name: str = "cbbofroml3_preprocess"
    config_key: str = "cbbofroml3_preprocess"
    config_model: type[CbboFromL3Config] = CbboFromL3Config
    doc: str = "Consolidated books of instruments, from the order events of all their venues."

    def inputs(self, config: CbboFromL3Config) -> tuple[Input, ...]:
        """Order events, phases and reference data."""
        return (Input("l3", "l3"), Input(REFERENCE, REFERENCE), *phase_input(config))

    def plan(self, config: CbboFromL3Config, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Mapping[str, Produced]:
        """The table `cbbo_from_l3`.

        Raises:
            ConflictingSettings: Buckets are asked for and neither the section nor the pass says how long they are.
            MissingColumn: A column is not there.
        """
        own = _clock(config, clock)
        refuse_no_buckets(config, own, where)
        carried = book_reads(inputs["l3"], 0, config, own, where)
        reads = {"l3": tuple(dict.fromkeys((*carried, *event_reads(inputs["l3"], where)))), REFERENCE: reference_reads(inputs[REFERENCE])}
        return {"cbbo_from_l3": plan_cbbo(config, own, reads)}

    def compute(
        self, config: CbboFromL3Config, inputs: Mapping[str, pl.LazyFrame], planned: Mapping[str, Dataset], clock: Clock
    ) -> Mapping[str, pl.LazyFrame]:
        """The rows of `plan`."""
        l3 = inputs["l3"]
        needed = {*NEEDED, "EndOfEvent", CLOCK, "TradeDate", STATE}
        events = l3.select(name for name in l3.collect_schema() if name in needed)
        phases = inputs[PHASES] if config.market_states else None
        return {
            "cbbo_from_l3": consolidated(
                lambda: books_after(events, levels=LEVELS, sample="change"),
                phases,
                inputs[REFERENCE],
                config,
                _clock(config, clock),
                LEVELS,
            )
        }


def _clock(config: CbboFromL3Config, clock: Clock) -> Clock:
    if config.time_bucket_seconds is None or config.time_index == "event":
        return clock
    return Clock.of_seconds(config.time_bucket_seconds, clock.anchor, clock.closed)


CBBO_FROM_L3 = CbboFromL3()
