"""A piece of a file as arrays: fields of messages, phases that change, imbalances, trades that were broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from basalt.core.errors import CorruptInput, DataError, UnsortedInput
from basalt.feeds.itch.directory import Directory
from basalt.feeds.itch.fields import BACKWARDS, FIELDS, LOCATES, NO_PRICE, NO_SIDE, NO_SIZE, NO_TIME, SOUND, read_fields
from basalt.feeds.itch.layouts import LAYOUTS, gather, texts_of
from basalt.feeds.itch.opening import Piece, place
from basalt.feeds.itch.states import ITCH
from basalt.feeds.phases import CODES, GO, SECURITY, SESSION, STATUS, STOP, Change, Notice, Phases

_NAMED = tuple(kind for kind in LAYOUTS if kind != "R" and "stock" in (LAYOUTS[kind].names or ()))
_MARKETS = {"XNAS": "Q", "XBOS": "B", "XPSX": "X"}
_FAULTS = {
    BACKWARDS: "time goes backwards",
    NO_TIME: "a time after the end of the day",
    NO_SIDE: "a side that is neither B nor S",
    NO_SIZE: "a size of 0, or one beyond 2,147,483,647",
    NO_PRICE: "a price of 0",
}


@dataclass(frozen=True)
class Decoded:
    """What a piece says.

    Attributes:
        fields: One column a message, rows as in `basalt.feeds.itch.fields.FIELDS` (int64).
        numbers: Number of each message in the file (int64).
        changes: Phases that begin.
        imbalances: Gathered messages I, with their `numbers`.
        broken: Match numbers of the trades that were broken.
    """

    fields: np.ndarray
    numbers: np.ndarray
    changes: list[Change]
    imbalances: np.ndarray
    imbalance_rows: np.ndarray
    broken: list[int]


@dataclass
class Decoder:
    """What is known at a place of a file: its securities, their phases, the time.

    Attributes:
        path: The file, for errors.
        directory: The securities; learned on the way.
        counts: Messages by type.
    """

    path: Path
    directory: Directory
    phases: Phases = field(default_factory=lambda: Phases(ITCH))
    counts: Counter[str] = field(default_factory=Counter)
    _codes: np.ndarray = field(default_factory=lambda: np.full(LOCATES, CODES["CLOSED"], dtype=np.int64))
    _since: int = 0

    def decode(self, piece: Piece) -> Decoded:
        """Read the messages of *piece*, which follows the last one.

        Raises:
            UnsortedInput: Time runs backwards.
            CorruptInput: A side, size, price or time that cannot be.
        """
        kinds = piece.buffer[piece.starts]
        self._count(kinds)
        rows = {kind: np.flatnonzero(kinds == ord(kind)) for kind in "SRHhIB"}
        messages = {kind: gather(piece.buffer, piece.starts[found], kind) for kind, found in rows.items()}
        self.directory.learn(messages["R"])
        unnamed = self._learn_names(piece, kinds)
        changes = self.phases.apply(sorted([*unnamed, *self._notices(rows, messages)], key=lambda notice: (notice.row, notice.about)))
        fields = self._read(piece, changes)
        return Decoded(
            fields,
            np.arange(piece.first, piece.first + piece.starts.size, dtype=np.int64),
            changes,
            messages["I"],
            rows["I"],
            messages["B"]["match"].astype(np.int64).tolist(),
        )

    def _count(self, kinds: np.ndarray) -> None:
        found = np.bincount(kinds, minlength=256)
        self.counts.update({chr(kind): int(found[kind]) for kind in np.flatnonzero(found).tolist()})

    def _learn_names(self, piece: Piece, kinds: np.ndarray) -> list[Notice]:
        """Learn the names of securities whose directory message is not in the file; their first phases."""
        locates = piece.buffer[piece.starts + 1].astype(np.int64) << 8 | piece.buffer[piece.starts + 2]
        known = np.zeros(LOCATES, dtype=bool)
        known[list(self.directory.securities)] = True
        if known[locates].all():
            return []
        for kind in _NAMED:
            found = np.flatnonzero((kinds == ord(kind)) & ~known[locates])
            self.directory.learn_names(gather(piece.buffer, piece.starts[found], kind))
        appeared = zip(*(each.tolist() for each in np.unique(locates, return_index=True)), strict=True)
        return [Notice(row, SECURITY, locate, "") for locate, row in appeared if not known[locate] and locate in self.directory.securities]

    def _notices(self, rows: dict[str, np.ndarray], messages: dict[str, np.ndarray]) -> list[Notice]:
        """What the messages say about phases, in their order."""
        own = messages["h"]["market"] == _MARKETS.get(self.directory.mic, "Q").encode()
        said = [
            *((row, SESSION, 0, code) for row, code in _told(rows["S"], messages["S"], "event")),
            *((row, SECURITY, locate, "") for row, locate in zip(rows["R"].tolist(), messages["R"]["locate"].tolist(), strict=True)),
            *(
                (row, STATUS, int(messages["H"]["locate"][at]), code)
                for at, (row, code) in enumerate(_told(rows["H"], messages["H"], "state"))
            ),
            *(
                (row, STOP if code == "H" else GO, int(messages["h"]["locate"][own][at]), code)
                for at, (row, code) in enumerate(_told(rows["h"][own], messages["h"][own], "action"))
            ),
        ]
        return [Notice(*each) for each in said]

    def _read(self, piece: Piece, changes: list[Change]) -> np.ndarray:
        table = np.array([(change.row, change.security, CODES[change.state]) for change in changes], dtype=np.int64).reshape(-1, 3)
        out = np.zeros((len(FIELDS), piece.starts.size), dtype=np.int64)
        fault, row = read_fields(piece.buffer, piece.starts, self._codes, np.ascontiguousarray(table.T), self._since, out)
        if fault != SOUND:
            raise self._fault(piece, fault, row)
        if piece.starts.size:
            self._since = int(out[FIELDS.index("Nanos"), -1])
        return out

    def _fault(self, piece: Piece, fault: int, row: int) -> DataError:
        start = int(piece.starts[row])
        kind, where = chr(piece.buffer[start]), place(self.path, piece.first + row, piece.offset + start - 2)
        error = UnsortedInput if fault == BACKWARDS else CorruptInput
        return error(f"{_FAULTS[fault]} in a message {kind}", where=where, hint="fetch the file again")


def _told(rows: np.ndarray, messages: np.ndarray, name: str) -> Iterable[tuple[int, str]]:
    """Row and code of each message."""
    return zip(rows.tolist(), texts_of(messages[name]), strict=True)
