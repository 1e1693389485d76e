"""Small captures of Binance. Not a test: the tests of Binance load it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

EPOCH_MS = 1_723_161_599_000
"""2024-08-08 23:59:59 UTC."""

FIRST_ARRIVAL = 10**18

Levels = Sequence[tuple[str, str]]


def line(receive: int, message: dict[str, Any], stream: str | None = None) -> str:
    """A line of a capture; *stream* wraps the message as combined streams do."""
    shown = message if stream is None else {"stream": stream, "data": message}
    return f"{receive} {json.dumps(shown, separators=(',', ':'))}"


def depth(first: int, last: int, bids: Levels = (), asks: Levels = (), *, before: int | None = None, ms: int = EPOCH_MS) -> dict[str, Any]:
    """A depth message; *before* makes it one of futures."""
    ids = {"U": first, "u": last} | ({"T": ms, "pu": before} if before is not None else {})
    return {"e": "depthUpdate", "E": ms + (before is not None), "s": "BTCUSDT", **ids, "b": list(bids), "a": list(asks)}


def snapshot(last: int, bids: Levels = (), asks: Levels = ()) -> dict[str, Any]:
    """The answer of the REST interface."""
    return {"lastUpdateId": last, "bids": list(bids), "asks": list(asks)}


def trade(number: int, price: str, size: str, *, buyer_is_maker: bool, ms: int = EPOCH_MS, kind: str | None = None) -> dict[str, Any]:
    """A trade; *kind* makes it one of futures."""
    more = {} if kind is None else {"X": kind}
    return {"e": "trade", "E": ms + 1, "T": ms, "s": "BTCUSDT", "t": number, "p": price, "q": size, "m": buyer_is_maker, **more}


def aggregate(
    number: int, first: int, last: int, price: str, size: str, *, buyer_is_maker: bool, ms: int = EPOCH_MS, is_futures: bool = False
) -> dict[str, Any]:
    """All trades of one taking order at one price."""
    more = {} if is_futures else {"M": True}
    ids = {"a": number, "f": first, "l": last}
    return {"e": "aggTrade", "E": ms + 1, "T": ms, "s": "BTCUSDT", **ids, "p": price, "q": size, "m": buyer_is_maker, **more}


def ticker(update: int, bid: tuple[str, str], ask: tuple[str, str]) -> dict[str, Any]:
    """Best quotes of spot."""
    return {"u": update, "s": "BTCUSDT", "b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]}


def write_capture(path: Path, messages: Sequence[dict[str, Any]], *, wrapped: bool = True, first: int = FIRST_ARRIVAL) -> Path:
    """A file with one line a message, a millisecond apart."""
    names = {"depthUpdate": "depth@100ms", "trade": "trade", "bookTicker": "bookTicker", "aggTrade": "aggTrade"}
    lines = []
    for number, message in enumerate(messages):
        kind = message.get("e", "bookTicker" if "B" in message else "")
        stream = f"btcusdt@{names.get(kind, kind)}" if wrapped and kind else None
        lines.append(line(first + number * 1_000_000, message, stream))
    text = "".join(f"{each}\n" for each in lines).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def table(lake: Path, folder: str) -> pl.DataFrame:
    """All files of a table, in order of days."""
    return pl.concat([pl.read_parquet(path) for path in sorted((lake / folder).rglob("*.parquet"))], how="diagonal")


def first_lines(path: Path, count: int) -> list[bytes]:
    """The first lines of a gzipped file."""
    with gzip.open(path) as file:
        return list(islice(file, count))
