"""`basalt plugins`: list what is installed, or start a new one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from basalt.core.cli.options import AsJson, examples
from basalt.core.cli.printing import print_json, print_rows

app = typer.Typer(help="List plugins, or start a new one.", no_args_is_help=True)


@app.command("list", epilog=examples("basalt plugins list"))
def list_plugins(as_json: AsJson = False) -> None:
    """List installed plugins.

    What each provides, and what is wrong with those that are broken.
    """
    from basalt.core.inspecting import inspect_plugins

    found = inspect_plugins()
    if as_json:
        print_json([each.as_dict() for each in found])
        return
    rows = [{**each.as_dict(), "provides": _lines(each.provides)} for each in found]
    columns = ("name", "distribution", "version", "status", "provides")
    print_rows(rows, columns)
    for each in found:
        if each.error:
            typer.secho(f"\n{each.name} ({each.distribution}): {each.error}", fg=typer.colors.RED)
            typer.echo(f"  reinstall or uninstall {each.distribution}, or go on without it: BASALT_BLOCK_PLUGINS={each.name}")


def _lines(provides: Mapping[str, tuple[str, ...]]) -> str:
    return "\n".join(f"{kind}: {', '.join(names)}" for kind, names in provides.items())


@app.command(epilog=examples("basalt plugins new order_flow"))
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the module: lower-case letters, digits, underscores.")],
    directory: Annotated[Path | None, typer.Option("--directory", metavar="DIR", help="Folder to write; basalt-NAME if not given.")] = None,
) -> None:
    """Start a new plugin.

    Writes a small project that installs, is found and passes its own tests.
    """
    from basalt.core.scaffolding import write_plugin

    folder = write_plugin(name, directory)
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        typer.echo(str(path))
    typer.echo(f"\nnext (in an environment of uv: uv pip install):\n  pip install -e {folder}\n  pytest {folder}")
