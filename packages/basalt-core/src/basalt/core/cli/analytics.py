"""`basalt analytics`: list and explain columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from basalt.core.cli.options import (
    AsJson,
    ConfigFile,
    Day,
    Precedence,
    date_overrides,
    described_pipeline,
    examples,
    today,
)
from basalt.core.cli.printing import print_json, print_pairs, print_rows
from basalt.core.errors import ConflictingSettings

if TYPE_CHECKING:
    from basalt.core.explaining import Explanation

app = typer.Typer(help="List and explain columns.", no_args_is_help=True)


@app.command(
    "list",
    epilog=examples(
        "basalt analytics list --module trade",
        "basalt analytics list --pipeline demo/01_ohlcv_bars.py",
    ),
)
def list_columns(
    *,
    pipeline: Annotated[str | None, typer.Option("--pipeline", metavar="FILE", help="Only the columns that this pipeline makes.")] = None,
    module: Annotated[str | None, typer.Option("--module", metavar="NAME", help="Only the columns of this module.")] = None,
    day: Day = None,
    config_file: ConfigFile = None,
    config_precedence: Precedence = "yaml_overrides",
    as_json: AsJson = False,
) -> None:
    """List the columns of installed modules, or of a pipeline.

    Without a pipeline, every choice of a closed axis is listed, open axes at their defaults.
    """
    from basalt.core.catalog import catalog
    from basalt.core.cli.columns import installed_rows, planned_rows
    from basalt.core.pipelines import pipeline_in_force
    from basalt.core.planning import plan

    if pipeline is None:
        rows = installed_rows(catalog())
    else:
        loaded = described_pipeline(pipeline, date_overrides(day, None, None), precedence=config_precedence, config_file=config_file)
        with pipeline_in_force(loaded):
            rows = planned_rows(plan(loaded.config))
    if module is not None:
        catalog().find("preprocessors" if module in catalog().preprocessors else "modules", module, where="--module")
        rows = [row for row in rows if row["module"] == module]
    first = ("module", "pass") if pipeline else ("module",)
    _print(rows, (*first, "column", "unit", "rollup", "definition"), as_json)


@app.command("tables", epilog=examples("basalt analytics tables --table trades"))
def list_tables(
    table: Annotated[str | None, typer.Option("--table", metavar="NAME", help="Only this table.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the columns of raw tables."""
    from basalt.core.catalog import catalog
    from basalt.core.cli.columns import table_rows

    rows = table_rows(catalog())
    if table is not None:
        catalog().find("tables", table, where="--table")
        rows = [row for row in rows if row["table"] == table]
    _print(rows, ("table", "column", "dtype", "unit", "required", "doc"), as_json)


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], as_json: bool) -> None:
    print_json(rows) if as_json else print_rows(rows, columns)


@app.command(
    epilog=examples(
        "basalt analytics explain --column TradeTotalVWAP",
        "basalt analytics explain --pipeline demo/01_ohlcv_bars.py --column TradeTotalVWAP --markdown",
    )
)
def explain(
    *,
    pipeline: Annotated[
        str | None,
        typer.Option("--pipeline", metavar="FILE", help="The pipeline that makes it; if not given, the installed modules are asked."),
    ] = None,
    column: Annotated[str, typer.Option("--column", metavar="NAME", help="The column.")],
    pass_name: Annotated[
        str | None, typer.Option("--pass", metavar="NAME", help="The pass; the first that has the column if not given.")
    ] = None,
    day: Day = None,
    config_file: ConfigFile = None,
    config_precedence: Precedence = "yaml_overrides",
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """Say why a column is what it is.

    Its definition, formula, unit, null rule, causality and roll-up, the config entry that made it,
    and the stored columns that it is made of. Without a pipeline, as the module makes it by itself.
    """
    from basalt.configuration.reading import read_config
    from basalt.core.catalog import catalog
    from basalt.core.cli.columns import config_for
    from basalt.core.explaining import explain as explain_column
    from basalt.core.pipelines import pipeline_in_force
    from basalt.core.planning import plan

    if as_json and markdown:
        raise ConflictingSettings("--json and --markdown exclude each other", hint="keep one of them")
    if pipeline is None:
        found = explain_column(plan(read_config({**config_for(catalog(), column), **date_overrides(str(today()), None, None)})), column)
    else:
        loaded = described_pipeline(pipeline, date_overrides(day, None, None), precedence=config_precedence, config_file=config_file)
        with pipeline_in_force(loaded):
            found = explain_column(plan(loaded.config), column, pass_name)
    if as_json:
        print_json(found.as_dict())
    elif markdown:
        typer.echo(found.markdown(), nl=False)
    else:
        print_pairs(
            _pairs(found)
            if pipeline
            else {**_pairs(found), "pass": "", "asked by": "", "ask for it": _entry_text(config_for(catalog(), column))}
        )


def _pairs(found: Explanation) -> dict[str, str]:
    return {"column": found.column, "pass": found.pass_name, "module": found.module, **found.facts()}


def _entry_text(config: Mapping[str, Any]) -> str:
    """The section of the config's only pass, as YAML of one line."""
    import yaml

    chosen = {key: value for key, value in config["PASSES"][0].items() if key not in ("name", "modules")}
    return yaml.safe_dump(chosen, default_flow_style=True, sort_keys=False, width=10**6).strip()[1:-1]
