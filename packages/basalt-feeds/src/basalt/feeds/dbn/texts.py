"""The vendor's CSV form, as the same frames that DBN gives.

Columns are found by the names in the first line, in any order. Times are nanoseconds since 1970 or ISO 8601, prices integers in billionths or decimals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from basalt.core.errors import CorruptInput
from basalt.feeds.dbn.fields import NO_PRICE, PRICE_SCALE
from basalt.feeds.dbn.finding import dataset_in, schema_in
from basalt.feeds.dbn.opening import pieces
from basalt.feeds.dbn.records import RECORDS_AT_ONCE, Header, layout_of

BYTES_A_LINE = 110
_DIGITS = 9
_SYMBOL = "symbol"
_PRICES = frozenset(
    {
        "price",
        "min_price_increment",
        "min_price_increment_amount",
        "max_price_variation",
        "price_ratio",
        "display_factor",
        "unit_of_measure_qty",
        "leg_delta",
        "upper_collar",
        "lower_collar",
    }
)
"""Fields in billionths whose names do not end so."""
_TIMES = frozenset({"expiration", "activation", "auction_time"})
NEWEST = 3
"""Version whose columns a CSV file has."""


def read_csv(path: Path, records_at_once: int = RECORDS_AT_ONCE) -> Iterator[tuple[Header, str, pl.DataFrame]]:
    """The records of a CSV file, a block after the other, as `basalt.feeds.dbn.records.read_dbn` gives them.

    Files of bars, samples and consolidated books give nothing, as in DBN.

    Raises:
        CorruptInput: A line that is none, an unknown set of columns, or a file that ends early.
    """
    header, names = Header(path, dataset_in(path), ""), list[str]()
    rest, position = b"", 0
    for piece in pieces(path, records_at_once * BYTES_A_LINE):
        data = rest + piece
        if not names:
            first, newline, data = data.partition(b"\n")
            names = [name.strip() for name in first.decode("utf-8", "replace").strip("\r").split(",")]
            if newline and _is_passed_over(names):
                return
            header = replace(header, schema=_schema(names, path) if newline else "")
        whole, newline, rest = data.rpartition(b"\n")
        if newline:
            frame = _parsed(whole + newline, names, header, position)
            position += frame.height
            yield header, _kind(header.schema), frame
    if rest.strip():
        yield header, _kind(header.schema), _parsed(rest, names, header, position)
    elif not names:
        raise CorruptInput("the file is empty", where=str(path), hint="fetch the file again")


def _is_passed_over(names: list[str]) -> bool:
    """Whether these are columns of a schema that is not read: bars (`ohlcv`), samples (`bbo`, `cbbo`), books over venues (`cmbp-1`, `tcbbo`)."""
    has = set(names)
    is_sample, is_consolidated = "bid_px_00" in has and "action" not in has, "bid_pb_00" in has
    return is_sample or is_consolidated or {"open", "high", "low", "close"} <= has


def _schema(names: list[str], path: Path) -> str:
    """The schema by the columns; only the name of the file tells `tbbo` from `mbp-1`."""
    has = set(names)
    for mark, schema in (
        ("order_id", "mbo"),
        ("bid_px_09", "mbp-10"),
        ("raw_symbol", "definition"),
        ("stat_type", "statistics"),
        ("is_trading", "status"),
        ("auction_type", "imbalance"),
    ):
        if mark in has:
            return schema
    if "bid_px_00" in has:
        return "tbbo" if schema_in(path) == "tbbo" else "mbp-1"
    if {"price", "size", "action", "instrument_id"} <= has:
        return "trades"
    raise CorruptInput(
        f"columns that no schema has: {', '.join(names[:8])}", where=str(path), hint="the first line of the file names the vendor's columns"
    )


def _kind(schema: str) -> str:
    return "mbp-1" if schema == "tbbo" else schema


def _parsed(text: bytes, names: list[str], header: Header, position: int) -> pl.DataFrame:
    layout = layout_of(NEWEST, _kind(header.schema))
    try:
        raw = pl.read_csv(text, has_header=False, new_columns=names, schema_overrides=dict.fromkeys(names, pl.String), infer_schema=False)
        typed = raw.select(_typed(raw, name, layout) for name in layout.names or () if name in names)
    except (pl.exceptions.PolarsError, ValueError) as problem:
        line = _first_fault(text, len(names), position)
        raise CorruptInput(
            f"a line that is no record: {str(problem).splitlines()[0]}", where=f"{header.path}{line}", hint="fetch the file again"
        ) from problem
    if _SYMBOL in raw.columns:
        known = raw.select(pl.col("instrument_id").cast(pl.Int64), _SYMBOL).unique().drop_nulls()
        header.symbols.known.update({number: symbol for number, symbol in known.iter_rows() if symbol})
    return typed.with_columns(pl.int_range(position, position + typed.height, dtype=pl.Int64).alias("position"))


def _first_fault(text: bytes, fields: int, position: int) -> str:
    for number, line in enumerate(text.split(b"\n"), start=position + 2):
        if line.strip() and line.count(b",") != fields - 1:
            return f", line {number}"
    return ""


def _typed(raw: pl.DataFrame, name: str, layout: np.dtype) -> pl.Series:
    wanted = layout[name]
    text = pl.col(name)
    if wanted.kind == "S":
        if wanted.itemsize > 1:
            return raw.select(text.fill_null("")).to_series()
        letters = {letter: ord(letter[0]) for letter in raw[name].unique().drop_nulls().to_list() if letter}
        return raw.select(text.replace_strict(letters, default=0, return_dtype=pl.UInt8)).to_series()
    if name in _TIMES or (name.startswith("ts_") and name != "ts_in_delta"):
        return raw.select(_time(raw[name])).to_series()
    if name in _PRICES or "_px_" in name or name.endswith("_price"):
        return raw.select(_billionths(raw[name])).to_series()
    return raw.select(text.cast(getattr(pl, _polars_type(wanted)))).to_series()


def _polars_type(wanted: np.dtype) -> str:
    return f"{'UInt' if wanted.kind == 'u' else 'Int'}{8 * wanted.itemsize}"


def _time(values: pl.Series) -> pl.Expr:
    """Nanoseconds since 1970, from integers of them or from ISO 8601; null where there is none."""
    text = pl.when(pl.col(values.name) != "").then(values.name)
    if values.str.contains("-", literal=True).any():
        return text.str.strip_suffix("Z").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ns").dt.epoch("ns").cast(pl.UInt64)
    return text.cast(pl.UInt64)


def _billionths(values: pl.Series) -> pl.Expr:
    """Prices in billionths, from integers of them or from decimals with a point, which are read digit by digit."""
    text = pl.when(pl.col(values.name) != "").then(values.name)
    if not values.str.contains(".", literal=True).any():
        return text.cast(pl.Int64).fill_null(NO_PRICE).alias(values.name)
    parts = text.str.strip_prefix("-").str.split_exact(".", 1)
    fraction = parts.struct.field("field_1").fill_null("").str.pad_end(_DIGITS, "0").str.head(_DIGITS).cast(pl.Int64)
    units = parts.struct.field("field_0").cast(pl.Int64) * PRICE_SCALE + fraction
    return pl.when(text.str.starts_with("-")).then(-units).otherwise(units).fill_null(NO_PRICE).alias(values.name)
