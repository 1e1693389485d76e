"""Blocks of files, one after the other: bytes, plain or gzipped, and whatever is read ahead."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TypeVar

from basalt.core.errors import CorruptInput

Block = TypeVar("Block")
_GZIP_MAGIC = b"\x1f\x8b"


def read_blocks(path: Path, size: int) -> Iterator[bytes]:
    """The bytes of *path*, uncompressed, *size* at once; gzip is recognised by its first bytes.

    Raises:
        CorruptInput: The file cannot be read, or its compression is cut short or damaged.
    """
    done = 0
    try:
        with _open(path) as stream:
            while block := stream.read(size):
                yield block
                done += len(block)
    except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
        where = f"{path}, behind byte {done} of what it unpacks to"
        raise CorruptInput(f"the archive is cut short or damaged: {problem}", where=where, hint="fetch the file again") from problem
    except OSError as problem:
        raise CorruptInput(f"cannot be read: {problem}", where=str(path), hint="check the file") from problem


def read_ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """What *blocks* gives, made by a thread of its own, one ahead of what is asked for."""
    with ThreadPoolExecutor(1) as thread:
        turn = thread.submit(next, blocks, None)
        while (block := turn.result()) is not None:
            turn = thread.submit(next, blocks, None)
            yield block


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as stream:
        is_zipped = stream.read(2) == _GZIP_MAGIC
    return gzip.open(path) if is_zipped else path.open("rb")  # type: ignore[return-value]
