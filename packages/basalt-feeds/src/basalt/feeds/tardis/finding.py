"""Find Tardis files: what a CSV file holds is told by its header, whose it is by its first row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from basalt.core.errors import CorruptInput, MissingData
from basalt.feeds.lines import pieces_of_lines

Kind = Literal["incremental_book_L2", "book_snapshot", "quotes", "trades"]
IDENTITY = ("exchange", "symbol", "timestamp", "local_timestamp")
COLUMNS: dict[Kind, tuple[str, ...]] = {
    "incremental_book_L2": (*IDENTITY, "is_snapshot", "side", "price", "amount"),
    "book_snapshot": (*IDENTITY, "asks[0].price", "asks[0].amount", "bids[0].price", "bids[0].amount"),
    "quotes": (*IDENTITY, "ask_amount", "ask_price", "bid_price", "bid_amount"),
    "trades": (*IDENTITY, "id", "side", "price", "amount"),
}
"""Columns that tell a kind; files may have more."""

BOOKS: tuple[Kind, ...] = ("incremental_book_L2", "book_snapshot", "quotes")
"""Kinds that a book can be made of, best first."""

NAME = re.compile(r".*\.csv(\.gz)?")
BYTES_LOOKED_AT = 1 << 16
_HINT = "Tardis files are named EXCHANGE_KIND_YYYY-MM-DD_SYMBOL.csv.gz, with kinds incremental_book_L2, book_snapshot_25, quotes and trades"


@dataclass(frozen=True)
class NativeFile:
    """A CSV file: what it holds, whose it is, and when it begins.

    Attributes:
        path: Where it is.
        kind: What a row is.
        exchange: Tardis's name of the venue.
        day: Day in UTC of its first row, by the clock of the capture.
        columns: Its header.
    """

    path: Path
    kind: Kind
    exchange: str
    day: date
    columns: tuple[str, ...]


def find_files(paths: Sequence[Path]) -> tuple[NativeFile, ...]:
    """All Tardis files with rows under *paths*: files, and folders of them (searched whole), in order of time.

    Raises:
        MissingData: A path does not exist, or holds no CSV file.
        CorruptInput: A file is none of Tardis.
    """
    found = dict.fromkeys(file.resolve() for path in paths for file in _files_at(path))
    looked_at = [file for path in found if (file := _look_at(path)) is not None]
    if not looked_at:
        raise MissingData("all files are without rows", where=", ".join(str(path) for path in paths), hint=_HINT)
    return tuple(sorted(looked_at, key=lambda file: (file.exchange, file.day, file.kind, file.path)))


def _files_at(path: Path) -> Iterable[Path]:
    if not path.exists():
        raise MissingData("no such file or folder", where=str(path), hint="give Tardis CSV files, or folders of them")
    if not path.is_dir():
        return [path]
    files = [each for each in sorted(path.rglob("*")) if each.is_file() and NAME.fullmatch(each.name)]
    if not files:
        raise MissingData("no CSV files", where=str(path), hint=_HINT)
    return files


def _look_at(path: Path) -> NativeFile | None:
    lines = next(pieces_of_lines(path, bytes_at_once=BYTES_LOOKED_AT), b"").decode("utf-8", "backslashreplace").splitlines()
    columns = tuple(lines[0].split(",")) if lines else ()
    kind = next((kind for kind, needed in COLUMNS.items() if set(needed) <= set(columns)), None)
    if kind is None:
        raise CorruptInput("not a Tardis file that is read", where=f"{path}, line 1", hint=_HINT)
    if len(lines) < 2:
        return None
    row = dict(zip(columns, lines[1].split(","), strict=False))
    return NativeFile(path, kind, row.get("exchange", ""), _day(row.get("local_timestamp", ""), path), columns)


def _day(microseconds: str, path: Path) -> date:
    if not microseconds.isdigit():
        raise CorruptInput(f"{microseconds!r} is not a time in microseconds", where=f"{path}, line 2", hint=_HINT)
    return datetime.fromtimestamp(int(microseconds) // 1_000_000, UTC).date()
