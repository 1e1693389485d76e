"""Import IEX DEEP: from captures to the tables of a lake."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import date
from pathlib import Path

from basalt.core.errors import ConflictingSettings, CorruptInput, MissingData
from basalt.core.lake import LakeFile
from basalt.feeds.cancelling import with_cancellations
from basalt.feeds.feed import Imported, Progress, quietly
from basalt.feeds.iex.captures import PIECE_BYTES, read_pieces
from basalt.feeds.iex.decoding import Decoder
from basalt.feeds.iex.fields import LENGTHS
from basalt.feeds.iex.securities import Securities, missing
from basalt.feeds.iex.segments import FIRST_GAP, FOREIGN, GAPS, MISSING, REPEATED
from basalt.feeds.iex.tables import RowMaker
from basalt.feeds.parts import Parts, parts_in
from basalt.feeds.streaming import MarketDay, market_days
from basalt.feeds.telling import tell_crossed, tell_halted
from basalt.market.statistics import STATISTICS
from basalt.market.tables import IMBALANCE, L2, MARKETSTATE, REFERENCE, TRADES

TABLES = (L2, MARKETSTATE, IMBALANCE, STATISTICS)
SUFFIXES = (".pcap", ".pcap.gz", ".pcapng", ".pcapng.gz")
WITHOUT_TABLE = {"I": "retail liquidity indicator", "E": "security event"}


def import_iex(
    paths: Sequence[Path],
    lake: Path,
    *,
    mic: str = "IEXG",
    currency: str = "USD",
    tickers: Collection[str] = (),
    progress: Progress = quietly,
    replace: bool = False,
    piece_bytes: int = PIECE_BYTES,
) -> Imported:
    """Import captures of IEX DEEP into *lake*, one after the other; each holds one day.

    For one day all tables are written, or none. Rows of securities that the capture does not have stay; importing twice
    changes nothing.

    Args:
        paths: pcap or pcapng files, gzipped or not, and folders of them.
        lake: Root of the lake; made if missing.
        mic: Venue of all listings.
        currency: Currency of all prices.
        tickers: Securities to import; all if empty.
        replace: Drop what the lake has of the securities' day beyond the time of the capture.
        progress: Told which file comes next.
        piece_bytes: Bytes of a capture that are decoded at once.

    Raises:
        DataError: A capture that is missing, cut short, or holds no DEEP messages.
        ConflictingSettings: Two captures of one day; or the lake has rows of it from times that the capture does not cover.
        TargetFailed: The lake cannot be written.
    """
    files = list(dict.fromkeys(each.resolve() for path in paths for each in _under(path)))
    written: list[LakeFile] = []
    notices: list[str] = []
    for done, path in enumerate(files):
        progress(f"importing {path.name}", done, len(files))
        reading = _Reading(path, Securities(mic, currency, frozenset(tickers)), frozenset(each.day for each in written), replace=replace)
        imported = reading.into(lake, piece_bytes)
        written += imported.files
        notices += imported.notices
    return Imported(tuple(written), tuple(notices))


def _under(path: Path) -> list[Path]:
    if not path.exists():
        raise MissingData("no such file or folder", where=str(path), hint="give captures of IEX DEEP or folders of them")
    if path.is_file():
        return [path]
    found = [each for each in sorted(path.rglob("*")) if each.name.lower().endswith(SUFFIXES)]
    if not found:
        raise MissingData("no captures", where=str(path), hint="captures are named .pcap or .pcapng, or so with .gz behind")
    return found


@dataclass
class _Reading:
    """One capture.

    Attributes:
        path: Its file.
        securities: Those that are wanted.
        taken: Days of the captures before it.
        replace: Whether rows of the lake from other times may be dropped.
    """

    path: Path
    securities: Securities
    taken: frozenset[date]
    _: KW_ONLY
    replace: bool

    def into(self, lake: Path, piece_bytes: int) -> Imported:
        """Read it and put its rows into *lake*."""
        decoder = Decoder(self.path, self.securities)
        maker: RowMaker | None = None
        broken: list[int] = []
        with market_days(lake) as days, parts_in(lake) as parts:
            for piece in read_pieces(self.path, piece_bytes):
                decoded = decoder.decode(piece)
                if decoder.day is None:
                    continue
                if maker is None:
                    maker, rows = RowMaker(self.securities, self._fresh(decoder.day)), days.of(self.securities.mic, decoder.day)
                made = maker.make(decoded)
                for table in TABLES:
                    rows.add(table, made[table.name])
                parts.append(TRADES, made[TRADES.name])
                broken += decoded.broken
            if maker is None:
                hint = "TOPS and DEEP+ captures are other feeds; fetch the DEEP 1.0 file"
                raise CorruptInput("no DEEP messages", where=str(self.path), hint=hint)
            _require(self.path, self.securities)
            parts.append(TRADES, maker.quotes.finish())
            files = self._put(rows, parts, broken, maker, lake)
        return Imported(files, tuple(_notices(self.path.name, decoder, maker)))

    def _fresh(self, day: date) -> date:
        if day in self.taken:
            raise ConflictingSettings(f"{day} is given twice", where=str(self.path), hint="leave one of the captures out")
        return day

    def _put(self, rows: MarketDay, parts: Parts, broken: Collection[int], maker: RowMaker, lake: Path) -> tuple[LakeFile, ...]:
        for trades in parts.frames(TRADES):
            rows.add(TRADES, with_cancellations(trades, broken).collect())
        reference = maker.securities.reference(maker.day)
        rows.add(REFERENCE, reference)
        return rows.put(lake, reference["ListingId"].to_list(), replace=self.replace)


def _require(path: Path, securities: Securities) -> None:
    unknown = missing(securities, securities.tickers)
    if unknown:
        raise MissingData(f"the capture has no {', '.join(unknown)}", where=str(path), hint="tickers are written as IEX does")


def _notices(name: str, decoder: Decoder, maker: RowMaker) -> Iterator[str]:
    counts, transport = decoder.counts, decoder.transport.tolist()
    if transport[GAPS]:
        yield f"{name}: {transport[MISSING]:,} messages are missing in {transport[GAPS]:,} gaps, the first from message {transport[FIRST_GAP]:,}"
    if transport[REPEATED]:
        yield f"{name}: {transport[REPEATED]:,} messages came again, left out"
    if decoder.late:
        yield f"{name}: {decoder.late:,} messages are behind the clock of their security; they have the time of the message before"
    if transport[FOREIGN]:
        yield f"{name}: {transport[FOREIGN]:,} packets of other protocols, left out"
    unknown = sorted(set(counts) - set(LENGTHS))
    if unknown:
        yield f"{name}: {sum(counts[kind] for kind in unknown):,} messages of unknown types ({', '.join(unknown)}), left out"
    without = [f"{counts[kind]:,} {what} ({kind})" for kind, what in WITHOUT_TABLE.items() if counts[kind]]
    if without:
        yield f"{name}: no table has a place for {', '.join(without)}"
    if maker.books.report.missing_levels:
        yield f"{name}: {maker.books.report.missing_levels:,} removals of price levels that were not there"
    yield from tell_crossed(name, maker.crossed)
    names, wanted = maker.securities.names, maker.securities.listing_ids
    yield from tell_halted(name, [names[security] for security in decoder.phases.unfinished() if wanted[security]])
