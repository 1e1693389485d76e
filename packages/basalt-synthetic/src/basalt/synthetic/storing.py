"""Writing columns as Parquet files of a lake."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from basalt.core.encoding import COMPRESSION, LEVEL
from basalt.core.errors import TargetFailed
from basalt.core.lake import ORDER_KEY, LakeFile, lake_path, order_columns
from basalt.synthetic.layouts import Exact, Layout, Price, Whole, may_miss


def store(
    root: Path, layout: Layout, mic: str, day: date, pieces: Iterator[Mapping[str, pa.Array]], metadata: Mapping[str, str]
) -> LakeFile:
    """Write *pieces*, one at least, which follow each other in the table's order; the file appears whole or not at all.

    Raises:
        TargetFailed: The lake cannot be written.
    """
    path, rows = Path(lake_path(str(root), layout.table, mic, day)), 0
    with _staged(path) as staged, ExitStack() as open_files:
        writer: Any = None
        for piece in pieces:
            table = pa.Table.from_arrays([*piece.values()], schema=_schema(layout, piece))
            if writer is None:
                writer = open_files.enter_context(pq.ParquetWriter(staged, table.schema, **_options(layout, table.schema)))
                writer.add_key_value_metadata({ORDER_KEY: ",".join(order_columns(layout.table, table.column_names)), **metadata})
            writer.write_table(table, row_group_size=max(table.num_rows, 1))
            rows += table.num_rows
    return LakeFile(layout.table.name, mic, day, path, rows)


def _schema(layout: Layout, piece: Mapping[str, pa.Array]) -> pa.Schema:
    return pa.schema([pa.field(name, array.type, nullable=may_miss(layout.kinds[name])) for name, array in piece.items()])


@contextmanager
def _staged(path: Path) -> Iterator[Path]:
    """A place beside *path* that becomes *path* at the end, unless the block raises."""
    staged = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.touch()
    except OSError as problem:
        message = f"cannot write the lake: {problem.strerror or problem}"
        raise TargetFailed(message, where=str(path.parent), hint="give --lake a folder that you may write to") from problem
    with ExitStack() as undo:
        undo.callback(staged.unlink, missing_ok=True)
        yield staged
        staged.replace(path)


def _options(layout: Layout, schema: pa.Schema) -> dict[str, Any]:
    """How columns are encoded: what pays for the time it takes.

    Words have their dictionary already, and prices come again and again. Whole numbers are packed as differences, in as many
    bits as they need. Compressing these once more would gain a fifth of the file for a fifth of the time that writing takes.
    """
    repeated = {each.name for each in schema if pa.types.is_dictionary(each.type) or _comes_again(layout, each)}
    packed = {each.name for each in schema if pa.types.is_integer(each.type) or pa.types.is_timestamp(each.type)}
    pressed = {each.name for each in schema} - repeated - packed
    return {
        "compression": {name: COMPRESSION if name in pressed else "none" for name in schema.names},
        "compression_level": dict.fromkeys(pressed, LEVEL),
        "use_dictionary": sorted(repeated),
        "column_encoding": dict.fromkeys(packed, "DELTA_BINARY_PACKED"),
        "store_schema": False,
    }


def _comes_again(layout: Layout, column: pa.Field) -> bool:
    kind = layout.kinds[column.name]
    return pa.types.is_float64(column.type) and (isinstance(kind, Price | Whole) or (isinstance(kind, Exact) and "Mid" in column.name))
