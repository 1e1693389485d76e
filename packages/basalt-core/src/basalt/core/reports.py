"""Reports: what observers and users are told about passes and runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from basalt.core.offers import Receipt


@dataclass(frozen=True)
class PassReport:
    """The outputs of one pass are in place."""

    name: str
    receipts: tuple[Receipt, ...]

    @property
    def rows(self) -> int:
        """Rows of all outputs."""
        return sum(receipt.rows for receipt in self.receipts)


@dataclass(frozen=True)
class RunReport:
    """How a run ended.

    Attributes:
        run_id: Its id in the ledger.
        outcome: `done`, `failed` or `interrupted`.
        passes: What was written.
        seconds: Wall time.
        peak_bytes: Highest resident memory of any worker.
        tasks, reused: Tasks of the run, and those that an earlier, unfinished run had done.
        notices: Sentences about the data that the user should see.
        config_hash: Identifies the config.
    """

    run_id: str
    outcome: str
    passes: tuple[PassReport, ...]
    seconds: float
    peak_bytes: int
    tasks: int
    reused: int
    notices: tuple[str, ...] = ()
    config_hash: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, for `--json`."""
        outputs = [
            {
                "pass": each.name,
                "dataset": receipt.slot.dataset,
                "location": receipt.location,
                "rows": receipt.rows,
                "bytes": receipt.bytes,
                "start_date": str(receipt.slot.start),
                "end_date": str(receipt.slot.end),
            }
            for each in self.passes
            for receipt in each.receipts
        ]
        return {
            "run_id": self.run_id,
            "outcome": self.outcome,
            "outputs": outputs,
            "seconds": round(self.seconds, 3),
            "peak_bytes": self.peak_bytes,
            "tasks": self.tasks,
            "reused": self.reused,
            "notices": list(self.notices),
            "config_hash": self.config_hash,
        }
