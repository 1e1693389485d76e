"""Inspecting plugins one by one: what each provides, or what is wrong with it.

The catalog stops at the first plugin that is broken; here each is looked at by itself, so that a
user sees which one it is, and the help of the others still works.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import metadata
from types import ModuleType
from typing import Any, Final

import pluggy

from basalt.core.catalog import BLOCK_VARIABLE, GROUP
from basalt.core.errors import BadOffer

KINDS: Final = {
    "tables": "basalt_tables",
    "sources": "basalt_sources",
    "universes": "basalt_universes",
    "modules": "basalt_analytics",
    "preprocessors": "basalt_preprocessors",
    "timelines": "basalt_timelines",
    "checks": "basalt_checks",
    "executors": "basalt_executors",
    "output_targets": "basalt_output_targets",
    "commands": "basalt_commands",
}
OBSERVING: Final = ("basalt_run_started", "basalt_task_finished", "basalt_pass_finished", "basalt_run_finished")


@dataclass(frozen=True)
class Inspected:
    """One plugin, looked at by itself.

    Attributes:
        name: Name of its entry point.
        distribution, version: What installed it.
        target: Module that it is.
        status: `ok`, `blocked` or `error`.
        provides: Kind to the names offered; `observes` to the events watched.
        error: What is wrong.
        offers: Kind to what its hooks returned.
    """

    name: str
    distribution: str
    version: str
    target: str
    status: str = "ok"
    provides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    error: str = ""
    offers: Mapping[str, tuple[Any, ...]] = field(default_factory=dict, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        shown = ("name", "distribution", "version", "target", "status", "error")
        return {**{each: getattr(self, each) for each in shown}, "provides": {kind: list(names) for kind, names in self.provides.items()}}


def inspect_plugins(kinds: Sequence[str] | None = None) -> tuple[Inspected, ...]:
    """Look at every installed plugin, the kernel first.

    Args:
        kinds: Kinds of offers to ask for; asking for modules imports them. None: all kinds, those
            that plugins declare included.
    """
    blocked = {name.strip() for name in os.environ.get(BLOCK_VARIABLE, "").split(",")}
    points = {(point.name, point.dist.name if point.dist else ""): point for point in metadata.entry_points(group=GROUP)}
    ordered = sorted(points.values(), key=lambda point: (point.name != "core", point.name))
    declared = _declared_hooks(point for point in ordered if point.name not in blocked)
    hooks = {**KINDS, **{_kind(hook): hook for specs in declared for hook in _hooks_of(specs)}}
    asked = {kind: hooks[kind] for kind in (hooks if kinds is None else kinds)}
    found = [_blocked(point) if point.name in blocked else _inspected(point, asked, declared) for point in ordered]
    return tuple(_without_doubles(found))


def _bare(point: metadata.EntryPoint) -> Inspected:
    return Inspected(point.name, point.dist.name if point.dist else "unknown", point.dist.version if point.dist else "", point.value)


def _blocked(point: metadata.EntryPoint) -> Inspected:
    return replace(_bare(point), status="blocked")


def _declared_hooks(points: Iterable[metadata.EntryPoint]) -> tuple[Any, ...]:
    """Namespaces of hooks that plugins declare; broken plugins declare none, and are told of later."""
    found: list[Any] = []
    for point in points:
        with suppress(Exception, SystemExit):
            found += getattr(point.load(), "basalt_hookspecs", tuple)()
    return tuple(found)


def _hooks_of(specs: object) -> list[str]:
    return [name for name in dir(specs) if hasattr(getattr(specs, name), "basalt_spec")]


def _kind(hook: str) -> str:
    return hook.removeprefix("basalt_")


def _inspected(point: metadata.EntryPoint, asked: Mapping[str, str], declared: Sequence[Any]) -> Inspected:
    bare = _bare(point)
    try:
        offers = _offers_of(point.load(), asked, declared)
        provides = {kind: tuple(_name(value, bare.distribution) for value in values) for kind, values in offers.items()}
    except (Exception, SystemExit) as problem:  # noqa: BLE001 - a plugin may raise anything; it is listed with it
        return replace(bare, status="error", error=_said(problem))
    return replace(bare, provides=provides, offers=offers)


def _said(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {problem}"


def _offers_of(module: ModuleType, kinds: Mapping[str, str], declared: Sequence[Any]) -> dict[str, tuple[Any, ...]]:
    from basalt.core import hookspecs

    manager = pluggy.PluginManager("basalt")
    manager.add_hookspecs(hookspecs)
    manager.register(module, name=module.__name__)
    for specs in declared:
        manager.add_hookspecs(specs)
    manager.check_pending()
    asked = {kind: getattr(manager.hook, hook)() for kind, hook in kinds.items()}
    found = {kind: tuple(value for values in answers for value in values or ()) for kind, answers in asked.items()}
    watched = tuple(hook for hook in OBSERVING if getattr(manager.hook, hook).get_hookimpls())
    return {kind: values for kind, values in {**found, "observes": watched}.items() if values}


def _name(value: Any, owner: str) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(getattr(value, "name", None), str):
        raise BadOffer(f"{value!r} has no name", where=owner, hint="return what basalt.core.hookspecs says")
    return str(value.name)


def _without_doubles(plugins: Sequence[Inspected]) -> Iterator[Inspected]:
    """Mark plugins that share a name, or offer a name of another one."""
    names: dict[tuple[str, str], str] = {}
    for each in plugins:
        claimed = [("plugin", each.name), *((kind, name) for kind, all_names in each.provides.items() for name in all_names)]
        claims = [claim for claim in claimed if claim[0] not in ("commands", "observes")]
        taken = [(kind, name, names[kind, name]) for kind, name in claims if (kind, name) in names]
        names |= {claim: each.distribution for claim in claims if claim not in names}
        if taken and each.status == "ok":
            kind, name, other = taken[0]
            yield replace(
                each, status="error", error=f"DuplicateName: {other} offers the {kind.rstrip('s').replace('_', ' ')} {name!r} too"
            )
        else:
            yield each
