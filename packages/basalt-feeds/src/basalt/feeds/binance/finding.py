"""Find captures: paths to the files of one symbol, in order of time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from basalt.core.errors import CorruptInput, MissingData
from basalt.feeds.binance.reading import Messages, read_capture

Market = Literal["futures", "spot"]
BYTES_LOOKED_AT = 1 << 20
SUFFIXES = {".gz", ".jsonl", ".ndjson", ".json", ".txt", ".log"}
_HINT = "a capture has one message a line, as the collector of hftbacktest writes it"


@dataclass(frozen=True)
class Capture:
    """Everything that was captured of one symbol: files that follow each other."""

    market: Market
    symbol: str
    files: tuple[Path, ...]


def find_captures(paths: Sequence[Path]) -> tuple[Capture, ...]:
    """All captures under *paths*: files, and folders of them (searched whole).

    Raises:
        MissingData: A path does not exist, or holds no capture.
        CorruptInput: A file is no capture, or mixes symbols.
    """
    files = dict.fromkeys(file.resolve() for path in paths for file in _files_at(path))
    found: defaultdict[tuple[Market, str], list[tuple[int, Path]]] = defaultdict(list)
    for file in files:
        market, symbol, since = _look_at(file)
        found[market, symbol].append((since, file))
    return tuple(Capture(*key, tuple(file for _, file in sorted(dated))) for key, dated in sorted(found.items()))


def _files_at(path: Path) -> Iterable[Path]:
    if not path.exists():
        raise MissingData("no such file or folder", where=str(path), hint="give captures of Binance streams, or folders of them")
    if not path.is_dir():
        return [path]
    files = [each for each in sorted(path.rglob("*")) if each.is_file() and each.suffix in SUFFIXES]
    if not files:
        raise MissingData("no captures", where=str(path), hint=_HINT)
    return files


def _look_at(file: Path) -> tuple[Market, str, int]:
    """Market, symbol and first time of a file, by its first messages."""
    for messages in _first(read_capture(file, bytes_at_once=BYTES_LOOKED_AT)):
        symbols = messages.symbols()
        if symbols:
            return _market(messages), only_symbol(symbols, file), _since(messages)
    raise CorruptInput("no message of a book, a trade or a quote", where=str(file), hint=_HINT)


def _first(pieces: Iterator[Messages]) -> Iterator[Messages]:
    for number, piece in enumerate(pieces):
        if number == 8:
            return
        yield piece


def only_symbol(symbols: set[str], file: Path) -> str:
    """The symbol of a file.

    Raises:
        CorruptInput: There are several: snapshots do not say whose they are.
    """
    if len(symbols) > 1:
        listed = ", ".join(sorted(symbols))
        raise CorruptInput(f"a capture of several symbols: {listed}", where=str(file), hint="capture every symbol into a file of its own")
    return next(iter(symbols))


def _market(messages: Messages) -> Market:
    """Futures tell their previous update, the kind of a trade, and the time of quotes; spot tells none of them, but `M` of aggregated trades."""
    told = [messages.depths["pu"], messages.trades["X"], messages.tickers["E"]]
    if messages.aggregates["M"].null_count():
        return "futures"
    return "futures" if any(column.drop_nulls().len() for column in told) else "spot"


def _since(messages: Messages) -> int:
    firsts = [frame["Receive"].min() for frame in _frames(messages)]
    return min(first for first in firsts if isinstance(first, int))


def _frames(messages: Messages) -> tuple[pl.DataFrame, ...]:
    return (messages.depths, messages.snapshots, messages.trades, messages.tickers, messages.aggregates)
