"""Delivering: parts of a pass into its outputs, with what every output says of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from basalt.configuration.models import AnalyticsConfig
from basalt.core.catalog import Catalog, catalog
from basalt.core.ledger import Ledger
from basalt.core.offers import OutputTarget, Receipt, Slot
from basalt.core.plans import PassPlan
from basalt.core.preparing import Prepared
from basalt.core.reports import PassReport
from basalt.core.tasks import PartFile

# Settings that say where and how a run is done, not what its result is.
_PLACE = {
    "start_date",
    "end_date",
    "lake",
    "temp_dir",
    "num_workers",
    "memory_per_worker",
    "max_retries",
    "s3_storage_options",
    "skip_existing_output",
    "output_target",
}


@dataclass(frozen=True)
class Output:
    """One thing that a pass writes.

    Attributes:
        dataset: The dataset whose rows it holds.
        slot: Its place.
        columns: Its columns, in order.
        sort_keys: Order of its rows.
    """

    dataset: str
    slot: Slot
    columns: tuple[str, ...]
    sort_keys: tuple[str, ...]


@dataclass(frozen=True)
class Delivery:
    """How the outputs of one run are written and written down.

    Attributes:
        run_id: Id of the run.
        prepared: The run.
        ledger: Where receipts go.
        shelf: The catalog.
        config_hash: Identifies the config.
        versions: Distributions that made the results.
    """

    run_id: str
    prepared: Prepared
    ledger: Ledger
    shelf: Catalog
    config_hash: str
    versions: Mapping[str, str]

    def commit(self, planned: PassPlan, parts: Mapping[str, Sequence[PartFile]]) -> tuple[PassReport, list[str]]:
        """Put the outputs of a pass in place; returns its report and what to say of it.

        Raises:
            TargetFailed: An output cannot be written; what was there before stays.
        """
        receipts: list[Receipt] = []
        notices: list[str] = []
        for output in self.outputs(planned):
            slot = output.slot
            paths = [part.path for part in parts.get(output.dataset, ()) if slot.start <= part.first_day and part.last_day <= slot.end]
            if paths:
                receipts += self._write(planned, output, paths)
            else:
                notices.append(f"{slot.dataset}: no data from {slot.start} to {slot.end}, nothing was written")
        return PassReport(planned.name, tuple(receipts)), notices

    def _write(self, planned: PassPlan, output: Output, paths: Sequence[Path]) -> Iterator[Receipt]:
        for each in planned.targets:
            target: OutputTarget = self.shelf.find("output_targets", each.type).make()
            receipt = target.commit(each.options, output.slot, paths, output.columns, output.sort_keys, self.metadata(planned))
            self.ledger.record_receipt(self.run_id, receipt, self._fingerprint(output.slot))
            yield receipt

    def outputs(self, planned: PassPlan) -> tuple[Output, ...]:
        """Everything that a pass writes."""
        hidden = {column.name for column in planned.dataset.columns if column.hidden}
        visible = [name for name in planned.dataset.names() if name not in hidden]
        supports = [column.name for column in planned.dataset.columns if column.hidden] if self.prepared.plan.config.support_columns else []
        has_rows = bool(planned.queries or planned.steps)
        own = [Output(planned.name, slot, (*visible, *supports), planned.sort_keys) for slot in planned.slots if has_rows]
        sides = [
            Output(table.key, replace(slot, dataset=f"{slot.dataset}_{table.name}"), table.dataset.names(), table.dataset.keys)
            for table in planned.side_tables
            if table.is_written
            for slot in planned.slots
        ]
        return (*own, *sides)

    def in_place(self) -> tuple[PassReport, ...]:
        """Reports of outputs that an earlier run wrote from the same config and inputs; empty unless all are there."""
        reports = []
        for planned in self.prepared.plan.passes:
            receipts = [self._existing(output, each.type, each.options) for output in self.outputs(planned) for each in planned.targets]
            if any(receipt is None for receipt in receipts):
                return ()
            reports.append(PassReport(planned.name, tuple(receipt for receipt in receipts if receipt is not None)))
        return tuple(reports)

    def _existing(self, output: Output, kind: str, options: object) -> Receipt | None:
        location = self.shelf.find("output_targets", kind).make().location(options, output.slot)
        last = self.ledger.last_receipt(location)
        if last is None or last["fingerprint"] != self._fingerprint(output.slot):
            return None
        path = Path(location)
        if not path.is_file() or path.stat().st_size != last["bytes"]:
            return None
        return Receipt(output.slot, location, last["rows"], last["bytes"])

    def _fingerprint(self, slot: Slot) -> str:
        days = [day for day in self.prepared.plan.days if slot.start <= day <= slot.end]
        return hashlib.sha256(f"{self.config_hash} {self.prepared.fingerprint(days)}".encode()).hexdigest()

    def metadata(self, planned: PassPlan) -> dict[str, str]:
        """What every written file carries: who made it, and what its columns are."""
        columns = [
            {
                "name": column.name,
                "unit": column.unit,
                "doc": column.doc.split("\n\n")[0],
                "rollup": column.rollup.name if column.rollup else None,
                "forward": column.forward,
                "empty": column.empty,
            }
            for column in planned.written
        ]
        counted = {"origin": str(planned.clock.origin)} if planned.clock.origin else {}
        clock = {"width_nanos": planned.clock.width_nanos, "anchor": planned.clock.anchor, "closed": planned.clock.closed, **counted}
        said = {
            "run_id": self.run_id,
            "config_hash": self.config_hash,
            "pass": planned.name,
            "versions": dict(self.versions),
            "clock": clock,
            "columns": columns,
        }
        return {"basalt": json.dumps(said)}


def config_hash(config: AnalyticsConfig, made_by: Mapping[str, str], pipeline: Path | None) -> str:
    """Identifies what a config computes, whatever the place and the dates.

    Args:
        config: The config.
        made_by: Distributions that compute it, with their versions.
        pipeline: Pipeline file with formulas of its own; its text counts.
    """
    values = {key: value for key, value in config.model_dump(mode="json").items() if key not in _PLACE}
    code = hashlib.sha256(pipeline.read_bytes()).hexdigest() if pipeline else ""
    text = json.dumps({"config": values, "named": _named(config), "versions": dict(made_by), "code": code}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _named(config: AnalyticsConfig) -> list[str]:
    """Fingerprints of what sections of passes name, such as files."""
    shelf = catalog()
    keys = [(each, shelf.modules[name].config_key) for each in config.passes for name in each.enabled_modules]
    keys += [(each, shelf.preprocessors[name].config_key) for each in config.passes for name in each.enabled_preprocessors]
    return [each.section(key).fingerprint() for each, key in keys]


def versions(shelf: Catalog) -> dict[str, str]:
    """Distributions whose code makes the results: all plugins, and the engine."""
    plugins = {plugin.distribution: plugin.version for plugin in shelf.plugins if not plugin.is_blocked}
    return {**dict(sorted(plugins.items())), "polars": metadata.version("polars")}
