"""From a mapping to a config, or to an error that says which key is wrong and what it could be."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from basalt.configuration.models import AnalyticsConfig
from basalt.core.errors import ConfigError, InvalidValue, UnknownName, nearest


def read_config(values: Mapping[str, Any] | AnalyticsConfig, *, where: str = "config") -> AnalyticsConfig:
    """Validate *values*.

    Args:
        values: The user's mapping, or a config that is one already.
        where: File or other origin, put before the path of a wrong key.

    Raises:
        ConfigError: With the path of the key, the nearest known name or the expected type.
    """
    if isinstance(values, AnalyticsConfig):
        return values
    if not isinstance(values, Mapping):
        raise InvalidValue(f"the config is a {type(values).__name__}, not a mapping", where=where, hint="write USER_CONFIG = {…}")
    try:
        return AnalyticsConfig.model_validate(dict(values))
    except ValidationError as problem:
        raise as_config_error(problem, AnalyticsConfig).located(where) from None
    except ConfigError as problem:
        raise problem.located(where) from None


def as_config_error(problem: ValidationError, model: type[BaseModel]) -> ConfigError:
    """The first finding of *problem* as a typed error with a config path and a hint."""
    findings = problem.errors(include_url=False)
    first = min(findings, key=lambda each: (each["type"] != "extra_forbidden", len(each["loc"]) * -1))
    path = _path(first["loc"], upper=model is AnalyticsConfig)
    if first["type"] == "extra_forbidden":
        owner = _model_at(model, first["loc"][:-1])
        known = list(owner.model_fields) if owner else []
        return UnknownName(f"unknown key {first['loc'][-1]!r}", where=path, hint=nearest(str(first["loc"][-1]), known))
    if first["type"] == "missing":
        return InvalidValue(f"{first['loc'][-1]!r} is missing", where=path, hint="add it")
    if first["type"] == "literal_error":
        expected = str(first.get("ctx", {}).get("expected", ""))
        choices = [part.strip(" '") for part in expected.replace(" or ", ", ").split(",")]
        return InvalidValue(
            f"{first['input']!r} is not a value of {_last_name(first['loc'])}", where=path, hint=nearest(str(first["input"]), choices)
        )
    said, hint = _said(first)
    return InvalidValue(
        f"{first['input']!r} {said}", where=path, hint=hint or f"see: basalt pipeline options --match {_bare_name(first['loc'])}"
    )


SAID = {
    "int_parsing": ("is no whole number", None),
    "int_type": ("is no whole number", None),
    "int_from_float": ("is no whole number", None),
    "float_parsing": ("is no number", None),
    "float_type": ("is no number", None),
    "finite_number": ("is no finite number", None),
    "bool_parsing": ("is neither true nor false", None),
    "bool_type": ("is neither true nor false", None),
    "string_type": ("is no text", None),
    "list_type": ("is no list", "write […], or one item a line"),
    "dict_type": ("is no mapping of keys to values", None),
    "model_type": ("is no mapping of keys to values", None),
    "date_parsing": ("is no date", "write YYYY-MM-DD, for example 2026-02-02"),
    "date_from_datetime_parsing": ("is no date", "write YYYY-MM-DD, for example 2026-02-02"),
    "date_from_datetime_inexact": ("has a time of day", "write YYYY-MM-DD, for example 2026-02-02"),
    "date_type": ("is no date", "write YYYY-MM-DD, for example 2026-02-02"),
    "greater_than_equal": ("is less than {ge:g}, the least that is allowed", None),
    "greater_than": ("is not above {gt:g}", None),
    "less_than_equal": ("is more than {le:g}, the most that is allowed", None),
    "less_than": ("is not below {lt:g}", None),
    "string_pattern_mismatch": ("has letters that are not allowed", "allowed: {pattern}"),
}
"""What pydantic finds, in words that go on after the value, and what to do where that is known."""


def _said(finding: Any) -> tuple[str, str | None]:
    if finding["type"] not in SAID:
        message = finding["msg"].removeprefix("Value error, ")
        return f"is not valid: {message[:1].lower()}{message[1:]}", None
    context = finding.get("ctx", {})
    said, hint = SAID[finding["type"]]
    return said.format(**context), hint.format(**context) if hint else None


def _last_name(loc: tuple[int | str, ...]) -> str:
    name = _bare_name(loc)
    return repr(name) if name else "this setting"


def _bare_name(loc: tuple[int | str, ...]) -> str:
    names = [str(part) for part in loc if isinstance(part, str) and not _is_branch(part)]
    return names[-1] if names else ""


def _is_branch(part: int | str) -> bool:
    """Whether *part* of a location names a branch of a union instead of a key."""
    return isinstance(part, str) and ("[" in part or part.startswith("constrained-") or part in {"str", "int", "float", "bool"})


def _path(loc: tuple[int | str, ...], *, upper: bool = False) -> str:
    """The place *loc* as a path; keys of a run are written in capitals."""
    text = ""
    for part in (loc[0].upper() if upper and isinstance(loc[0], str) else loc[0], *loc[1:]) if loc else ():
        if _is_branch(part):
            continue
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else str(part))
    return text


def _model_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model that the place *loc* of *model* holds; keys of a mapping lead to what the mapping holds."""
    found: type[BaseModel] | None = model
    is_mapping = False
    for part in loc:
        if found is None or isinstance(part, int) or _is_branch(part):
            continue
        if is_mapping:
            is_mapping = False
            continue
        field = found.model_fields.get(part)
        found = _model_in(field.annotation) if field else None
        is_mapping = field is not None and get_origin(field.annotation) is dict
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, dict, tuple, Union, UnionType):
        models = [_model_in(each) for each in get_args(annotation)]
        return next((each for each in models if each), None)
    return None
