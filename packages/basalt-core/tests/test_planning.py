"""The plan: what is known, and refused, before data are read; and the numbers of fused passes, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import polars as pl
import pytest

from basalt.core import hookimpl
from basalt.core.bucketing import Clock
from basalt.core.catalog import Catalog, using_catalog
from basalt.core.declaring import Composite, Module, Part, Row, Sum, analytic, enrichment, where
from basalt.core.errors import (
    BadOffer,
    BasaltError,
    BucketConflict,
    ColumnClash,
    ConflictingSettings,
    CyclicInputs,
    InvalidValue,
    MissingColumn,
    MissingTable,
    PlanError,
    SchemaMismatch,
)
from basalt.core.fusing import build
from basalt.core.planning import plan

Compute = Callable[..., pl.DataFrame]
Make = Callable[..., Any]


def metrics(*entries: dict[str, Any], **lists: Any) -> dict[str, Any]:
    return {"tick_analytics": {"tick_metrics": list(entries), **lists}}


def refused(config: Any, kind: type[BasaltError] = PlanError, **options: Any) -> BasaltError:
    with pytest.raises(kind) as caught:
        plan(config, **options)
    assert caught.value.exit_code == 64
    return caught.value


def with_passes(*passes: dict[str, Any]) -> dict[str, Any]:
    return {"start_date": "2026-02-02", "end_date": "2026-02-02", "passes": list(passes)}


class Own:
    """A plugin of the test's own analytics."""

    def __init__(self, **fields: Any) -> None:
        self.__name__ = "own"
        self.module = Module(**{"name": "own", "table": "ticks", **fields})

    @hookimpl
    def basalt_analytics(self) -> Any:
        return (self.module,)


def plan_own(venue: Any, *analytics: Any, **fields: Any) -> Any:
    with using_catalog(Catalog([venue, Own(analytics=analytics, **fields)])):  # type: ignore[list-item]
        return plan(with_passes({"name": "bars", "modules": ["own"]}))


# ------------------------------------------------------------ what is known


def test_columns_types_and_units_are_known_before_data(one_pass: Make) -> None:
    planned = plan(one_pass(**metrics({"measures": ["Volume", "Average", "Last"], "kinds": ["Lit", "Total"]}))).passes[0]

    assert planned.dataset.names()[:7] == ("ListingId", "Date", "TimeBucket", "MIC", "Ticker", "CurrencyCode", "InstrumentId")
    assert [(column.name, column.dtype, column.unit, column.empty) for column in planned.dataset.columns] == [
        ("TickLitVolume", pl.Int64, "shares", "zero"),
        ("TickTotalVolume", pl.Int64, "shares", "zero"),
        ("TickLitAverage", pl.Float64, "{currency}", "null"),
        ("TickTotalAverage", pl.Float64, "{currency}", "null"),
        ("TickLitLast", pl.Float64, "{currency}", "carry"),
        ("TickTotalLast", pl.Float64, "{currency}", "carry"),
    ]


def test_the_result_has_exactly_the_planned_columns(one_pass: Make, compute: Compute, ticks: Make) -> None:
    config = one_pass(
        **metrics(
            {"measures": ["Volume", "Average", "Range", "Climb"]}, tick_bars=[{"measures": "Bar"}], tick_series=[{"measures": "Change"}]
        )
    )
    planned = plan(config).passes[0]

    found = compute(config, {"ticks": ticks((1, "09:00:01", 10, 1))}, hidden=True)

    assert list(found.schema.items()) == list(planned.dataset.schema().items())


def test_only_needed_columns_are_read(one_pass: Make) -> None:
    assert plan(one_pass(**metrics({"measures": "Volume"}))).raw_reads == {"ticks": ("EventTimestamp", "ListingId", "Size")}
    assert set(
        plan(
            one_pass(**metrics({"measures": "Volume", "kinds": "Dark", "market_states": ["OPEN"], "attribute_filters": {"Price": 5}}))
        ).raw_reads["ticks"]
    ) == {
        "EventTimestamp",
        "ListingId",
        "Size",
        "Kind",
        "MarketState",
        "Price",
    }


def test_the_columns_of_an_axis_without_a_field_are_all_there(one_pass: Make) -> None:
    planned = plan(one_pass(tick_analytics={"tick_bars": [{"measures": "Bar"}]})).passes[0]

    assert [column.name for column in planned.dataset.columns] == ["Open", "High", "Low", "Close"]
    assert [column.rollup.name if column.rollup else "" for column in planned.dataset.columns] == ["first", "max", "min", "last"]


def test_prefixes_and_patterns_name_columns(one_pass: Make) -> None:
    config = one_pass(
        tick_analytics={
            "metric_prefix": "P_",
            "tick_metrics": [{"measures": ["Volume", "Last"], "kinds": "Lit", "output_name_pattern": "{kinds}{measures}"}],
        }
    )

    assert [column.name for column in plan(config).passes[0].dataset.columns] == ["P_LitVolume", "P_LitLast"]


def test_a_pattern_that_names_nothing_is_refused(one_pass: Make) -> None:
    problem = refused(one_pass(**metrics({"measures": "Volume", "output_name_pattern": "{measure}{kindes}"})), BasaltError)

    assert "kinds" in str(problem.hint)
    assert "tick_metrics[0]" in str(problem.where)


def test_the_config_entry_of_a_column_is_known(one_pass: Make) -> None:
    planned = plan(one_pass(**metrics({"measures": "Last"}, {"measures": "Volume"}))).passes[0]

    assert planned.dataset.column("TickTotalVolume").origin == "PASSES[0].tick_analytics.tick_metrics[1]"


def test_asking_twice_for_one_column_gives_it_once(one_pass: Make) -> None:
    planned = plan(one_pass(**metrics({"measures": "Volume"}, {"measures": ["Volume", "Last"]}))).passes[0]

    assert [column.name for column in planned.dataset.columns] == ["TickTotalVolume", "TickTotalLast"]


# ------------------------------------------------------------ needs


def test_row_analytics_are_pulled_in_layer_by_layer(one_pass: Make, compute: Compute, ticks: Make) -> None:
    config = one_pass(**metrics({"measures": "Doubled"}))

    assert [[measure.column for measure in layer] for layer in plan(config).passes[0].queries[0].rows] == [["Twice"], ["TwiceTwice"]]
    assert compute(config, {"ticks": ticks((1, "09:00:01", 10, 3), (1, "09:00:02", 10, 4))})["TickTotalDoubled"].to_list() == [28]


def test_an_enrichment_is_used_only_where_the_files_lack_its_column(one_pass: Make) -> None:
    config = one_pass(**metrics({"measures": "Gap"}))
    stored = {"ticks": frozenset({"ListingId", "TimestampNanoseconds", "Price", "Size", "StoredMid"})}
    lacking = {"ticks": frozenset({"ListingId", "TimestampNanoseconds", "Price", "Size"})}

    assert set(plan(config, bound=stored).raw_reads) == {"ticks"}
    assert set(plan(config, bound=lacking).raw_reads) == {"ticks", "marks"}
    assert plan(config, bound=lacking).passes[0].queries[0].attached[0].column == "StoredMid"


@enrichment(table="ticks", uses="ticks", column="LastPrice", unit="{currency}", reads=("Size",), reads_other=("Price",))
def last_of_all(frame: pl.LazyFrame, other: pl.LazyFrame) -> pl.LazyFrame:
    """Last price of the day."""
    return frame.join(other.group_by("ListingId").agg(pl.col("Price").last().alias("LastPrice")), on="ListingId", maintain_order="left")


@analytic(column="BelowLast", unit="ticks")
def below_last() -> pl.Expr:
    """Ticks below the last price of the day."""
    return (pl.col("Price") < pl.col("LastPrice")).sum()


def test_an_enrichment_from_the_table_itself_reads_both_its_columns_and_the_formulas(venue: Any) -> None:
    planned = plan_own(venue, below_last, last_of_all).passes[0]

    assert set(planned.reads["ticks"]) == {"ListingId", "EventTimestamp", "Price", "Size"}


@analytic(column="Broken", unit="1")
def text_as_number() -> pl.Expr:
    """Text times a number."""
    return where(pl.col("Kind") * pl.col("Size"), pl.col("Size") > 0).sum()


def test_a_formula_that_calculates_with_text_is_refused_before_data_are_read(venue: Any) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        plan_own(venue, text_as_number)

    assert "\n" not in caught.value.what


def test_an_enrichment_without_its_column_in_the_other_files_is_refused(one_pass: Make) -> None:
    lacking = {
        "ticks": frozenset({"ListingId", "TimestampNanoseconds", "Price", "Size"}),
        "marks": frozenset({"ListingId", "TimestampNanoseconds"}),
    }

    problem = refused(one_pass(**metrics({"measures": "Gap"})), MissingColumn, bound=lacking)

    assert "marks.Mid" in problem.what
    assert "tick_metrics[0]" in str(problem.where)


def test_a_derived_column_needs_its_stored_ones(one_pass: Make) -> None:
    lacking = {"ticks": frozenset({"ListingId", "TimestampNanoseconds", "Size"})}

    problem = refused(one_pass(**metrics({"measures": "Average"})), MissingColumn, bound=lacking)

    assert "'Notional'" in problem.what


@pytest.mark.parametrize(
    ("entry", "name", "near"),
    [({"attribute_filters": {"Kin": "Lit"}}, "'Kin'", "'Kind'"), ({"attribute_filters": {"price": 5}}, "'price'", "'Price'")],
)
def test_a_filter_on_a_column_that_is_not_there_is_refused(one_pass: Make, entry: dict[str, Any], name: str, near: str) -> None:
    problem = refused(one_pass(**metrics({"measures": "Volume", **entry})), MissingColumn)

    assert name in problem.what
    assert near in str(problem.hint)
    assert "tick_metrics[0]" in str(problem.where)


def test_a_filter_whose_value_has_another_type_is_refused(one_pass: Make) -> None:
    problem = refused(one_pass(**metrics({"measures": "Volume", "attribute_filters": {"Size": "big"}})), BasaltError)

    assert "PASSES[0]" in str(problem.where)


def test_filters_count_only_rows_that_meet_them(one_pass: Make, compute: Compute, ticks: Make) -> None:
    events = ticks((1, "09:00:01", 10, 1, "Lit"), (1, "09:00:02", 11, 2, "Dark"), (1, "09:00:03", 12, 4, "Lit")).with_columns(
        MarketState=pl.Series(["A", "B", "B"])
    )
    config = one_pass(
        **metrics(
            {"measures": ["Volume", "Last"], "kinds": "Lit", "output_name_pattern": "Lit{measures}"},
            {"measures": "Volume", "market_states": ["B", "C"], "output_name_pattern": "B{measures}"},
            {
                "measures": "Volume",
                "market_states": "B",
                "attribute_filters": {"Kind": ["Lit", "Other"], "Size": 4},
                "output_name_pattern": "Both{measures}",
            },
            {"measures": ["Volume", "Average"], "market_states": "C", "output_name_pattern": "None{measures}"},
        )
    )

    found = compute(config, {"ticks": events}).row(0, named=True)

    assert {name: found[name] for name in ("LitVolume", "LitLast", "BVolume", "BothVolume", "NoneVolume", "NoneAverage")} == {
        "LitVolume": 5,
        "LitLast": 12.0,
        "BVolume": 6,
        "BothVolume": 4,
        "NoneVolume": 0,
        "NoneAverage": None,
    }


def test_row_analytics_that_need_each_other_are_refused(venue: Any) -> None:
    @analytic(column="Egg", unit="1", grain="row")
    def egg() -> Any:
        """From the hen."""
        return pl.col("Hen") + 1

    @analytic(column="Hen", unit="1", grain="row")
    def hen() -> Any:
        """From the egg."""
        return pl.col("Egg") + 1

    @analytic(column="Farm", unit="1", measure="Farm")
    def farm() -> Any:
        """Of hens."""
        return pl.col("Hen").sum()

    with pytest.raises(CyclicInputs) as caught:
        plan_own(venue, egg, hen, farm)

    assert "Hen" in caught.value.what
    assert "Egg" in caught.value.what


def test_a_formula_that_reads_nothing_that_exists_is_refused(venue: Any) -> None:
    @analytic(column="Lost", unit="1")
    def lost() -> Any:
        """Reads what is not there."""
        return pl.col("Sizze").sum()

    with pytest.raises(MissingColumn) as caught:
        plan_own(venue, lost)

    assert "'Lost' reads the column 'Sizze'" in caught.value.what
    assert "'Size'" in str(caught.value.hint)


@pytest.mark.parametrize("value", ["text", None, 5, pl.Series([1])], ids=["text", "none", "number", "series"])
def test_a_formula_that_returns_no_expression_is_a_plugin_error(venue: Any, value: Any) -> None:
    @analytic(column="Odd", unit="1")
    def odd() -> Any:
        """No expression."""
        return value

    with pytest.raises(BadOffer) as caught:
        plan_own(venue, odd)

    assert "odd" in str(caught.value)
    assert caught.value.hint


def test_a_formula_that_raises_is_a_plugin_error(venue: Any) -> None:
    @analytic(column="Odd", unit="1")
    def odd() -> Any:
        """Raises."""
        raise RuntimeError("boom")

    with pytest.raises(BasaltError) as caught:
        plan_own(venue, odd)

    assert "odd" in str(caught.value)
    assert "boom" in str(caught.value)


def test_a_bucket_formula_that_does_not_reduce_is_refused(venue: Any) -> None:
    @analytic(column="Rows", unit="1")
    def rows_of() -> Any:
        """Forgets to reduce."""
        return pl.col("Size")

    with pytest.raises(BasaltError) as caught:
        plan_own(venue, rows_of)

    assert "Rows" in str(caught.value)


def test_a_formula_that_does_not_fit_the_types_is_refused(venue: Any) -> None:
    @analytic(column="Odd", unit="1")
    def odd() -> Any:
        """Adds text and numbers."""
        return (pl.col("Kind") * pl.col("Size")).sum()

    with pytest.raises(BasaltError) as caught:
        plan_own(venue, odd)

    assert "PASSES[0]" in str(caught.value.where)


def test_two_measures_of_one_column_clash(one_pass: Make) -> None:
    problem = refused(
        one_pass(**metrics({"measures": "Volume", "output_name_pattern": "X"}, {"measures": "Last", "output_name_pattern": "X"})),
        ColumnClash,
    )

    assert "tick_metrics[0]" in str(problem.where)
    assert "tick_metrics[1]" in str(problem.where)


@pytest.mark.parametrize("name", ["ListingId", "Date", "TimeBucket", "MIC", "Ticker"])
def test_a_measure_may_not_take_the_name_of_a_key_or_label(one_pass: Make, name: str) -> None:
    problem = refused(one_pass(**metrics({"measures": "Volume", "output_name_pattern": name})), BasaltError)

    assert name in str(problem)


def test_two_modules_of_one_column_clash(one_pass: Make) -> None:
    config = one_pass(modules=["tick", "collect"], **metrics({"measures": "Volume", "output_name_pattern": "Seen"}))

    assert "'Seen'" in refused(config, ColumnClash).what


def test_series_of_columns_that_are_not_asked_for_are_refused(one_pass: Make) -> None:
    problem = refused(one_pass(tick_analytics={"tick_series": [{"measures": "Change"}]}))

    assert "TickTotalVolume" in problem.what


@pytest.mark.parametrize("keys", [["Listing"], ["ListingId", "Tickr"], ["tickTotalVolume"]])
def test_sort_keys_that_are_no_columns_are_refused(one_pass: Make, keys: list[str]) -> None:
    problem = refused(one_pass(sort_keys=keys), MissingColumn)

    assert problem.where == "PASSES[0].sort_keys"
    assert "did you mean" in str(problem.hint)


# ------------------------------------------------------------ numbers


def test_equal_reductions_are_computed_once(one_pass: Make) -> None:
    planned = plan(one_pass(**metrics({"measures": ["Volume", "Average"]}, {"measures": "Volume", "output_name_pattern": "Again"})))

    built = build(planned.passes[0].queries[0].measures)

    assert len(built.reductions) == 2  # the volume is also the average's denominator
    assert [len(planned.passes[0].queries), len(built.finishes)] == [1, 5]


def test_ratios_roots_and_row_values_by_hand(one_pass: Make, compute: Compute, ticks: Make) -> None:
    events = ticks((1, "09:00:01", 10, 1), (1, "09:00:02", 13, 2), (2, "09:00:03", 7, 5), (1, "09:01:01", 11, 1))

    found = compute(
        one_pass(**metrics({"measures": ["Average", "Range", "Climb"]}, {"measures": "Average", "kinds": "Dark"})), {"ticks": events}
    )

    assert found.select("ListingId", "TickTotalAverage", "TickTotalRange", "TickTotalClimb", "TickDarkAverage").rows() == [
        (1, 12.0, 3.0, 3.0, None),
        (1, 11.0, 0.0, -2.0, None),
        (2, 7.0, 0.0, 0.0, None),
    ]


def test_series_look_along_time_and_sections_across_listings(one_pass: Make, compute: Compute, ticks: Make) -> None:
    events = ticks((1, "09:00:01", 10, 1), (2, "09:00:03", 7, 3), (1, "09:01:01", 11, 6))
    config = one_pass(tick_analytics={"tick_metrics": [{"measures": "Volume"}], "tick_series": [{"measures": ["Change", "Share"]}]})

    found = compute(config, {"ticks": events})

    assert plan(config).passes[0].scope.entities == "universe"
    assert found.select("ListingId", "VolumeChange", "VolumeShare").rows() == [(1, None, 0.25), (1, 5, 1.0), (2, None, 0.75)]


def test_rows_of_listings_outside_of_the_universe_are_left_out(one_pass: Make, compute: Compute, ticks: Make, listings: Make) -> None:
    found = compute(one_pass(), {"ticks": ticks((1, "09:00:01", 10, 1), (9, "09:00:01", 10, 1))}, universe=listings((1, "XTST")))

    assert found["ListingId"].to_list() == [1]


def test_no_rows_give_an_empty_frame_of_the_planned_schema(one_pass: Make, compute: Compute, ticks: Make) -> None:
    found = compute(one_pass(), {"ticks": ticks()})

    assert found.height == 0
    assert found.schema["TickTotalVolume"] == pl.Int64


def test_formulas_and_a_table_module_of_one_pass_are_joined(one_pass: Make, compute: Compute, ticks: Make) -> None:
    config = with_passes(
        {"name": "bars", "modules": ["tick"], **metrics({"measures": "Volume"})},
        {
            "name": "both",
            "modules": ["tick", "collect"],
            "module_inputs": {"collect": "bars"},
            **metrics({"measures": "Last", "attribute_filters": {"Size": 1}}),
        },
    )

    found = compute(config, {"ticks": ticks((1, "09:00:01", 10, 1), (2, "09:02:01", 11, 5))})

    assert found.select("ListingId", "MIC", "TickTotalLast", "Seen").rows() == [(1, "XTST", 10.0, 1), (2, "XTST", None, 1)]


def test_labels_come_from_the_universe_for_rows_that_only_a_table_module_has(one_pass: Make, compute: Compute, ticks: Make) -> None:
    config = with_passes(
        {"name": "bars", "modules": ["tick"], **metrics({"measures": "Volume"})},
        {
            "name": "both",
            "modules": ["odd", "collect"],
            "time_bucket_anchor": "start",
            "module_inputs": {"collect": "bars", "odd": {"ticks": "ticks"}},
        },
    )

    found = compute(config, {"ticks": ticks((1, "09:00:01", 10, 1))})

    # the formulas label 09:00:00, the table module kept 09:01:00
    assert found.height == 2
    assert found["MIC"].to_list() == ["XTST", "XTST"]


# ------------------------------------------------------------ passes on passes


def test_a_pass_reads_an_earlier_one_in_both_forms(venue: Any) -> None:
    first = {"name": "bars", "modules": ["tick"]}
    for form in ("bars", {"rows": "bars"}):
        planned = plan(with_passes(first, {"name": "sums", "modules": ["collect"], "module_inputs": {"collect": form}}))
        assert planned.passes[1].reads.keys() == {"bars"}
        assert planned.raw_reads.keys() == {"ticks"}


@pytest.mark.parametrize(
    ("inputs", "kind", "where"),
    [
        ({"collect": "brs"}, MissingTable, "PASSES[1].module_inputs.collect"),
        ({"collect": {"row": "bars"}}, InvalidValue, "PASSES[1].module_inputs.collect"),
        ({"collect": {"rows": "brs"}}, MissingTable, "PASSES[1].module_inputs.collect"),
        ({"collect": "later"}, CyclicInputs, "PASSES[1].module_inputs.collect"),
        ({"collect": "sums"}, CyclicInputs, "PASSES[1].module_inputs.collect"),
    ],
)
def test_inputs_that_do_not_exist_or_come_too_late_are_refused(inputs: Any, kind: Any, where: str) -> None:
    config = with_passes(
        {"name": "bars", "modules": ["tick"]},
        {"name": "sums", "modules": ["collect"], "module_inputs": inputs},
        {"name": "later", "modules": ["tick"]},
    )

    problem = refused(config, kind)

    assert problem.where == where
    assert problem.hint


def test_a_module_of_two_inputs_needs_to_be_told_which() -> None:
    problem = refused(
        with_passes({"name": "bars", "modules": ["tick"]}, {"name": "two", "modules": ["pair"], "module_inputs": {"pair": "bars"}}),
        InvalidValue,
    )

    assert "left" in str(problem.hint)
    assert "right" in str(problem.hint)


def test_an_input_that_lacks_a_column_is_refused_with_the_nearest(venue: Any) -> None:
    config = with_passes({"name": "bars", "modules": ["tick"]}, {"name": "again", "modules": ["tick"], "module_inputs": {"tick": "bars"}})

    problem = refused(config, MissingColumn)

    assert "PASSES[1]" in str(problem.where)


def picking(**fields: Any) -> dict[str, Any]:
    return {"name": "big", "modules": ["tick"], "preprocess_modules": ["pick"], **fields}


def test_side_tables_are_known_by_pass_namespace_or_context_key() -> None:
    plain = plan(with_passes(picking(module_inputs={"tick": "picked"})))
    spaced = plan(with_passes(picking(side_output_namespace="space", module_inputs={"tick": "space:picked"})))
    keyed = plan(with_passes(picking(side_outputs={"picked": {"context_key": "mine"}}, module_inputs={"tick": "mine"})))

    assert [table.key for table in plain.passes[0].side_tables] == ["big:picked", "big:rest"]
    assert [table.key for table in spaced.passes[0].side_tables] == ["space:picked", "space:rest"]
    assert [table.key for table in keyed.passes[0].side_tables] == ["mine", "big:rest"]


@pytest.mark.parametrize(
    ("mode", "read", "expected"),
    [
        ("auto", False, (False, False)),
        ("auto", True, (True, False)),
        ("never", True, (True, False)),
        ("never", False, (False, False)),
        ("always", False, (True, True)),
    ],
)
def test_side_tables_are_kept_and_written_as_asked(mode: str, read: bool, expected: tuple[bool, bool]) -> None:
    passes = [picking(side_outputs={"picked": {"materialize": mode}})]
    if read:
        passes.append({"name": "later", "modules": ["tick"], "module_inputs": {"tick": "picked"}})

    table = plan(with_passes(*passes)).passes[0].side_tables[0]

    assert (table.is_kept, table.is_written) == expected


def test_a_suffix_that_two_side_tables_have_is_ambiguous() -> None:
    config = with_passes(picking(), picking(name="more"), {"name": "later", "modules": ["tick"], "module_inputs": {"tick": "picked"}})

    problem = refused(config, InvalidValue)

    assert "big:picked" in str(problem.hint)
    assert "more:picked" in str(problem.hint)


@pytest.mark.parametrize("key", ["ticks", "big", "later"])
def test_a_side_table_may_not_take_a_name_that_exists(key: str) -> None:
    config = with_passes(picking(side_outputs={"picked": {"context_key": key}}), {"name": "later", "modules": ["tick"]})

    assert refused(config, BasaltError).hint


def test_one_namespace_for_two_passes_clashes() -> None:
    config = with_passes(picking(side_output_namespace="space"), picking(name="more", side_output_namespace="space"))

    assert "space:picked" in refused(config, ColumnClash).what


def test_side_outputs_that_nobody_makes_are_refused() -> None:
    problem = refused(with_passes(picking(side_outputs={"piked": {}})), InvalidValue)

    assert "picked" in str(problem.hint)


def test_side_outputs_without_preprocessors_are_refused(one_pass: Make) -> None:
    refused(one_pass(side_outputs={"picked": {}}), InvalidValue)


def test_a_pass_of_preprocessors_only_is_planned() -> None:
    planned = plan(with_passes({"name": "big", "preprocess_modules": ["pick"], "side_outputs": {"picked": {"materialize": "always"}}}))

    assert planned.passes[0].side_tables[0].is_written


def test_passes_of_one_scope_share_a_stage_and_a_wider_one_starts_anew() -> None:
    collect = {"modules": ["collect"], "module_inputs": {"collect": "bars"}}
    planned = plan(
        with_passes(
            {"name": "bars", "modules": ["tick"]},
            {"name": "near", **collect},
            {"name": "group", **collect, "collect_analytics": {"entities": "instrument"}},
            {"name": "wide", **collect, "collect_analytics": {"entities": "universe"}},
            {"name": "whole", **collect, "collect_analytics": {"all_dates": True}},
        )
    )

    assert [[each.name for each in stage.passes] for stage in planned.stages] == [["bars", "near"], ["group"], ["wide"], ["whole"]]
    assert [str(stage.scope) for stage in planned.stages] == ["listing", "instrument", "universe", "listing, all dates"]


def test_supporting_columns_are_kept_only_for_passes_that_ask() -> None:
    first = {"name": "bars", "modules": ["tick"], **metrics({"measures": "Range"})}
    later = {"name": "later", "modules": ["collect"], "module_inputs": {"collect": "bars"}}

    alone = plan(with_passes(first)).passes[0].dataset
    asked = plan(with_passes(first, {**later, "collect_analytics": {"supports": True}})).passes[0].dataset

    assert [column.name for column in alone.columns if column.hidden] == []
    assert sorted(column.name for column in asked.columns if column.hidden) == ["TickTotalRange.high", "TickTotalRange.low"]


@pytest.mark.parametrize("setting", [{"time_bucket_seconds": 300}, {"time_bucket_anchor": "start"}, {"time_bucket_closed": "left"}])
def test_a_pass_of_formulas_has_the_buckets_it_says(setting: dict[str, Any], one_pass: Make) -> None:
    planned = plan(one_pass(**setting)).passes[0]
    plain = {"time_bucket_seconds": 60, "time_bucket_anchor": "end", "time_bucket_closed": "right"} | setting

    assert planned.clock == Clock.of_seconds(plain["time_bucket_seconds"], plain["time_bucket_anchor"], plain["time_bucket_closed"])
    assert planned.dataset.clock == planned.clock


def test_different_keys_in_one_pass_are_refused() -> None:
    problem = refused(with_passes({"name": "mixed", "modules": ["tick", "pair"]}), ConflictingSettings)

    assert problem.where == "PASSES[0].modules"


def test_a_plan_is_a_value_that_travels(one_pass: Make) -> None:
    import pickle

    planned = plan(one_pass(**metrics({"measures": ["Volume", "Climb"]})))

    again = pickle.loads(pickle.dumps(planned))

    assert again.passes[0].dataset == planned.passes[0].dataset


def test_a_plan_of_several_passes_knows_all_datasets() -> None:
    planned = plan(
        with_passes(
            picking(module_inputs={"tick": "picked"}), {"name": "later", "modules": ["collect"], "module_inputs": {"collect": "big"}}
        )
    )

    assert set(planned.datasets()) == {"ticks", "big", "big:picked", "big:rest", "later"}


def test_a_part_of_a_composite_may_not_be_taken_for_a_column(venue: Any) -> None:
    @analytic(column="Sum{kind}", unit="shares", measure="Sum", rollup=Sum())
    def total(kind: Literal["Lit", "Total"] = "Total") -> Composite:
        """Quantity."""
        size = Row(pl.col("Size") * 1)
        return Composite(
            {"total": Part(where(size.value, None if kind == "Total" else pl.col("Kind") == kind).sum(), Sum())},
            lambda parts: parts["total"],
            (size,),
        )

    planned = plan_own(venue, total)

    assert [column.name for column in planned.passes[0].dataset.visible] == ["SumTotal"]
    assert planned.passes[0].queries[0].reads == ("EventTimestamp", "ListingId", "Size")


def test_bucket_conflicts_of_two_modules_are_refused() -> None:
    assert issubclass(BucketConflict, PlanError)


def test_a_disabled_preprocessor_makes_no_tables() -> None:
    planned = plan(with_passes(picking(pick_preprocess={"ENABLED": False})))

    assert planned.passes[0].side_tables == ()
    refused(with_passes({"name": "big", "preprocess_modules": ["pick"], "pick_preprocess": {"ENABLED": False}}), InvalidValue)


def test_a_prefix_that_a_table_module_does_not_use_is_refused() -> None:
    collect = {"modules": ["collect"], "module_inputs": {"collect": "bars"}, "collect_analytics": {"metric_prefix": "P_"}}

    problem = refused(with_passes({"name": "bars", "modules": ["tick"]}, {"name": "later", **collect}), BadOffer)

    assert problem.where == "PASSES[1].collect_analytics.metric_prefix"
