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

app = typer.Typer(help="Bring market data into a lake.", no_args_is_help=True)
_FORMATS = ["%Y-%m-%d"]


@app.callback()
def data() -> None:
    """Bring market data into a lake."""


@app.command("simulate")
def simulate_days(
    lake: Annotated[Path, typer.Option(help="Root folder of the lake; made if missing.")],
    day: Annotated[datetime | None, typer.Option("--date", formats=_FORMATS, help="The day; any date works.")] = None,
    start_date: Annotated[
        datetime | None, typer.Option("--start_date", "--start-date", formats=_FORMATS, help="First of several days.")
    ] = None,
    end_date: Annotated[datetime | None, typer.Option("--end_date", "--end-date", formats=_FORMATS, help="Last of several days.")] = None,
    listings: Annotated[int, typer.Option(help="Number of listings.")] = 10,
    scale: Annotated[float, typer.Option(help="Activity; 1 is about three thousand trades a listing.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Another seed is another market.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Simulate an exchange and write its trades, l2, l3, marketstate and reference.

    The same parameters and date give the same files; days that are there already stay.
    """
    from basalt.synthetic.writing import write_day

    days = _days(_date(day), _date(start_date), _date(end_date))
    files: list[LakeFile] = []
    with shown_steps() as progress:
        for number, each in enumerate(days):
            progress(f"simulating {each}", number, len(days))
            files += write_day(lake, each, listings=listings, scale=scale, seed=seed)
    print_lake_files(files, as_json=as_json)


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
