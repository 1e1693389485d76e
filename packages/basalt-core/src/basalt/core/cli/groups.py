"""Command groups, as plugins offer them: known by name and summary, imported when used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from basalt.core.errors import BadOffer, BasaltError, DuplicateName, UnknownName

if TYPE_CHECKING:
    from basalt.core.offers import Offer


class CommandGroups(TyperGroup):
    """The root of all commands: a group of plugin groups.

    Help only needs names and summaries; a group's own modules are imported when one of its commands
    is asked for. A broken plugin does not break the help of the others.
    """

    @cached_property
    def offered(self) -> Mapping[str, Sequence[Offer[Any]]]:
        """All groups by name."""
        return offered_groups()

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the groups, the kernel's first."""
        return list(self.offered)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in with the group's name and summary."""
        offers = self.offered.get(cmd_name)
        return TyperGroup(name=cmd_name, help=offers[0].summary) if offers else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The group itself, imported now.

        Raises:
            UnknownName: No plugin offers the group; names the wheel for first-party ones.
        """
        name = args[0]
        offers = self.offered.get(name)
        if offers is None:
            raise _unknown_group(name, self.offered)
        return name, load_group(name, offers), args[1:]


def offered_groups() -> Mapping[str, Sequence[Offer[Any]]]:
    """All groups by name; those of sound plugins where others are broken, which is said."""
    from basalt.core.catalog import catalog

    try:
        return catalog().commands
    except BasaltError as problem:
        typer.echo(f"warning: {problem.what}; see: basalt plugins list", err=True)
    return _groups_of_sound_plugins()


def _groups_of_sound_plugins() -> dict[str, list[Offer[Any]]]:
    from basalt.core.inspecting import inspect_plugins

    groups: dict[str, list[Offer[Any]]] = {}
    for plugin in inspect_plugins(["commands"]):
        for offer in plugin.offers.get("commands", ()):
            groups.setdefault(offer.name, []).append(offer)
    return groups


def _unknown_group(name: str, known: Iterable[str]) -> BasaltError:
    from basalt.core.first_party import wheel_of

    wheel = wheel_of("commands", name)
    if wheel:
        return UnknownName(f"unknown command {name!r}", hint=f"it comes with {wheel}: pip install {wheel}")
    return UnknownName.of("command", name, known, hint="see: basalt --help")


def load_group(name: str, offers: Sequence[Offer[Any]]) -> TyperGroup:
    """The commands of all *offers* as one group.

    Raises:
        PluginLoadFailed: A target cannot be imported.
        BadOffer: A target is no `typer.Typer`.
        DuplicateName: Two offers have a command of one name.
    """
    merged = typer.Typer(help=offers[0].summary, no_args_is_help=True, rich_markup_mode=None)
    owners: dict[str, str] = {}
    for offer in offers:
        part = _loaded(offer)
        for command in _names(part):
            if command in owners:
                raise DuplicateName(f"two plugins offer the command '{name} {command}'", where=f"{owners[command]} and {offer.target}")
            owners[command] = offer.target
        merged.registered_commands += part.registered_commands
        merged.registered_groups += part.registered_groups
    group = typer.main.get_group(merged)
    if len(offers) > 1:  # in an order that does not depend on what is installed
        group.commands = dict(sorted(group.commands.items()))
    group.name = name
    return group


def _loaded(offer: Offer[Any]) -> typer.Typer:
    part = offer.load()
    if not isinstance(part, typer.Typer):
        raise BadOffer(f"{offer.target} is a {type(part).__name__}, not a typer.Typer", where=f"command {offer.name}")
    return part


def _names(part: typer.Typer) -> Iterator[str]:
    """Names of the commands and groups of *part*."""
    yield from typer.main.get_group(part).commands
