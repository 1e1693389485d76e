"""Every key that a config may have, with its type, default and description."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from basalt.configuration.models import AnalyticsConfig, OutputTarget, PassConfig
from basalt.core.catalog import Catalog

NAMED_ELSEWHERE = (PassConfig, OutputTarget)


def option_rows(shelf: Catalog) -> list[dict[str, Any]]:
    """One row a key: of the run, of a pass, and of the sections that installed plugins read.

    Attributes of a row: `key` (path as in error messages, `[]` for any index), `type`, `default`
    (`required` without one), `description`, `from` (the distribution that reads it).
    """
    return [{"key": key, **row, "from": owner} for owner, key, row in _keys(shelf)]


def _keys(shelf: Catalog) -> Iterator[tuple[str, str, dict[str, Any]]]:
    core = "bmll-basalt-core"
    yield from _of_model(core, "", AnalyticsConfig, upper=True)
    for kind, offers in (("source", shelf.sources), ("executor", shelf.executors)):
        for name, offer in offers.items():
            if offer.config_key:
                yield from _of_model(shelf.owner(kind, name), f"{offer.config_key}.", offer.load().Options)
    for name, offer in shelf.output_targets.items():
        owner = shelf.owner("output target", name)
        yield from _of_model(owner, "OUTPUT_TARGET.", offer.load().Options, note=f" (type {name})")
    yield from _of_model(core, "PASSES[].", PassConfig)
    for name, offer in shelf.timelines.items():
        if offer.config_key:
            yield from _of_model(shelf.owner("timeline", name), f"PASSES[].{offer.config_key}.", offer.load().Options)
    for kind, modules in (("module", shelf.modules), ("preprocessor", shelf.preprocessors)):
        for name, module in modules.items():
            if module.config_key:
                yield from _of_model(shelf.owner(kind, name), f"PASSES[].{module.config_key}.", module.config_model)


def _of_model(
    owner: str, prefix: str, model: type[BaseModel], *, upper: bool = False, note: str = ""
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{name.upper() if upper else name}"
        yield (
            owner,
            key,
            {"type": type_text(field.annotation), "default": default_text(field), "description": (field.description or "") + note},
        )
        for inner, suffix in _inner_models(field.annotation):
            if inner not in NAMED_ELSEWHERE:
                yield from _of_model(owner, f"{key}{suffix}.", inner)


def _inner_models(annotation: Any, suffix: str = "") -> Iterator[tuple[type[BaseModel], str]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, suffix
        return
    steps: dict[Any, str] = {list: "[]", tuple: "[]", dict: ".<name>"}
    for each in get_args(annotation):
        yield from _inner_models(each, suffix + steps.get(get_origin(annotation), ""))


def type_text(annotation: Any) -> str:
    """A type as a user writes its values: `D | W`, `list of str`, `date or null`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_text(arguments[0])
    if origin is Literal:
        return " | ".join(map(str, arguments))
    inner = list(dict.fromkeys(type_text(each) for each in arguments if each is not Ellipsis))
    if origin in (Union, types.UnionType):
        lists = [each for each in inner if each.removeprefix("list of ") in inner and each.startswith("list of ")]
        single = " or ".join(each for each in inner if each not in lists and each != "null")
        return single + (", one or more" if lists else "") + (" or null" if "null" in inner else "")
    if origin in (list, tuple):
        return f"list of {', '.join(inner)}"
    return f"mapping of {' to '.join(inner)}" if origin is dict else _plain_type(annotation)


def _plain_type(annotation: Any) -> str:
    if annotation is type(None):
        return "null"
    is_section = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return "section" if is_section else str(getattr(annotation, "__name__", annotation))


def default_text(field: FieldInfo) -> str:
    """The default of a field, as a config writes it; `required` without one."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return ""
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)
