"""Open captures: pcap and pcapng files, gzipped or not, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from basalt.core.errors import CorruptInput
from basalt.feeds.blocks import read_blocks
from basalt.feeds.iex.packets import INTERFACE, SECTION, SECTION_HEADER, TOO_LONG, frame_blocks, frame_records

PIECE_BYTES = 1 << 23
"""Bytes of a file, uncompressed, that are decoded at once."""

SHORTEST_PACKET = 16
_PCAP_MAGICS = {
    b"\xd4\xc3\xb2\xa1": (True, 1_000),
    b"\x4d\x3c\xb2\xa1": (True, 1),
    b"\xa1\xb2\xc3\xd4": (False, 1_000),
    b"\xa1\xb2\x3c\x4d": (False, 1),
}
_PCAPNG_MAGIC = SECTION_HEADER.to_bytes(4, "big")
_LITTLE_ENDIAN = b"\x4d\x3c\x2b\x1a"
_PCAP_HEADER, _RESOLUTION_OPTION = 24, 9


@dataclass(frozen=True)
class Piece:
    """Whole packets that follow each other.

    Attributes:
        buffer: Bytes (uint8).
        packets: One column a packet, rows as in `basalt.feeds.iex.packets` (int64).
        link: Kind of the link layer (1 is Ethernet).
        first: Number of the first packet in the file, from 1.
        offset: Place of the buffer in the uncompressed file.
    """

    buffer: np.ndarray
    packets: np.ndarray
    link: int
    first: int
    offset: int


@dataclass
class _Format:
    """How to read what follows."""

    is_blocks: bool
    is_little: bool
    nanos_a_tick: int = 1
    link: int = 1
    units: list[tuple[int, int]] = field(default_factory=list)

    def frame(self, buffer: np.ndarray, out: np.ndarray) -> tuple[int, int, int]:
        """Packets found, bytes used, what stopped the walk."""
        if not self.is_blocks:
            return frame_records(buffer, self.is_little, self.nanos_a_tick, out)
        units = np.array(self.units or [(1, 1)], dtype=np.int64)[: max(len(self.units), 1)]
        return frame_blocks(buffer, self.is_little, units, out)


def read_pieces(path: Path, piece_bytes: int = PIECE_BYTES) -> Iterator[Piece]:
    """The packets of *path*, in pieces of about *piece_bytes*.

    Raises:
        CorruptInput: No capture, cut short, or damaged, with the place.
    """
    blocks = read_blocks(path, piece_bytes)
    start = next(blocks, b"")
    while len(start) < _PCAP_HEADER and (more := next(blocks, b"")):
        start += more
    layout, rest = _begin(path, start)
    first, offset = 1, len(start) - len(rest)
    for block in chain([b""], blocks):
        rest += block
        while True:
            buffer = np.frombuffer(rest, dtype=np.uint8)
            out = np.empty((3, buffer.size // SHORTEST_PACKET + 1), dtype=np.int64)
            count, used, stop = layout.frame(buffer, out)
            if stop == TOO_LONG:
                raise _corrupt(path, "no packet, or one that is too long", first + count, offset + used)
            if count:
                yield Piece(buffer, out[:, :count], layout.link, first, offset)
            described = _describe(layout, rest, used) if stop in {SECTION, INTERFACE} else 0
            rest, first, offset = rest[used + described :], first + count, offset + used + described
            if not described:
                break
    if rest:
        raise _corrupt(path, "the file ends within a packet", first, offset)


def _begin(path: Path, start: bytes) -> tuple[_Format, bytes]:
    magic = start[:4]
    if magic == _PCAPNG_MAGIC:
        return _Format(is_blocks=True, is_little=start[8:12] == _LITTLE_ENDIAN), start
    if magic not in _PCAP_MAGICS or len(start) < _PCAP_HEADER:
        raise CorruptInput("not a capture", where=str(path), hint="IEX ships DEEP as pcap or pcapng files, gzipped")
    is_little, nanos = _PCAP_MAGICS[magic]
    link = int.from_bytes(start[20:24], "little" if is_little else "big") & 0xFFFF
    return _Format(is_blocks=False, is_little=is_little, nanos_a_tick=nanos, link=link), start[_PCAP_HEADER:]


def _describe(layout: _Format, rest: bytes, at: int) -> int:
    """Take in the section header or the interface at *at*; gives its length, 0 when it is not all there."""
    if rest[at : at + 4] == _PCAPNG_MAGIC and len(rest) >= at + 12:
        layout.is_little = rest[at + 8 : at + 12] == _LITTLE_ENDIAN
        layout.units = []
    order = "little" if layout.is_little else "big"
    size = int.from_bytes(rest[at + 4 : at + 8], order)  # type: ignore[arg-type]
    block = rest[at : at + size]
    if len(block) < size or size < 12:
        return 0
    if block[:4] != _PCAPNG_MAGIC:
        layout.link = int.from_bytes(block[8:10], order)  # type: ignore[arg-type]
        layout.units.append(_unit(block[16:-4], order))
    return size


def _unit(options: bytes, order: str) -> tuple[int, int]:
    """Nanoseconds in a tick and ticks in a nanosecond, of which one is 1; a microsecond where nothing is said."""
    at, resolution = 0, 6
    while at + 4 <= len(options):
        code, length = (int.from_bytes(options[place : place + 2], order) for place in (at, at + 2))  # type: ignore[arg-type]
        if code == _RESOLUTION_OPTION:
            resolution = options[at + 4]
        at += 4 + length + -length % 4
        if code == 0:
            break
    return (10 ** (9 - resolution), 1) if resolution <= 9 else (1, 10 ** (resolution - 9))


def _corrupt(path: Path, what: str, number: int, offset: int) -> CorruptInput:
    return CorruptInput(what, where=f"{path}, packet {number} at byte {offset}", hint="fetch the file again")
