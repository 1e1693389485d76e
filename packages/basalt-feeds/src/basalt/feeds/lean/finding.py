"""Find LEAN tick files: paths to the quotes and trades of tickers and days."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from basalt.core.errors import ConflictingSettings, CorruptInput, MissingData

Kind = Literal["quote", "trade"]

NAME = re.compile(r"(?P<day>\d{8})_(?P<ticker>.+)_(?P<kind>trade|quote)_tick\.csv", re.IGNORECASE)
NAME_HINT = "LEAN names its files YYYYMMDD_ticker_Quote_Tick.csv and YYYYMMDD_ticker_Trade_Tick.csv, each in a zip archive"
UNREADABLE = (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What the standard library raises for archives that are cut, damaged, encrypted or of a newer kind."""


@dataclass(frozen=True)
class TickFile:
    """The quotes or trades of one ticker and day: a CSV file, or a member of a zip archive."""

    path: Path
    member: str | None
    ticker: str
    day: date
    kind: Kind

    def __str__(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}: {self.member}"

    def pieces(self, size: int) -> Iterator[bytes]:
        """The text in pieces of about *size* bytes that end with a whole line.

        Raises:
            CorruptInput: The file or archive is damaged.
        """
        rest = b""
        try:
            with self._open() as stream:
                while block := stream.read(size):
                    head, newline, tail = (rest + block).rpartition(b"\n")
                    if newline:
                        yield head + newline
                    rest = tail
        except UNREADABLE as problem:
            raise CorruptInput(f"cannot be read to its end: {problem}", where=str(self), hint="fetch the file again") from problem
        if rest:
            yield rest

    def _open(self) -> IO[bytes]:
        if self.member is None:
            return self.path.open("rb")
        return zipfile.ZipFile(self.path).open(self.member)


def find_files(paths: Sequence[Path]) -> tuple[TickFile, ...]:
    """All tick files under *paths*: CSV files, zip archives, and folders of them (searched whole).

    Returns:
        By day, ticker and kind.

    Raises:
        MissingData: A path does not exist or holds no tick file.
        CorruptInput: An archive cannot be read, or a given file is not named as LEAN does.
        ConflictingSettings: The quotes or trades of a ticker and day are given twice.
    """
    files = dict.fromkeys(file for path in paths for file in _files_at(path.resolve()))
    seen: dict[tuple[date, str, Kind], TickFile] = {}
    for file in files:
        earlier = seen.setdefault((file.day, file.ticker, file.kind), file)
        if earlier is not file:
            what = f"{file.kind}s of {file.ticker} {file.day} are given twice"
            raise ConflictingSettings(what, where=f"{earlier} and {file}", hint="leave one of them out")
    return tuple(seen[key] for key in sorted(seen))


def _files_at(path: Path) -> list[TickFile]:
    if not path.exists():
        raise MissingData("no such file or folder", where=str(path), hint="give LEAN's zip archives or folders of them")
    places = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    files = [file for each in places for file in _files_in(each)]
    if not files:
        raise MissingData("no tick files", where=str(path), hint=NAME_HINT)
    return files


def _files_in(path: Path) -> list[TickFile]:
    if path.suffix.lower() != ".zip":
        return [file for file in [_described(path, None, path.name)] if file]
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except UNREADABLE as problem:
        raise CorruptInput(f"cannot read the archive: {problem}", where=str(path), hint="fetch the file again") from problem
    return [file for name in names if (file := _described(path, name, PurePosixPath(name).name))]


def _described(path: Path, member: str | None, name: str) -> TickFile | None:
    match = NAME.fullmatch(name)
    if match is None:
        return None
    try:
        day = date.fromisoformat(match["day"])
    except ValueError as problem:
        raise CorruptInput(f"{match['day']} is not a date", where=f"{path}: {name}", hint=NAME_HINT) from problem
    kind: Kind = "quote" if match["kind"].lower() == "quote" else "trade"
    return TickFile(path, member, match["ticker"].upper(), day, kind)
