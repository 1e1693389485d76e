"""Plugins: found, broken, doubled, misspelt, blocked. Each problem names the distribution and the way out."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from basalt.core import hookimpl
from basalt.core.catalog import Catalog, catalog, using_catalog
from basalt.core.declaring import Family, Module, ModuleConfig, analytic
from basalt.core.errors import BadOffer, BasaltError, DuplicateName, PluginError, PluginLoadFailed, UnknownName
from basalt.core.offers import Offer
from basalt.core.tables import Table

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a distribution with one entry point, and the module behind it, on the path."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    made: list[str] = []

    def add(distribution: str, plugin: str, module: str, text: str | None) -> None:
        info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[basalt]\n{plugin} = {module}\n")
        if text is not None:
            (site / f"{module.partition(':')[0]}.py").write_text("from basalt.core import hookimpl\n" + text)
        monkeypatch.delitem(sys.modules, module.partition(":")[0], raising=False)
        made.append(module.partition(":")[0])

    yield add
    for name in made:
        sys.modules.pop(name, None)


def module_of(name: str, **hooks: Any) -> types.ModuleType:
    """A plugin module made of functions."""
    made = types.ModuleType(name)
    for hook, function in hooks.items():
        function.__name__ = hook
        setattr(made, hook, hookimpl(function))
    return made


def offering(name: str, **values: Any) -> types.ModuleType:
    """A plugin module whose hooks return *values*."""

    def giving(value: Any) -> Callable[[], Any]:
        return lambda: value

    return module_of(name, **{hook: giving(value) for hook, value in values.items()})


@pytest.mark.parametrize(
    "text",
    [
        "import a_module_that_is_not_there",
        "1 / 0",
        "assert False, 'never'",
        "def broken(:",
        "raise RuntimeError('boom')",
        "class E(Exception): pass\nraise E('own')",
        "raise SystemExit(3)",
    ],
    ids=["import", "division", "assertion", "syntax", "runtime", "own", "exit"],
)
def test_a_plugin_that_fails_to_import_is_listed_and_stops_a_run(install: Install, text: str) -> None:
    install("acme-broken", "broken", "acme_broken", text)

    shelf = Catalog()

    listed = {plugin.name: plugin for plugin in shelf.plugins}
    assert listed["broken"].distribution == "acme-broken"
    assert listed["broken"].error
    with pytest.raises(PluginLoadFailed) as caught:
        shelf.require_sound()
    assert "acme-broken" in caught.value.what
    assert "BASALT_BLOCK_PLUGINS=broken" in str(caught.value.hint)
    assert caught.value.exit_code == 64


def test_an_unknown_name_is_blamed_on_the_broken_plugin_first(install: Install) -> None:
    install("acme-broken", "broken", "acme_broken", "1 / 0")

    with pytest.raises(PluginLoadFailed):
        Catalog().find("modules", "brakes")


def test_a_blocked_plugin_is_not_imported(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("acme-broken", "broken", "acme_broken", "1 / 0")
    monkeypatch.setenv("BASALT_BLOCK_PLUGINS", "other, broken")
    monkeypatch.delitem(sys.modules, "acme_broken", raising=False)

    shelf = Catalog(())
    blocked = next(plugin for plugin in shelf.plugins if plugin.name == "broken")

    assert (blocked.is_blocked, blocked.error) == (True, "")
    assert "acme_broken" not in sys.modules


def test_a_sound_plugin_is_found_with_its_version(install: Install) -> None:
    install(
        "acme-good",
        "good",
        "acme_good",
        "from basalt.core.tables import Table\n@hookimpl\ndef basalt_tables():\n    return (Table('acme', ()),)",
    )

    shelf = Catalog()

    assert shelf.tables["acme"].name == "acme"
    assert shelf.owner("table", "acme") == "acme-good"
    assert [plugin.version for plugin in shelf.plugins if plugin.name == "good"] == ["1.0"]


def test_two_plugins_of_one_name_are_an_error_that_names_both(install: Install) -> None:
    install("acme-one", "same", "acme_one", "")
    install("acme-two", "same", "acme_two", "")

    with pytest.raises(DuplicateName) as caught:
        Catalog()

    assert "acme-one" in str(caught.value.where)
    assert "acme-two" in str(caught.value.where)


def test_two_distributions_that_register_one_module_are_an_error(install: Install) -> None:
    install("acme-one", "first", "acme_shared", "")
    install("acme-two", "second", "acme_shared", None)

    with pytest.raises(PluginError) as caught:
        Catalog().require_sound()

    assert "acme-two" in str(caught.value)


@pytest.mark.parametrize("module", ["acme_misspelt", "acme_signature"])
def test_a_hook_that_does_not_fit_is_an_error_that_names_the_distribution(install: Install, module: str) -> None:
    bodies = {
        "acme_misspelt": "@hookimpl\ndef basalt_tabels():\n    return ()",
        "acme_signature": "@hookimpl\ndef basalt_tables(extra):\n    return ()",
    }
    install("acme-hooks", "hooks", module, bodies[module])

    with pytest.raises(BadOffer) as caught:
        Catalog()

    assert "acme-hooks" in str(caught.value)
    assert caught.value.exit_code == 64


@pytest.mark.parametrize(
    "hook",
    [
        "basalt_tables",
        "basalt_sources",
        "basalt_universes",
        "basalt_analytics",
        "basalt_preprocessors",
        "basalt_timelines",
        "basalt_checks",
        "basalt_executors",
        "basalt_output_targets",
        "basalt_commands",
    ],
)
@pytest.mark.parametrize("value", [5, "text", [None], [types.SimpleNamespace(name="x")]], ids=["int", "str", "none", "namespace"])
def test_a_hook_that_returns_rubbish_is_refused(hook: str, value: Any) -> None:
    shelf = Catalog([offering("rubbish", **{hook: value})])
    kind = {"basalt_analytics": "modules"}.get(hook, hook.removeprefix("basalt_"))

    with pytest.raises(PluginError) as caught:
        getattr(shelf, kind)

    assert "rubbish" in str(caught.value.where)
    assert caught.value.hint


def test_a_hook_that_returns_nothing_offers_nothing() -> None:
    assert set(Catalog([offering("nothing", basalt_tables=None)]).tables) == set()


def raising() -> Any:
    raise RuntimeError("boom")


def yielding() -> Iterator[Table]:
    yield Table("first", ())
    raise RuntimeError("boom")


@pytest.mark.parametrize("hook", [raising, yielding], ids=["raises", "generator"])
def test_a_hook_that_raises_is_a_plugin_error(hook: Any) -> None:
    shelf = Catalog([module_of("loud", basalt_tables=hook)])

    with pytest.raises(PluginLoadFailed) as caught:
        _ = shelf.tables

    assert "RuntimeError: boom" in caught.value.what


def test_one_table_from_two_plugins_is_an_error_that_names_both() -> None:
    shelf = Catalog([offering("one", basalt_tables=(Table("same", ()),)), offering("two", basalt_tables=(Table("same", ()),))])

    with pytest.raises(DuplicateName) as caught:
        _ = shelf.tables

    assert (caught.value.where, "'same'" in caught.value.what) == ("one and two", True)


@analytic(column="A", unit="1")
def some() -> Any:
    """Nothing much."""


def test_two_modules_of_one_name_are_an_error() -> None:
    made = [offering(name, basalt_analytics=(Module("same", "ticks", (some,)),)) for name in ("one", "two")]

    with pytest.raises(DuplicateName) as caught:
        _ = Catalog(made).modules

    assert caught.value.where == "one and two"


def test_two_modules_of_one_config_key_are_an_error() -> None:
    pair = (Module("first", "ticks", (some,), config_key="same_analytics"), Module("second", "ticks", (some,), config_key="same_analytics"))

    with pytest.raises(DuplicateName) as caught:
        _ = Catalog([offering("one", basalt_analytics=pair)]).modules

    assert "same_analytics" in caught.value.what
    assert "'first'" in caught.value.what


@pytest.mark.parametrize("key", ["name", "modules", "time_bucket_seconds", "dense_analytics"])
def test_a_config_key_that_the_kernel_or_a_timeline_has_is_an_error(key: str) -> None:
    """Else the module would never see its section."""
    with pytest.raises(DuplicateName) as caught:
        _ = Catalog([offering("one", basalt_analytics=(Module("first", "ticks", (some,), config_key=key),))]).modules

    assert key in caught.value.what


def test_a_module_and_a_preprocessor_may_not_share_a_name_in_module_inputs(venue: Any) -> None:
    shelf = Catalog([venue, offering("one", basalt_analytics=(Module("pick", "ticks", (some,), config_key="else_analytics"),))])

    with pytest.raises(DuplicateName):
        _ = shelf.modules


def test_an_analytic_of_no_known_family_is_refused() -> None:
    @analytic(column="B", unit="1", family="no_metrics")
    def lost() -> Any:
        """Nothing much."""

    with pytest.raises(BadOffer) as caught:
        _ = Catalog([offering("one", basalt_analytics=(lost,))]).modules

    assert "lost" in caught.value.what


def test_an_analytic_extends_the_module_whose_family_it_names(venue: Any) -> None:
    @analytic(column="B", unit="1", family="tick_metrics", measure="Extra", table="ticks")
    def extra() -> Any:
        """Nothing much."""

    shelf = Catalog([venue, offering("one", basalt_analytics=(extra,))])

    assert "Extra" in str(shelf.modules["tick"].config_model.model_json_schema())


def test_an_analytic_extends_the_module_of_its_table_when_families_share_a_name(venue: Any) -> None:
    @analytic(column="A", unit="1", family="tick_metrics")
    def deep() -> Any:
        """Nothing much."""

    @analytic(column="B", unit="1", family="tick_metrics", measure="Extra", table="ticks")
    def extra() -> Any:
        """Nothing much."""

    book = Module("book", "quotes", (deep,), families=(Family("tick_metrics", "Of quotes."),))
    shelf = Catalog([offering("one", basalt_analytics=(book, extra)), venue])

    assert extra in shelf.modules["tick"].analytics
    assert extra not in shelf.modules["book"].analytics


def test_an_analytic_that_fits_two_modules_is_refused(venue: Any) -> None:
    @analytic(column="A", unit="1", family="tick_metrics")
    def deep() -> Any:
        """Nothing much."""

    @analytic(column="B", unit="1", family="tick_metrics", measure="Extra")
    def extra() -> Any:
        """Nothing much."""

    book = Module("book", "quotes", (deep,), families=(Family("tick_metrics", "Of quotes."),))

    with pytest.raises(BadOffer, match=r"extra.*fits several modules"):
        _ = Catalog([offering("one", basalt_analytics=(book, extra)), venue]).modules


def test_an_analytic_that_exists_in_the_family_is_refused(venue: Any) -> None:
    @analytic(column="B", unit="1", family="tick_metrics", measure="Volume", table="ticks")
    def again() -> Any:
        """Nothing much."""

    with pytest.raises(DuplicateName):
        _ = Catalog([venue, offering("one", basalt_analytics=(again,))]).modules


@pytest.mark.parametrize(
    "target", ["no.such.module:thing", "basalt.core.catalog:Nothing", "basalt.core.catalog", "", ":", "basalt.core.errors:nearest:x"]
)
def test_an_offer_whose_target_does_not_exist_says_so(target: str) -> None:
    with pytest.raises(PluginLoadFailed) as caught:
        Offer("thing", "a thing", target).load()

    assert "'thing'" in caught.value.what
    assert caught.value.where == target


@pytest.mark.parametrize(
    ("kind", "name", "near"),
    [
        ("sources", "lak", "'lake'"),
        ("timelines", "densse", "'dense'"),
        ("output_targets", "Parquet", "'parquet'"),
        ("executors", "directt", "'direct'"),
        ("universes", "mix", "'mic'"),
    ],
)
def test_a_misspelt_name_gets_the_nearest_one(kind: str, name: str, near: str) -> None:
    with pytest.raises(UnknownName) as caught:
        catalog().find(kind, name, where="somewhere")

    assert near in str(caught.value.hint)
    assert caught.value.where == "somewhere"


@pytest.mark.parametrize(
    ("kind", "name", "wheel"),
    [
        ("modules", "trade", "bmll-basalt-trade"),
        ("sources", "synthetic", "bmll-basalt-synthetic"),
        ("output_targets", "delta", "bmll-basalt-delta"),
    ],
)
def test_a_first_party_name_that_is_missing_names_its_wheel(kind: str, name: str, wheel: str) -> None:
    with pytest.raises(UnknownName) as caught:
        catalog().find(kind, name)

    assert f"pip install {wheel}" in str(caught.value.hint)


def test_a_catalog_is_in_force_inside_its_block_only() -> None:
    before = catalog()
    with using_catalog(Catalog()) as inside:
        assert catalog() is inside
    assert catalog() is before


def test_the_kernel_offers_its_own_through_the_same_door() -> None:
    shelf = Catalog()

    assert set(shelf.sources) == {"lake"}
    assert set(shelf.timelines) == {"dense", "sparse_digitised", "sparse_original", "daily_analytics"}
    assert [plugin.name for plugin in shelf.plugins if not plugin.is_blocked] == ["core"]
    assert shelf.modules == {}


def test_every_offer_of_the_kernel_can_be_loaded() -> None:
    shelf = Catalog()
    offers = [
        offer
        for kind in ("sources", "timelines", "universes", "checks", "executors", "output_targets")
        for offer in getattr(shelf, kind).values()
    ]

    assert all(offer.load() for offer in [*offers, *(each for group in shelf.commands.values() for each in group)])


def test_a_table_module_is_a_module_by_its_shape(venue: Any) -> None:
    assert isinstance(Catalog([venue]).modules["collect"].config_model(), ModuleConfig)


def test_all_errors_of_the_catalog_say_what_to_do() -> None:
    with pytest.raises(BasaltError) as caught:
        catalog().find("modules", "zzz")

    assert caught.value.hint
