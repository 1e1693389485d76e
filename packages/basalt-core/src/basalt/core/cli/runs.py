"""`basalt runs`: what was run, and how it went."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from basalt.core.cli.options import AsJson, examples
from basalt.core.cli.printing import duration, print_json, print_lines, print_pairs, size
from basalt.core.errors import InvalidValue

app = typer.Typer(help="What was run, and how it went.", no_args_is_help=True)

LISTED = ("run", "started", "outcome", "pipeline", "days", "rows", "time", "peak memory", "message")
ATTEMPTED = ("stage", "days", "listings", "attempt", "exit code", "rows", "time", "peak memory", "message")
WRITTEN = ("pass", "dataset", "rows", "size", "location")


@app.command("list", epilog=examples("basalt runs list --limit 5"))
def list_runs(
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="Show the newest runs, as many as this.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest runs.

    Those of the state directory: BASALT_STATE_DIR, else .basalt in the working directory.
    """
    from basalt.core.ledger import Ledger

    if limit < 1:
        raise InvalidValue(f"{limit} runs cannot be shown", where="--limit", hint="give a number of at least 1")
    runs = [_plain(run) for run in Ledger().runs(limit)]
    print_json(runs) if as_json else print_lines([_listed(run) for run in runs], LISTED, empty="no runs yet")


@app.command(epilog=examples("basalt runs show 20260202-170608-d26cee", "basalt runs show 20260202-17 --json"))
def show(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the run, or how it begins.")],
    as_json: AsJson = False,
) -> None:
    """Show one run.

    Its outcome, tasks and their tries, outputs, versions.
    """
    from basalt.core.ledger import Ledger

    run = _plain(Ledger().show(run_id))
    print_json(run) if as_json else _print_run(run)


def _plain(run: Mapping[str, Any]) -> dict[str, Any]:
    """A run of the ledger with its JSON texts read and its times as text."""
    plain = dict(run)
    plain |= {name: json.loads(run[name]) for name in ("days", "config", "versions") if name in run}
    plain |= {name: _moment(run[name]) for name in ("started", "ended") if name in run}
    if "attempts" in run:
        plain["attempts"] = [{**each, "days": json.loads(each["days"]), "ended": _moment(each["ended"])} for each in run["attempts"]]
        plain["outputs"] = [{**each, "written": _moment(each["written"])} for each in run["outputs"]]
    return plain


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds).astimezone().isoformat(sep=" ", timespec="seconds")


def _listed(run: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run": run["run_id"],
        "started": run["started"][:19],
        "outcome": run["outcome"],
        "pipeline": run["pipeline"].rpartition("/")[2],
        "days": _span(run["days"]),
        "rows": run["rows"],
        "time": duration(run["seconds"]),
        "peak memory": size(run["peak_bytes"]),
        "message": run["message"].split("\n")[0],
    }


def _span(days: list[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]}..{days[-1]}" if days else ""


def _print_run(run: Mapping[str, Any]) -> None:
    print_pairs(
        {
            "run": run["run_id"],
            "outcome": run["outcome"],
            "message": run["message"],
            "pipeline": run["pipeline"],
            "days": _span(run["days"]),
            "started": run["started"],
            "ended": run["ended"],
            "time": duration(run["seconds"]),
            "peak memory": f"{size(run['peak_bytes'])} a worker",
            "tasks": f"{run['tasks']}" + (f", {run['reused']} of them from an earlier run" if run["reused"] else ""),
            "rows": f"{run['rows']:,}",
            "config hash": run["config_hash"],
            "versions": run["versions"],
        }
    )
    outputs = [{**each, "size": size(each["bytes"]) if each["bytes"] else ""} for each in run["outputs"]]
    typer.echo()
    print_lines(outputs, WRITTEN, title="outputs", empty="none")
    typer.echo()
    print_lines([_attempt(each) for each in run["attempts"]], ATTEMPTED, title="tasks", empty="none ran")


def _attempt(each: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "stage": each["stage"] + 1,
        "days": _span(each["days"]),
        "listings": "all" if each["listings"] is None else each["listings"],
        "attempt": each["attempt"],
        "exit code": each["exit_code"],
        "rows": each["rows"],
        "time": duration(each["seconds"]),
        "peak memory": size(each["peak_bytes"]),
        "message": each["message"],
    }
