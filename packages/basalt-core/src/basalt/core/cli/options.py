"""Options that commands share, and the config overrides that they make."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from basalt.core.errors import ConflictingSettings, InvalidValue

if TYPE_CHECKING:
    from basalt.core.pipelines import Pipeline

PipelineFile = Annotated[
    str, typer.Option("--pipeline", metavar="FILE", help="A pipeline: .py, .yaml, .toml or .json, or an importable module.")
]
Day = Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="One day, instead of the config's dates.")]
StartDate = Annotated[str | None, typer.Option("--start_date", metavar="YYYY-MM-DD", help="First day; wins over --date.")]
EndDate = Annotated[str | None, typer.Option("--end_date", metavar="YYYY-MM-DD", help="Last day, inclusive; wins over --date.")]
Lake = Annotated[str | None, typer.Option("--lake", metavar="DIR", help="Root of the lake, a folder or a URL.")]
DatasetName = Annotated[str | None, typer.Option("--datasetname", metavar="NAME", help="First part of the names of outputs.")]
Sources = Annotated[
    list[str] | None,
    typer.Option("--data_source_path", metavar="NAME", help="Source to read, as lake or synthetic; several times: each is asked in turn."),
]
OneDay = Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="One day.")]
FirstDay = Annotated[str | None, typer.Option("--start_date", metavar="YYYY-MM-DD", help="First of several days.")]
LastDay = Annotated[str | None, typer.Option("--end_date", metavar="YYYY-MM-DD", help="Last of several days, inclusive.")]
Markets = Annotated[list[str] | None, typer.Option("--mic", metavar="MIC", help="A market; may be given several times.")]
Universe = Annotated[
    str | None, typer.Option("--universe", metavar="KIND=VALUE", help="Listings, as in mic=XLON; instead of get_universe.")
]
ConfigFile = Annotated[
    str | None, typer.Option("--config_file", metavar="FILE", help="YAML, TOML or JSON to use instead of the YAML beside the pipeline.")
]
Precedence = Annotated[
    Literal["yaml_overrides", "python_overrides"],
    typer.Option("--config_precedence", help="Which wins where the Python file and its YAML both have a key."),
]
UserConfigJson = Annotated[str | None, typer.Option("--user_config_json", metavar="JSON", help="Replaces the whole config of the files.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def examples(*lines: str) -> str:
    """The end of a command's help: lines that may be typed as they are."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def given_day(text: str, flag: str = "--date") -> date:
    """The day that *text* names.

    Raises:
        InvalidValue: It names none.
    """
    found = _date(text, flag)
    assert found is not None
    return found


def given_days(day: str | None, start: str | None, end: str | None) -> tuple[date | None, date | None]:
    """First and last day that the flags of a command say; None where they leave it open.

    Raises:
        ConflictingSettings: One day and a range are given.
        InvalidValue: Some text is no date, or the range ends before it starts.
    """
    if day is not None and (start is not None or end is not None):
        raise ConflictingSettings("--date and --start_date or --end_date exclude each other", hint="give one day or a range")
    first, last = _date(start, "--start_date") or _date(day, "--date"), _date(end, "--end_date") or _date(day, "--date")
    if first and last and last < first:
        raise InvalidValue(f"the range ends on {last}, before it starts on {first}", where="--end_date", hint="swap the dates")
    return first, last


def date_overrides(day: str | None, start: str | None, end: str | None) -> dict[str, Any]:
    """Config settings of the date flags; an end of the range that is given wins over *day*."""
    first = _date(start, "--start_date") or _date(day, "--date")
    last = _date(end, "--end_date") or _date(day, "--date")
    return {name: value for name, value in (("start_date", first), ("end_date", last)) if value is not None}


def _date(given: str | None, flag: str) -> date | None:
    if given is None:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError as problem:
        raise InvalidValue(f"{given!r} is no date", where=flag, hint="write YYYY-MM-DD, for example 2026-02-02") from problem


def config_overrides(user_config_json: str | None, **settings: object) -> dict[str, Any]:
    """Config settings of flags that were given; a whole config under `__config__`.

    Raises:
        InvalidValue: *user_config_json* is no JSON object.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    return given if user_config_json is None else {**given, "__config__": _json_object(user_config_json)}


def _json_object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as problem:
        raise InvalidValue(
            f"no JSON: {problem}", where="--user_config_json", hint="write an object, for example '{\"PASSES\": […]}'"
        ) from problem
    if not isinstance(found, dict):
        raise InvalidValue(
            f"a JSON {type(found).__name__}, not an object", where="--user_config_json", hint="write an object: '{\"PASSES\": […]}'"
        )
    return found


def described_pipeline(
    reference: str, overrides: Mapping[str, Any], *, precedence: Literal["yaml_overrides", "python_overrides"], config_file: str | None
) -> Pipeline:
    """The pipeline, to be described rather than run: without dates of its own it gets today's."""
    from basalt.core.pipelines import load_pipeline

    found = load_pipeline(reference, overrides=overrides, precedence=precedence, config_file=config_file)
    if found.config.start_date is not None:
        return found
    dates = date_overrides(str(today()), None, None)
    return load_pipeline(reference, overrides={**overrides, **dates}, precedence=precedence, config_file=config_file)


def today() -> date:
    """The day in UTC."""
    from datetime import UTC, datetime

    return datetime.now(tz=UTC).date()
