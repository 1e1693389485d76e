"""`basalt pipeline`: run pipelines and say what they would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

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
    Sources,
    StartDate,
    Universe,
    UserConfigJson,
    config_overrides,
    date_overrides,
    described_pipeline,
    examples,
)
from basalt.core.cli.printing import counted, duration, is_terminal, print_json, print_lines, print_pairs, print_rows, size

if TYPE_CHECKING:
    from basalt.core.pipelines import Pipeline
    from basalt.core.plans import Plan
    from basalt.core.reports import RunReport

app = typer.Typer(help="Run, plan and describe pipelines.", no_args_is_help=True)


@app.command(
    epilog=examples(
        "basalt pipeline run --pipeline demo/01_ohlcv_bars.py --date 2026-02-02",
        "basalt pipeline run --pipeline bars.yaml --lake lake --start_date 2026-02-02 --end_date 2026-02-06",
        "basalt pipeline run --pipeline bars.yaml --lake lake --date 2026-02-02 --universe mic=XLON --resume",
    )
)
def run(
    *,
    pipeline: PipelineFile,
    day: Day = None,
    start_date: StartDate = None,
    end_date: EndDate = None,
    lake: Lake = None,
    data_source_path: Sources = None,
    universe: Universe = None,
    resume: Annotated[bool, typer.Option("--resume", help="Use what an unfinished run of the same config and inputs has done.")] = False,
    datasetname: DatasetName = None,
    num_workers: Annotated[
        int | None, typer.Option("--num_workers", metavar="N", help="Tasks at a time; -1, which is the default, takes all cores.")
    ] = None,
    batch_freq: Annotated[
        str | None, typer.Option("--batch_freq", metavar="FREQ", help="Dates in one output: D, W (the default), 2W, M or A.")
    ] = None,
    eager_execution: Annotated[
        bool, typer.Option("--eager_execution", help="Compute with the in-memory engine instead of the streaming one.")
    ] = False,
    temp_dir: Annotated[
        str | None, typer.Option("--temp_dir", metavar="DIR", help="Where parts wait for their commit; .basalt/work if not given.")
    ] = None,
    executor: Annotated[str, typer.Option("--executor", metavar="NAME", help="What runs the tasks; see: basalt plugins list.")] = "direct",
    config_file: ConfigFile = None,
    config_precedence: Precedence = "yaml_overrides",
    user_config_json: UserConfigJson = None,
    as_json: AsJson = False,
) -> None:
    """Run a pipeline, and say what was written where.

    Outputs appear whole or not at all; running again replaces them. Flags win over the config of the
    pipeline; `basalt pipeline options` lists all its keys.
    """
    from basalt.core.cli.progress import shown_progress
    from basalt.core.pipelines import load_pipeline
    from basalt.core.running import run as run_pipeline

    overrides = config_overrides(
        user_config_json,
        **date_overrides(day, start_date, end_date),
        lake=lake,
        data_source_path=data_source_path,
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
        {"pass": each.name, "rows": receipt.rows, "size": size(receipt.bytes) if receipt.bytes else "", "location": receipt.location}
        for each in report.passes
        for receipt in each.receipts
    ]
    print_lines(rows, ("pass", "rows", "size", "location"), empty="nothing was written")
    for notice in report.notices:
        typer.secho(f"notice: {notice}", fg=typer.colors.YELLOW, err=True)
    reused = f" ({report.reused} from an earlier run)" if report.reused else ""
    typer.echo(
        f"run {report.run_id}: {report.outcome} in {duration(report.seconds)}, {counted(report.tasks, 'task')}{reused}, peak memory {size(report.peak_bytes)} a worker"
    )


# ---------------------------------------------------------------- saying what a run would do


@app.command(
    epilog=examples(
        "basalt pipeline plan --pipeline demo/01_ohlcv_bars.py",
        "basalt pipeline plan --pipeline bars.yaml --date 2026-02-02 --json",
    )
)
def plan(
    *,
    pipeline: PipelineFile,
    day: Day = None,
    start_date: StartDate = None,
    end_date: EndDate = None,
    lake: Lake = None,
    data_source_path: Sources = None,
    universe: Universe = None,
    datasetname: DatasetName = None,
    config_file: ConfigFile = None,
    config_precedence: Precedence = "yaml_overrides",
    user_config_json: UserConfigJson = None,
    as_json: AsJson = False,
) -> None:
    """Print what a run would do.

    Stages, passes, columns with their types and units, tables read, places written. No data are
    read; a pipeline without dates is planned for today.
    """
    from basalt.core.cli.describing import plan_as_dict

    given = date_overrides(day, start_date, end_date)
    overrides = config_overrides(
        user_config_json, **given, lake=lake, data_source_path=data_source_path, universe=universe, datasetname=datasetname
    )
    loaded, planned = _planned(pipeline, overrides, config_precedence, config_file)
    described = plan_as_dict(planned, loaded.shelf)
    print_json(described) if as_json else _print_plan(described)


def _planned(reference: str, overrides: dict[str, Any], precedence: Precedence, config_file: str | None) -> tuple[Pipeline, Plan]:
    from basalt.core.pipelines import pipeline_in_force
    from basalt.core.planning import plan as plan_run

    loaded = described_pipeline(reference, overrides, precedence=precedence, config_file=config_file)
    with pipeline_in_force(loaded):
        return loaded, plan_run(loaded.config)


def _print_plan(described: dict[str, Any]) -> None:
    days = described["days"]
    typer.echo(f"days: {days[0]}" + (f" to {days[-1]} ({len(days)})" if len(days) > 1 else ""))
    for stage in described["stages"]:
        for each in stage["passes"]:
            typer.secho(f"\nstage {stage['stage']}, pass {each['pass']}", bold=True)
            _print_pass(each, stage["scope"])


def _print_pass(each: dict[str, Any], scope: str) -> None:
    reads = [f"{table}: {', '.join(columns)}" for table, columns in each["reads"].items()]
    print_pairs(
        {
            "modules": each["modules"],
            "scope": scope,
            "buckets": each["buckets"]["text"],
            "timeline": each["timeline"],
            "keys": each["keys"],
            "labels": each["labels"],
            "reads": "\n".join(reads),
            "side tables": each["side_tables"],
            "writes": "\n".join(output["path"] for output in each["outputs"]),
        }
    )
    typer.echo()
    columns = ("column", "dtype", "unit", "rollup", "origin")
    print_rows([row for row in each["columns"] if row["written"]], columns, empty="no columns")
    hidden = [row["column"] for row in each["columns"] if not row["written"]]
    if hidden:
        typer.echo(f"{len(hidden)} supporting columns travel to later passes unwritten")


@app.command(epilog=examples("basalt pipeline datasets --pipeline demo/02_multi_pass.py --date 2026-02-02"))
def datasets(
    *,
    pipeline: PipelineFile,
    day: Day = None,
    start_date: StartDate = None,
    end_date: EndDate = None,
    lake: Lake = None,
    universe: Universe = None,
    datasetname: DatasetName = None,
    config_file: ConfigFile = None,
    config_precedence: Precedence = "yaml_overrides",
    as_json: AsJson = False,
) -> None:
    """Print the tables read and the places written."""
    from basalt.core.cli.describing import datasets_as_dict

    given = date_overrides(day, start_date, end_date)
    overrides = config_overrides(None, **given, lake=lake, universe=universe, datasetname=datasetname)
    loaded, planned = _planned(pipeline, overrides, config_precedence, config_file)
    described = datasets_as_dict(loaded, planned)
    if as_json:
        print_json(described)
        return
    print_pairs({"pipeline": described["pipeline"], "sources": described["data_source_path"], "dates": described["date_range"]})
    typer.echo()
    print_lines(described["inputs"], ("pass", "table", "bmll_table", "folder", "sample_paths"), title="inputs")
    typer.echo()
    print_lines(described["outputs"], ("pass", "output_type", "path"), title="outputs")


@app.command("side_outputs", epilog=examples("basalt pipeline side_outputs --pipeline demo/05_aggressive_trades.py"))
def side_outputs(
    *,
    pipeline: PipelineFile,
    day: Day = None,
    config_file: ConfigFile = None,
    config_precedence: Precedence = "yaml_overrides",
    as_json: AsJson = False,
) -> None:
    """Print the tables that passes make on the side."""
    from basalt.core.cli.describing import side_output_rows

    _, planned = _planned(pipeline, date_overrides(day, None, None), config_precedence, config_file)
    rows = side_output_rows(planned)
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, ("pass", "name", "context_key", "materialize", "description"), empty="no side outputs")


@app.command(
    epilog=examples(
        "basalt pipeline options --match workers",
        "basalt pipeline options --match trade_analytics",
    )
)
def options(
    match: Annotated[str | None, typer.Option("--match", metavar="TEXT", help="Only keys that contain this.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print every key of a config.

    With its default, meaning and type, sections of installed plugins included.
    """
    from basalt.core.catalog import catalog
    from basalt.core.cli.settings import option_rows

    rows = [row for row in option_rows(catalog()) if match is None or match.lower() in row["key"].lower()]
    if as_json:
        print_json(rows)
    elif is_terminal():
        for row in rows:
            typer.secho(row["key"], bold=True)
            print_pairs({"   ": row["description"], "    type": row["type"], "    default": row["default"]})
    else:
        print_lines(rows, ("key", "default", "description", "type"), empty="no key matches")
