"""The command `basalt data simulate`."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from basalt.core.cli.printing import print_lake_files
from basalt.core.cli.progress import shown_steps
from basalt.core.errors import ConflictingSettings, InvalidValue

if TYPE_CHECKING:
    from basalt.core.lake import LakeFile
    from basalt.synthetic.scenario import Scenario

app = typer.Typer(help="Bring market data into a lake.", no_args_is_help=True)
_FORMATS = ["%Y-%m-%d"]


@app.callback()
def data() -> None:
    """Bring market data into a lake."""


@app.command("simulate")
def simulate_days(  # noqa: PLR0917 - an argument for each option
    lake: Annotated[Path, typer.Option(help="Root folder of the lake; made if missing.")],
    day: Annotated[datetime | None, typer.Option("--date", formats=_FORMATS, help="The day; any date works.")] = None,
    start_date: Annotated[
        datetime | None, typer.Option("--start_date", "--start-date", formats=_FORMATS, help="First of several days.")
    ] = None,
    end_date: Annotated[datetime | None, typer.Option("--end_date", "--end-date", formats=_FORMATS, help="Last of several days.")] = None,
    listings: Annotated[int | None, typer.Option(help="Number of listings; 10 if nothing says otherwise.")] = None,
    scale: Annotated[
        float | None, typer.Option(help="Activity; 1, as if nothing is said, is about three thousand trades a listing.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed is another market; 7 if nothing says otherwise.")] = None,
    scenario: Annotated[Path | None, typer.Option(help="YAML file that says what the days are like; options come before it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Simulate an exchange and write all its tables, and the truth about them.

    The same parameters and date give the same files; days that are there already stay.
    """
    from basalt.synthetic.writing import write_day

    days = _days(_date(day), _date(start_date), _date(end_date))
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


def _date(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _days(day: date | None, start: date | None, end: date | None) -> list[date]:
    """The days asked for: one, or all from *start* to *end*."""
    if day is not None and (start is not None or end is not None):
        raise ConflictingSettings("--date and --start_date/--end_date exclude each other", hint="give one day or a range")
    first, last = (day, day) if day is not None else (start, end)
    if first is None or last is None:
        raise InvalidValue("no day to simulate", hint="give --date 2026-02-02, or --start_date and --end_date")
    if last < first:
        raise InvalidValue(f"the end date {last} is before the start date {first}", hint="swap them")
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
