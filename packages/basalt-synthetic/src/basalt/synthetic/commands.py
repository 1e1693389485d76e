"""The command `basalt data simulate`."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from basalt.core.cli.options import FirstDay, LastDay, OneDay, examples, given_days
from basalt.core.cli.printing import print_lake_files
from basalt.core.cli.progress import shown_steps
from basalt.core.errors import InvalidValue

if TYPE_CHECKING:
    from basalt.core.lake import LakeFile
    from basalt.synthetic.scenario import Scenario

app = typer.Typer(help="Bring market data into a lake.", no_args_is_help=True)


@app.callback()
def data() -> None:
    """Bring market data into a lake."""


@app.command(
    "simulate",
    epilog=examples(
        "basalt data simulate --lake lake --date 2026-02-02",
        "basalt data simulate --lake lake --start_date 2026-02-02 --end_date 2026-02-06 --listings 4 --scale 0.2",
    ),
)
def simulate_days(  # noqa: PLR0917 - an argument for each option
    lake: Annotated[Path, typer.Option(metavar="DIR", help="Root folder of the lake; made if missing.")],
    day: OneDay = None,
    start_date: FirstDay = None,
    end_date: LastDay = None,
    listings: Annotated[int | None, typer.Option(metavar="N", help="Number of listings; 10, unless the scenario says otherwise.")] = None,
    scale: Annotated[
        float | None, typer.Option(metavar="X", help="Activity; 1, the default, is about three thousand trades a listing and day.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Another seed is another market; 7, unless the scenario says otherwise.")
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML file that says what the days are like; options win over it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Simulate days of an exchange.

    Writes all tables of the market, and the truth about them, into a lake. Any date works.
    The same parameters and date give the same files; days that are there already stay.
    """
    from basalt.synthetic.writing import write_day

    days = _days(*given_days(day, start_date, end_date))
    chosen = _scenario(scenario, {"listings": listings, "scale": scale, "seed": seed})
    files: list[LakeFile] = []
    with shown_steps() as progress:
        for number, each in enumerate(days):
            progress(f"simulating {each}", number, len(days))
            files += write_day(lake, each, scenario=chosen)
    print_lake_files(files, as_json=as_json)


def _scenario(path: Path | None, options: dict[str, float | None]) -> Scenario:
    """The scenario of the file, if there is one, with the options that were given."""
    from basalt.synthetic.exchange import plain_scenario
    from basalt.synthetic.scenario import PLAIN, read_scenario

    found = read_scenario(path) if path else PLAIN
    chosen = found.model_copy(update={name: value for name, value in options.items() if value is not None})
    plain_scenario(chosen.listings, chosen.scale, chosen.seed)
    return chosen


def _days(first: date | None, last: date | None) -> list[date]:
    """All days from *first* to *last*."""
    if first is None or last is None:
        raise InvalidValue("no day to simulate", hint="give --date 2026-02-02, or --start_date and --end_date")
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
