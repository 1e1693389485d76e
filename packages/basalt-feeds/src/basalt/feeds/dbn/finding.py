"""Find files of Databento: paths to files in order of what they tell first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from basalt.core.errors import CorruptInput, MissingData

SUFFIX = re.compile(r"\.(dbn|csv)(\.(zst|gz))?$")
NAME = re.compile(r"(?P<venue>[a-z0-9]{4})-(?P<feed>[a-z0-9]+)-\d{8}(-\d{8})?\.")
"""Names that the vendor gives: `xnas-itch-20240103.mbo.dbn.zst`."""
SCHEMA = re.compile(r"\.(mbo|mbp-10|mbp-1|tbbo|trades|definition|status|statistics|imbalance)\.")
FACTS_FIRST = ("definition", "status", "statistics", "imbalance")
HINT = "give files that end in .dbn, .dbn.zst, .csv or .csv.zst, or folders of them"


def find_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """All files under *paths*; definitions first, then in order of their names.

    Raises:
        MissingData: A path does not exist, or a folder holds no file of the vendor.
        CorruptInput: A file is named like none.
    """
    found = dict.fromkeys(file.resolve() for path in paths for file in _files_at(path))
    return tuple(sorted(found, key=lambda file: (_rank(file), file.name, str(file))))


def _files_at(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise MissingData("no such file or folder", where=str(path), hint=HINT)
    if path.is_file():
        if not SUFFIX.search(path.name):
            raise CorruptInput("not a file of Databento", where=str(path), hint=HINT)
        yield path
        return
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and SUFFIX.search(file.name)]
    if not files:
        raise MissingData("no files of Databento", where=str(path), hint=HINT)
    yield from files


def _rank(file: Path) -> int:
    schema = schema_in(file)
    return FACTS_FIRST.index(schema) if schema in FACTS_FIRST else len(FACTS_FIRST)


def schema_in(file: Path) -> str:
    """The schema that the name of *file* tells; empty if none."""
    match = SCHEMA.search(file.name)
    return match[1] if match else ""


def dataset_in(file: Path) -> str:
    """The data set that the name of *file* tells, as in `XNAS.ITCH`; empty if none."""
    match = NAME.match(file.name)
    return f"{match['venue']}.{match['feed']}".upper() if match else ""
