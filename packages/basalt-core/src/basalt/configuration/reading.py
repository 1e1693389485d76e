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
    path = _path(first["loc"])
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
    return InvalidValue(f"{first['msg']} (got {first['input']!r})", where=path, hint="see: basalt pipeline options")


def _last_name(loc: tuple[int | str, ...]) -> str:
    names = [str(part) for part in loc if isinstance(part, str) and not _is_branch(part)]
    return repr(names[-1]) if names else "this setting"


def _is_branch(part: int | str) -> bool:
    """Whether *part* of a location names a branch of a union instead of a key."""
    return isinstance(part, str) and ("[" in part or part in {"str", "int", "float", "bool"})


def _path(loc: tuple[int | str, ...]) -> str:
    text = ""
    for part in loc:
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
