"""How the columns of a file that grows piece by piece are encoded: what pays for the time it takes.

Differences are made, kept and read fastest where steps from row to row are small, as those of clocks, numbers and counts; a dictionary
pays for other values that come again and again, but not where they stand in long runs, which compression folds as well. What either has
packed is not compressed once more: that would gain a seventh of the file for a seventh of the time.

Least and greatest values are looked for where somebody asks for them, among whole numbers and times. Other columns have them only since
the number of nulls stands beside: not columns that are known to be complete, which the file says by itself, nor those that begin with nulls, nor texts that do not come again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

COMPRESSION: Literal["zstd"] = "zstd"
LEVEL = 1
ROWS_LOOKED_AT = 4_096
SPARE_BITS = 3
"""Bits that differences may take more than places in a dictionary: they are still faster, and no larger once compressed."""


@dataclass(frozen=True)
class Encoding:
    """What becomes of each column of a file.

    Attributes:
        words: Columns of texts that come again and again.
        repeated: Other columns that get a dictionary.
        stepped: Columns that are kept as differences.
        surveyed: Columns whose least and greatest value is kept, and how many are null.
        complete: Columns without nulls.
    """

    words: frozenset[str]
    repeated: frozenset[str]
    stepped: frozenset[str]
    surveyed: frozenset[str]
    complete: frozenset[str]

    @staticmethod
    def of(frame: pl.DataFrame, complete: Collection[str] = ()) -> Encoding:
        """The encoding of a file whose first piece is *frame*, and which has no nulls in columns *complete*."""
        some = frame.head(ROWS_LOOKED_AT)
        counts = dict(zip(some.columns, some.select(pl.all().n_unique()).row(0), strict=True)) if some.height else {}
        repetitive = [name for name, count in counts.items() if count <= some.height / 4]
        stepped = frozenset(each.name for each in some if _is_whole(each) and (each.name not in repetitive or _has_small_steps(each)))
        packed = frozenset(name for name in repetitive if not (some[name].dtype.is_float() and _has_runs(some[name]))) - stepped
        words = frozenset(name for name in packed if some[name].dtype == pl.String)
        surveyed = frozenset(each.name for each in frame if _is_whole(each) or _may_turn_out_complete(each, words, complete))
        return Encoding(words, packed - words, stepped, surveyed, frozenset(complete).intersection(frame.columns))

    def options(self, frame: pl.DataFrame) -> dict[str, Any]:
        """Arguments of pyarrow's writer of Parquet files."""
        packed = self.words | self.repeated | self.stepped
        pressed = [name for name in frame.columns if name not in packed]
        return {
            "compression": {name: COMPRESSION if name in pressed else "none" for name in frame.columns},
            "compression_level": dict.fromkeys(pressed, LEVEL),
            "use_dictionary": sorted(self.words | self.repeated),
            "column_encoding": dict.fromkeys(self.stepped, "DELTA_BINARY_PACKED") or None,
            "write_statistics": sorted(self.surveyed),
            "store_schema": False,
        }

    def arrow(self, frame: pl.DataFrame) -> Any:
        """*frame* as pyarrow's writer takes it; words come with their dictionary, so that it need not look for it value by value."""
        import pyarrow as pa

        others = frame.drop(self.words).to_arrow(compat_level=pl.CompatLevel.newest())
        columns = {name: _words(frame[name]) if name in self.words else others.column(name) for name in frame.columns}
        fields = [pa.field(name, column.type, nullable=name not in self.complete) for name, column in columns.items()]
        return pa.Table.from_arrays([*columns.values()], schema=pa.schema(fields))


def _is_whole(column: pl.Series) -> bool:
    return column.dtype.is_integer() or column.dtype == pl.Datetime


def _may_turn_out_complete(column: pl.Series, words: Collection[str], complete: Collection[str]) -> bool:
    """Whether to count the nulls of a column that is not known to be *complete*."""
    is_cheap = column.dtype != pl.String or column.name in words
    return is_cheap and column.name not in complete and column.null_count() == 0


def _has_small_steps(column: pl.Series) -> bool:
    """Whether differences of neighbours take hardly more bits than places in a dictionary."""
    steps = np.diff(column.drop_nulls().to_physical().to_numpy().astype(np.int64))
    return not steps.size or (int(steps.max()) - int(steps.min())).bit_length() <= column.n_unique().bit_length() + SPARE_BITS


def _has_runs(column: pl.Series) -> bool:
    """Whether most values are those of the row before."""
    values = column.to_numpy()
    return 2 * int(np.count_nonzero(values[1:] != values[:-1])) < values.size


def _words(column: pl.Series) -> Any:
    """Texts as places in a dictionary of theirs."""
    import pyarrow as pa

    if column.len() and not column.null_count() and (column == column[0]).all():
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(column.len(), np.int32)), pa.array([column[0]], pa.large_string()))
    return column.to_arrow(compat_level=pl.CompatLevel.oldest()).dictionary_encode()
