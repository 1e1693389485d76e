"""The catalog: all plugins, and everything they offer by kind and name.

Plugins are found through the entry-point group `basalt`. Each kind is asked for the first time it
is needed, so a command that needs no analytics imports none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from basalt.core.errors import BadOffer, BasaltError, DuplicateName, PluginError, PluginLoadFailed, UnknownName
from basalt.core.guarding import foreign, told

if TYPE_CHECKING:
    from basalt.core.declaring import Analytic, Enrichment, Module
    from basalt.core.offers import Offer, Preprocessor, TableModule
    from basalt.core.tables import Table

GROUP = "basalt"
BLOCK_VARIABLE = "BASALT_BLOCK_PLUGINS"


@dataclass(frozen=True)
class Plugin:
    """One entry point of the group: name, distribution, and the error that its import gave."""

    name: str
    distribution: str
    version: str
    target: str
    error: str = ""
    is_blocked: bool = False


class Catalog:
    """All offers by kind and name.

    Args:
        extra: Plugin modules besides the installed ones, for example a pipeline file that
            implements hooks.

    Attributes:
        plugins: What was found.
        hookspecs: Namespaces with the specifications of all hooks, the kernel's first.
    """

    def __init__(self, extra: Iterable[ModuleType] = ()) -> None:
        from basalt.core import hookspecs

        self._manager = pluggy.PluginManager("basalt")
        self._manager.add_hookspecs(hookspecs)
        self._owners: dict[int, str] = {}
        self.plugins = tuple(self._load_entry_points())
        for module in extra:
            self._register(module, module.__name__)
        self.hookspecs: tuple[Any, ...] = (hookspecs, *self._flat("basalt_hookspecs"))
        for specs in self.hookspecs[1:]:
            self._manager.add_hookspecs(specs)
        self._check_hooks()

    # ------------------------------------------------------------ loading

    def _load_entry_points(self) -> Iterator[Plugin]:
        blocked = {name.strip() for name in os.environ.get(BLOCK_VARIABLE, "").split(",") if name.strip()}
        seen: dict[str, str] = {}
        for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: (point.name != "core", point.name)):
            owner = point.dist.name if point.dist else "unknown"
            version = point.dist.version if point.dist else ""
            if seen.get(point.name) == owner:
                continue
            if point.name in seen:
                raise DuplicateName(
                    f"two plugins are called {point.name!r}",
                    where=f"{seen[point.name]} and {owner}",
                    hint="uninstall one of the two distributions",
                )
            seen[point.name] = owner
            if point.name in blocked:
                yield Plugin(point.name, owner, version, point.value, is_blocked=True)
                continue
            yield Plugin(point.name, owner, version, point.value, error=self._load(point, owner))

    def _load(self, point: metadata.EntryPoint, owner: str) -> str:
        try:
            module = point.load()
        except BasaltError as problem:
            return str(problem)
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - a plugin's module may raise anything; it is listed with it
            return f"{type(problem).__name__}: {problem}"
        self._register(module, owner)
        return ""

    def _register(self, module: ModuleType, owner: str) -> None:
        if id(module) in self._owners:
            raise DuplicateName(
                f"two plugins are the module {module.__name__!r}",
                where=f"{self._owners[id(module)]} and {owner}",
                hint="uninstall one of the two distributions",
            )
        self._owners[id(module)] = owner
        try:
            self._manager.register(module, name=module.__name__)
        except pluggy.PluginValidationError as problem:
            raise BadOffer(str(problem), where=owner, hint="see basalt.core.hookspecs for the hooks") from problem

    def _check_hooks(self) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as problem:
            raise BadOffer(
                str(problem), where=self._owners.get(id(problem.plugin)), hint="see basalt.core.hookspecs for the hooks"
            ) from problem

    def require_sound(self) -> None:
        """Stop when a plugin failed to load.

        Raises:
            PluginLoadFailed: Names the distribution, the error and the way around it.
        """
        for plugin in self.plugins:
            if plugin.error:
                raise PluginLoadFailed(
                    f"plugin {plugin.name!r} of {plugin.distribution} cannot be loaded: {plugin.error}",
                    where=plugin.target,
                    hint=f"reinstall or uninstall {plugin.distribution}, or go on without it: {BLOCK_VARIABLE}={plugin.name}",
                )

    # ------------------------------------------------------------ asking

    @property
    def hook(self) -> Any:
        """Pluggy's relay, for the observing hooks."""
        return self._manager.hook

    def _each(self, hook: str) -> Iterator[tuple[str, Any]]:
        """Owner and value of everything that the plugins return for *hook*."""
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            owner = self._owners.get(id(implementation.plugin), implementation.plugin_name)
            with foreign(lambda problem, owner=owner, home=implementation.plugin_name: _hook_failed(hook, owner, home, problem)):  # type: ignore[misc]
                values = tuple(implementation.function() or ())
            yield from ((owner, value) for value in values)

    def _flat(self, hook: str) -> Iterator[Any]:
        return (value for _, value in self._each(hook))

    def _checked(self, hook: str, fits: Callable[[Any], bool], wanted: str) -> Iterator[tuple[str, Any]]:
        for owner, value in self._each(hook):
            if not fits(value):
                raise BadOffer(f"{hook} returned {value!r}", where=owner, hint=f"return an iterable of {wanted}")
            yield owner, value

    def offers(self, hook: str, kind: str) -> dict[str, Offer[Any]]:
        """What plugins offer through *hook*, one of those that a plugin declared, by name.

        Args:
            hook: Name of the hook; each of its values is an `Offer`.
            kind: What to call one of them in errors.
        """
        return self._offers(hook, kind)

    def _offers(self, hook: str, kind: str) -> dict[str, Any]:
        return self._named(self._checked(hook, is_offer, "Offer"), kind)

    def _named(self, values: Iterable[tuple[str, Any]], kind: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        owners: dict[str, str] = {}
        for owner, value in values:
            name = value.name
            if name in found:
                raise DuplicateName(
                    f"two plugins offer the {kind} {name!r}",
                    where=f"{owners[name]} and {owner}",
                    hint=f"uninstall one, or block its plugin: {BLOCK_VARIABLE}=<plugin>",
                )
            found[name], owners[name] = value, owner
            self._homes[(kind, name)] = owner
        return found

    @cached_property
    def _homes(self) -> dict[tuple[str, str], str]:
        return {}

    def owner(self, kind: str, name: str) -> str:
        """The distribution that offers *name*."""
        return self._homes.get((kind, name), "")

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Contracts of raw tables, by name."""
        from basalt.core.tables import Table

        return self._named(self._checked("basalt_tables", lambda value: isinstance(value, Table), "Table"), "table")

    @cached_property
    def sources(self) -> dict[str, Offer[Any]]:
        """Sources, by name."""
        return self._offers("basalt_sources", "source")

    @cached_property
    def universes(self) -> dict[str, Offer[Any]]:
        """Kinds of universes, by name."""
        return self._offers("basalt_universes", "universe")

    @cached_property
    def timelines(self) -> dict[str, Offer[Any]]:
        """Timelines, by name."""
        return self._offers("basalt_timelines", "timeline")

    @cached_property
    def checks(self) -> dict[str, Offer[Any]]:
        """Quality checks, by name."""
        return self._offers("basalt_checks", "check")

    @cached_property
    def executors(self) -> dict[str, Offer[Any]]:
        """Executors, by name."""
        return self._offers("basalt_executors", "executor")

    @cached_property
    def output_targets(self) -> dict[str, Offer[Any]]:
        """Output targets, by name."""
        return self._offers("basalt_output_targets", "output target")

    @cached_property
    def preprocessors(self) -> dict[str, Preprocessor]:
        """Preprocessors, by name."""
        return self._named(self._checked("basalt_preprocessors", is_transformation, "Preprocessor"), "preprocessor")

    @cached_property
    def commands(self) -> dict[str, list[Offer[Any]]]:
        """CLI commands, by name."""
        groups: dict[str, list[Offer[Any]]] = {}
        for _, offer in self._checked("basalt_commands", is_offer, "Offer"):
            groups.setdefault(offer.name, []).append(offer)
        return groups

    @cached_property
    def modules(self) -> dict[str, Module | TableModule]:
        """Modules by name, each with the analytics that other plugins add to it."""
        from basalt.core.declaring import Analytic, Enrichment, Module

        def fits(value: object) -> bool:
            return isinstance(value, Module | Analytic | Enrichment) or is_transformation(value)

        offered = list(self._checked("basalt_analytics", fits, "Module, TableModule, Analytic or Enrichment"))
        additions = [(owner, value) for owner, value in offered if isinstance(value, Analytic | Enrichment)]
        modules = self._named((each for each in offered if each not in additions), "module")
        for owner, value in additions:
            for name in _extended_modules(value, modules, owner):
                modules[name] = modules[name].extended([value])
        self._check_config_keys(modules)
        return modules

    def _check_config_keys(self, modules: dict[str, Any]) -> None:
        """Refuse config keys and names that two share: one of them would never see what the user wrote."""
        from basalt.configuration.models import PassConfig

        for name in sorted(modules.keys() & self.preprocessors.keys()):
            if modules[name].config_model is not self.preprocessors[name].config_model:
                raise DuplicateName(f"a module and a preprocessor are called {name!r}", hint="only two sides of one section may be")
        keys = dict.fromkeys(PassConfig.model_fields, "the pass itself")
        keys |= {offer.config_key: f"the timeline {name!r}" for name, offer in self.timelines.items() if offer.config_key}
        for name, module in [*modules.items(), *self.preprocessors.items()]:
            shared = module is self.preprocessors.get(name) and name in modules
            if module.config_key in keys and not shared and not _divides(module, modules):
                raise DuplicateName(
                    f"{keys[module.config_key]} and {name!r} use one config key {module.config_key!r}",
                    hint=f"give {name!r} a config_key of its own",
                )
            keys[module.config_key] = repr(name)

    # ------------------------------------------------------------ finding

    def find(self, kind: str, name: str, *, where: str | None = None) -> Any:
        """What is offered as *kind* under *name*.

        Raises:
            UnknownName: Nothing is; the hint names near matches, and the wheel for first-party names.
            PluginError: A plugin that may have offered it failed to load.
        """
        known: dict[str, Any] = getattr(self, kind)
        if name in known:
            return known[name]
        self.require_sound()
        from basalt.core.first_party import wheel_of

        wheel = wheel_of(kind, name)
        singular = kind.rstrip("s").replace("_", " ")
        if wheel:
            raise UnknownName(f"unknown {singular} {name!r}", where=where, hint=f"it comes with {wheel}: pip install {wheel}")
        elsewhere = {"modules": "preprocessors", "preprocessors": "modules"}.get(kind, "")
        if elsewhere and name in getattr(self, elsewhere):
            lists = {"modules": "modules", "preprocessors": "preprocess_modules"}
            raise UnknownName(f"{name!r} is no {singular}", where=where, hint=f"list it in {lists[elsewhere]}")
        raise UnknownName.of(singular, name, known, where=where, hint="see: basalt plugins list")


def _extended_modules(value: Analytic | Enrichment, modules: dict[str, Any], owner: str) -> list[str]:
    """The module with the family and table that *value* names; all modules of its table when it names no family."""
    family = getattr(value, "family", "")
    fits = [name for name, module in modules.items() if _names_table(value, module) and (not family or _has_family(module, family))]
    if not fits:
        raise BadOffer(
            f"analytic {value.name!r} names no known family or table",
            where=owner,
            hint="offer it inside a Module, or name the family of an installed module",
        )
    if family and len({modules[name].config_key for name in fits}) > 1:
        raise BadOffer(
            f"analytic {value.name!r} fits several modules: {', '.join(fits)}",
            where=owner,
            hint='say which table it reads: table="trades"',
        )
    return fits


def _divides(module: Any, modules: Mapping[str, Any]) -> bool:
    """Whether *module* and all others with its config key say which columns of the section each makes."""
    return all(getattr(other, "makes", None) for other in modules.values() if other.config_key == module.config_key)


def _has_family(module: Any, family: str) -> bool:
    return any(each.name == family for each in getattr(module, "families", ()))


def _names_table(value: Analytic | Enrichment, module: Any) -> bool:
    """Whether *module* has analytics of the table of *value*, or *value* leaves the table open but names a family."""
    tables = {getattr(module, "table", ""), *(each.table for each in getattr(module, "formulas", ()))} - {""}
    return value.table in tables if value.table else bool(getattr(value, "family", ""))


def is_offer(value: object) -> bool:
    """Whether *value* is an `Offer`."""
    from basalt.core.offers import Offer

    return isinstance(value, Offer)


def is_transformation(value: object) -> bool:
    """Whether *value* has what a table module or preprocessor has."""
    texts = (getattr(value, name, None) for name in ("name", "config_key"))
    methods = (getattr(value, name, None) for name in ("inputs", "plan", "compute"))
    return all(isinstance(text, str) and text for text in texts) and all(map(callable, methods)) and hasattr(value, "config_model")


def _hook_failed(hook: str, owner: str, home: str, problem: Exception) -> PluginLoadFailed:
    hint = f"go on without it: {BLOCK_VARIABLE}=<plugin>; see basalt plugins list"
    return PluginLoadFailed(f"{hook} of {owner} failed: {told(problem)}", where=home, hint=hint)


_current: ContextVar[Catalog | None] = ContextVar("basalt_catalog", default=None)
_installed: list[Catalog] = []


def catalog() -> Catalog:
    """The catalog in force: that of `using_catalog`, else the one of all installed plugins."""
    found = _current.get()
    if found is not None:
        return found
    if not _installed:
        _installed.append(Catalog())
    return _installed[0]


@contextmanager
def using_catalog(chosen: Catalog) -> Iterator[Catalog]:
    """Make *chosen* the catalog in force inside the block."""
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)


__all__ = ["Catalog", "Plugin", "PluginError", "catalog", "using_catalog"]
