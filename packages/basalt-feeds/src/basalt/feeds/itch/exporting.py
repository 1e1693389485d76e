"""Export ITCH 5.0: a day of a lake as the file that Nasdaq would have sent."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import polars as pl

from basalt.core.errors import CorruptInput, DataError, MissingData, TargetFailed
from basalt.core.lake import lake_path, order_columns
from basalt.core.tables import Table
from basalt.feeds.cancelling import CANCELLED
from basalt.feeds.clocks import midnight_nanos
from basalt.feeds.feed import Exported, ExportedFile, LakeDay
from basalt.feeds.itch.assembling import Batch, assemble, texts
from basalt.feeds.itch.directory import HOMES, ROUND_LOT
from basalt.feeds.itch.importing import NEW_YORK
from basalt.feeds.itch.order_batches import OrderNumbers, broken_batches, imbalance_batches, is_on_book, order_batches, print_batches
from basalt.feeds.itch.phase_batches import EARLY, ending, phase_batches
from basalt.feeds.outgoing import DayPieces, rows_of
from basalt.market.tables import IMBALANCE, L3, MARKETSTATE, REFERENCE, TRADES

FIRST_MESSAGE_NANOS = 3 * 3_600 * 10**9
"""Time of the first message, unless something happened before."""

LONGEST_NAME = 8
ROWS_AT_ONCE = 50_000
"""Rows of `l3` that are held at once, about."""

_DAY_NANOS = 86_400 * 10**9
_FILE_NAMES = {"XNAS": "{day:%m%d%Y}.NASDAQ_ITCH50.gz", "XBOS": "{day:%Y%m%d}.BX_ITCH_50.gz", "XPSX": "{day:%Y%m%d}.PSX_ITCH_50.gz"}
_OTHER_NAME = "{day:%Y%m%d}.{mic}_ITCH_50.gz"


def export_itch(source: LakeDay, out: Path, *, rows_at_once: int = ROWS_AT_ONCE) -> Exported:
    """Write the listings of *source* as one gzipped file of length-prefixed messages into the folder *out*.

    The file is made of `l3` and `reference`, and of `trades`, `marketstate` and `imbalance` where the lake has them.
    `basalt.feeds.itch.feed.LOSSES` says what it cannot hold. The day is read a span of time after the other: memory is that of a
    span, of the orders that rest, of the phases, and of the identifiers of trades.

    Args:
        rows_at_once: Rows of `l3` that are held at once, about.

    Raises:
        MissingData: The lake lacks `l3` or `reference`, or a ticker.
        DataError: A price, size, name or time that no message can hold.
        TargetFailed: *out* cannot be written.
    """
    securities = _securities(source)
    day = _Day(source, securities, DayPieces(source, securities, rows_at_once))
    name = _FILE_NAMES.get(source.mic, _OTHER_NAME).format(day=source.day, mic=source.mic)
    path = _write(out / name, (assemble(batches) for batches in day.batches()))
    notices = (f"{day.left_out:,} events of orders whose entry is not in the lake are left out",) * bool(day.left_out)
    return Exported((ExportedFile("messages", path, day.count),), notices)


class _Day:
    """The messages of a day, a span of time after the other.

    Attributes:
        count: Messages so far.
        left_out: Events of orders whose entry did not come.
    """

    def __init__(self, source: LakeDay, securities: pl.DataFrame, pieces: DayPieces) -> None:
        self._source, self._securities, self._pieces = source, securities, pieces
        self._orders = OrderNumbers()
        self.count, self.left_out = 0, 0

    def batches(self) -> Iterator[list[Batch]]:
        """Messages that follow each other; those of a span in any order."""
        first, waiting = self._waiting()
        done, last = -1, first
        for orders, trades, imbalances in self._pieces.of(L3, TRADES, IMBALANCE):
            rows = {table: self._named(table, found) for table, found in ((L3, orders), (TRADES, trades), (IMBALANCE, imbalances))}
            times = [each["Nanos"].max() for each in rows.values() if not each.is_empty()]
            until = max((time for time in times if isinstance(time, int)), default=done)
            events = self._events(rows)
            last = max([last, *(int(batch.nanos.max()) for batch in events)])
            yield self._counted([*events, *(batch.up_to(until, done) for batch in waiting)])
            done = until
        rest = [batch.up_to(_DAY_NANOS, done) for batch in waiting]
        last = max([last, *self._ends(MARKETSTATE), *(int(batch.nanos.max()) for batch in waiting if len(batch.nanos))])
        yield self._counted([*rest, ending(last)])

    def _counted(self, batches: list[Batch]) -> list[Batch]:
        self.count += sum(len(batch.nanos) for batch in batches)
        return batches

    def _waiting(self) -> tuple[int, list[Batch]]:
        """Time of the first message; directory, phases and broken trades, few as they are."""
        phases = self._named(MARKETSTATE, rows_of(self._source, MARKETSTATE, self._securities, required=False))
        times = [time for table in (L3, TRADES, MARKETSTATE, IMBALANCE) for time in self._ends(table)]
        first = min([FIRST_MESSAGE_NANOS, *times])
        self._executed = self._pieces.scan(L3).filter(is_on_book()).select("ListingId", "TradeId").unique().collect(engine="streaming")
        return first, [_directory(self._securities, first), *self._broken(), *phase_batches(phases, first)]

    def _scanned(self, table: Table) -> pl.LazyFrame | None:
        return (
            self._pieces.scan(table)
            if Path(lake_path(str(self._source.lake), table, self._source.mic, self._source.day)).exists()
            else None
        )

    def _ends(self, table: Table) -> tuple[int, ...]:
        """Time of the first row and of the last."""
        stored = self._scanned(table)
        if stored is None:
            return ()
        clock = pl.col(order_columns(table, stored.collect_schema())[0]).cast(pl.Datetime("ns")).dt.epoch("ns")
        ends = stored.select(clock.min().alias("first"), clock.max().alias("last")).collect(engine="streaming").row(0)
        return tuple(end - midnight_nanos(self._source.day, NEW_YORK) for end in ends if end is not None)

    def _broken(self) -> list[Batch]:
        stored = self._scanned(TRADES)
        if stored is None or "ModificationIndicator" not in stored.collect_schema():
            return []
        broken = stored.filter(pl.col("ModificationIndicator") == CANCELLED).collect(engine="streaming")
        named = broken.sort(order_columns(TRADES, broken.columns), maintain_order=True)
        names = self._securities.select("ListingId", "Locate")
        return broken_batches(named.join(names, on="ListingId", maintain_order="left"), max(self._ends(TRADES), default=0))

    def _events(self, rows: Mapping[Table, pl.DataFrame]) -> list[Batch]:
        orders, left_out = order_batches(rows[L3], self._orders)
        self.left_out += left_out
        made = (*orders, *print_batches(rows[TRADES], self._executed), *imbalance_batches(rows[IMBALANCE]))
        return [batch for batch in made if len(batch.nanos)]

    def _named(self, table: Table, rows: pl.DataFrame) -> pl.DataFrame:
        """*rows* with `Locate`, `Stock` and `Nanos` after midnight in New York."""
        if not rows.width:
            return rows
        midnight = midnight_nanos(self._source.day, NEW_YORK)
        names = self._securities.select("ListingId", "Locate", pl.col("Ticker").alias("Stock"))
        named = rows.with_columns(pl.col("Nanos") - midnight).join(names, on="ListingId", how="inner", maintain_order="left")
        outside = named.filter(~pl.col("Nanos").is_between(0, _DAY_NANOS - 1))
        if not outside.is_empty():
            place = f"{outside['Stock'][0]} {outside[order_columns(table, rows.columns)[0]][0]}"
            raise DataError(f"{table.name} has a row outside of the day in New York", where=place)
        return named


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


def _write(path: Path, pieces: Iterable[np.ndarray]) -> Path:
    """Write the file whole or not at all; the same content gives the same bytes."""
    staged = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with staged.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, 0) as stream:
            for content in pieces:
                stream.write(content.data)
        staged.replace(path)
    except OSError as problem:
        raise TargetFailed(
            f"cannot be written: {problem.strerror or problem}", where=str(path), hint="give a folder that you may write to"
        ) from problem
    finally:
        staged.unlink(missing_ok=True)
    return path
