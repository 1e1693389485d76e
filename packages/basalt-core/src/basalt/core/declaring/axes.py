"""Axes: the parameters of a formula, read from its signature.

`Literal`, enum and bool parameters are closed: every choice is known. Others (int, float, str)
are open: the plan knows the values that a config asks for.
"""

from __future__ import annotations

import enum
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from basalt.core.errors import BadOffer

REQUIRED: Any = inspect.Parameter.empty
ROWS = "rows"
UNASKED: Any = ()
"""Default of an axis without which there is no column: an entry that does not give its values asks for nothing of the formula."""


@dataclass(frozen=True)
class Axis:
    """One parameter of a formula.

    Attributes:
        name: Parameter name.
        annotation: Its type, as the config schema uses it.
        default: Its value when the config does not say; `REQUIRED` without one.
        choices: All values of a closed axis; empty for an open one.
    """

    name: str
    annotation: Any
    default: Any
    choices: tuple[Any, ...]

    @property
    def is_closed(self) -> bool:
        """Whether every choice is known."""
        return bool(self.choices)


def axes_of(function: Callable[..., Any], *, skip: int = 0) -> tuple[tuple[Axis, ...], bool]:
    """The axes of *function*, after *skip* leading parameters, and whether it takes `rows`.

    Raises:
        BadOffer: A parameter has no type, or is variadic.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    axes = []
    takes_rows = False
    for parameter in parameters:
        if parameter.name == ROWS:
            takes_rows = True
            continue
        where = f"{function.__module__}.{function.__qualname__}"
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or parameter.name not in hints:
            raise BadOffer(
                f"parameter {parameter.name!r} is no axis",
                where=where,
                hint="give it one name and a type, for example Literal['Bid', 'Ask']",
            )
        annotation = hints[parameter.name]
        axes.append(Axis(parameter.name, annotation, parameter.default, choices_of(annotation)))
    return tuple(axes), takes_rows


def choices_of(annotation: Any) -> tuple[Any, ...]:
    """All values of a closed type; empty when the type is open."""
    origin = get_origin(annotation)
    if origin is Literal:
        return get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        members = [choices_of(member) for member in get_args(annotation)]
        return tuple(choice for member in members for choice in member) if all(members) else ()
    if isinstance(annotation, typing.TypeAliasType) if hasattr(typing, "TypeAliasType") else False:
        return choices_of(annotation.__value__)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return tuple(annotation)
    if annotation is bool:
        return (False, True)
    return ()


def token(value: object) -> str:
    """The text of an axis value in a column name."""
    return str(value.value) if isinstance(value, enum.Enum) else str(value)
