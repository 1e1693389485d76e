"""Read text files a piece at a time: plain or gzipped, whole lines, memory as large as a piece."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import polars as pl

from basalt.core.errors import CorruptInput

BYTES_AT_ONCE = 8 * 1024 * 1024
"""Text that is held at once."""

_GZIP_MAGIC = b"\x1f\x8b"


def pieces_of_lines(path: Path, *, bytes_at_once: int = BYTES_AT_ONCE) -> Iterator[bytes]:
    """The text of *path* in pieces that end with a whole line.

    Args:
        path: A text file, gzipped or not; its first bytes tell.
        bytes_at_once: Size of a piece, about; a longer line is a piece of its own.

    Raises:
        CorruptInput: The file cannot be read, or its compression ends early.
    """
    rest = b""
    with closing(_open(path)) as file:
        while piece := _read(file, path, bytes_at_once):
            head, newline, tail = piece.rpartition(b"\n")
            if newline:
                yield rest + head + newline
                rest = tail
            else:
                rest += piece
    if rest:
        yield rest + b"\n"


def numbered_lines(piece: bytes, first: int) -> pl.DataFrame:
    """`Line` (counted from *first*) and `Text` of each line of *piece*."""
    text = pl.Series("Text", piece.decode("utf-8", "backslashreplace").removesuffix("\n").split("\n"), dtype=pl.String)
    return pl.select(pl.int_range(first, first + len(text)).alias("Line"), text.str.strip_suffix("\r").alias("Text"))


def _open(path: Path) -> IO[bytes]:
    try:
        with path.open("rb") as file:
            is_gzipped = file.read(2) == _GZIP_MAGIC
        return gzip.open(path) if is_gzipped else path.open("rb")  # type: ignore[return-value]
    except OSError as problem:
        raise CorruptInput(f"cannot be read: {problem.strerror}", where=str(path), hint="check the file") from problem


def _read(file: IO[bytes], path: Path, size: int) -> bytes:
    try:
        return file.read(size)
    except (OSError, EOFError, zlib.error) as problem:
        raise CorruptInput(
            f"the file cannot be read to its end: {problem}", where=str(path), hint="it was cut short or damaged: fetch it again"
        ) from problem
