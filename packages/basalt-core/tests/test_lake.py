"""A lake: where files are, how they are written, and how they are read back, by path and by URL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from basalt.core.errors import CorruptInput, DataError, InvalidValue, MissingColumn, SchemaMismatch, TargetFailed, UnsortedInput
from basalt.core.lake import LakeWriter, lake_path, lake_writer, write_lake_file
from basalt.core.scanning import SurveyTask, survey
from basalt.core.sources.lake import LakeSource, read_footer
from basalt.core.tables import Column, Table

Make = Callable[..., Any]
Fill = Callable[..., Path]


@pytest.fixture
def source(lake: Path) -> LakeSource:
    return LakeSource().configured({"lake": str(lake)})


def test_files_have_their_place(venue: Any, lake: Path) -> None:
    assert lake_path(str(lake), venue.TICKS, "XTST", date(2026, 2, 2)) == f"{lake}/Ticks/XTST/2026/02/02/ticks-XTST-20260202.parquet"
    assert (
        lake_path("s3://bucket/lake/", venue.TICKS, "XTST", date(2026, 2, 2))
        == "s3://bucket/lake/Ticks/XTST/2026/02/02/ticks-XTST-20260202.parquet"
    )


def test_rows_are_written_in_order_and_read_back(fill: Fill, source: LakeSource, ticks: Make, venue: Any, monday: date) -> None:
    fill(ticks((1, "09:00:02", 11, 2), (2, "09:00:01", 10, 1)))

    found = source.inventory(venue.TICKS, [monday], None)
    rows = source.scan(venue.TICKS, found.files, ["ListingId", "EventTimestamp", "Notional"]).collect()

    assert [(file.mic, file.day, file.rows) for file in found.files] == [("XTST", monday, 2)]
    assert rows.rows() == [(2, datetime(2026, 2, 2, 9, 0, 1), 10.0), (1, datetime(2026, 2, 2, 9, 0, 2), 22.0)]  # noqa: DTZ001
    assert rows.schema["EventTimestamp"] == pl.Datetime("ns")


def test_times_finer_than_their_column_are_cut_and_rows_stay_in_order(tmp_path: Path, monday: date) -> None:
    columns = (Column("At", pl.Datetime("us")), Column("Number", pl.Int64()))
    table = Table("fine", columns, time="At", time_from=("At",), order=("Number",), folder="Fine", prefix="fine-")
    frame = pl.DataFrame({"At": pl.Series([2_000, 1_999, 1_001]).cast(pl.Datetime("ns")), "Number": [1, 2, 3]})

    written = write_lake_file(tmp_path, table, "XTST", monday, frame)
    rows = pl.read_parquet(written.path)

    assert rows["At"].cast(int).to_list() == [1, 1, 2]
    assert rows["Number"].to_list() == [2, 3, 1]


def test_writing_again_replaces_the_file(fill: Fill, source: LakeSource, ticks: Make, venue: Any, monday: date) -> None:
    fill(ticks((1, "09:00:02", 11, 2), (1, "09:00:03", 11, 2)))
    before = source.inventory(venue.TICKS, [monday], None).fingerprint
    path = fill(ticks((1, "09:00:02", 11, 5)))

    assert source.inventory(venue.TICKS, [monday], None).files[0].rows == 1
    assert source.inventory(venue.TICKS, [monday], None).fingerprint != before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_file_appears_whole_or_not_at_all(lake: Path, ticks: Make, venue: Any, monday: date) -> None:
    def interrupted() -> None:
        with lake_writer(lake, venue.TICKS, "XTST", monday) as writer:
            writer.append(ticks((1, "09:00:02", 11, 2)))
            raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError):
        interrupted()

    assert not [path for path in lake.rglob("*") if path.is_file()]


def test_an_earlier_file_survives_a_failed_writer(fill: Fill, lake: Path, ticks: Make, venue: Any, monday: date) -> None:
    path = fill(ticks((1, "09:00:02", 11, 2)))
    before = path.read_bytes()

    def unsorted() -> None:
        with lake_writer(lake, venue.TICKS, "XTST", monday) as writer:
            writer.append(ticks((1, "09:00:05", 11, 2)))
            writer.append(ticks((1, "09:00:04", 11, 2)))

    with pytest.raises(UnsortedInput):
        unsorted()

    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_file_without_rows_is_a_file(lake: Path, venue: Any, monday: date, source: LakeSource) -> None:
    with lake_writer(lake, venue.TICKS, "XTST", monday) as writer:
        assert writer.rows == 0

    assert source.inventory(venue.TICKS, [monday], None).files[0].rows == 0


@pytest.mark.parametrize(
    "change",
    [pl.col("Price").cast(pl.String).add("x"), pl.lit(1).alias("Unknown"), pl.lit("x").alias("Size")],
    ids=["text for a number", "unknown column", "text for an integer"],
)
def test_rows_that_break_the_contract_are_refused(lake: Path, ticks: Make, venue: Any, monday: date, change: pl.Expr) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        write_lake_file(lake, venue.TICKS, "XTST", monday, ticks((1, "09:00:02", 11, 2)).with_columns(change))

    assert "ticks" in caught.value.what
    assert caught.value.exit_code == 65
    assert not [path for path in lake.rglob("*") if path.is_file()]


def test_a_missing_required_column_is_refused(lake: Path, ticks: Make, venue: Any, monday: date) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        write_lake_file(lake, venue.TICKS, "XTST", monday, ticks((1, "09:00:02", 11, 2)).drop("Price"))

    assert "Price" in caught.value.what


def test_a_lake_under_a_file_cannot_be_written(tmp_path: Path, ticks: Make, venue: Any, monday: date) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(TargetFailed) as caught:
        write_lake_file(tmp_path / "file" / "lake", venue.TICKS, "XTST", monday, ticks((1, "09:00:02", 11, 2)))

    assert caught.value.hint
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_writer_that_is_closed_says_what_it_wrote(lake: Path, ticks: Make, venue: Any, monday: date) -> None:
    writer = LakeWriter(lake, venue.TICKS, "XTST", monday, metadata={"maker": "test"})
    writer.append(ticks((1, "09:00:01", 11, 2)))
    writer.append(ticks((1, "09:00:02", 11, 2)))

    done = writer.close()

    assert (done.table, done.mic, done.day, done.rows) == ("ticks", "XTST", monday, 2)
    assert pl.read_parquet_metadata(done.path)["maker"] == "test"


def test_one_piece_and_many_are_the_same_file(tmp_path: Path, ticks: Make, venue: Any, monday: date) -> None:
    """Polars encodes the one, pyarrow the other: rows, order and metadata do not tell, nor what is known of clocks, numbers and repeated words."""
    rows = ticks((1, "09:00:01", 11, 2), (2, "09:00:02", 12, 3), (1, "09:00:03", 13, 4))
    seen = []
    for cuts in ((0, 3), (0, 1, 3)):
        with lake_writer(tmp_path / str(len(cuts)), venue.TICKS, "XTST", monday, metadata={"maker": "test"}) as writer:
            for start, end in pairwise(cuts):
                writer.append(rows[start:end])
        footer = pq.read_metadata(writer.path)
        groups = [footer.row_group(place) for place in range(footer.num_row_groups)]
        nulls = [
            [group.column(each).statistics.null_count for each in range(footer.num_columns) if rows.dtypes[each] != pl.String]
            for group in groups
        ]
        told = {key: value for key, value in pl.read_parquet_metadata(writer.path).items() if not key.startswith("ARROW")}
        seen.append((pl.read_parquet(writer.path), told, sum(group.num_rows for group in groups), any(map(any, nulls))))
    assert seen[0][0].equals(seen[1][0])
    assert seen[0][1:] == seen[1][1:]
    assert {"maker", "basalt:order"} <= set(seen[0][1])


# ------------------------------------------------------------ what a source makes of files


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("steps", pl.Series([5 * row for row in range(40)])),
        ("far_apart", pl.Series([0, 2**63 - 1, -(2**63)] * 13 + [None])),
        ("unsigned", pl.Series([2**64 - 1, 0] * 20, dtype=pl.UInt64)),
        ("small", pl.Series([1, 2, None, -128] * 10, dtype=pl.Int8)),
        ("instants", pl.Series([None, -1, 1 << 62] * 13 + [0]).cast(pl.Datetime("ns"))),
        ("runs", pl.Series([0.1] * 39 + [None])),
        ("floats", pl.Series([float("nan"), -0.0, 1e300, None] * 10)),
        ("texts", pl.Series(["", None, "ä", "long" * 99] * 10)),
        ("nothing", pl.Series([None] * 40, dtype=pl.Float64)),
    ],
)
def test_values_of_a_file_of_many_pieces_come_back_as_they_were(tmp_path: Path, name: str, values: pl.Series, monday: date) -> None:
    table = Table("values", (Column(name, values.dtype),), folder="Values", prefix="values-")
    frame = values.alias(name).to_frame()

    with lake_writer(tmp_path, table, "XTST", monday) as writer:
        for start in range(0, 40, 10):
            writer.append(frame.slice(start, 10))

    assert pl.read_parquet(writer.path).equals(frame)


@pytest.mark.parametrize(
    "pieces",
    [
        (["a", "a"] * 4, ["b"] * 8, ["c", "a"] * 4),
        (["a", "a"] * 4, [None] * 8, ["a", None, "long" * 99] * 3),
        ([None] * 8, ["", "a"] * 4),
        (["a"] * 8, [str(each) for each in range(3_000)]),
    ],
)
def test_words_may_change_from_piece_to_piece(tmp_path: Path, pieces: tuple[list[str | None], ...], monday: date) -> None:
    table = Table("values", (Column("Word", pl.String()),), folder="Values", prefix="values-")

    with lake_writer(tmp_path, table, "XTST", monday) as writer:
        for piece in pieces:
            writer.append(pl.DataFrame({"Word": pl.Series(piece, dtype=pl.String)}))

    assert pl.read_parquet(writer.path)["Word"].to_list() == [each for piece in pieces for each in piece]
    assert pl.read_parquet_schema(writer.path) == {"Word": pl.String}
    assert pq.read_schema(writer.path).field("Word").type == "string"


def test_complete_columns_are_known_without_statistics(tmp_path: Path, ticks: Make, venue: Any, monday: date) -> None:
    rows = ticks((1, "09:00:01", 11, 2), (2, "09:00:02", 12, 3), (1, "09:00:03", 13, 4))
    writer = LakeWriter(tmp_path, venue.TICKS, "XTST", monday, is_piecewise=True, complete=("Price", "Kind", "Nowhere"))
    for start in range(3):
        writer.append(rows[start : start + 1].with_columns(Kind=pl.lit(f"kind {start}")))

    path = writer.close().path

    footer = pq.read_metadata(path)
    places = {footer.schema.column(each).name: each for each in range(footer.num_columns)}
    assert footer.row_group(0).column(places["Price"]).statistics is None
    assert {"Price", "Kind", "Size", "ListingId"} <= read_footer(str(path), {}).complete
    assert pl.read_parquet(path)["Kind"].to_list() == ["kind 0", "kind 1", "kind 2"]


def test_nulls_of_complete_columns_are_refused(tmp_path: Path, ticks: Make, venue: Any, monday: date) -> None:
    writer = LakeWriter(tmp_path, venue.TICKS, "XTST", monday, complete=("Price",))
    with pytest.raises(SchemaMismatch, match=r"nulls in \['Price'\]"):
        writer.append(ticks((1, "09:00:01", 11, 2)).with_columns(Price=pl.lit(None, pl.Float64)))


def test_markets_and_holes_are_known(fill: Fill, source: LakeSource, ticks: Make, venue: Any, monday: date) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))
    fill(ticks((2, "09:00:02", 11, 2), day=date(2026, 2, 3)), mic="XOTH", day=date(2026, 2, 3))

    found = source.inventory(venue.TICKS, [monday, date(2026, 2, 3)], None)

    assert source.markets(venue.TICKS, [monday]) == ("XTST",)
    assert sorted(found.missing) == [("XOTH", monday), ("XTST", date(2026, 2, 3))]
    assert source.inventory(venue.TICKS, [date(2025, 1, 1)], None).files == ()


def test_columns_are_those_that_all_files_have(fill: Fill, source: LakeSource, ticks: Make, venue: Any, monday: date) -> None:
    fill(ticks((1, "09:00:02", 11, 2)))
    fill(ticks((2, "09:00:02", 11, 2)).drop("Kind"), mic="XOTH")

    assert "Kind" not in (source.inventory(venue.TICKS, [monday], None).columns or ())


def broken(fill: Fill, ticks: Make, how: str) -> Path:
    path = fill(ticks((1, "09:00:02", 11, 2)))
    whole = path.read_bytes()
    path.write_bytes(
        {
            "truncated": whole[: len(whole) // 2],
            "garbage": b"PAR1" + b"\x00" * 50 + b"PAR1",
            "empty": b"",
            "text": b"ListingId,Price\n1,2\n",
        }[how]
    )
    return path


@pytest.mark.parametrize("how", ["truncated", "garbage", "empty", "text"])
def test_a_file_that_is_no_parquet_is_named(fill: Fill, source: LakeSource, ticks: Make, venue: Any, monday: date, how: str) -> None:
    path = broken(fill, ticks, how)

    with pytest.raises(CorruptInput) as caught:
        source.inventory(venue.TICKS, [monday], None)

    assert caught.value.where == str(path)
    assert (caught.value.exit_code, bool(caught.value.hint)) == (65, True)


def test_a_folder_where_a_file_should_be_is_named(lake: Path, source: LakeSource, venue: Any, monday: date) -> None:
    Path(lake_path(str(lake), venue.TICKS, "XTST", monday)).mkdir(parents=True)

    with pytest.raises(DataError) as caught:
        source.inventory(venue.TICKS, [monday], None)

    assert "ticks-XTST-20260202.parquet" in str(caught.value.where)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda frame: frame.drop("Size"), "Size"),
        (lambda frame: frame.drop("TimestampNanoseconds"), "TimestampNanoseconds"),
        (lambda frame: frame.rename({"Size": "Sizes"}), "Size"),
        (lambda frame: frame.with_columns(pl.col("Size").cast(pl.String)), "Size"),
        (lambda frame: frame.with_columns(pl.col("Price").cast(pl.String)), "Price"),
        (lambda frame: frame.with_columns(pl.col("Size").cast(pl.Float64)), "Size"),
        (lambda frame: frame.with_columns(pl.col("TimestampNanoseconds").cast(pl.String)), "TimestampNanoseconds"),
        (lambda frame: frame.with_columns(pl.col("TimestampNanoseconds").dt.date()), "TimestampNanoseconds"),
    ],
    ids=[
        "column gone",
        "clock gone",
        "renamed",
        "text for an integer",
        "text for a number",
        "number for an integer",
        "text for a time",
        "date for a time",
    ],
)
def test_a_file_that_breaks_the_contract_is_named(
    lake: Path, source: LakeSource, ticks: Make, venue: Any, monday: date, change: Any, name: str
) -> None:
    path = Path(lake_path(str(lake), venue.TICKS, "XTST", monday))
    path.parent.mkdir(parents=True)
    change(ticks((1, "09:00:02", 11, 2))).write_parquet(path)

    with pytest.raises(SchemaMismatch) as caught:
        source.inventory(venue.TICKS, [monday], None)

    assert name in caught.value.what
    assert caught.value.where == str(path)
    assert caught.value.hint


def test_other_widths_and_precisions_are_read_as_the_contract_types_them(
    lake: Path, source: LakeSource, ticks: Make, venue: Any, monday: date
) -> None:
    path = Path(lake_path(str(lake), venue.TICKS, "XTST", monday))
    path.parent.mkdir(parents=True)
    narrow = ticks((1, "09:00:02", 11, 2)).with_columns(
        pl.col("ListingId").cast(pl.Int32), pl.col("Price").cast(pl.Float32), pl.col("Kind").cast(pl.Categorical),
        pl.col("TimestampNanoseconds").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
    )  # fmt: skip
    narrow.write_parquet(path)

    found = source.scan(
        venue.TICKS, source.inventory(venue.TICKS, [monday], None).files, ["ListingId", "EventTimestamp", "Price", "Kind"]
    ).collect()

    assert list(found.schema.values()) == [pl.Int64, pl.Datetime("ns"), pl.Float64, pl.String]
    assert found.row(0) == (1, datetime(2026, 2, 2, 9, 0, 2), 11.0, "Lit")  # noqa: DTZ001


def test_asking_a_file_for_a_column_that_it_lacks_is_an_error(
    fill: Fill, source: LakeSource, ticks: Make, venue: Any, monday: date
) -> None:
    fill(ticks((1, "09:00:02", 11, 2)).drop("Kind"))

    with pytest.raises(MissingColumn):
        source.scan(venue.TICKS, source.inventory(venue.TICKS, [monday], None).files, ["Kind"]).collect()


@pytest.mark.parametrize("settings", [{}, {"lake": ""}, {"lake": "nowhere"}, {"lake": "file"}])
def test_a_lake_that_is_not_there_is_refused(tmp_path: Path, settings: dict[str, str]) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InvalidValue) as caught:
        LakeSource().configured(settings)

    assert caught.value.where == "LAKE"


def test_the_environment_may_name_the_lake(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASALT_LAKE", str(lake))

    assert LakeSource().configured({}).root == str(lake)


def test_options_of_an_object_store_reach_its_lake() -> None:
    assert LakeSource().configured({"lake": "s3://bucket/lake", "s3_storage_options": {"region": "eu-west-1"}}).storage_options == {
        "region": "eu-west-1"
    }


def test_a_lake_behind_a_url_is_the_same_lake(fill: Fill, lake: Path, source: LakeSource, ticks: Make, venue: Any, monday: date) -> None:
    fill(ticks((1, "09:00:02", 11, 2), (1, "09:00:03", 12, 3)))
    remote = LakeSource().configured({"lake": lake.as_uri()})

    found = remote.inventory(venue.TICKS, [monday], None)

    assert remote.markets(venue.TICKS, [monday]) == ("XTST",)
    assert (found.columns, found.missing) == (source.inventory(venue.TICKS, [monday], None).columns, ())
    assert remote.scan(venue.TICKS, found.files, ["Size"]).collect()["Size"].to_list() == [2, 3]
    assert remote.inventory(venue.TICKS, [date(2025, 1, 1)], ["XTST"]).missing == (("XTST", date(2025, 1, 1)),)


def test_a_truncated_file_behind_a_url_is_named(fill: Fill, lake: Path, ticks: Make, venue: Any, monday: date) -> None:
    broken(fill, ticks, "truncated")

    with pytest.raises(CorruptInput) as caught:
        LakeSource().configured({"lake": lake.as_uri()}).inventory(venue.TICKS, [monday], None)

    assert str(caught.value.where).startswith("file://")


@pytest.mark.parametrize("root", ["nothing://lake", "host://a b"])
def test_a_url_that_is_no_lake_is_a_typed_error(venue: Any, monday: date, root: str) -> None:
    from basalt.core.errors import BasaltError

    with pytest.raises(BasaltError):
        LakeSource().configured({"lake": root}).inventory(venue.TICKS, [monday], None)


# ------------------------------------------------------------ surveys


def surveyed(frame: pl.DataFrame, lake: Path, venue: Any, monday: date) -> Any:
    path = Path(lake_path(str(lake), venue.TICKS, "XTST", monday))
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path)
    source = LakeSource().configured({"lake": str(lake)})
    return survey(SurveyTask(venue.TICKS, source.inventory(venue.TICKS, [monday], None).files[0]))


def test_rows_in_order_without_repeats_are_fine(lake: Path, ticks: Make, venue: Any, monday: date) -> None:
    found = surveyed(ticks((1, "09:00:01", 1, 1), (2, "09:00:01", 1, 1), (1, "09:00:02", 1, 1)), lake, venue, monday)

    assert (found.is_sorted, found.unsorted_at, found.duplicates, found.duplicate_at) == (True, None, 0, None)


def test_the_first_row_out_of_order_is_found(lake: Path, ticks: Make, venue: Any, monday: date) -> None:
    found = surveyed(ticks((1, "09:00:01", 1, 1), (1, "09:00:03", 1, 1), (1, "09:00:02", 1, 1), (1, "09:00:01", 1, 1)), lake, venue, monday)

    assert (found.is_sorted, found.unsorted_at) == (False, 2)


def test_equal_times_are_told_apart_by_their_sequence(lake: Path, ticks: Make, venue: Any, monday: date) -> None:
    frame = ticks((1, "09:00:01", 1, 1), (1, "09:00:01", 1, 1)).with_columns(Sequence=pl.Series([5, 4]))

    found = surveyed(frame, lake, venue, monday)

    assert (found.is_sorted, found.unsorted_at, found.duplicates) == (False, 1, 0)


@pytest.mark.parametrize("order", [[0, 1, 1, 2], [1, 2, 0, 1]], ids=["sorted", "unsorted"])
def test_rows_delivered_twice_are_counted(lake: Path, ticks: Make, venue: Any, monday: date, order: list[int]) -> None:
    frame = ticks((1, "09:00:01", 1, 1), (1, "09:00:02", 1, 1), (2, "09:00:02", 1, 1))[order]

    found = surveyed(frame, lake, venue, monday)

    assert found.duplicates == 1
    assert found.duplicate_at is not None
