"""Findings: what is wrong, with whom and when; and the table of them in a lake.

Checks give *hits*, one for each wrong row. Hits of one listing and reason that lie close together become one finding with a
count, so that findings stay few where everything is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from tempfile import TemporaryDirectory

import polars as pl

from basalt.core.bucketing import NANOS_PER_DAY, NANOS_PER_SECOND
from basalt.core.errors import TargetFailed
from basalt.core.lake import write_lake_file
from basalt.core.tables import Column, Table
from basalt.market.columns import LISTING_ID, MIC, NANOS, TRADE_DATE, instant, integer, text
from basalt.quality.files import Lake
from basalt.quality.reasons import REASONS

DATA_QUALITY = Table(
    name="data_quality",
    columns=(
        LISTING_ID,
        replace(MIC, required=True),
        replace(TRADE_DATE, required=True),
        text("CheckedTable", "Table that the finding is about."),
        text("Reason", "Code of what is wrong.", required=True),
        text("Severity", "error or warning.", required=True),
        instant("Start", "ns", "Time of the first wrong row, UTC; the start of the day for what concerns the whole day.", required=True),
        instant("End", "ns", "Time until which it is wrong, that instant included.", required=True),
        Column("Count", pl.Int64(), "", "Wrong rows, or missing ones."),
        integer("Nanos", NANOS, "For how long it was wrong, without the time between rows that one finding counts together."),
        text("Detail", "The first of them, in words."),
    ),
    folder="DataQuality",
    prefix="data-quality-",
    vendor_name="data-quality",
    doc="What is wrong in the other tables of a market and day: one row a listing, reason and span of time.",
)

MERGED_WITHIN = NANOS_PER_SECOND
"""Hits that begin so many nanoseconds after the one before become one finding with it."""

HIT_SCHEMA: dict[str, pl.DataType] = {
    "ListingId": pl.Int64(),
    "CheckedTable": pl.String(),
    "Reason": pl.String(),
    "Start": pl.Int64(),
    "End": pl.Int64(),
    "Count": pl.Int64(),
    "Nanos": pl.Int64(),
    "Detail": pl.String(),
}
"""Columns of hits; times are ns since 1970."""

FINDING_SCHEMA: dict[str, pl.DataType] = {
    "MIC": pl.String(),
    "Date": pl.Date(),
    **HIT_SCHEMA,
    "Severity": pl.String(),
}
"""Columns of findings. `ListingId` is null for what concerns all of a market."""


def hits(
    frame: pl.LazyFrame,
    reason: str,
    table: str,
    wrong: pl.Expr,
    *,
    start: str | pl.Expr = "at",
    end: str | pl.Expr | None = None,
    count: pl.Expr | None = None,
    detail: pl.Expr | None = None,
) -> pl.LazyFrame:
    """The rows of *frame* that are *wrong*, as hits.

    Args:
        frame: Rows with `ListingId` and the columns that the expressions read.
        reason: Code of `REASONS`.
        table: Table that the rows are of.
        wrong: Condition; null is false.
        start, end: Times in ns; *end* is *start* if None.
        count: How many rows it stands for; one if None.
        detail: Words.
    """
    begin = pl.col(start) if isinstance(start, str) else start
    until = begin if end is None else pl.col(end) if isinstance(end, str) else end
    found = frame.filter(wrong.fill_null(value=False))
    return found.select(
        pl.col("ListingId").cast(pl.Int64()),
        pl.lit(table).alias("CheckedTable"),
        pl.lit(REASONS[reason].code).alias("Reason"),
        begin.cast(pl.Int64()).alias("Start"),
        until.cast(pl.Int64()).alias("End"),
        (pl.lit(1) if count is None else count).cast(pl.Int64()).alias("Count"),
        (until - begin).cast(pl.Int64()).alias("Nanos"),
        (pl.lit(None) if detail is None else detail).cast(pl.String()).alias("Detail"),
    )


def one_hit(reason: str, table: str, day: date, *, listing: int | None = None, detail: str = "") -> pl.DataFrame:
    """A hit that concerns the whole *day*."""
    start = midnight(day)
    row = (listing, table, REASONS[reason].code, start, start + NANOS_PER_DAY - 1, 1, 0, detail)
    return pl.DataFrame([row], schema=HIT_SCHEMA, orient="row")


def midnight(day: date) -> int:
    """The start of *day* in UTC, ns since 1970."""
    return (day - date(1970, 1, 1)).days * NANOS_PER_DAY


def merged(found: pl.DataFrame, mic: str, day: date) -> pl.DataFrame:
    """Findings from hits: those of one listing, table and reason that lie close together are one.

    A hit without a time concerns the whole day.
    """
    start = midnight(day)
    keys = ["ListingId", "CheckedTable", "Reason"]
    timed = found.with_columns(pl.col("Start").fill_null(start), pl.col("End").fill_null(start + NANOS_PER_DAY - 1)).sort(
        *keys, "Start", "End", maintain_order=True
    )
    reached = pl.col("End").cum_max().shift(1).over(keys)
    begins = (pl.col("Start") > reached + MERGED_WITHIN).fill_null(value=True)
    numbered = timed.with_columns(begins.alias("begins")).with_columns(pl.col("begins").cum_sum().alias("number"))
    spans = numbered.group_by(*keys, "number", maintain_order=True).agg(
        pl.col("Start").min(), pl.col("End").max(), pl.col("Count", "Nanos").sum(), pl.col("Detail").first()
    )
    severity = pl.col("Reason").replace_strict({code: each.severity for code, each in REASONS.items()}, return_dtype=pl.String())
    placed = spans.with_columns(pl.lit(mic).alias("MIC"), pl.lit(day).alias("Date"), severity.alias("Severity"))
    return placed.select(pl.col(name).cast(dtype) for name, dtype in FINDING_SCHEMA.items())


def no_findings() -> pl.DataFrame:
    """Findings without a row."""
    return pl.DataFrame(schema=FINDING_SCHEMA)


def write_findings(lake: Lake, mic: str, day: date, findings: pl.DataFrame, listings: Sequence[int]) -> None:
    """Write the findings of a market and day into the lake, replacing those of an earlier check.

    What concerns the whole market is written for each of its *listings*, so that a run can join it.

    Raises:
        TargetFailed: The lake cannot be written.
    """
    own = findings.filter(pl.col("ListingId").is_not_null())
    shared = findings.filter(pl.col("ListingId").is_null()).drop("ListingId")
    spread = shared.join(pl.DataFrame({"ListingId": list(listings)}, schema={"ListingId": pl.Int64()}), how="cross")
    rows = (
        pl.concat([own, spread.select(own.columns)])
        .rename({"Date": "TradeDate"})
        .with_columns(pl.col("TradeDate").cast(pl.Datetime("ms")), pl.col("Start", "End").cast(pl.Datetime("ns")))
    )
    ordered = rows.sort("ListingId", "CheckedTable", "Reason", "Start")
    chosen = ordered.select(column.name for column in DATA_QUALITY.columns)
    if lake.folder is not None:
        write_lake_file(lake.folder, DATA_QUALITY, mic, day, chosen)
        return
    with TemporaryDirectory() as folder:
        written = write_lake_file(folder, DATA_QUALITY, mic, day, chosen)
        try:
            lake.put(written.path, str(written.path.relative_to(folder)))
        except OSError as problem:
            hint = "check your rights there, or look without writing: --no-write"
            raise TargetFailed(f"cannot write the lake: {problem}", where=lake.root, hint=hint) from problem
