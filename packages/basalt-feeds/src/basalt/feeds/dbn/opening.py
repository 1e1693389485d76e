"""Bytes of a file, a block at a time: plain, zstd or gzip."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

import zstandard

from basalt.core.errors import CorruptInput

BLOCK = 1 << 20
ZSTD, GZIP = b"\x28\xb5\x2f\xfd", b"\x1f\x8b"


def blocks(path: Path) -> Iterator[bytes]:
    """The content of *path*, unpacked; its first bytes tell how it is packed.

    Raises:
        CorruptInput: The file cannot be read, or its compression ends early.
    """
    try:
        file = path.open("rb")
    except OSError as problem:
        raise CorruptInput(f"cannot be read: {problem.strerror}", where=str(path), hint="check the file") from problem
    with closing(file):
        start = file.read(4)
        file.seek(0)
        if start == ZSTD:
            yield from _unpacked(file, path, zstandard.ZstdDecompressor().decompressobj)
        elif start[:2] == GZIP:
            yield from _unpacked(file, path, lambda: zlib.decompressobj(31))
        else:
            yield from iter(lambda: file.read(BLOCK), b"")


def _unpacked(file: IO[bytes], path: Path, new: Any) -> Iterator[bytes]:
    """Frames may follow each other in one file."""
    unpacker, is_open = new(), False
    while packed := file.read(BLOCK):
        while packed:
            is_open = True
            try:
                block = unpacker.decompress(packed)
            except (zstandard.ZstdError, zlib.error) as problem:
                raise _damaged(path, str(problem)) from problem
            if block:
                yield block
            packed = unpacker.unused_data
            if unpacker.eof:
                unpacker, is_open = new(), False
            else:
                break
    if is_open:
        raise _damaged(path, "it ends early")


def _damaged(path: Path, why: str) -> CorruptInput:
    return CorruptInput(f"the compressed file is damaged: {why}", where=str(path), hint="it was cut short or damaged: fetch it again")


def pieces(path: Path, size: int) -> Iterator[bytes]:
    """The content of *path* in pieces of *size* bytes; the last may be shorter."""
    held = bytearray()
    for block in blocks(path):
        held += block
        while len(held) >= size:
            with memoryview(held) as view:
                piece = bytes(view[:size])
            del held[:size]
            yield piece
    if held:
        yield bytes(held)
