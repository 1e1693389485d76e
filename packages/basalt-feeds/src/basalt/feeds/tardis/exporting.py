"""Export a day of a lake as Tardis files: incremental_book_L2, book_snapshot_25, quotes and trades of every listing.

Every row of `l2` is one message. Messages of all files are put in order of (clock, sequence), a trade before the book that it
leaves, and get times of arrival that are a microsecond apart at least, so that their order survives the clock.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from basalt.core.errors import CorruptInput, MissingData, TargetFailed
from basalt.core.lake import lake_path
from basalt.core.tables import Table
from basalt.feeds.feed import Exported, ExportedFile, LakeDay, Progress, quietly
from basalt.market.tables import L2, REFERENCE, TRADES

LEVELS, SNAPSHOT_LEVELS = 10, 25
ROWS_AT_ONCE = 100_000
SIDES = {"bid": "Bid", "ask": "Ask"}

Rows = Iterator[pl.DataFrame]


def export_tardis(source: LakeDay, out: Path, *, exchange: str | None = None, progress: Progress = quietly) -> Exported:
    """Write the listings of *source* into the folder *out*, four gzipped CSV files a listing.

    Made of `l2` and of `trades` where the lake has them. `basalt.feeds.tardis.feed.LOSSES` says what the files cannot hold.

    Args:
        source: Market, day and listings.
        out: Folder; made if missing.
        exchange: Tardis's name of the venue; the market in small letters if None.
        progress: Told about every listing.

    Raises:
        MissingData: The lake lacks `l2` or `reference`, or a ticker.
        TargetFailed: *out* cannot be written.
    """
    listings = _listings(source)
    named = exchange or source.mic.lower()
    files: list[ExportedFile] = []
    for done, (ticker, listing) in enumerate(listings):
        progress(f"exporting {ticker} {source.day}", done, len(listings))
        books, trades = _arrivals(_rows(source, L2, listing), _rows(source, TRADES, listing))
        makers: dict[str, Callable[[], Rows]] = {
            "incremental_book_L2": lambda books=books: level_updates(books),  # type: ignore[misc]
            f"book_snapshot_{SNAPSHOT_LEVELS}": lambda books=books: snapshots(books),  # type: ignore[misc]
            "quotes": lambda books=books: quotes(books),  # type: ignore[misc]
            "trades": lambda trades=trades: iter([prints(trades)]),  # type: ignore[misc]
        }
        for kind, make in makers.items():
            path = out / f"{named}_{kind}_{source.day}_{ticker.upper()}.csv.gz"
            files.append(ExportedFile(kind, path, _write(path, _named(make(), named, ticker.upper()))))
    return Exported(tuple(files))


def _listings(source: LakeDay) -> list[tuple[str, int]]:
    """Ticker and number of the wanted listings."""
    reference = _table(source, REFERENCE).select("Ticker", "ListingId").collect()
    unknown = sorted(set(source.tickers) - set(reference["Ticker"]))
    if unknown:
        raise MissingData(f"the lake has no {', '.join(unknown)}", where=f"reference of {source.mic} on {source.day}")
    wanted = reference.filter(pl.col("Ticker").is_in(list(source.tickers))) if source.tickers else reference
    return sorted(wanted.drop_nulls().iter_rows())


def _table(source: LakeDay, table: Table) -> pl.LazyFrame:
    path = Path(lake_path(str(source.lake), table, source.mic, source.day))
    if not path.exists():
        raise MissingData(
            f"the lake has no {table.name} of {source.mic} on {source.day}", where=str(path), hint="import or simulate that day"
        )
    return pl.scan_parquet(path)


_TRADE_COLUMNS = ("TradeId", "AggressorSide", "Price", "Size", "Classification", "InstrumentCurrencyPrice")


def _rows(source: LakeDay, table: Table, listing: int) -> pl.DataFrame:
    """The rows of one listing with `Clock` (µs), `BMLLSequenceNo` and what is exported, in order of events."""
    if table == TRADES and not Path(lake_path(str(source.lake), table, source.mic, source.day)).exists():
        return pl.DataFrame(schema={"Clock": pl.Int64, "Nanos": pl.Int64, "BMLLSequenceNo": pl.Int64, "Price": pl.Float64})
    stored = _table(source, table)
    try:
        names = stored.collect_schema().names()
        clock = next(name for name in table.time_from if name in names)
        levels = [f"{side}{what}{level}" for level in range(1, LEVELS + 1) for side in SIDES.values() for what in ("Price", "Quantity")]
        kept = [name for name in (levels if table == L2 else _TRADE_COLUMNS) if name in names]
        nanos = pl.col(clock).cast(pl.Datetime("ns")).dt.epoch("ns")
        sequence = pl.col("BMLLSequenceNo") if "BMLLSequenceNo" in names else pl.int_range(pl.len(), dtype=pl.Int64)
        order = [name for name in table.order if name in names]
        found = stored.filter(pl.col("ListingId") == listing).sort([clock, *order], maintain_order=True)
        return found.select(nanos.alias("Nanos"), (nanos // 1000).alias("Clock"), sequence.alias("BMLLSequenceNo"), *kept).collect()
    except pl.exceptions.PolarsError as problem:
        where = lake_path(str(source.lake), table, source.mic, source.day)
        raise CorruptInput(f"the lake's file cannot be read: {str(problem).splitlines()[0]}", where=where) from problem


def _arrivals(books: pl.DataFrame, trades: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both with `Arrival` (µs): the clock, moved on where another message has that time already."""
    tape = trades.filter(pl.col("Classification").str.starts_with("LIT")) if "Classification" in trades.columns else trades
    keys = pl.concat(
        [
            frame.select("Nanos", "Clock", "BMLLSequenceNo", pl.lit(kind).alias("Kind"), pl.int_range(pl.len()).alias("Row"))
            for kind, frame in enumerate((tape, books))
        ]
    ).sort("Nanos", "BMLLSequenceNo", "Kind", "Row", maintain_order=True)
    place = pl.int_range(pl.len())
    timed = keys.select("Kind", "Row", ((pl.col("Clock") - place).cum_max() + place).alias("Arrival"))
    arrivals = [timed.filter(pl.col("Kind") == kind).sort("Row")["Arrival"] for kind in (0, 1)]
    return books.with_columns(arrivals[1]), tape.with_columns(arrivals[0])


# ---------------------------------------------------------------- the four files


def level_updates(books: pl.DataFrame) -> Rows:
    """incremental_book_L2: a snapshot, then the levels that differ from the row before."""
    numbered = books.with_row_index("Row").with_columns(pl.col("Row").cast(pl.Int64))
    has_levels = pl.any_horizontal(pl.col("BidPrice1").is_not_null(), pl.col("AskPrice1").is_not_null())
    first = numbered.filter(has_levels)["Row"].min()
    since = numbered.filter(pl.col("Row") >= first) if first is not None else numbered.clear()
    for start in range(0, max(since.height, 1), ROWS_AT_ONCE):
        before = since.slice(max(start - 1, 0), int(start > 0))
        rows = since.slice(start, ROWS_AT_ONCE)
        yield (
            _differences(_levels(before), _levels(rows))
            .join(rows.select("Row", "Clock", "Arrival"), on="Row", maintain_order="left")
            .select(
                pl.col("Clock").alias("timestamp"),
                pl.col("Arrival").alias("local_timestamp"),
                (pl.col("Row") == first).alias("is_snapshot"),
                "side",
                "price",
                "amount",
            )
        )


def _levels(rows: pl.DataFrame) -> pl.DataFrame:
    """`Row`, `side`, `price`, `amount` of every level that is there."""
    places = [(side, level) for side in SIDES for level in range(1, LEVELS + 1) if f"{SIDES[side]}Price{level}" in rows.columns]
    return pl.concat(
        [
            rows.select(
                "Row",
                pl.lit(side).alias("side"),
                pl.col(f"{SIDES[side]}Price{level}").alias("price"),
                pl.col(f"{SIDES[side]}Quantity{level}").cast(pl.Float64).alias("amount"),
            )
            for side, level in places
        ]
    ).drop_nulls("price")


def _differences(before: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Levels that are new, have another amount, or are gone (amount 0), by row."""
    shown = pl.concat([before, rows])
    earlier = shown.with_columns(pl.col("Row") + 1).rename({"amount": "old"})
    both = shown.join(earlier, on=["Row", "side", "price"], how="full", coalesce=True)
    changed = both.filter(pl.col("amount").ne_missing(pl.col("old")), pl.col("Row").is_between(rows["Row"].min(), rows["Row"].max()))
    return changed.select("Row", "side", "price", pl.col("amount").fill_null(0.0)).sort("Row", "amount", "side", "price")


def snapshots(books: pl.DataFrame) -> Rows:
    """book_snapshot_25: all levels that there are after every row; those that the lake does not hold are empty."""
    columns = [
        _snapshot_column(side, what, level) for level in range(SNAPSHOT_LEVELS) for side in ("ask", "bid") for what in ("Price", "Quantity")
    ]
    whole = books.with_columns(_absent_levels(books))
    for start in range(0, max(whole.height, 1), ROWS_AT_ONCE):
        rows = whole.slice(start, ROWS_AT_ONCE)
        yield rows.select(pl.col("Clock").alias("timestamp"), pl.col("Arrival").alias("local_timestamp"), *columns)


def _absent_levels(books: pl.DataFrame) -> list[pl.Expr]:
    names = [f"{side}{what}{level}" for level in range(1, LEVELS + 1) for side in SIDES.values() for what in ("Price", "Quantity")]
    return [pl.lit(None, pl.Float64).alias(name) for name in names if name not in books.columns]


def _snapshot_column(side: str, what: str, level: int) -> pl.Expr:
    name = f"{side}s[{level}].{'price' if what == 'Price' else 'amount'}"
    if level >= LEVELS:
        return pl.lit(None, pl.Float64).alias(name)
    is_there = pl.col(f"{SIDES[side]}Price{level + 1}").is_not_null()
    return pl.when(is_there).then(pl.col(f"{SIDES[side]}{what}{level + 1}").cast(pl.Float64)).alias(name)


def quotes(books: pl.DataFrame) -> Rows:
    """quotes: the best levels, whenever they change."""
    names = ("AskQuantity1", "AskPrice1", "BidPrice1", "BidQuantity1")
    best = books.select(
        "Clock",
        "Arrival",
        *(pl.when(pl.col(f"{name[:3]}Price1").is_not_null()).then(pl.col(name).cast(pl.Float64)).alias(name) for name in names),
    )
    is_new = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in names)
    new = ("ask_amount", "ask_price", "bid_price", "bid_amount")
    yield best.filter(is_new).select(
        pl.col("Clock").alias("timestamp"),
        pl.col("Arrival").alias("local_timestamp"),
        *(pl.col(name).alias(short) for name, short in zip(names, new, strict=True)),
    )


def prints(trades: pl.DataFrame) -> pl.DataFrame:
    """trades: those of the order book, with the side of the taker."""
    has = set(trades.columns)
    price = pl.coalesce([name for name in ("InstrumentCurrencyPrice", "Price") if name in has])
    side = pl.col("AggressorSide").replace_strict({1: "buy", 2: "sell"}, default="unknown", return_dtype=pl.String)
    return trades.select(
        pl.col("Clock").alias("timestamp"),
        pl.col("Arrival").alias("local_timestamp"),
        (pl.col("TradeId") if "TradeId" in has else pl.lit("")).alias("id"),
        (side if "AggressorSide" in has else pl.lit("unknown")).alias("side"),
        price.alias("price"),
        (pl.col("Size") if "Size" in has else pl.lit(0.0)).alias("amount"),
    )


# ---------------------------------------------------------------- writing


def _named(pieces: Rows, exchange: str, symbol: str) -> Rows:
    for piece in pieces:
        yield piece.select(pl.lit(exchange).alias("exchange"), pl.lit(symbol).alias("symbol"), pl.all())


def _write(path: Path, pieces: Rows) -> int:
    """Write the file whole or not at all; the same rows give the same bytes. Gives the number of rows."""
    staged = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with staged.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, 0) as stream:
            count = _write_rows(stream, pieces)
        staged.replace(path)
    except OSError as problem:
        raise TargetFailed(
            f"cannot be written: {problem.strerror or problem}", where=str(path), hint="give a folder that you may write to"
        ) from problem
    return count


def _write_rows(stream: gzip.GzipFile, pieces: Rows) -> int:
    count = 0
    for number, piece in enumerate(pieces):
        stream.write(piece.write_csv(include_header=number == 0).encode())
        count += piece.height
    return count
