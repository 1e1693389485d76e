"""Export ITCH 5.0: a day of a lake as the file that Nasdaq would have sent."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl

from basalt.core.errors import CorruptInput, DataError, MissingData, TargetFailed
from basalt.core.lake import lake_path
from basalt.core.tables import Table
from basalt.feeds.clocks import midnight_nanos
from basalt.feeds.feed import Exported, ExportedFile, LakeDay
from basalt.feeds.itch.assembling import Batch, assemble, texts
from basalt.feeds.itch.directory import HOMES, ROUND_LOT
from basalt.feeds.itch.importing import NEW_YORK
from basalt.feeds.itch.order_batches import imbalance_batches, order_batches, print_batches
from basalt.feeds.itch.phase_batches import EARLY, phase_batches
from basalt.market.tables import IMBALANCE, L3, MARKETSTATE, REFERENCE, TRADES

FIRST_MESSAGE_NANOS = 3 * 3_600 * 10**9
"""Time of the first message, unless something happened before."""

LONGEST_NAME = 8
_FILE_NAMES = {"XNAS": "{day:%m%d%Y}.NASDAQ_ITCH50.gz", "XBOS": "{day:%Y%m%d}.BX_ITCH_50.gz", "XPSX": "{day:%Y%m%d}.PSX_ITCH_50.gz"}
_OTHER_NAME = "{day:%Y%m%d}.{mic}_ITCH_50.gz"


def export_itch(source: LakeDay, out: Path) -> Exported:
    """Write the listings of *source* as one gzipped file of length-prefixed messages into the folder *out*.

    The file is made of `l3` and `reference`, and of `trades`, `marketstate` and `imbalance` where the lake has them.
    `basalt.feeds.itch.feed.LOSSES` says what it cannot hold.

    Raises:
        MissingData: The lake lacks `l3` or `reference`, or a ticker.
        DataError: A price, size, name or time that no message can hold.
        TargetFailed: *out* cannot be written.
    """
    securities = _securities(source)
    rows = {table: _rows(source, table, securities) for table in (L3, TRADES, MARKETSTATE, IMBALANCE)}
    orders, left_out = order_batches(rows[L3])
    events = [batch for batch in (*orders, *print_batches(rows[TRADES], rows[L3]), *imbalance_batches(rows[IMBALANCE])) if len(batch.nanos)]
    first = min([FIRST_MESSAGE_NANOS, *(int(each["Nanos"][0]) for each in rows.values() if not each.is_empty())])
    last = max([first, *(int(batch.nanos.max()) for batch in events)])
    batches = [_directory(securities, first), *events, *phase_batches(rows[MARKETSTATE], first, last)]
    name = _FILE_NAMES.get(source.mic, _OTHER_NAME).format(day=source.day, mic=source.mic)
    path = _write(out / name, assemble(batches))
    notices = (f"{left_out:,} events of orders whose entry is not in the lake are left out",) * bool(left_out)
    return Exported((ExportedFile("messages", path, sum(len(batch.nanos) for batch in batches)),), notices)


def _securities(source: LakeDay) -> pl.DataFrame:
    """The wanted rows of `reference`, with `Locate` from 1 and `OPOL`."""
    reference, where = _read(source, REFERENCE), f"reference of {source.mic} on {source.day}"
    unknown = sorted(set(source.tickers) - set(reference["Ticker"]))
    if unknown:
        raise MissingData(f"the lake has no {', '.join(unknown)}", where=where)
    wanted = reference.filter(pl.col("Ticker").is_in(list(source.tickers))) if source.tickers else reference
    long = [ticker for ticker in wanted["Ticker"] if len(ticker) > LONGEST_NAME or not ticker.isascii()]
    if long:
        raise DataError(f"{long[0]!r} is not written in up to {LONGEST_NAME} ASCII letters", where=where, hint="leave the listing out")
    home = [pl.lit(None, pl.String).alias("OPOL")] * ("OPOL" not in wanted.columns)
    return wanted.sort("Ticker").with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("Locate"), *home)


def _read(source: LakeDay, table: Table) -> pl.DataFrame:
    path = Path(lake_path(str(source.lake), table, source.mic, source.day))
    if not path.exists():
        raise MissingData(
            f"the lake has no {table.name} of {source.mic} on {source.day}", where=str(path), hint="import or simulate that day"
        )
    try:
        return pl.read_parquet(path)
    except pl.exceptions.PolarsError as problem:
        raise CorruptInput(f"the lake's file cannot be read: {str(problem).splitlines()[0]}", where=str(path)) from problem


def _rows(source: LakeDay, table: Table, securities: pl.DataFrame) -> pl.DataFrame:
    """The rows of the wanted listings with `Locate`, `Stock` and `Nanos` after midnight in New York, in order of events."""
    path = Path(lake_path(str(source.lake), table, source.mic, source.day))
    if table != L3 and not path.exists():
        return pl.DataFrame()
    rows = _read(source, table)
    clock = next(name for name in table.time_from if name in rows.columns)
    nanos = pl.col(clock).cast(pl.Datetime("ns")).dt.epoch("ns") - midnight_nanos(source.day, NEW_YORK)
    names = securities.select("ListingId", "Locate", pl.col("Ticker").alias("Stock"))
    named = rows.with_columns(nanos.alias("Nanos")).join(names, on="ListingId", how="inner", maintain_order="left")
    outside = named.filter(~pl.col("Nanos").is_between(0, 86_400 * 10**9 - 1))
    if not outside.is_empty():
        raise DataError(f"{table.name} has a row outside of the day in New York", where=f"{outside['Stock'][0]} {outside[clock][0]}")
    return named.sort([clock, *(name for name in table.order if name in rows.columns)], maintain_order=True)


def _directory(securities: pl.DataFrame, nanos: int) -> Batch:
    categories = {home: category for category, home in reversed(HOMES.items())}
    count = securities.height
    fields = {
        "locate": securities["Locate"].to_numpy(),
        "stock": texts(securities["Ticker"].to_list(), 8),
        "category": texts([categories.get(home) for home in securities["OPOL"]], 1),
        "financial_status": "N",
        "round_lot": ROUND_LOT,
        "round_lots_only": "N",
        "classification": "C",
        "subtype": "Z ",
        "authenticity": "P",
        "short_sale_threshold": "N",
        "luld_tier": "1",
        "etp": "N",
        "inverse": "N",
    }
    return Batch("R", np.full(count, nanos), np.full(count, EARLY), 0, fields)


def _write(path: Path, content: np.ndarray) -> Path:
    """Write the file whole or not at all; the same content gives the same bytes."""
    staged = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with staged.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, 0) as stream:
            stream.write(content.data)
        staged.replace(path)
    except OSError as problem:
        raise TargetFailed(
            f"cannot be written: {problem.strerror or problem}", where=str(path), hint="give a folder that you may write to"
        ) from problem
    return path
