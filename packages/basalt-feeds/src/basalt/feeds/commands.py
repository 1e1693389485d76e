"""The commands of feeds: `basalt data import <feed> …` and `basalt data export <feed> …`.

Which feeds there are, plugins say; a feed is imported when its own command is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from inspect import Parameter, Signature, cleandoc
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

import typer
from typer.core import TyperGroup

from basalt.core.cli.options import examples, given_day
from basalt.core.errors import InvalidValue, UnknownName

if TYPE_CHECKING:
    from pydantic import BaseModel

    from basalt.core.offers import Offer

AsJson = Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")]


def feeds() -> dict[str, Offer[Any]]:
    """All feeds that plugins offer, by name."""
    from basalt.core.catalog import catalog

    return catalog().offers("basalt_feeds", "feed")


class Commands(Mapping[str, Any]):
    """Commands by name, each made when it is asked for."""

    def __init__(self, names: Callable[[], list[str]], make: Callable[[str], Any]) -> None:
        self._names, self._make = names, make

    def __getitem__(self, name: str) -> Any:
        if name not in self._names():
            raise KeyError(name)
        return self._make(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())


class FeedCommands(TyperGroup):
    """A group with one command a feed."""

    verb = ""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = Commands(self.names, self.made)  # type: ignore[assignment]

    @cached_property
    def offered(self) -> dict[str, Offer[Any]]:
        """The feeds that have such a command."""
        return feeds()

    def names(self) -> list[str]:
        """Names of the feeds, in alphabetical order."""
        return sorted(self.offered)

    def made(self, name: str) -> Any:
        """The command of the feed *name*, with its options."""
        raise UnknownName(f"unknown command {name!r}")

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the feeds."""
        return self.names()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in with the feed's name and summary, so that help imports no feed."""
        offer = self.offered.get(cmd_name)
        return TyperGroup(name=cmd_name, help=offer.summary) if offer else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, its feed imported now.

        Raises:
            UnknownName: No plugin offers the feed.
        """
        name = args[0]
        if name not in self.offered:
            raise UnknownName.of("feed", name, self.offered, hint=f"see: basalt data {self.verb} --help")
        return name, self.made(name), args[1:]


class ImportCommands(FeedCommands):
    """`basalt data import <feed>`."""

    verb = "import"

    def made(self, name: str) -> Any:
        """Paths, the lake, and the options of the feed."""
        return import_command(name, self.offered[name].make())


class ExportCommands(FeedCommands):
    """`basalt data export <feed>`, for feeds that export."""

    verb = "export"

    @cached_property
    def offered(self) -> dict[str, Offer[Any]]:
        """The feeds that export."""
        from basalt.feeds.feed import Exporter

        return {name: offer for name, offer in feeds().items() if isinstance(offer.make(), Exporter)}

    def made(self, name: str) -> Any:
        """The day, the folder, and the options of the feed."""
        return export_command(name, self.offered[name].make())


app = typer.Typer(help="Bring market data into a lake, and out of it.", no_args_is_help=True)
app.add_typer(typer.Typer(cls=ImportCommands, help="Import a vendor's native files into a lake.", no_args_is_help=True), name="import")
app.add_typer(typer.Typer(cls=ExportCommands, help="Export a day of a lake as a vendor's files.", no_args_is_help=True), name="export")


# ---------------------------------------------------------------- one feed


def import_command(name: str, feed: Any) -> Any:
    """The command that imports through *feed*."""

    def run(paths: list[Path], lake: Path, as_json: bool, **said: Any) -> None:
        from basalt.core.cli.printing import print_lake_files
        from basalt.core.cli.progress import shown_steps

        options = validated(feed.Options, said)
        with shown_steps() as progress:
            imported = feed.import_files(paths, lake, options, progress)
        for notice in imported.notices:
            typer.echo(f"notice: {notice}", err=True)
        print_lake_files(imported.files, as_json=as_json)

    given = [
        _required("paths", Annotated[list[Path], typer.Argument(metavar="PATH", help="Files, archives, or folders of them.")]),
        _required("lake", Annotated[Path, typer.Option(metavar="DIR", help="Root folder of the lake; made if missing.")]),
    ]
    shown = f"basalt data import {name} FILE --lake lake"
    return _command(name, run, [*given, *option_parameters(feed.Options)], cleandoc(type(feed).__doc__ or ""), shown)


def export_command(name: str, feed: Any) -> Any:
    """The command that exports through *feed*."""

    def run(out: Path, lake: Path, date: str, mic: str, ticker: list[str] | None, as_json: bool, **said: Any) -> None:
        from basalt.core.cli.progress import shown_steps
        from basalt.feeds.feed import LakeDay

        options = validated(feed.ExportOptions, said)
        source = LakeDay(lake, mic, given_day(date), tuple(ticker or ()))
        with shown_steps() as progress:
            exported = feed.export_day(source, out, options, progress)
        for notice in exported.notices:
            typer.echo(f"notice: {notice}", err=True)
        for loss in feed.losses:
            typer.echo(f"not carried: {loss}", err=True)
        _print_exported(exported, as_json=as_json)

    given = [
        _required("out", Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the files; made if missing.")]),
        _required("lake", Annotated[Path, typer.Option(metavar="DIR", help="Root folder of the lake.")]),
        _required("date", Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Trading day.")]),
        _required("mic", Annotated[str, typer.Option(metavar="MIC", help="Market of the lake (ISO 10383).")]),
        _optional("ticker", Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this listing; may be repeated.")], None),
    ]
    summary = f"Export one market and day of a lake as {name} files.\n\n" + "\n\n".join(f"Not carried: {loss}" for loss in feed.losses)
    shown = f"basalt data export {name} OUT --lake lake --date 2026-02-02 --mic XLON"
    return _command(name, run, [*given, *option_parameters(feed.ExportOptions)], summary, shown)


def option_parameters(model: type[BaseModel]) -> list[Parameter]:
    """The fields of *model* as options of a command."""
    return [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if field.is_required() else field.get_default(call_default_factory=True),
            annotation=Annotated[_plain(field.annotation), typer.Option(help=field.description)],
        )
        for name, field in model.model_fields.items()
    ]


def _plain(annotation: Any) -> Any:
    """A type without what is annotated to it: the command line shows types, the model checks values."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _plain(inner[0])
    if origin in (Union, UnionType):
        return Union[tuple(_plain(each) for each in inner)]  # noqa: UP007 - made of a tuple
    return list[_plain(inner[0])] if origin is list else annotation  # type: ignore[misc]


def validated(model: type[BaseModel], said: Mapping[str, Any]) -> BaseModel:
    """An instance of *model*.

    Raises:
        InvalidValue: The first value that the model refuses, with the name of its option.
    """
    from pydantic import ValidationError

    try:
        return model(**said)
    except ValidationError as problem:
        first = problem.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        field = model.model_fields.get(name)
        example = f", as in {field.examples[0]}" if field and field.examples else ""
        hint = f"{field.description.rstrip('.')}{example}" if field and field.description else None
        raise InvalidValue(
            f"{said.get(name)!r} is not valid: {_sentence(first['msg'])}", where=f"--{name.replace('_', '-')}", hint=hint
        ) from None


def _sentence(message: str) -> str:
    return message[:1].lower() + message[1:].removeprefix("alue error, ")


def _required(name: str, annotation: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation)


def _optional(name: str, annotation: Any, default: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _command(name: str, run: Callable[..., None], parameters: list[Parameter], summary: str, example: str) -> Any:
    everything = [*parameters, _optional("as_json", AsJson, False)]
    run.__signature__ = Signature(everything)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in everything}
    made = typer.Typer(add_completion=False, rich_markup_mode=None)
    made.command(name, help=summary, epilog=examples(example))(run)
    command = typer.main.get_command(made)
    command.name = name
    return command


def _print_exported(exported: Any, *, as_json: bool) -> None:
    from basalt.core.cli.printing import counted, print_json, print_lines

    rows = [{"holds": each.holds, "rows": each.rows, "path": str(each.path)} for each in exported.files]
    if as_json:
        print_json(rows)
        return
    print_lines(rows, ("holds", "rows", "path"), empty="no files")
    typer.echo(f"{counted(len(rows), 'file')}, {counted(sum(each.rows for each in exported.files), 'record')}")
