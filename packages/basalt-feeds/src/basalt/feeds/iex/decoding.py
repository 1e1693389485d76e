"""A piece of a capture as arrays: fields of messages, phases that change, auctions, trades that were broken."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from basalt.core.errors import CorruptInput
from basalt.feeds.clocks import local_day
from basalt.feeds.iex.captures import Piece
from basalt.feeds.iex.fields import (
    AUCTION,
    FIELDS,
    LENGTHS,
    SECURITY_DIRECTORY,
    SHORT_SALE,
    assign_phases,
    gather,
    read_fields,
)
from basalt.feeds.iex.securities import Securities
from basalt.feeds.iex.segments import FULL, SHORT_PACKET, SHORT_SEGMENT, SOUND, STATE_FIELDS, frame_messages
from basalt.feeds.phases import CODES, GO, SECURITY, SESSION, STATUS, STOP, Change, Dialect, Notice, Phases

NEW_YORK = "America/New_York"
LARGEST_SIZE = 2**31 - 1

IEX = Dialect(
    session={
        "O": "CLOSED",
        "S": "PRE_OPEN",
        "R": "CONTINUOUS_TRADING",
        "M": "POST_TRADE",
        "E": "CLOSED",
        "C": "CLOSED",
    },
    status={"H": "HALTED", "O": "UNSCHEDULED_AUCTION", "P": "UNSCHEDULED_AUCTION", "T": None},
    first="O",
    over=frozenset({"E", "C"}),
)
"""System events O, S, R, M, E, C; trading status H halted, O and P order acceptance before an auction, T."""

_FAULTS = {
    SHORT_PACKET: "a packet that was not captured whole",
    SHORT_SEGMENT: "messages that do not fit their segment",
}
_ABOUT = {ord("H"): STATUS, ord("S"): SESSION}


@dataclass(frozen=True)
class Decoded:
    """What a piece says.

    Attributes:
        messages: `Kind`, `Flags`, `FeedTimestamp`, `Security`, `Size`, `Price`, `TradeId`, `Sequence`, `Sent`, `Captured`,
            `Phase`, `Nanos`: a row a message, in their order.
        changes: Phases that begin.
        auctions, short_sales: Gathered messages A and P, and their rows in `messages`.
        broken: Identifiers of the trades that were broken.
    """

    messages: pl.DataFrame
    changes: list[Change]
    auctions: np.ndarray
    auction_rows: np.ndarray
    short_sales: np.ndarray
    short_sale_rows: np.ndarray
    broken: list[int]


@dataclass
class Decoder:
    """What is known at a place of a capture.

    Attributes:
        path: The file, for errors.
        securities: The securities; learned on the way.
        counts: Messages by type.
        late: Messages whose time is before that of an earlier message of their security.
        transport: Session and counts of segments, fields as in `basalt.feeds.iex.segments`.
    """

    path: Path
    securities: Securities
    phases: Phases = field(default_factory=lambda: Phases(IEX))
    counts: Counter[str] = field(default_factory=Counter)
    transport: np.ndarray = field(default_factory=lambda: np.zeros(STATE_FIELDS, dtype=np.int64))
    day: date | None = None
    late: int = 0
    _codes: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _latest: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def decode(self, piece: Piece) -> Decoded:
        """Read the messages of *piece*, which follows the last one.

        Raises:
            CorruptInput: A packet or message that is cut, or values that cannot be, with the place.
        """
        found = self._frame(piece)
        starts = np.ascontiguousarray(found[0])
        fields = self._read(piece, starts, found)
        kinds = fields[0]
        self._count(kinds)
        rows = {kind: np.flatnonzero(kinds == ord(kind)) for kind in "DPA"}
        layouts = {"D": SECURITY_DIRECTORY, "P": SHORT_SALE, "A": AUCTION}
        messages = {kind: gather(piece.buffer, starts[rows[kind]], layout) for kind, layout in layouts.items()}
        self.securities.describe(messages["D"])
        numbers = self.securities.number(fields[FIELDS.index("Symbol")])
        changes = self.phases.apply(self._notices(fields, numbers))
        frame = self._frame_of(fields, found, numbers, changes)
        return Decoded(
            frame, changes, messages["A"], rows["A"], messages["P"], rows["P"], fields[FIELDS.index("TradeId"), kinds == ord("B")].tolist()
        )

    def _frame(self, piece: Piece) -> np.ndarray:
        """Starts, numbers, times of sending and capture of the new messages."""
        out = np.empty((4, piece.buffer.size // 12 + 1), dtype=np.int64)
        count, packet, fault = frame_messages(piece.buffer, piece.packets, piece.link, self.transport, out)
        if fault != SOUND:
            what = _FAULTS[fault] if fault != FULL else "more messages than a packet can hold"
            offset = piece.offset + int(piece.packets[0, packet])
            raise CorruptInput(what, where=f"{self.path}, packet {piece.first + packet} at byte {offset}", hint="fetch the file again")
        return out[:, :count]

    def _read(self, piece: Piece, starts: np.ndarray, found: np.ndarray) -> np.ndarray:
        lengths = np.zeros(256, dtype=np.int64)
        lengths[[ord(kind) for kind in LENGTHS]] = list(LENGTHS.values())
        fields = np.zeros((len(FIELDS), starts.size), dtype=np.int64)
        row = read_fields(piece.buffer, starts, lengths, fields)
        if row < starts.size:
            raise self._corrupt(piece, found, row, f"a message {chr(piece.buffer[starts[row]])} that is too short")
        self._refuse_impossible(piece, found, fields)
        if self.day is None and starts.size:
            self.day = local_day(int(fields[FIELDS.index("Nanos"), 0]), NEW_YORK)
        return fields

    def _refuse_impossible(self, piece: Piece, found: np.ndarray, fields: np.ndarray) -> None:
        is_level, is_trade = np.isin(fields[0], [ord("8"), ord("5")]), fields[0] == ord("T")
        size, price = fields[FIELDS.index("Size")], fields[FIELDS.index("Price")]
        for what, wrong in (
            ("a price that is not positive", (is_level | is_trade) & (price <= 0)),
            ("a size of 0, or one beyond 2,147,483,647", (is_trade & (size == 0)) | (size > LARGEST_SIZE)),
        ):
            if wrong.any():
                raise self._corrupt(piece, found, int(np.argmax(wrong)), what)

    def _corrupt(self, piece: Piece, found: np.ndarray, row: int, what: str) -> CorruptInput:
        where = f"{self.path}, message {int(found[1, row])} at byte {piece.offset + int(found[0, row])}"
        return CorruptInput(what, where=where, hint="fetch the file again")

    def _count(self, kinds: np.ndarray) -> None:
        found = np.bincount(kinds, minlength=256)
        self.counts.update({chr(kind): int(found[kind]) for kind in np.flatnonzero(found).tolist()})

    def _notices(self, fields: np.ndarray, numbers: np.ndarray) -> list[Notice]:
        rows = np.flatnonzero(np.isin(fields[0], [ord(kind) for kind in "SHO"]))
        said = zip(rows.tolist(), fields[0, rows].tolist(), numbers[rows].tolist(), fields[1, rows].tolist(), strict=True)
        told = [
            Notice(row, _ABOUT.get(kind, STOP if flag == ord("O") else GO), max(security, 0), chr(flag))
            for row, kind, security, flag in said
        ]
        appeared = zip(*(each.tolist() for each in np.unique(numbers, return_index=True)), strict=True)
        new = [Notice(row, SECURITY, number, "") for number, row in appeared if number >= 0 and number not in self.phases.known]
        return sorted([*new, *told], key=lambda notice: (notice.row, notice.about))

    def _frame_of(self, fields: np.ndarray, found: np.ndarray, numbers: np.ndarray, changes: list[Change]) -> pl.DataFrame:
        self._codes = _lengthened(self._codes, len(self.securities.names), CODES["CLOSED"])
        self._latest = _lengthened(self._latest, len(self.securities.names), 0)
        table = np.array([(change.row, change.security, CODES[change.state]) for change in changes], dtype=np.int64).reshape(-1, 3)
        out = np.zeros((2, fields.shape[1]), dtype=np.int64)
        nanos = np.ascontiguousarray(fields[FIELDS.index("Nanos")])
        assign_phases(numbers, nanos, np.ascontiguousarray(table.T), self._codes, self._latest, out)
        self.late += int(np.count_nonzero((out[1] != nanos) & (numbers >= 0)))
        columns = {name: fields[place] for place, name in enumerate(FIELDS) if name not in {"Nanos", "Symbol"}}
        told = {"FeedTimestamp": nanos, "Security": numbers, "Sequence": found[1], "Sent": found[2], "Captured": found[3]}
        return pl.DataFrame(columns | told | {"Phase": out[0], "Nanos": out[1]})


def _lengthened(values: np.ndarray, length: int, fill: int) -> np.ndarray:
    return np.concatenate([values, np.full(length - len(values), fill, dtype=np.int64)])
