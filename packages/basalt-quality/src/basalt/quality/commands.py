"""The commands `basalt data check` and `basalt data describe`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from basalt.core.cli.options import FirstDay, LastDay, Markets, OneDay, examples, given_days
from basalt.core.cli.printing import counted, print_json, print_lines, print_rows, size
from basalt.core.cli.progress import shown_steps
from basalt.core.errors import CheckFailed, InvalidValue, UnknownName

if TYPE_CHECKING:
    import polars as pl

    from basalt.core.tables import Table
    from basalt.quality.files import Wanted

SHOWN = 20

app = typer.Typer(help="Bring market data into a lake.", no_args_is_help=True)

Root = Annotated[
    str, typer.Option("--lake", metavar="DIR", envvar="BASALT_LAKE", help="Root of the lake: a folder, or a URL such as s3://bucket/lake.")
]
Storage = Annotated[
    list[str] | None,
    typer.Option(
        "--storage-option", metavar="NAME=VALUE", help="Option of the object store, as in S3_STORAGE_OPTIONS; may be given several times."
    ),
]
Tables = Annotated[list[str] | None, typer.Option("--table", metavar="NAME", help="A table; may be given several times.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print everything as JSON.")]


@app.command(
    "check",
    epilog=examples(
        "basalt data check --lake lake",
        "basalt data check --lake lake --date 2026-02-02 --mic XLON --no-write",
    ),
)
def check(
    *,
    lake: Root,
    storage_option: Storage = None,
    day: OneDay = None,
    start_date: FirstDay = None,
    end_date: LastDay = None,
    mic: Markets = None,
    table: Tables = None,
    as_json: AsJson = False,
    ticks: Annotated[
        str | None, typer.Option("--ticks", metavar="FILE", help="CSV, Parquet or YAML file of tick sizes, instead of those of the lake.")
    ] = None,
    write: Annotated[bool, typer.Option("--write/--no-write", help="Leave the findings in the lake, as the table data_quality.")] = True,
) -> None:
    """Look for what is wrong with the files of a lake.

    Prints findings by reason, and the first ones of the worst; leaves all of them in the lake as the table data_quality, which runs can
    join. Ends with 65 when there are errors, with 0 when there are none or only warnings.
    """
    import polars as pl

    from basalt.market.ticks import read_ladders
    from basalt.quality.checking import LISTING_SCHEMA, check_lake
    from basalt.quality.files import Lake
    from basalt.quality.findings import no_findings, write_findings

    place = Lake.at(lake, _options(storage_option))
    tables = _tables()
    wanted = _wanted(tables, day, start_date, end_date, mic, table)
    findings, listings = [no_findings()], [pl.DataFrame(schema=LISTING_SCHEMA)]
    ladders = read_ladders(ticks) if ticks else None
    markets = 0
    with shown_steps() as progress:
        for checked in check_lake(place, tables, wanted, ladders=ladders, observe=progress):
            markets += 1
            findings.append(checked.findings)
            listings.append(checked.listings)
            if write and not wanted.tables and checked.is_there:
                write_findings(place, checked.mic, checked.day, checked.findings, checked.known)
    if not markets:
        raise InvalidValue("the lake has no files of these days and markets", where=lake, hint="see what it holds: basalt data describe")
    found = pl.concat(findings)
    if as_json:
        print_json({"lake": lake, "days": markets, **_counts(found), "findings": _rows(found), "listings": _rows(pl.concat(listings))})
    else:
        _report(found, pl.concat(listings), markets)
    wrong = found.filter(pl.col("Severity") == "error")
    if wrong.height:
        days = wrong.select("MIC", "Date").n_unique()
        raise CheckFailed(
            f"{counted(wrong.height, 'error')} in {days} of {counted(markets, 'market day')}",
            where=lake,
            hint="repair the files, or let runs mark or leave out what they touch: module quality",
        )


@app.command("describe", epilog=examples("basalt data describe --lake lake", "basalt data describe --lake lake --table l2"))
def describe(
    *,
    lake: Root,
    storage_option: Storage = None,
    day: OneDay = None,
    start_date: FirstDay = None,
    end_date: LastDay = None,
    mic: Markets = None,
    table: Tables = None,
    as_json: AsJson = False,
) -> None:
    """Show what a lake holds.

    One line a table and market: days, rows, size and listings.
    """
    from basalt.quality.describing import describe_lake
    from basalt.quality.files import Lake

    tables = _tables()
    place = Lake.at(lake, _options(storage_option))
    holdings, others = describe_lake(place, tables, _wanted(tables, day, start_date, end_date, mic, table))
    if as_json:
        print_json({"lake": lake, "holdings": [vars(each) for each in holdings], "other_files": list(others)})
        return
    rows = [{**vars(each), "market": each.mic, "size": size(each.bytes)} for each in holdings]
    print_rows(rows, ["table", "market", "first", "last", "days", "rows", "size", "listings"], empty="no files")
    for each in holdings:
        if each.beyond:
            typer.echo(f"{each.table} {each.mic}: columns that the contract does not have: {', '.join(each.beyond)}")
        for path in each.broken:
            typer.echo(f"{each.table} {each.mic}: cannot be read: {path}", err=True)
    if others:
        typer.echo(f"{len(others)} Parquet {'file belongs' if len(others) == 1 else 'files belong'} to no table, the first: {others[0]}")


# ---------------------------------------------------------------- what was asked


def _tables() -> Mapping[str, Table]:
    from basalt.core.catalog import catalog

    return catalog().tables


def _wanted(
    tables: Mapping[str, Table],
    day: str | None,
    start: str | None,
    end: str | None,
    mics: Sequence[str] | None,
    names: Sequence[str] | None,
) -> Wanted:
    from basalt.quality.files import Wanted

    first, last = given_days(day, start, end)
    for name in names or ():
        if name not in tables:
            raise UnknownName.of("table", name, tables, where="--table", hint="see: basalt analytics tables")
    return Wanted(first, last, tuple(mics or ()), tuple(names or ()))


def _options(said: Sequence[str] | None) -> dict[str, str]:
    pairs = [each.partition("=") for each in said or ()]
    for name, separator, _ in pairs:
        if not (name and separator):
            raise InvalidValue(f"{name!r} is not NAME=VALUE", where="--storage-option", hint="as in --storage-option aws_region=eu-west-1")
    return {name: value for name, _, value in pairs}


# ---------------------------------------------------------------- what is printed


def _counts(found: pl.DataFrame) -> dict[str, int]:
    return {f"{severity}s": found.filter(Severity=severity).height for severity in ("error", "warning")}


def _timed(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    """*frame* with times in ns as text."""
    import polars as pl

    return frame.with_columns(pl.col(name).cast(pl.Datetime("ns")).dt.strftime("%Y-%m-%dT%H:%M:%S.%9f") for name in names)


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    times = [name for name in ("Start", "End", "First", "Last") if name in frame.columns]
    return _timed(frame, *times).to_dicts()


def _report(found: pl.DataFrame, listings: pl.DataFrame, markets: int) -> None:
    import polars as pl

    from basalt.quality.reasons import REASONS

    seconds = (pl.col("Nanos").sum() / 1e9).round(1)
    grouped = found.group_by("Severity", "Reason", "CheckedTable").agg(
        pl.len().alias("findings"),
        pl.col("Count").sum().alias("rows"),
        pl.col("ListingId").n_unique().alias("listings"),
        seconds.alias("seconds"),
    )
    summary = grouped.sort("Severity", "rows", "Reason", "CheckedTable", descending=[False, True, False, False])
    rows = [{**row, "table": row["CheckedTable"], "what it means": REASONS[row["Reason"]].doc} for row in summary.to_dicts()]
    print_rows(
        [{key.lower(): value for key, value in row.items()} for row in rows],
        ["severity", "reason", "table", "findings", "rows", "listings", "seconds", "what it means"],
        empty="nothing is wrong",
    )
    places = _places(found)
    if places.height:
        columns = ["MIC", "Date", "ListingId", "CheckedTable", "Reason", "Start", "findings", "rows", "Detail"]
        title = (
            "where and when first" if places.height <= SHOWN else f"where and when first, {SHOWN} of {places.height}; everything: --json"
        )
        typer.echo()
        print_lines(places.head(SHOWN).to_dicts(), columns, title=title)
    typer.echo()
    print_rows(_covered(listings), ["table", "market", "days", "listings", "rows", "coverage"], title="coverage of open minutes")
    counts = _counts(found)
    total = int(listings["Rows"].sum() or 0)
    wrong = f"{counted(counts['errors'], 'error')}, {counted(counts['warnings'], 'warning')}"
    typer.echo(f"{counted(markets, 'market day')}, {counted(total, 'row')}: {wrong}")


def _covered(listings: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows and mean coverage by market, of the tables that have events all day."""
    import polars as pl

    events = listings.filter(pl.col("Table").is_in(["trades", "l2", "l3", "cbbo"]))
    counted = events.group_by("Table", "MIC").agg(
        pl.col("Date").n_unique().alias("days"),
        pl.col("ListingId").n_unique().alias("listings"),
        pl.col("Rows").sum().alias("rows"),
        pl.col("Coverage").mean().round(3).alias("coverage"),
    )
    return counted.sort("Table", "MIC").rename({"Table": "table", "MIC": "market"}).to_dicts()


def _places(found: pl.DataFrame) -> pl.DataFrame:
    """The first finding of each kind in each place, the worst first."""
    import polars as pl

    place = ["Severity", "MIC", "Date", "ListingId", "CheckedTable", "Reason"]
    first = found.sort("Start", maintain_order=True).group_by(place, maintain_order=True)
    places = first.agg(pl.col("Start", "Detail").first(), pl.len().alias("findings"), pl.col("Count").sum().alias("rows"))
    ordered = places.sort("Severity", "MIC", "Date", "Start", "Reason").with_columns(pl.col("ListingId").cast(pl.String))
    return _timed(ordered, "Start")
