"""Modules of analytics: what a plugin offers under one name, and the config it answers to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, create_model

from basalt.core.declaring.analytics import Analytic, Enrichment, Measure, named_by
from basalt.core.declaring.axes import REQUIRED, UNASKED, Axis
from basalt.core.declaring.rows import RowFilter
from basalt.core.errors import BadOffer, DuplicateName, InvalidValue

T = TypeVar("T")
Several = Annotated[list[T], Field(min_length=1)]
"""A list in an entry; an empty one would ask for nothing without a word."""


class ModuleConfig(BaseModel):
    """Base of every module's section of a pass: unknown keys are errors.

    Attributes:
        ENABLED: False leaves the module out of the pass.
        metric_prefix: Put before every column of the module.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ENABLED: bool = Field(True, description="False leaves the module out of the pass.")
    metric_prefix: str | None = Field(None, description="Put before every column of the module.")

    def fingerprint(self) -> str:
        """Changes whenever something changes that the section only names, such as the text of a file; empty where there is nothing."""
        return ""


class Entry(BaseModel):
    """Base of one entry of a family's list."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Family:
    """Analytics that one list of a module's config asks for.

    Attributes:
        name: Key of the list: `generic_metrics`.
        doc: What the family measures.
        selector: Entry field that picks among the analytics; empty: an entry asks for all.
        axes: Formula parameter to entry field: `{"side": "sides"}`. A closed parameter that is not
            named here always takes all its values (open, high, low, close).
        chosen: What an entry without the selector asks for; empty: it must say.
        words: What `output_name_pattern` may use besides fields of the entry, made of the axes.
        spare: Fields that an entry may set though no measure of it takes them; others are refused then.
    """

    name: str
    doc: str
    selector: str = "measures"
    axes: Mapping[str, str] = field(default_factory=dict)
    chosen: str = ""
    words: Mapping[str, Callable[[Mapping[str, Any]], str]] = field(default_factory=dict)
    spare: tuple[str, ...] = ()


@dataclass(frozen=True)
class Select:
    """An entry that a module makes itself: its default output.

    Attributes:
        family: The family asked.
        entry: What a user would write.
    """

    family: str
    entry: Mapping[str, Any]


@dataclass(frozen=True)
class Module:
    """Analytics of one table, offered under one name.

    Attributes:
        name: Name in `PassConfig.modules`.
        table: Table that its analytics read unless they say otherwise.
        analytics: Formulas and enrichments; formulas without a family are needs of others.
        families: Lists of the config. A module without families has one, `metrics`, with all
            formulas, and by default computes all of them.
        default: Output when the config asks for nothing; or a function of the section that says so.
        always: Output on top of what the config asks for.
        fields: Further fields of the config, as for `pydantic.create_model`.
        states: Type of a market state in `market_states`; a `Literal` refuses states it does not list.
        config_key: Key of its section in a pass; `<name>_analytics` if empty.
        doc: What the module is for.
        makes: Of the columns that the section asks for, those at these axes; None makes all. Modules that
            divide a section among them have the same `config_key` and families.
    """

    name: str
    table: str
    analytics: tuple[Analytic | Enrichment, ...]
    families: tuple[Family, ...] = ()
    default: tuple[Select, ...] | Callable[[Any], tuple[Select, ...]] = ()
    always: tuple[Select, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    states: Any = str
    config_key: str = ""
    doc: str = ""
    makes: Callable[[Mapping[str, Any]], bool] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "config_key", self.config_key or f"{self.name}_analytics")
        if not self.families:
            self._become_one_family()
        known = {family.name for family in self.families}
        for each in self.formulas:
            if each.family and each.family not in known:
                raise BadOffer(
                    f"analytic {each.name!r} names the family {each.family!r}",
                    where=f"module {self.name}",
                    hint=f"families: {', '.join(sorted(known))}",
                )

    def _become_one_family(self) -> None:
        buckets = [each for each in self.formulas if each.grain != "row"]
        axes = {axis.name: axis.name for each in buckets for axis in each.axes}
        object.__setattr__(self, "families", (Family("metrics", self.doc or f"Measures of {self.name}.", "measures", axes),))
        if not self.default:
            optional = [each.measure for each in buckets if all(axis.default is not REQUIRED for axis in each.axes)]
            object.__setattr__(self, "default", (Select("metrics", {"measures": optional}),) if optional else ())

    @property
    def formulas(self) -> tuple[Analytic, ...]:
        """The analytics, without enrichments."""
        return tuple(each for each in self.analytics if isinstance(each, Analytic))

    def extended(self, more: Iterable[Analytic | Enrichment]) -> Module:
        """The module with *more* analytics, as other plugins offer them.

        Raises:
            DuplicateName: One of them answers to a measure that exists.
        """
        taken = {(each.family, each.measure) for each in self.formulas if each.family}
        for each in more:
            if isinstance(each, Analytic) and (each.family, each.measure) in taken:
                raise DuplicateName(f"measure {each.measure!r} of {self.name}.{each.family} is offered twice", where=each.reference)
        from dataclasses import replace

        return replace(self, analytics=(*self.analytics, *more))

    def members(self, family: Family) -> tuple[Analytic, ...]:
        """The analytics that answer to *family*."""
        if len(self.families) == 1 and family.name == "metrics":
            return tuple(each for each in self.formulas if each.grain != "row" and each.family in ("", "metrics"))
        return tuple(each for each in self.formulas if each.family == family.name)

    @cached_property
    def config_model(self) -> type[ModuleConfig]:
        """The schema of the module's section, made from its declarations."""
        lists: dict[str, Any] = {
            family.name: (list[self._entry_model(family)], Field(default_factory=list, description=family.doc))  # type: ignore[misc]
            for family in self.families
        }
        title = "".join(word.capitalize() for word in self.name.split("_"))
        model: type[ModuleConfig] = create_model(f"{title}Config", __base__=ModuleConfig, __doc__=self.doc or None, **lists, **self.fields)
        return model

    def _entry_model(self, family: Family) -> type[Entry]:
        members = self.members(family)
        fields: dict[str, Any] = {}
        for parameter, name in family.axes.items():
            asked_by_all = all(_must_be_given(each, parameter) for each in members)
            fields[name] = _entry_field(_merged_axis(parameter, members), must_be_given=asked_by_all)
        if family.selector:
            choice = Literal[tuple(each.measure for each in members)]  # type: ignore[valid-type]
            asked = Field(family.chosen or ..., description="Which measures.")
            fields[family.selector] = (choice | Several[choice], asked)  # type: ignore[valid-type]
        if any(each.takes_rows for each in members):
            state = self.states
            fields["market_states"] = (state | Several[state] | None, Field(None, description="Count only rows in these market states."))  # type: ignore[valid-type]
            scalar = str | int | float | bool
            fields["attribute_filters"] = (
                dict[str, scalar | Several[scalar]],
                Field(default_factory=dict, description="Count only rows whose column equals the value, or one of the values."),
            )
        fields["output_name_pattern"] = (str | None, Field(None, description="Column name as a template over the entry's fields."))
        title = "".join(word.capitalize() for word in f"{self.name}_{family.name}".split("_"))
        model: type[Entry] = create_model(f"{title}Entry", __base__=Entry, **fields)
        return model

    def defaults(self, config: ModuleConfig) -> tuple[Select, ...]:
        """What is made when the lists of *config* ask for nothing."""
        return self.default(config) if callable(self.default) else self.default

    def measures(self, config: ModuleConfig, *, where: str) -> tuple[Measure, ...]:
        """The columns that *config* asks for, in the order it asks.

        Args:
            config: The validated section.
            where: Config path of the section, for messages.
        """
        asked = [
            (family, entry, f"{where}.{family.name}[{index}]")
            for family in self.families
            for index, entry in enumerate(getattr(config, family.name))
        ]
        if not asked:
            asked = [self._selected(select, f"{where}: default output of {self.name}") for select in self.defaults(config)]
        asked += [self._selected(select, f"always in {self.name}") for select in self.always]
        prefix = config.metric_prefix or ""
        found = [measure for family, entry, origin in asked for measure in self._expand(family, entry, prefix, origin)]
        return tuple(dict.fromkeys(measure for measure in found if self._makes(measure)))

    def asked(self, config: ModuleConfig, *, where: str) -> tuple[Measure, ...]:
        """The columns that *config* asks for, made by this module or by another that shares its section."""
        prefix = config.metric_prefix or ""
        return tuple(
            measure
            for family in self.families
            for index, entry in enumerate(getattr(config, family.name))
            for measure in self._expand(family, entry, prefix, f"{where}.{family.name}[{index}]")
        )

    def _makes(self, measure: Measure) -> bool:
        return self.makes is None or self.makes(dict(measure.axes))

    def _selected(self, select: Select, origin: str) -> tuple[Family, Entry, str]:
        family = next(each for each in self.families if each.name == select.family)
        field_type = self.config_model.model_fields[family.name].annotation
        entry: Entry = field_type.__args__[0].model_validate(dict(select.entry))  # type: ignore[union-attr]
        return family, entry, origin

    def _expand(self, family: Family, entry: Entry, prefix: str, origin: str) -> Iterator[Measure]:
        rows = _row_filter(entry)
        _refuse_unused(family, entry, self._chosen(family, entry), origin)
        for chosen in self._chosen(family, entry):
            if any(_is_unasked(axis, family, entry) for axis in chosen.axes):
                continue
            fixed = [_values_of(axis, family, entry, origin) for axis in chosen.axes]
            for point in itertools.product(*fixed):
                axes = tuple(zip((axis.name for axis in chosen.axes), point, strict=True))
                column = prefix + self._column(chosen, family, entry, dict(axes), origin)
                yield Measure(chosen, axes, column, rows if chosen.takes_rows else RowFilter(), self.name, origin)

    def _chosen(self, family: Family, entry: Entry) -> tuple[Analytic, ...]:
        members = self.members(family)
        if not family.selector:
            return members
        wanted = _as_list(getattr(entry, family.selector))
        by_measure = {each.measure: each for each in members}
        return tuple(by_measure[name] for name in wanted)

    def _column(self, chosen: Analytic, family: Family, entry: Entry, axes: Mapping[str, Any], origin: str) -> str:
        pattern: str | None = getattr(entry, "output_name_pattern", None)
        if pattern is None:
            return chosen.column_at(axes)
        names: dict[str, Any] = {**axes, **{family.axes[name]: value for name, value in axes.items() if name in family.axes}}
        if family.selector:
            names |= {family.selector: chosen.measure, "measure": chosen.measure}
        names |= {word: spoken(axes) for word, spoken in family.words.items()}
        free = {axis.name for axis in chosen.axes if axis.name not in family.axes or axis.default is UNASKED}
        spread = [str(value) for name, value in axes.items() if name in free and f"{{{name}}}" not in pattern]
        return named_by(pattern, names, where=origin) + "".join(spread)


def _merged_axis(parameter: str, members: Sequence[Analytic]) -> Axis:
    """One axis for all *members* that have it; without a default where theirs are not the same."""
    axes = [axis for each in members for axis in each.axes if axis.name == parameter]
    if not axes:
        raise BadOffer(f"no analytic has the axis {parameter!r}", hint="remove it from the family's axes")
    merged = axes[0]
    for axis in axes[1:]:
        annotation = merged.annotation if axis.annotation == merged.annotation else merged.annotation | axis.annotation
        default = merged.default if axis.default == merged.default else REQUIRED
        merged = Axis(parameter, annotation, default, tuple(dict.fromkeys(merged.choices + axis.choices)))
    return merged


def _must_be_given(formula: Analytic, parameter: str) -> bool:
    return any(axis.name == parameter and axis.default is REQUIRED for axis in formula.axes)


def _entry_field(axis: Axis, *, must_be_given: bool) -> tuple[Any, Any]:
    """Type and default of the entry field of *axis*.

    Without a default that all measures share it may be left out, unless every measure of the family needs it
    (*must_be_given*): then each measure takes its own default, or asks for a value.
    """
    if axis.default is UNASKED:
        return axis.annotation | list[axis.annotation], Field(  # type: ignore[name-defined]
            default_factory=list, description=f"Axis {axis.name}; without it the measures that have it are not made."
        )
    annotation = axis.annotation | Several[axis.annotation]  # type: ignore[name-defined]
    about = f"Axis {axis.name}."
    if axis.default is not REQUIRED:
        return annotation, Field(axis.default, description=about)
    if must_be_given:
        return annotation, Field(..., description=about)
    return annotation | None, Field(None, description=f"{about} Measures without a default of their own need it.")


def _refuse_unused(family: Family, entry: Entry, chosen: Sequence[Analytic], origin: str) -> None:
    """Refuse what an entry says and none of its measures hears; what would be said anyway may stand there."""
    used = {family.axes[axis.name] for each in chosen for axis in each.axes if axis.name in family.axes}
    used |= {"market_states", "attribute_filters"} if any(each.takes_rows for each in chosen) else set()
    for name in {*family.axes.values(), "market_states", "attribute_filters"} & entry.model_fields_set - used - set(family.spare):
        usual = type(entry).model_fields[name].get_default(call_default_factory=True)
        given = getattr(entry, name)
        if given != usual and _as_list(given) != _as_list(usual):
            measures = ", ".join(each.measure for each in chosen)
            raise InvalidValue(f"{name!r} has no effect", where=f"{origin}.{name}", hint=f"{measures} does not take it: leave it out")


def _values_of(axis: Axis, family: Family, entry: Entry, origin: str) -> list[Any]:
    if axis.name in family.axes:
        name = family.axes[axis.name]
        given = getattr(entry, name)
        if name in entry.model_fields_set and (given is not None or NoneType in get_args(axis.annotation)):
            return _as_list(given)
        if axis.default is REQUIRED:
            raise InvalidValue(f"{name!r} is missing", where=origin, hint="a measure of the entry needs it: add it")
        return _as_list(axis.default)
    if axis.is_closed:
        return list(axis.choices)
    if axis.default is not REQUIRED:
        return [axis.default]
    raise BadOffer(f"axis {axis.name!r} has neither a config field nor choices", where=f"family {family.name}")


def _is_unasked(axis: Axis, family: Family, entry: Entry) -> bool:
    return axis.default is UNASKED and not _as_list(getattr(entry, family.axes[axis.name]))


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _row_filter(entry: Entry) -> RowFilter:
    states = getattr(entry, "market_states", None)
    attributes = getattr(entry, "attribute_filters", {})
    return RowFilter(
        market_states=tuple(_as_list(states)) if states else (),
        attributes=tuple((column, tuple(_as_list(values))) for column, values in attributes.items()),
    )
