"""The pages of commands, config keys, tables, errors and decisions."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from basalt.core import errors
from basalt.core.catalog import Catalog
from basalt.core.cli.groups import load_group
from basalt.core.cli.main import app
from basalt.core.cli.settings import option_rows, type_text
from basalt.core.errors import BasaltError
from basalt.core.explaining import dtype_text
from basalt.core.tables import Table
from docs_analytics import default_words
from docs_markdown import code, first_line, page, prose, table

# ---------------------------------------------------------------- commands

COMMANDS = """\
All commands, as `--help` describes them. Flags may be written with `_` or `-`. Where a table is printed, `--json` prints the same as JSON. Results go to
standard output; progress, notices and errors go to standard error. Exit codes are in [errors.md](errors.md).

| environment variable | meaning |
|---|---|
| `BASALT_LAKE` | root of the lake, where neither `--lake` nor `LAKE` says one |
| `BASALT_STATE_DIR` | folder of the ledger and of parts of running tasks; `.basalt` in the working directory if unset |
| `BASALT_CACHE_DIR` | folder of simulated days; the user's cache if unset |
| `BASALT_BLOCK_PLUGINS` | names of plugins to go on without, separated by commas |
| `BASALT_DEBUG` | 1 shows where an error comes from |
| `POLARS_MAX_THREADS` | threads of each worker's engine; the cores, divided among the workers, if unset |
| `NO_COLOR` | any value: no colours |"""


def commands_page(shelf: Catalog) -> str:
    """Every command with its arguments and options."""
    root = typer.main.get_command(app)
    blocks = [f"## `basalt`\n\n{prose(root.help or '')}\n\n{_parameters(root)}"]
    for name in sorted(shelf.commands):
        group = load_group(name, shelf.commands[name])
        blocks.append(f"## `basalt {name}`\n\n{first_line(group.help or '')}")
        blocks += [_command(path, each) for path, each in _leaves(f"basalt {name}", group)]
    return page("Commands", COMMANDS, *blocks)


def _leaves(path: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, each in sorted(group.commands.items()):
        if hasattr(each, "commands"):
            yield from _leaves(f"{path} {name}", each)
        else:
            yield f"{path} {name}", each


def _command(path: str, command: Any) -> str:
    shown = [line.strip() for line in (command.epilog or "").splitlines() if line.strip().startswith("basalt ")]
    examples = "\n".join(["```sh", *shown, "```"]) if shown else ""
    return "\n\n".join(part for part in [f"### `{path}`", prose(command.help or ""), examples, _parameters(command)] if part)


def _parameters(command: Any) -> str:
    rows = [_parameter(each) for each in command.params if not getattr(each, "hidden", False) and each.name != "help"]
    return table(("option", "value", "default", "meaning"), rows)


def _parameter(each: Any) -> list[str]:
    is_option = each.param_type_name == "option"
    names = " ".join(code(name) for name in (*each.opts, *each.secondary_opts)) if is_option else code(each.metavar or each.name.upper())
    return [names, _value_of(each) if is_option else "", _default_of(each), first_line(each.help or "")]


def _value_of(each: Any) -> str:
    return "" if getattr(each, "is_flag", False) else code(each.metavar or type_text(each.type_descriptor.annotation))


def _default_of(each: Any) -> str:
    if each.required:
        return "required"
    shown = getattr(each.default, "value", each.default)
    return code(shown) if isinstance(shown, str | int | float) and not isinstance(shown, bool) and shown != "" else ""


# ---------------------------------------------------------------- config

CONFIG = """\
Every key of a config. A pipeline is a Python file with `USER_CONFIG`, a mapping, or a YAML, TOML or JSON file with the same keys. Run keys may be written in
upper or lower case; keys of passes and modules are written as they stand here. `[]` stands for each element of a list, `<name>` for a name of your own. An unknown
key is an error that names its path and the nearest known key. The same list for what is installed on your machine: `basalt pipeline options`.

The entries of module sections are described with their measures in [analytics.md](analytics.md)."""
PATH_FIELDS = "`path_template` may use `{datasetname}`, `{pass}`, `{universe}`, `{start_date}`, `{end_date}`, `{bucket}` and `{prefix}`."


def config_page(shelf: Catalog) -> str:
    """Every key that a config may have."""
    rows = option_rows(shelf)
    of_passes = [row for row in rows if row["key"].startswith("PASSES[].")]
    of_targets = [row for row in rows if row["key"].startswith("OUTPUT_TARGET.")]
    of_sources = [row for row in rows if row["from"] != "bmll-basalt-core" and row not in of_passes and row not in of_targets]
    of_run = [row for row in rows if row not in of_passes and row not in of_targets and row not in of_sources]
    return page(
        "Config",
        CONFIG,
        f"## The run\n\n{_keys(of_run)}",
        f"## Output targets\n\nKeys of `OUTPUT_TARGET`, and of `output` and `extra_outputs` of a pass. {PATH_FIELDS}\n\n{_keys(of_targets)}",
        f"## Sections of sources and executors\n\n{_keys(of_sources)}",
        f"## A pass\n\n{_keys(of_passes)}",
    )


def _keys(rows: list[dict[str, Any]]) -> str:
    return table(
        ("key", "type", "default", "meaning"),
        [[code(row["key"]), code(row["type"]), default_words(row["default"]), row["description"]] for row in rows],
    )


# ---------------------------------------------------------------- tables

TABLES = """\
The contracts of raw tables: what files of a lake hold, and what a scan delivers. A file lies at
`{root}/{folder}/{MIC}/{YYYY}/{MM}/{DD}/{prefix}{MIC}-{YYYYMMDD}.parquet`. A *required* column is in every file; all others may be missing, and a config that
needs a missing one is refused before any row is read. Columns marked *derived* are computed while scanning. Times are UTC."""


def tables_page(shelf: Catalog) -> str:
    """Every raw table with its columns."""
    return page("Tables", TABLES, *(_table(shelf.tables[name]) for name in sorted(shelf.tables)))


def _table(each: Table) -> str:
    where = f"Folder `{each.folder}`, prefix `{each.prefix}`."
    order = (
        f"Clock `{each.time}` (from {' or '.join(map(code, each.time_from))}), ties by {', '.join(map(code, each.order)) or 'the position in the file'}."
        if each.time
        else ""
    )
    identity = f"Rows equal in {', '.join(map(code, each.identity))} are one row delivered twice." if each.identity else ""
    rows = [
        [code(column.name), dtype_text(column.dtype), column.unit, _marks(each, column.name), column.doc] for column in each.available()
    ]
    columns = table(("column", "type", "unit", "", "meaning"), rows)
    return "\n\n".join(
        part for part in [f"## `{each.name}`", prose(each.doc), " ".join(filter(None, (where, order, identity))), columns] if part
    )


def _marks(contract: Table, name: str) -> str:
    if any(derived.column.name == name for derived in contract.derived):
        return "derived"
    return "required" if name in contract.required_names or name == contract.time else ""


# ---------------------------------------------------------------- decisions

DECISIONS = """\
Each page records one argued choice: what the question was, what was chosen, what follows. A choice that is revised gets a new page that names the old one."""


def decisions_page(folder: Path) -> str:
    """A list of the records in *folder*, by number."""
    titles = [
        (path.name, path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")) for path in sorted(folder.glob("[0-9]*.md"))
    ]
    return page("Decisions", DECISIONS, "\n".join(f"- [{title}]({name})" for name, title in titles))


# ---------------------------------------------------------------- errors

ERRORS = """\
Every error of Basalt says what is wrong, where (a config path, a file, a plugin, a column) and what to do. In Python they are classes of
`basalt.core.errors`, with `.what`, `.where` and `.hint`; catch `BasaltError`, or one of the families below."""
CODES = """\
A command, and a worker, ends with:

| code | means | tried again |
| --- | --- | --- |
| 0 | done | |
| 64 | the config, the command line, a plugin or the plan is wrong | no |
| 65 | the data are not what their contract says | no |
| 70 | the run cannot go on | no |
| 75 | a failure that may pass: a connection, a time-out | up to `MAX_RETRIES` times |
| 137 | a worker got no more memory | with half of its listings, else up to `MAX_RETRIES` times |
| 143 | interrupted | a worker: up to `MAX_RETRIES` times |"""


def errors_page() -> str:
    """Every error class, by family."""
    families = [each for each in _classes() if BasaltError in each.__bases__]
    return page("Errors", ERRORS, *(_error_family(each) for each in families), f"## Exit codes\n\n{CODES}")


def _classes() -> list[type[BasaltError]]:
    found = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, BasaltError)]
    return sorted(found, key=lambda each: inspect.getsourcelines(each)[1])


def _error_family(family: type[BasaltError]) -> str:
    members = [each for each in _classes() if each is not family and issubclass(each, family)]
    rows = [[code(each.__name__), str(each.exit_code), first_line(each.__doc__ or "")] for each in members]
    head = f"## `{family.__name__}`\n\n{prose(family.__doc__ or '')} Exit code {family.exit_code}."
    return f"{head}\n\n{table(('error', 'exit code', 'means'), rows)}"
