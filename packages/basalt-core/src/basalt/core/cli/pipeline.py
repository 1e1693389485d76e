"""`basalt pipeline`: run pipelines and say what they would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from basalt.core.cli.options import (
    AsJson,
    ConfigFile,
    DatasetName,
    Day,
    EndDate,
    Lake,
    PipelineFile,
    Precedence,
    StartDate,
    Universe,
    UserConfigJson,
    config_overrides,
    date_overrides,
)
from basalt.core.cli.printing import duration, print_json, print_rows, size

if TYPE_CHECKING:
    from basalt.core.reports import RunReport

app = typer.Typer(help="Run, plan and describe pipelines.", no_args_is_help=True)


@app.command()
def run(
    pipeline: PipelineFile,
    day: Day = None,
    start_date: StartDate = None,
    end_date: EndDate = None,
    lake: Lake = None,
    universe: Universe = None,
    resume: Annotated[bool, typer.Option("--resume", help="Use what an unfinished run of the same config and inputs has done.")] = False,
    datasetname: DatasetName = None,
    num_workers: Annotated[int | None, typer.Option("--num_workers", help="Tasks at a time; -1 takes all cores.")] = None,
    batch_freq: Annotated[str | None, typer.Option("--batch_freq", help="Dates in one output: D, W, 2W, M or A.")] = None,
    eager_execution: Annotated[bool, typer.Option("--eager_execution", help="Compute with the in-memory engine.")] = False,
    temp_dir: Annotated[str | None, typer.Option("--temp_dir", metavar="DIR", help="Where parts wait for their commit.")] = None,
    executor: Annotated[str, typer.Option("--executor", help="What runs the tasks; see: basalt plugins list.")] = "direct",
    config_file: ConfigFile = None,
    config_precedence: Precedence = "yaml_overrides",
    user_config_json: UserConfigJson = None,
    as_json: AsJson = False,
) -> None:
    """Run a pipeline, and say what was written where.

    Outputs appear whole or not at all; running again replaces them.
    """
    from basalt.core.cli.progress import shown_progress
    from basalt.core.pipelines import load_pipeline
    from basalt.core.running import run as run_pipeline

    overrides = config_overrides(
        user_config_json,
        **date_overrides(day, start_date, end_date),
        lake=lake,
        universe=universe,
        datasetname=datasetname,
        num_workers=num_workers,
        batch_freq=batch_freq,
        temp_dir=temp_dir,
        eager_execution=eager_execution or None,
    )
    loaded = load_pipeline(pipeline, overrides=overrides, precedence=config_precedence, config_file=config_file)
    with shown_progress() as progress:
        report = run_pipeline(loaded, resume=resume, executor=executor, progress=progress)
    print_json(report.as_dict()) if as_json else _print_report(report)


def _print_report(report: RunReport) -> None:
    rows = [
        {"pass": each.name, "rows": receipt.rows, "size": size(receipt.bytes), "location": receipt.location}
        for each in report.passes
        for receipt in each.receipts
    ]
    print_rows(rows, ("pass", "rows", "size", "location"), empty="nothing was written")
    for notice in report.notices:
        typer.secho(f"notice: {notice}", fg=typer.colors.YELLOW, err=True)
    reused = f" ({report.reused} from an earlier run)" if report.reused else ""
    typer.echo(
        f"run {report.run_id}: {report.outcome} in {duration(report.seconds)}, {report.tasks} tasks{reused}, peak memory {size(report.peak_bytes)} a worker"
    )
