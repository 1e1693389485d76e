"""What commands print: tables on a terminal, plain aligned text elsewhere, JSON on request."""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from basalt.core.lake import LakeFile


GAP = 2
"""Blanks between columns."""
LISTED_FILES = 24
"""Files that are named one by one."""


def print_json(value: object) -> None:
    """Print *value* as indented JSON."""
    typer.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, title: str = "", empty: str = "nothing") -> None:
    """Print *rows* as a table of *columns*.

    Args:
        rows: Values by column; missing ones stay empty.
        columns: What is shown, in order.
        title: Heading.
        empty: What to say when there are no rows.
    """
    if rows and is_terminal() and not _is_too_wide(rows, columns):
        _print_table(rows, columns, title)
    else:
        print_lines(rows, columns, title=title, empty=empty)


def print_pairs(pairs: Mapping[str, Any]) -> None:
    """Print names and values under each other; values that say nothing are left out."""
    shown = {name: text(value) for name, value in pairs.items() if value not in (None, "", (), [])}
    indent = max(map(len, shown), default=0) + 2
    for name, value in shown.items():
        first, *rest = _wrapped(value, indent) or [""]
        typer.secho(f"{name:<{indent}}", bold=True, nl=False)
        typer.echo(first)
        for line in rest:
            typer.echo(f"{'':<{indent}}{line}".rstrip())


def _wrapped(value: str, indent: int) -> list[str]:
    """Lines that fit a terminal behind *indent* columns; whole ones elsewhere."""
    if not is_terminal():
        return value.splitlines()
    width = max(shutil.get_terminal_size().columns - indent, 20)
    lines = [textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""] for line in value.splitlines()]
    return [each for group in lines for each in group]


def print_error(what: str, *, where: str | None = None, hint: str | None = None) -> None:
    """Print an error on standard error: what in red, then where, then what to do."""
    typer.secho(f"error: {what}", fg=None if os.environ.get("NO_COLOR") else typer.colors.RED, err=True)
    if where:
        typer.echo(f"  at {where}", err=True)
    if hint:
        typer.echo(f"  {hint}", err=True)


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    from rich.console import Console

    return Console().is_terminal


def text(value: object) -> str:
    """A value as one piece of text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(text(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={text(each)}" for name, each in value.items())
    return str(value)


def _is_too_wide(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bool:
    """Whether a table would have to break words of its last column, the only one that wraps, to fit the terminal."""
    *whole, last = columns
    wanted = [max(len(line) for row in rows for line in [name, *_grouped(row.get(name)).splitlines()]) for name in whole]
    wanted.append(max(len(word) for row in rows for word in [last, *text(row.get(last)).split()]))
    return sum(wanted) + GAP * len(wanted) > shutil.get_terminal_size().columns


def print_lines(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, title: str = "", empty: str = "nothing") -> None:
    """Print *rows* one a line: for paths, which a table would break.

    On a terminal that is too narrow, the last columns stand on lines of their own below, indented.

    Args:
        rows, columns, title, empty: As of `print_rows`.
    """
    if not rows:
        typer.echo(f"{title}: {empty}" if title else empty)
        return
    if title:
        typer.secho(title, bold=True)
    shown = _grouped if is_terminal() else text
    numeric = [_is_numeric(rows, name) for name in columns]
    lines = [list(columns), *([shown(row.get(name)).replace("\n", "; ") for name in columns] for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    groups = _groups(widths)
    for number, line in enumerate(lines):
        cells = [cell.rjust(width) if right else cell.ljust(width) for cell, width, right in zip(line, widths, numeric, strict=True)]
        for group in groups:
            part = (" " * GAP).join(cells[place] for place in group).rstrip()
            if group is groups[0]:
                typer.secho(part, bold=number == 0)
            elif part:
                typer.secho(_below(part), bold=number == 0)


def _below(part: str) -> str:
    """Columns on lines of their own: indented, and broken between words where they are too long."""
    width = shutil.get_terminal_size().columns
    return textwrap.fill(part, width, initial_indent="    ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _groups(widths: Sequence[int]) -> list[list[int]]:
    """Places of the columns that share a line: all of them, or as many as a terminal has room for."""
    if not is_terminal():
        return [list(range(len(widths)))]
    groups: list[list[int]] = [[]]
    room = shutil.get_terminal_size().columns
    left = room
    for place, width in enumerate(widths):
        if groups[-1] and width > left:
            groups.append([])
            left = room - len("    ")
        groups[-1].append(place)
        left -= width + GAP
    return groups


def print_lake_files(files: Sequence[LakeFile], *, as_json: bool) -> None:
    """Print the files that a command left in a lake: one a line, or one line a table and market where they are many; or all as JSON."""
    columns = ("table", "market", "day", "rows", "path")
    rows = [dict(zip(columns, (each.table, each.mic, str(each.day), each.rows, str(each.path)), strict=True)) for each in files]
    if as_json:
        print_json(rows)
        return
    if len(files) > LISTED_FILES:
        print_lines(_summed(files), ("table", "market", "first day", "last day", "files", "rows"))
    else:
        print_lines(rows, columns, empty="no files")
    typer.echo(f"{counted(len(files), 'file')}, {counted(sum(each.rows for each in files), 'row')}")


def _summed(files: Sequence[LakeFile]) -> list[dict[str, Any]]:
    """One row a table and market, in the order of the files."""
    groups: dict[tuple[str, str], list[LakeFile]] = {}
    for each in files:
        groups.setdefault((each.table, each.mic), []).append(each)
    return [
        {
            "table": table,
            "market": mic,
            "first day": str(min(each.day for each in group)),
            "last day": str(max(each.day for each in group)),
            "files": len(group),
            "rows": sum(each.rows for each in group),
        }
        for (table, mic), group in groups.items()
    ]


def _print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    said = [name for name in columns if any(text(row.get(name)) for row in rows)]
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for index, name in enumerate(said):
        is_number = _is_numeric(rows, name)
        table.add_column(name, justify="right" if is_number else "left", overflow="fold", no_wrap=index < len(said) - 1)
    for row in rows:
        table.add_row(*(Text(_grouped(row.get(name))) for name in said))
    Console().print(table)


def _is_numeric(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    values = [row.get(name) for row in rows]
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _grouped(value: object) -> str:
    """Whole numbers with their thousands apart, for eyes."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else text(value)


def counted(count: int, what: str) -> str:
    """How many of *what* there are: `1 file`, `1,200 files`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def duration(seconds: float) -> str:
    """Seconds as a person says them: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def size(count: int) -> str:
    """Bytes as a person says them: `812 B`, `3.4 MB`, `1.2 GB`."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
