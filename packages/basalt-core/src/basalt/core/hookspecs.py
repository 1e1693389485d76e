"""The doors of the kernel: what plugins may offer, and what they may observe.

Offering hooks return frozen values; nothing is registered by side effect. Observing hooks return
nothing and cannot change a run. Implementations import heavy modules inside the functions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from basalt.core.declaring import Analytic, Enrichment, Module
    from basalt.core.offers import Check, Executor, Offer, OutputTarget, Preprocessor, Source, TableModule, Timeline, UniverseProvider
    from basalt.core.planning import Plan
    from basalt.core.reports import PassReport, RunReport
    from basalt.core.tables import Table
    from basalt.core.tasks import TaskReport

hookspec = pluggy.HookspecMarker("basalt")


@hookspec
def basalt_hookspecs() -> Iterable[object]:  # type: ignore[empty-body]
    """Offer namespaces with further hook specifications, for plugins that have plugins."""


@hookspec
def basalt_tables() -> Iterable[Table]:  # type: ignore[empty-body]
    """Offer contracts of raw tables. Names are unique over all plugins."""


@hookspec
def basalt_sources() -> Iterable[Offer[Source]]:  # type: ignore[empty-body]
    """Offer places to read raw tables from; `DATA_SOURCE_PATH` selects by name."""


@hookspec
def basalt_universes() -> Iterable[Offer[UniverseProvider]]:  # type: ignore[empty-body]
    """Offer kinds of universes; `UNIVERSE: "<name>=<value>"` selects one."""


@hookspec
def basalt_analytics() -> Iterable[Module | TableModule | Analytic | Enrichment]:  # type: ignore[empty-body]
    """Offer modules; or analytics that extend the module whose table and family they name.

    Module names and config keys are unique over all plugins.
    """


@hookspec
def basalt_preprocessors() -> Iterable[Preprocessor]:  # type: ignore[empty-body]
    """Offer functions from tables to new tables; `preprocess_modules` selects by name."""


@hookspec
def basalt_timelines() -> Iterable[Offer[Timeline]]:  # type: ignore[empty-body]
    """Offer timelines; `timeline_mode` selects by name."""


@hookspec
def basalt_checks() -> Iterable[Offer[Check]]:  # type: ignore[empty-body]
    """Offer quality checks on the rows of a pass; `quality_checks` selects by name."""


@hookspec
def basalt_executors() -> Iterable[Offer[Executor]]:  # type: ignore[empty-body]
    """Offer ways to run tasks; `--executor` selects one by name."""


@hookspec
def basalt_output_targets() -> Iterable[Offer[OutputTarget]]:  # type: ignore[empty-body]
    """Offer places for results; `OUTPUT_TARGET.type` selects one by name."""


@hookspec
def basalt_commands() -> Iterable[Offer[object]]:  # type: ignore[empty-body]
    """Offer CLI commands: the name is the group, the target a `typer.Typer`.

    Several plugins may offer commands of one group; two commands of one name in it are an error.
    """


@hookspec
def basalt_run_started(run_id: str, plan: Plan) -> None:
    """A run starts; the plan is made, no data are read yet."""


@hookspec
def basalt_task_finished(run_id: str, report: TaskReport) -> None:
    """A task ended, well or not."""


@hookspec
def basalt_pass_finished(run_id: str, report: PassReport) -> None:
    """The outputs of a pass are in place."""


@hookspec
def basalt_run_finished(run_id: str, report: RunReport) -> None:
    """A run ended, well or not."""
