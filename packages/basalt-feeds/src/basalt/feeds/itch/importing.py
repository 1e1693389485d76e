"""Import ITCH 5.0: from files to the tables of a lake."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from pathlib import Path

from basalt.books import OrderFault
from basalt.core.errors import MissingData
from basalt.core.lake import LakeFile
from basalt.feeds.cancelling import with_cancellations
from basalt.feeds.clocks import midnight_nanos
from basalt.feeds.feed import Imported, Progress, quietly
from basalt.feeds.itch.decoding import Decoder
from basalt.feeds.itch.directory import Directory, missing
from basalt.feeds.itch.layouts import LAYOUTS, WITHOUT_TABLE
from basalt.feeds.itch.opening import PIECE_BYTES, ItchFile, find_files, read_pieces
from basalt.feeds.itch.tables import RowMaker
from basalt.feeds.parts import parts_in
from basalt.feeds.streaming import market_days
from basalt.feeds.telling import tell_crossed, tell_halted
from basalt.market.tables import IMBALANCE, L2, L3, MARKETSTATE, REFERENCE, TRADES

TABLES = (L2, L3, MARKETSTATE, IMBALANCE)
NEW_YORK = "America/New_York"
_FAULTS = {
    OrderFault.UNKNOWN: "about orders that the file does not enter, left out",
    OrderFault.UNKNOWN_MODIFIED: "that replace orders which the file does not enter, left out",
    OrderFault.DUPLICATE: "that give an order an identifier which another has still, which they remove",
    OrderFault.OVERDRAWN: "that take more from an order than is left, which removes it",
}


def import_itch(
    paths: Sequence[Path],
    lake: Path,
    *,
    day: date | None = None,
    mic: str | None = None,
    currency: str = "USD",
    tickers: Collection[str] = (),
    queues: bool = True,
    replace: bool = False,
    progress: Progress = quietly,
    piece_bytes: int = PIECE_BYTES,
) -> Imported:
    """Import ITCH 5.0 files into *lake*, one venue's day after the other.

    For one venue and day all tables are written, or none. Rows of listings that the file does not have stay; importing twice
    changes nothing.

    Args:
        paths: Files of length-prefixed messages (BinaryFILE), gzipped or not, and folders of them.
        lake: Root of the lake; made if missing.
        day: Trading day, where the name of the file does not say it.
        mic: Venue, where the name does not say it.
        currency: Currency of all prices.
        tickers: Securities to import; all if empty.
        queues: Whether rows of `l3` say where orders stand in their queues (`SizeAhead`, `OrdersAhead` and the like).
        replace: Drop what the lake has of the securities' day beyond the time of the file.
        progress: Told which file comes next.
        piece_bytes: Bytes of a file that are decoded at once.

    Raises:
        DataError: A file that is missing, cut short, or not what Nasdaq writes.
        ConflictingSettings: Two files of one venue and day; or the lake has rows of it from times that the file does not cover.
        TargetFailed: The lake cannot be written.
    """
    files = find_files(paths, day=day, mic=mic)
    written: list[LakeFile] = []
    notices: list[str] = []
    for done, file in enumerate(files):
        progress(f"importing {file.mic} {file.day}", done, len(files))
        imported = _import_file(file, lake, Directory(file.mic, currency, frozenset(tickers)), piece_bytes, queues=queues, replace=replace)
        written += imported.files
        notices += imported.notices
    return Imported(tuple(written), tuple(notices))


def _import_file(file: ItchFile, lake: Path, directory: Directory, piece_bytes: int, *, queues: bool, replace: bool) -> Imported:
    decoder = Decoder(file.path, directory)
    maker = RowMaker(directory, file.day, midnight_nanos(file.day, NEW_YORK), queues)
    broken: list[int] = []
    with market_days(lake) as days, parts_in(lake) as parts:
        rows = days.of(file.mic, file.day)
        for piece in read_pieces(file, piece_bytes):
            decoded = decoder.decode(piece)
            made = maker.make(decoded)
            for table in TABLES:
                rows.add(table, made[table.name])
            parts.append(TRADES, made[TRADES.name])
            broken += decoded.broken
        _require(file, directory)
        parts.append(TRADES, maker.quotes.finish())
        for trades in parts.frames(TRADES):
            rows.add(TRADES, with_cancellations(trades, broken).collect())
        rows.add(REFERENCE, directory.reference(file.day))
        files = rows.put(lake, directory.listing_ids[directory.wanted].tolist(), replace=replace)
    return Imported(files, tuple(_notices(file, decoder, maker)))


def _require(file: ItchFile, directory: Directory) -> None:
    """Refuse names that the file does not have, and a file without securities."""
    unknown = missing(directory, directory.tickers)
    if unknown:
        raise MissingData(f"the file has no {', '.join(unknown)}", where=str(file.path), hint="tickers are written as Nasdaq does")
    if not directory.wanted.any():
        raise MissingData("the file names no security", where=str(file.path), hint="fetch the file again")


def _notices(file: ItchFile, decoder: Decoder, maker: RowMaker) -> Iterator[str]:
    name, counts = file.path.name, decoder.counts
    for fault, what in _FAULTS.items():
        count, first = maker.faults.get(fault, (0, 0))
        if count:
            yield f"{name}: {count:,} messages {what}; the first is message {first}"
    for kind in sorted(set(counts) - set(LAYOUTS)):
        yield f"{name}: {counts[kind]:,} messages of the unknown type {kind}, left out"
    without = [f"{counts[kind]:,} {what} ({kind})" for kind, what in WITHOUT_TABLE.items() if counts[kind]]
    if without:
        yield f"{name}: no table has a place for {', '.join(without)}"
    yield from tell_crossed(name, maker.crossed)
    wanted, securities = decoder.directory.wanted, decoder.directory.securities
    yield from tell_halted(name, [securities[locate].ticker for locate in decoder.phases.unfinished() if wanted[locate]])
