"""What a config may say, and what it is told when it says something else."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from basalt.configuration import AnalyticsConfig, OutputTarget, PassConfig, QualityCheckConfig, SideOutputConfig, read_config
from basalt.core import hookimpl
from basalt.core.catalog import Catalog, using_catalog
from basalt.core.declaring import Module, ModuleConfig
from basalt.core.errors import BasaltError, ConfigError, ConflictingSettings, InvalidValue, UnknownName
from basalt.core.pipelines import load_pipeline
from basalt.core.planning import plan

Make = Callable[..., Any]
TICK = {"name": "bars", "modules": ["tick"]}


def refused(values: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        plan(values)
    assert caught.value.exit_code == 64
    assert caught.value.hint, str(caught.value)
    return caught.value


# ------------------------------------------------------------ spelling


def test_run_keys_are_accepted_in_both_cases() -> None:
    upper = read_config({"START_DATE": "2026-02-02", "END_DATE": "2026-02-03", "DATASETNAME": "A", "PASSES": [TICK]})
    lower = read_config({"start_date": "2026-02-02", "end_date": "2026-02-03", "datasetname": "A", "passes": [TICK]})

    assert upper == lower
    assert (upper.start_date, upper.datasetname, upper.passes[0].name) == (date(2026, 2, 2), "A", "bars")


def test_every_run_key_may_be_written_in_upper_case() -> None:
    plain = read_config({}).model_dump()

    assert read_config({key.upper(): value for key, value in plain.items()}).model_dump() == plain


def test_one_key_in_both_cases_is_refused() -> None:
    problem = refused({"START_DATE": "2026-02-02", "start_date": "2026-02-02"})

    assert isinstance(problem, ConflictingSettings)
    assert "start_date" in str(problem.where).lower()


@pytest.mark.parametrize(
    ("values", "where", "near"),
    [
        ({"datasetnam": "x"}, "datasetnam", "datasetname"),
        ({"DATASET_NAME": "x"}, "dataset_name", "datasetname"),
        ({"Datasetname": "x"}, "Datasetname", "datasetname"),
        ({"passes": [{**TICK, "time_bucket_second": 60}]}, "PASSES[0].time_bucket_second", "time_bucket_seconds"),
        ({"passes": [TICK, {**TICK, "name": "b", "moduls": []}]}, "PASSES[1].moduls", "modules"),
        ({"passes": [{**TICK, "modules": ["tik"]}]}, "PASSES[0].modules[0]", "tick"),
        ({"passes": [{**TICK, "modules": ["tick", "colect"]}]}, "PASSES[0].modules[1]", "collect"),
        ({"passes": [{**TICK, "preprocess_modules": ["pik"]}]}, "PASSES[0].preprocess_modules[0]", "pick"),
        ({"passes": [{**TICK, "timeline_mode": "densee"}]}, "PASSES[0].timeline_mode", "dense"),
        ({"passes": [{**TICK, "tick_analytic": {}}]}, "PASSES[0].tick_analytic", "tick_analytics"),
        ({"passes": [{**TICK, "tick_analytics": {"tick_metric": []}}]}, "PASSES[0].tick_analytics.tick_metric", "tick_metrics"),
        ({"passes": [{**TICK, "tick_analytics": {"time_bucket_seconds": 60}}]}, "PASSES[0].tick_analytics.time_bucket_seconds", "beside"),
        ({"passes": [{**TICK, "modules": ["pick"]}]}, "PASSES[0].modules[0]", "preprocess_modules"),
        (
            {"passes": [{**TICK, "tick_analytics": {"tick_metrics": [{"measures": "Volum"}]}}]},
            "PASSES[0].tick_analytics.tick_metrics[0].measures",
            "Volume",
        ),
        (
            {"passes": [{**TICK, "tick_analytics": {"tick_metrics": [{"measures": ["Volume", "Avrage"]}]}}]},
            "PASSES[0].tick_analytics.tick_metrics[0].measures",
            "Average",
        ),
        (
            {"passes": [{**TICK, "tick_analytics": {"tick_metrics": [{"measures": "Volume", "kinds": ["Lit", "Drk"]}]}}]},
            "PASSES[0].tick_analytics.tick_metrics[0].kinds",
            "Dark",
        ),
        (
            {"passes": [{**TICK, "tick_analytics": {"tick_metrics": [{"measures": "Volume", "kind": "Lit"}]}}]},
            "PASSES[0].tick_analytics.tick_metrics[0].kind",
            "kinds",
        ),
        (
            {"passes": [{**TICK, "side_outputs": {"picked": {"materialise": "auto"}}}]},
            "PASSES[0].side_outputs.picked.materialise",
            "materialize",
        ),
        (
            {"passes": [{**TICK, "side_outputs": {"picked": {"materialize": "allways"}}}]},
            "PASSES[0].side_outputs.picked.materialize",
            "always",
        ),
        ({"passes": [{**TICK, "output": {"type": "parket"}}]}, "PASSES[0].output.type", "parquet"),
        ({"passes": [{**TICK, "output": {"path_templat": "x"}}]}, "PASSES[0].output", "path_template"),
        ({"passes": [{**TICK, "extra_outputs": [{"type": "parket"}]}]}, "PASSES[0].extra_outputs[0].type", "parquet"),
        ({"passes": [{**TICK, "module_inputs": {"tikc": "x"}}]}, "PASSES[0].module_inputs.tikc", "tick"),
        ({"passes": [{**TICK, "quality_checks": {"enabled": True}}]}, "PASSES[0].quality_checks.enabled", "ENABLED"),
        ({"output_target": {"type": "parket"}}, "output_target.type", "parquet"),
        ({"output_target": {"compression": "zst"}}, "output_target", "zstd"),
        ({"data_source_path": ["lake", "lak"]}, "DATA_SOURCE_PATH[1]", "lake"),
        ({"batch_freq": "w"}, "batch_freq", "W"),
        ({"missing_data": "ignore"}, "missing_data", "skip"),
    ],
)
def test_a_misspelt_name_is_refused_with_its_path_and_the_nearest_one(values: dict[str, Any], where: str, near: str) -> None:
    problem = refused({"start_date": "2026-02-02", "end_date": "2026-02-02", **values})

    assert where.lower() in str(problem.where).lower()
    assert near.lower() in str(problem.hint).lower()


def test_a_key_of_a_missing_wheel_names_the_wheel() -> None:
    assert "pip install bmll-basalt-l2" in str(refused({"passes": [{**TICK, "l2_analytics": {}}]}).hint)


# ------------------------------------------------------------ types and values


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"passes": {"name": "x"}}, "passes"),
        ({"passes": ["bars"]}, "passes[0]"),
        ({"passes": [{"modules": ["tick"]}]}, "passes[0].name"),
        ({"passes": [{**TICK, "name": "a/b"}]}, "passes[0].name"),
        ({"passes": [{**TICK, "name": ""}]}, "passes[0].name"),
        ({"passes": [{**TICK, "modules": "tick"}]}, "passes[0].modules"),
        ({"passes": [{**TICK, "modules": [5]}]}, "passes[0].modules"),
        ({"passes": [{**TICK, "time_bucket_seconds": 0}]}, "passes[0].time_bucket_seconds"),
        ({"passes": [{**TICK, "time_bucket_seconds": "soon"}]}, "passes[0].time_bucket_seconds"),
        ({"passes": [{**TICK, "time_bucket_seconds": float("nan")}]}, "passes[0].time_bucket_seconds"),
        ({"passes": [{**TICK, "time_bucket_seconds": float("inf")}]}, "passes[0].time_bucket_seconds"),
        ({"passes": [{**TICK, "time_bucket_seconds": 1e-10}]}, "passes[0].time_bucket_seconds"),
        ({"passes": [{**TICK, "sort_keys": "ListingId"}]}, "passes[0].sort_keys"),
        ({"passes": [{**TICK, "tick_analytics": []}]}, "passes[0].tick_analytics"),
        ({"passes": [{**TICK, "tick_analytics": {"ENABLED": "perhaps"}}]}, "passes[0].tick_analytics.ENABLED"),
        ({"passes": [{**TICK, "extension_configs": 5}]}, "passes[0].extension_configs"),
        ({"passes": [{**TICK, "module_inputs": "ticks"}]}, "passes[0].module_inputs"),
        ({"passes": [{**TICK, "quality_checks": {"null_rate_max": 2}}]}, "passes[0].quality_checks.null_rate_max"),
        ({"passes": [{**TICK, "quality_checks": {"ranges": {"A": [1]}}}]}, "passes[0].quality_checks.ranges"),
        ({"num_workers": -2}, "num_workers"),
        ({"num_workers": "many"}, "num_workers"),
        ({"memory_per_worker": 0}, "memory_per_worker"),
        ({"max_retries": -1}, "max_retries"),
        ({"max_listings_per_batch": 0}, "max_listings_per_batch"),
        ({"max_rows_per_table": {"ticks": "all"}}, "max_rows_per_table"),
        ({"max_rows_per_table": {"ticks": 0}}, "max_rows_per_table"),
        ({"max_rows_per_table": {"tiks": 10}}, "max_rows_per_table"),
        ({"data_source_path": "lake"}, "data_source_path"),
        ({"data_source_path": []}, "data_source_path"),
        ({"output_target": "out.parquet"}, "output_target"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_its_path(values: dict[str, Any], where: str) -> None:
    problem = refused({"start_date": "2026-02-02", "end_date": "2026-02-02", "passes": [TICK], **values})

    assert where.lower() in str(problem.where).lower()


@pytest.mark.parametrize("config", [None, 5, [], "config.yaml", [("START_DATE", 1)]])
def test_a_config_is_a_mapping(config: Any) -> None:
    assert isinstance(refused(config), InvalidValue)


def test_a_key_that_is_no_text_is_refused() -> None:
    refused({5: "x"})


@pytest.mark.parametrize(
    ("dates", "where"),
    [
        ({"start_date": "2026-02-03", "end_date": "2026-02-02"}, "END_DATE"),
        ({"start_date": "2026-02-03"}, "START_DATE"),
        ({"end_date": "2026-02-03"}, "START_DATE"),
        ({"start_date": "2026-02-31", "end_date": "2026-03-01"}, "START_DATE"),
    ],
)
def test_dates_that_make_no_range_are_refused(dates: dict[str, str], where: str) -> None:
    assert where in str(refused({**dates, "passes": [TICK]}).where).upper()


def test_two_passes_of_one_name_are_refused() -> None:
    problem = refused({"start_date": "2026-02-02", "end_date": "2026-02-02", "passes": [TICK, TICK]})

    assert "PASSES[1].name" in str(problem.where)


def test_two_passes_whose_names_differ_in_case_only_share_no_output() -> None:
    """A file system may not tell them apart."""
    problem = refused({"start_date": "2026-02-02", "end_date": "2026-02-02", "passes": [TICK, {**TICK, "name": "BARS"}]})

    assert "PASSES[1].name" in str(problem.where)


def test_a_pass_may_not_have_the_name_of_a_table() -> None:
    problem = refused_plan({"passes": [{**TICK, "name": "ticks"}]})

    assert problem.where == "PASSES[0].name"


def refused_plan(values: dict[str, Any]) -> BasaltError:
    with pytest.raises(BasaltError) as caught:
        plan({"start_date": "2026-02-02", "end_date": "2026-02-02", **values})
    assert (caught.value.exit_code, bool(caught.value.hint)) == (64, True)
    return caught.value


@pytest.mark.parametrize("passes", [[], [{"name": "bars"}], [{"name": "bars", "modules": ["tick"], "tick_analytics": {"ENABLED": False}}]])
def test_a_run_or_pass_with_nothing_to_do_is_refused(passes: list[Any]) -> None:
    assert "PASSES" in str(refused_plan({"passes": passes}).where)


# ------------------------------------------------------------ passes


def test_a_disabled_module_leaves_no_columns() -> None:
    config = {
        "start_date": "2026-02-02",
        "end_date": "2026-02-02",
        "passes": [{**TICK, "modules": ["tick", "odd"], "odd_analytics": {"ENABLED": False}}],
    }

    assert "OddNone" not in plan(config).passes[0].dataset.names()


def test_a_module_named_twice_is_one_module() -> None:
    assert PassConfig(name="bars", modules=["tick", "tick"]).modules == ["tick"]


def test_sections_of_installed_modules_that_the_pass_does_not_use_are_accepted_but_checked() -> None:
    PassConfig.model_validate({**TICK, "odd_analytics": {}})
    with pytest.raises(UnknownName):
        read_config({"passes": [{**TICK, "odd_analytics": {"nothing": 1}}]})


def test_a_section_that_needs_a_value_is_asked_for_only_where_its_module_is_used(venue: Any) -> None:
    class Needy(ModuleConfig):
        """A section without a default."""

        currency: str

    module = Module("needy", "ticks", ())
    module.__dict__["config_model"] = Needy
    plugin = ModuleType("needy")
    plugin.basalt_analytics = hookimpl(lambda: (module,))  # type: ignore[attr-defined]
    plugin.basalt_analytics.__name__ = "basalt_analytics"
    with using_catalog(Catalog([venue, plugin])):
        assert PassConfig.model_validate(TICK).modules == ["tick"]
        with pytest.raises(ConfigError, match="currency"):
            PassConfig.model_validate({**TICK, "modules": ["tick", "needy"]})


def test_extension_configs_are_sections() -> None:
    config = {
        "start_date": "2026-02-02",
        "end_date": "2026-02-02",
        "passes": [{**TICK, "extension_configs": {"tick_analytics": {"metric_prefix": "X_"}}}],
    }

    assert "X_TickTotalVolume" in plan(config).passes[0].dataset.names()


def test_a_section_given_twice_is_refused() -> None:
    problem = refused(
        {"passes": [{**TICK, "tick_analytics": {"metric_prefix": "A"}, "extension_configs": {"tick_analytics": {"metric_prefix": "X_"}}}]}
    )

    assert "tick_analytics" in str(problem)


# ------------------------------------------------------------ values


def test_configs_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_config({}).datasetname = "other"  # type: ignore[misc]


def test_models_are_built_by_hand_too() -> None:
    config = AnalyticsConfig(
        start_date=date(2026, 2, 2),
        end_date=date(2026, 2, 2),
        passes=[
            PassConfig(
                name="bars",
                modules=["tick"],
                side_outputs={},
                output=OutputTarget(path_template="a/{datasetname}.parquet"),
                quality_checks=QualityCheckConfig(ENABLED=True),
            )
        ],
        output_target=OutputTarget(),
    )

    assert plan(config).passes[0].targets[0].options.path_template == "a/{datasetname}.parquet"
    assert SideOutputConfig().materialize == "auto"


def test_a_config_survives_a_trip_through_its_own_text() -> None:
    config = read_config({"passes": [{**TICK, "tick_analytics": {"metric_prefix": "X_"}, "output": {"path_template": "a.parquet"}}]})

    again = read_config(config.model_dump(mode="json"))

    assert again.passes[0].section("tick_analytics").metric_prefix == "X_"
    assert again == config


def test_a_config_travels_to_workers() -> None:
    config = read_config({"passes": [TICK]})

    assert pickle.loads(pickle.dumps(config)).passes[0].name == "bars"


# ------------------------------------------------------------ files


def pipeline(folder: Path, python: str | None = None, yaml: str | None = None, name: str = "pipe") -> str:
    if python is not None:
        (folder / f"{name}.py").write_text(python)
    if yaml is not None:
        (folder / f"{name}.yaml").write_text(yaml)
    return str(folder / f"{name}{'.py' if python is not None else '.yaml'}")


def test_python_alone(tmp_path: Path) -> None:
    loaded = load_pipeline(pipeline(tmp_path, "USER_CONFIG = {'DATASETNAME': 'P'}\ndef get_universe(date):\n    return []\n"))

    assert loaded.config.datasetname == "P"
    assert loaded.get_universe is not None
    assert not loaded.offers


def test_a_model_in_python(tmp_path: Path) -> None:
    loaded = load_pipeline(
        pipeline(
            tmp_path,
            "from basalt.configuration import AnalyticsConfig\nUSER_CONFIG = AnalyticsConfig(datasetname='P')\n",
            "universe: mic=XTST\n",
        )
    )

    assert (loaded.config.datasetname, loaded.config.universe) == ("P", "mic=XTST")


@pytest.mark.parametrize("text", ["DATASETNAME: Y\n", "USER_CONFIG:\n  DATASETNAME: Y\n"], ids=["bare", "wrapped"])
def test_yaml_alone(tmp_path: Path, text: str) -> None:
    loaded = load_pipeline(pipeline(tmp_path, yaml=text))

    assert (loaded.config.datasetname, loaded.get_universe) == ("Y", None)


@pytest.mark.parametrize(("precedence", "winner"), [("yaml_overrides", "Y"), ("python_overrides", "P")])
def test_a_sibling_yaml_and_python_merge_by_precedence(tmp_path: Path, precedence: Any, winner: str) -> None:
    path = pipeline(tmp_path, "USER_CONFIG = {'DATASETNAME': 'P', 'num_workers': 1}", "datasetname: Y\nuniverse: mic=XTST\n")

    config = load_pipeline(path, precedence=precedence).config

    assert (config.datasetname, config.num_workers, config.universe) == (winner, 1, "mic=XTST")


def test_another_yaml_may_take_the_place_of_the_sibling(tmp_path: Path) -> None:
    path = pipeline(tmp_path, "USER_CONFIG = {'DATASETNAME': 'P'}", "datasetname: Y\n")
    pipeline(tmp_path, yaml="datasetname: Z\n", name="other")

    assert load_pipeline(path, config_file=str(tmp_path / "other.yaml")).config.datasetname == "Z"


def test_overrides_win_over_files_whatever_their_case(tmp_path: Path) -> None:
    path = pipeline(tmp_path, "USER_CONFIG = {'DATASETNAME': 'P', 'NUM_WORKERS': 3}", "datasetname: Y\n")

    config = load_pipeline(path, overrides={"datasetname": "O", "START_DATE": "2026-02-02", "end_date": "2026-02-02"}).config

    assert (config.datasetname, config.num_workers, config.start_date) == ("O", 3, date(2026, 2, 2))


def test_a_whole_config_may_take_the_place_of_that_of_the_files(tmp_path: Path) -> None:
    path = pipeline(tmp_path, "USER_CONFIG = {'DATASETNAME': 'P', 'NUM_WORKERS': 3}")

    config = load_pipeline(path, overrides={"__config__": {"datasetname": "W"}, "max_retries": 0}).config

    assert (config.datasetname, config.num_workers, config.max_retries) == ("W", -1, 0)


def test_a_universe_on_the_command_line_wins_over_the_function(tmp_path: Path) -> None:
    path = pipeline(tmp_path, "USER_CONFIG = {}\ndef get_universe(date):\n    return []\n")

    assert load_pipeline(path, overrides={"UNIVERSE": "mic=XTST"}).get_universe is None
    assert load_pipeline(path, overrides={"universe": "mic=XTST"}).get_universe is None


def test_overrides_are_checked_like_files(tmp_path: Path) -> None:
    with pytest.raises(UnknownName) as caught:
        load_pipeline(pipeline(tmp_path, "USER_CONFIG = {}"), overrides={"num_worker": 2})

    assert "num_workers" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("python", "yaml"),
    [
        ("x = 1", None),
        ("USER_CONFIG = 5", None),
        ("USER_CONFIG = {}\nget_universe = 5", None),
        ("USER_CONFIG = {\n", None),
        ("1 / 0", None),
        ("import nothing_like_that", None),
        (None, "a: [1\n"),
        (None, "DATASETNAME: a\nDATASETNAME: b\n"),
        (None, "PASSES:\n- name: a\n  modules: [tick]\n  modules: [odd]\n"),
        (None, "- a\n"),
        (None, "text"),
        (None, ""),
        ("USER_CONFIG = {'A': 1, 'a': 2}", None),
        ("USER_CONFIG = {}", "a: b: c"),
        ("USER_CONFIG = {5: 6}", None),
        ("USER_CONFIG = {}", "5: 6"),
        ("raise SystemExit(2)", None),
    ],
)
def test_a_file_that_is_no_pipeline_is_refused_by_its_path(tmp_path: Path, python: str | None, yaml: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        load_pipeline(pipeline(tmp_path, python, yaml))

    assert "pipe." in str(caught.value.where) or "config" in str(caught.value.where)
    assert caught.value.hint
    assert caught.value.exit_code == 64


@pytest.mark.parametrize("reference", ["nothing.py", "nothing.yaml", "nothing", "no.such.module", "", "folder", "folder.py", "binary.yaml"])
def test_a_pipeline_that_is_not_there_is_refused(tmp_path: Path, reference: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x81")
    (tmp_path / "nothin.py").write_text("")

    with pytest.raises(ConfigError) as caught:
        load_pipeline(reference)

    assert caught.value.exit_code == 64


def test_a_config_file_beside_a_yaml_pipeline_is_refused(tmp_path: Path) -> None:
    pipeline(tmp_path, yaml="DATASETNAME: b", name="other")

    with pytest.raises(ConfigError) as caught:
        load_pipeline(pipeline(tmp_path, yaml="DATASETNAME: a"), config_file=str(tmp_path / "other.yaml"))

    assert "config_file" in str(caught.value)


def test_a_misspelt_file_gets_its_neighbour(tmp_path: Path) -> None:
    pipeline(tmp_path, "USER_CONFIG = {}")

    with pytest.raises(ConfigError) as caught:
        load_pipeline(str(tmp_path / "pip.py"))

    assert "pipe.py" in str(caught.value.hint)


def test_an_error_in_a_file_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_pipeline(pipeline(tmp_path, "x = 1\ny = 1 / 0\n"))

    assert str(caught.value.where).endswith("pipe.py:2")


def test_a_pipeline_with_hooks_is_a_plugin(tmp_path: Path) -> None:
    text = "from basalt.core import hookimpl\nfrom basalt.core.tables import Table\nUSER_CONFIG = {}\n@hookimpl\ndef basalt_tables():\n    return (Table('own', ()),)\n"

    loaded = load_pipeline(pipeline(tmp_path, text))

    assert loaded.offers
    assert "own" in loaded.shelf.tables


def test_a_pipeline_with_a_misspelt_hook_is_refused(tmp_path: Path) -> None:
    text = "from basalt.core import hookimpl\nUSER_CONFIG = {}\n@hookimpl\ndef basalt_tabels():\n    return ()\n"

    with pytest.raises(BasaltError) as caught:
        load_pipeline(pipeline(tmp_path, text))

    assert "basalt_tabels" in str(caught.value)
    assert "pipe" in str(caught.value.where)


# ---------------------------------------------------------------- what is said


@pytest.mark.parametrize(
    ("values", "what", "where"),
    [
        ({"num_workers": "two"}, "'two' is no whole number", "NUM_WORKERS"),
        ({"num_workers": -3}, "-3 is less than -1, the least that is allowed", "NUM_WORKERS"),
        ({"NUM_WORKERS": 0}, "0 tasks at a time do nothing", "NUM_WORKERS"),
        ({"start_date": "2026-02-30"}, "'2026-02-30' is no date", "START_DATE"),
        ({"memory_per_worker": 0}, "0 is not above 0", "MEMORY_PER_WORKER"),
        ({"passes": {"name": "bars"}}, "{'name': 'bars'} is no list", "PASSES"),
        ({"passes": [{**TICK, "time_bucket_seconds": "a minute"}]}, "'a minute' is no number", "PASSES[0].time_bucket_seconds"),
        ({"passes": [{**TICK, "name": "my bars"}]}, "'my bars' has letters that are not allowed", "PASSES[0].name"),
        ({"skip_existing_output": "perhaps"}, "'perhaps' is neither true nor false", "SKIP_EXISTING_OUTPUT"),
    ],
)
def test_a_wrong_value_is_told_in_words_with_its_path(values: dict[str, Any], what: str, where: str) -> None:
    problem = refused({"start_date": "2026-02-02", "end_date": "2026-02-02", **values})

    assert (problem.what, problem.where) == (what, f"config: {where}")
    assert problem.hint


@pytest.mark.parametrize(("typed", "near"), [("START_DAT", "START_DATE"), ("start_dat", "start_date")])
def test_the_nearest_key_is_named_in_the_letters_that_were_typed(typed: str, near: str) -> None:
    assert repr(near) in str(refused({typed: "2026-02-02"}).hint)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bars.toml", 'DATASETNAME = "X"\nSTART_DATE = 2026-02-02\nEND_DATE = 2026-02-03\n[[PASSES]]\nname = "bars"\n'),
        ("bars.json", '{"DATASETNAME": "X", "START_DATE": "2026-02-02", "END_DATE": "2026-02-03", "PASSES": [{"name": "bars"}]}'),
        ("bars.yml", "DATASETNAME: X\nSTART_DATE: 2026-02-02\nEND_DATE: 2026-02-03\nPASSES: [{name: bars}]\n"),
    ],
)
def test_a_pipeline_may_be_toml_or_json(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)

    config = load_pipeline(str(tmp_path / name)).config

    assert (config.datasetname, str(config.end_date), config.passes[0].name) == ("X", "2026-02-03", "bars")


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("bars.yaml", "PASSES: [{name: bars\nLAKE: lake\n", 2, "no YAML"),
        ("bars.yaml", "LAKE: lake\nLAKE: other\n", 1, "'LAKE' stands twice"),
        ("bars.json", '{"LAKE":\n lake}', 2, "no JSON"),
        ("bars.json", '{"LAKE": "a", "LAKE": "b"}', None, "'LAKE' stands twice"),
        ("bars.toml", "LAKE = lake", None, "no TOML"),
    ],
)
def test_a_damaged_file_says_where(tmp_path: Path, name: str, text: str, line: int | None, said: str) -> None:
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(InvalidValue, match=said) as caught:
        load_pipeline(str(path))

    assert caught.value.where == (f"{path}:{line}" if line else str(path))


def test_a_file_of_another_kind_is_no_pipeline(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("bars")

    with pytest.raises(InvalidValue, match="no pipeline") as caught:
        load_pipeline(str(tmp_path / "notes.txt"))

    assert ".toml" in str(caught.value.hint)


def test_a_wrong_flag_is_told_as_a_flag(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_pipeline(pipeline(tmp_path, yaml="BATCH_FREQ: W"), overrides={"batch_freq": "Q"})

    assert caught.value.where == "--batch_freq"
