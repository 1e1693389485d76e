"""Open ITCH files: which day and venue they are of, and their messages piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from basalt.core.errors import ConflictingSettings, CorruptInput, InvalidValue, MissingData
from basalt.feeds.blocks import read_blocks
from basalt.feeds.itch.framing import BAD_KIND, BAD_LENGTH, ENDED, frame_messages
from basalt.feeds.itch.layouts import LAYOUTS, message_lengths

PIECE_BYTES = 1 << 22
"""Bytes of a file, uncompressed, that are decoded at once."""

SHORTEST = 3
"""Bytes of the shortest message that could come, with its length."""

NAME_HINT = "name it as Nasdaq does (01302019.NASDAQ_ITCH50.gz, S013019-v50.txt.gz, 20190130.BX_ITCH_50.gz), or say the day with --day"
_YEAR, _MONTH, _DAY = r"(?P<year>(19|20)\d\d)", r"(?P<month>0[1-9]|1[0-2])", r"(?P<day>[0-3]\d)"
_VENUE = r"\.(?P<venue>NASDAQ|BX|PSX|[A-Z0-9]{4})_ITCH_?50.*"
_NAMES = (
    re.compile(_MONTH + _DAY + _YEAR + _VENUE),
    re.compile(_YEAR + "-?" + _MONTH + "-?" + _DAY + _VENUE),
    re.compile("S" + _MONTH + _DAY + r"(?P<year>\d\d)-v50.*"),
)
_VENUES = {"NASDAQ": "XNAS", "BX": "XBOS", "PSX": "XPSX"}


@dataclass(frozen=True)
class ItchFile:
    """One file: one venue's messages of one day.

    Attributes:
        path: Where it is.
        day: Trading day, in New York.
        mic: Venue, by the file's name or as asked.
    """

    path: Path
    day: date
    mic: str


@dataclass(frozen=True)
class Piece:
    """Whole messages that follow each other.

    Attributes:
        buffer: Bytes (uint8).
        starts: Where each message begins (int64).
        first: Number of the first message in the file, from 1.
        offset: Place of the buffer in the uncompressed file.
    """

    buffer: np.ndarray
    starts: np.ndarray
    first: int
    offset: int


def find_files(paths: Sequence[Path], *, day: date | None = None, mic: str | None = None) -> tuple[ItchFile, ...]:
    """The ITCH files under *paths*: files, and folders whose files are named as Nasdaq does.

    Args:
        paths: Files and folders.
        day: Trading day of the only file, where its name does not say it.
        mic: Venue, where the name does not say it or says it wrong.

    Raises:
        MissingData: Nothing is there.
        InvalidValue: The name of a given file does not say its day, and *day* is not given.
        ConflictingSettings: Two files of one venue and day.
    """
    given = list(dict.fromkeys(each.resolve() for path in paths for each in _under(path)))
    files = [_described(path, day, mic) for path in given]
    seen: dict[tuple[str, date], ItchFile] = {}
    for file in files:
        earlier = seen.setdefault((file.mic, file.day), file)
        if earlier is not file:
            raise ConflictingSettings(
                f"{file.mic} {file.day} is given twice", where=f"{earlier.path} and {file.path}", hint="leave one of them out"
            )
    return tuple(sorted(files, key=lambda file: (file.day, file.mic)))


def _under(path: Path) -> list[Path]:
    if not path.exists():
        raise MissingData("no such file or folder", where=str(path), hint="give ITCH 5.0 files or folders of them")
    if path.is_file():
        return [path]
    found = [each for each in sorted(path.rglob("*")) if each.is_file() and _match(each.name)]
    if not found:
        raise MissingData("no ITCH files", where=str(path), hint=NAME_HINT)
    return found


def _match(name: str) -> re.Match[str] | None:
    return next((match for pattern in _NAMES if (match := pattern.fullmatch(name))), None)


def _described(path: Path, day: date | None, mic: str | None) -> ItchFile:
    match = _match(path.name)
    named = None if match is None else _day(match, path)
    if day is None and named is None:
        raise InvalidValue("the file's name does not say its day", where=str(path), hint=NAME_HINT)
    venue = (match.groupdict().get("venue") if match else None) or "NASDAQ"
    return ItchFile(path, day or named or date.min, mic or _VENUES.get(venue, venue))


def _day(match: re.Match[str], path: Path) -> date:
    year, month, day = (int(match[name]) for name in ("year", "month", "day"))
    try:
        return date(year + 2000 * (year < 100), month, day)
    except ValueError as problem:
        raise InvalidValue(f"the file's name says an impossible day: {problem}", where=str(path), hint=NAME_HINT) from problem


def read_pieces(file: ItchFile, piece_bytes: int = PIECE_BYTES) -> Iterator[Piece]:
    """The messages of *file*, in pieces of about *piece_bytes*; gzip is recognised by its first bytes.

    Raises:
        CorruptInput: The file is cut short, is damaged, or holds what is no message, with the place.
    """
    lengths = message_lengths()
    rest, first, offset, ended = b"", 1, 0, False
    for block in read_blocks(file.path, piece_bytes):
        if ended:
            raise _corrupt(file.path, "bytes after the end of the session", first, offset)
        buffer = np.frombuffer(rest + block, dtype=np.uint8)
        starts = np.empty(buffer.size // SHORTEST + 1, dtype=np.int64)
        count, used, stop = frame_messages(buffer, lengths, starts)
        _refuse_bad(file.path, buffer, used, stop, first + count, offset)
        ended = stop == ENDED and used == buffer.size
        if stop == ENDED and not ended:
            raise _corrupt(file.path, "bytes after the end of the session", first + count, offset + used)
        yield Piece(buffer, starts[:count], first, offset)
        rest, first, offset = buffer[used:].tobytes(), first + count, offset + used
    if rest:
        raise _corrupt(file.path, "the file ends within a message", first, offset)
    if first == 1:
        raise CorruptInput("the file has no messages", where=str(file.path), hint="fetch the file again")


def _refuse_bad(path: Path, buffer: np.ndarray, used: int, stop: int, number: int, offset: int) -> None:
    if stop not in {BAD_LENGTH, BAD_KIND}:
        return
    length, kind = int(buffer[used]) << 8 | int(buffer[used + 1]), chr(buffer[used + 2])
    if stop == BAD_KIND:
        raise _corrupt(path, f"{kind!r} is no type of message", number, offset + used)
    raise _corrupt(path, f"a message {kind} of {length} bytes, where ITCH 5.0 has {LAYOUTS[kind].itemsize}", number, offset + used)


def _corrupt(path: Path, what: str, number: int, offset: int) -> CorruptInput:
    return CorruptInput(what, where=place(path, number, offset), hint="fetch the file again, and give the file as Nasdaq ships it")


def place(path: Path, number: int, offset: int) -> str:
    """Where a message stands, for people: its number from 1 and its first byte in the uncompressed file."""
    return f"{path}, message {number} at byte {offset}"
