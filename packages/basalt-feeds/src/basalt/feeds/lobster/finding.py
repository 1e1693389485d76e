"""Find LOBSTER files: paths to pairs of a message and an orderbook file."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import IO

from basalt.core.errors import ConflictingSettings, CorruptInput, MissingData

NAME = re.compile(r"(?P<ticker>[^.].*?)_(?P<day>\d{4}-\d{2}-\d{2})_\d+_\d+_(?P<half>message|orderbook)_(?P<levels>\d+)\.csv")
NAME_HINT = "LOBSTER names its files TICKER_YYYY-MM-DD_START_END_message_LEVELS.csv and …_orderbook_LEVELS.csv"
UNREADABLE = (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What the standard library raises for archives that are cut, damaged, encrypted or of a newer kind."""


@dataclass(frozen=True)
class NativeFile:
    """A CSV file on disk, or a member of a zip archive."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        """Name without folders."""
        return self.path.name if self.member is None else PurePosixPath(self.member).name

    def __str__(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}: {self.member}"

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """The bytes, unpacked, as a stream.

        Raises:
            CorruptInput: The file or its archive is damaged, also where that shows while reading.
        """
        what = "cannot be read" if self.member is None else "cannot read the archive"
        hint = "check the file" if self.member is None else "fetch the file again"
        try:
            with self._stream() as stream:
                yield stream
        except UNREADABLE as problem:
            raise CorruptInput(f"{what}: {problem}", where=str(self), hint=hint) from problem

    @contextmanager
    def _stream(self) -> Iterator[IO[bytes]]:
        if self.member is None:
            with self.path.open("rb") as stream:
                yield stream
            return
        with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stream:
            yield stream

    def blocks(self, size: int) -> Iterator[bytes]:
        """Whole lines, about *size* bytes at once; the last line may lack its end.

        Raises:
            CorruptInput: The file or its archive is damaged.
        """
        with self.opened() as stream:
            while block := stream.read(size):
                rest = b"" if block.endswith(b"\n") else stream.readline()
                yield block + rest if rest else block

    def lines(self) -> Iterator[str]:
        """The lines, without their ends; bytes that are no text are shown as escapes."""
        with self.opened() as stream:
            for line in stream:
                yield line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Pair:
    """The two files of one ticker and day: row k of `book` is the state after message k."""

    ticker: str
    day: date
    levels: int
    messages: NativeFile
    book: NativeFile


def find_pairs(paths: Sequence[Path]) -> tuple[Pair, ...]:
    """All pairs under *paths*: CSV files, zip archives, and folders of them (searched whole).

    Returns:
        One pair a ticker and day, ordered by day and ticker.

    Raises:
        MissingData: A path does not exist, holds no LOBSTER file, or half of a pair is missing.
        CorruptInput: An archive cannot be read, or a given file is not named as LOBSTER does.
        ConflictingSettings: A ticker and day is given twice.
    """
    halves: defaultdict[tuple[str, date, int], dict[str, NativeFile]] = defaultdict(dict)
    for file in _distinct(file for path in paths for file in _files_at(path)):
        key, half = _parse_name(file)
        if half in halves[key]:
            raise _given_twice(key[0], key[1], halves[key][half], file)
        halves[key][half] = file
    pairs = tuple(_pair(*key, found) for key, found in sorted(halves.items()))
    _refuse_doubles(pairs)
    return tuple(sorted(pairs, key=lambda pair: (pair.day, pair.ticker)))


def _distinct(files: Iterable[NativeFile]) -> Iterable[NativeFile]:
    return dict.fromkeys(NativeFile(file.path.resolve(), file.member) for file in files)


def _files_at(path: Path) -> Iterator[NativeFile]:
    if path.is_dir():
        files = [file for each in sorted(path.rglob("*")) if each.is_file() for file in _files_in_folder(each)]
    elif not path.exists():
        raise MissingData("no such file or folder", where=str(path), hint="give LOBSTER CSV files, zip archives or folders of them")
    elif path.suffix.lower() == ".zip":
        files = list(_members(path))
    else:
        files = [NativeFile(path)]
    if not files:
        raise MissingData("no LOBSTER files", where=str(path), hint=NAME_HINT)
    yield from files


def _files_in_folder(path: Path) -> Iterator[NativeFile]:
    if path.suffix.lower() == ".zip":
        yield from _members(path)
    elif NAME.fullmatch(path.name):
        yield NativeFile(path)


def _members(path: Path) -> Iterator[NativeFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except UNREADABLE as problem:
        raise CorruptInput(f"cannot read the archive: {problem}", where=str(path), hint="fetch the file again") from problem
    return (NativeFile(path, name) for name in names if NAME.fullmatch(PurePosixPath(name).name))


def _parse_name(file: NativeFile) -> tuple[tuple[str, date, int], str]:
    match = NAME.fullmatch(file.name)
    if match is None:
        hint = "extract the archive first" if file.path.suffix.lower() in {".7z", ".gz", ".tar", ".rar"} else NAME_HINT
        raise CorruptInput("not a LOBSTER file", where=str(file), hint=hint)
    levels = int(match["levels"])
    try:
        day = date.fromisoformat(match["day"])
    except ValueError as problem:
        raise CorruptInput(f"{match['day']} is not a date", where=str(file), hint=NAME_HINT) from problem
    if levels < 1:
        raise CorruptInput("a book of 0 levels", where=str(file), hint=NAME_HINT)
    return (match["ticker"], day, levels), match["half"]


def _pair(ticker: str, day: date, levels: int, found: dict[str, NativeFile]) -> Pair:
    for half, other in (("message", "orderbook"), ("orderbook", "message")):
        if half not in found:
            present = found[other]
            raise MissingData(
                f"the {half} file of {ticker} {day} is missing",
                where=str(present),
                hint=f"give {present.name.replace(f'_{other}_', f'_{half}_')} too",
            )
    return Pair(ticker, day, levels, found["message"], found["orderbook"])


def _refuse_doubles(pairs: Sequence[Pair]) -> None:
    seen: dict[tuple[str, date], Pair] = {}
    for pair in pairs:
        earlier = seen.setdefault((pair.ticker, pair.day), pair)
        if earlier is not pair:
            raise _given_twice(pair.ticker, pair.day, earlier.messages, pair.messages)


def _given_twice(ticker: str, day: date, one: NativeFile, other: NativeFile) -> ConflictingSettings:
    return ConflictingSettings(f"{ticker} {day} is given twice", where=f"{one} and {other}", hint="leave one of them out")
