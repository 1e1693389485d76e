"""Pieces of Markdown: tables, code, text that must not be taken for markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

GENERATED = "<!-- Made by scripts/build_docs.py: change what it is made from, not this file. -->"

_AXIS = re.compile(r"(?<!`)\{(\w+)\}(?![\w`])")


def page(title: str, *blocks: str) -> str:
    """A whole page: title, the note that it is generated, and *blocks* with a blank line between."""
    return "\n\n".join([f"# {title}", GENERATED, *(block for block in blocks if block)]) + "\n"


def code(value: object) -> str:
    """*value* as code."""
    return f"`{value}`"


def listed(values: Iterable[object]) -> str:
    """*values* as code, separated by commas."""
    return ", ".join(map(code, values))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; empty when there are no rows."""
    lines = [[_cell(cell) for cell in row] for row in rows]
    if not lines:
        return ""
    marked = [list(header), ["---"] * len(header), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in marked)


def _cell(text: str) -> str:
    pieces = " ".join(text.replace("|", "\\|").split()).split("`")
    return "`".join(piece if index % 2 else piece.replace("<", "&lt;") for index, piece in enumerate(pieces))


def points(facts: Iterable[tuple[str, str]]) -> str:
    """Facts as a list; those without anything to say are left out."""
    return "\n".join(f"- {topic}: {text}" for topic, text in facts if text)


def prose(text: str) -> str:
    """A docstring as paragraphs, the places of axes as code."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    return "\n\n".join(_AXIS.sub(r"`{\1}`", paragraph) for paragraph in paragraphs)


def first_line(text: str) -> str:
    """The first paragraph of a docstring, on one line."""
    return prose(text).split("\n\n", maxsplit=1)[0]


def anchor(heading: str) -> str:
    """The anchor that a heading has on a page."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
