"""`explain`: from a column back to the config entry that made it and the stored columns it reads."""

from __future__ import annotations

from typing import Any

import pytest

from basalt.core import explain
from basalt.core.catalog import catalog
from basalt.core.cli.columns import config_for, installed_rows, planned_rows
from basalt.core.errors import MissingColumn, UnknownName
from basalt.core.planning import plan

EVERYTHING = {
    "tick_metrics": [{"measures": ["Volume", "Average", "Gap", "Doubled", "Last"], "kinds": "Lit"}, {"measures": "Volume"}],
    "tick_series": [{"measures": ["Change", "Share"]}],
}


def planned(**fields: Any) -> Any:
    first = {"name": "bars", "modules": ["tick"], "tick_analytics": EVERYTHING, **fields}
    second = {"name": "seen", "modules": ["collect"], "module_inputs": {"collect": "bars"}}
    return plan({"start_date": "2026-02-02", "end_date": "2026-02-02", "passes": [first, second]}, bound={"ticks": STORED})


STORED = frozenset({"ListingId", "TimestampNanoseconds", "Sequence", "Price", "Size", "Kind"})


def test_a_formula_is_told_from_its_declaration() -> None:
    found = explain(planned(), "TickLitVolume")

    assert (found.pass_name, found.module, found.definition, found.unit, found.dtype) == (
        "bars",
        "tick",
        "Quantity of Lit ticks.",
        "shares",
        "Int64",
    )
    assert found.empty == "0 in a bucket of an open market without events"
    assert found.rollup == "sum"
    assert found.causality == "known at the end of its bucket"
    assert found.buckets == "60 s, (start, end], labelled with the end, UTC"
    assert found.origin == "PASSES[0].tick_analytics.tick_metrics[0]"
    assert found.axes == {"kind": "Lit"}
    assert found.reads == {"ticks": ("Kind", "Size")}


def test_a_derived_column_is_followed_to_stored_ones() -> None:
    found = explain(planned(), "TickLitAverage")

    assert found.reads == {"ticks": ("Kind", "Price", "Size")}
    assert found.through[0].column == "ticks.Notional"
    assert found.rollup == "none: coarser buckets must be computed directly"


def test_row_formulas_are_followed() -> None:
    found = explain(planned(), "TickLitDoubled")

    assert [link.column for link in found.through] == ["TwiceTwice", "Twice"]
    assert found.reads == {"ticks": ("Kind", "Size")}


def test_columns_of_another_table_are_followed() -> None:
    found = explain(planned(), "TickLitGap")

    assert found.reads == {"ticks": ("Kind", "Price", "EventTimestamp"), "marks": ("EventTimestamp", "Mid")}
    assert ("StoredMid", "The mid in force at a tick.") in [(link.column, link.doc) for link in found.through]


def test_columns_along_time_are_followed_through_their_pass() -> None:
    found = explain(planned(), "VolumeChange")

    assert [link.column for link in found.through] == ["bars.TickTotalVolume"]
    assert found.reads == {"ticks": ("Size",)}


def test_a_table_module_reads_all_of_its_input() -> None:
    found = explain(planned(), "Seen")

    assert (found.pass_name, found.module) == ("seen", "collect")
    assert set(found.reads["ticks"]) >= {"Kind", "Price", "Size"}


def test_the_convention_of_buckets_is_that_of_the_pass() -> None:
    found = explain(planned(time_bucket_seconds=300, time_bucket_anchor="start", time_bucket_closed="left"), "TickTotalVolume")

    assert found.buckets == "300 s, [start, end), labelled with the start, UTC"


def test_keys_and_labels_are_told_too() -> None:
    found = explain(planned(), "ListingId")

    assert found.definition == "One security on one venue. Key of the pass's rows."
    assert found.also_in == ("seen",)
    assert explain(planned(), "Ticker").definition.endswith("Describes the keys.")


def test_a_pass_may_be_chosen() -> None:
    assert explain(planned(), "ListingId", "seen").pass_name == "seen"


def test_a_column_of_another_pass_is_missing_in_the_chosen_one() -> None:
    with pytest.raises(MissingColumn) as caught:
        explain(planned(), "TickTotalVolume", "seen")
    assert caught.value.where == "pass seen"


def test_an_unknown_column_has_a_near_match() -> None:
    with pytest.raises(MissingColumn) as caught:
        explain(planned(), "TickLitVolum")
    assert "did you mean 'TickLitVolume'" in str(caught.value.hint)


def test_an_unknown_pass_has_a_near_match() -> None:
    with pytest.raises(UnknownName) as caught:
        explain(planned(), "Seen", "sen")
    assert "did you mean 'seen'?" in str(caught.value.hint)


def test_the_dictionary_is_plain() -> None:
    found = explain(planned(), "TickLitDoubled").as_dict()

    assert found["pass"] == "bars"
    assert found["reads"] == {"ticks": ["Kind", "Size"]}
    assert found["through"][0] == {"column": "TwiceTwice", "doc": "Twice that."}


def test_markdown_has_a_line_a_fact() -> None:
    text = explain(planned(), "TickLitDoubled").markdown()

    assert text.startswith("## TickLitDoubled\n\nSum of the row analytic")
    assert "- **unit**: shares\n" in text
    assert "- **through**:\n  - TwiceTwice: Twice that.\n  - Twice: Twice the size.\n" in text


def test_a_column_of_a_side_table_is_told_from_its_maker() -> None:
    made = planned(preprocess_modules=["pick"])
    found = explain(made, "Notional", "bars:rest")

    assert (found.pass_name, found.module, found.dtype) == ("bars:rest", "pick", "Float64")
    assert set(found.reads) == {"ticks"}
    assert explain(made, "Notional").pass_name == "bars:picked"
    assert "Key of the table's rows" in explain(made, "ListingId", "bars:picked").definition
    with pytest.raises(MissingColumn, match="no column 'Nothing'"):
        explain(made, "Nothing", "bars:picked")


def test_lists_of_a_pipeline_have_the_columns_of_side_tables_and_name_every_module() -> None:
    made = planned(preprocess_modules=["pick"])
    rows = planned_rows(made)

    assert {row["module"] for row in rows} >= {"tick", "collect", "pick"}
    assert all(row["module"] for row in rows)


def test_what_modules_make_of_raw_tables_is_known_without_a_pipeline() -> None:
    rows = [row for row in installed_rows(catalog()) if row["module"] == "pick"]

    assert {row["column"] for row in rows} == {"EventTimestamp", "Price", "Size", "Notional"}
    assert config_for(catalog(), "Notional") == {"PASSES": [{"name": "asked", "preprocess_modules": ["pick"]}]}
    assert {row["column"] for row in installed_rows(catalog()) if row["module"] == "collect"} == {"Seen", "SeenAll"}
