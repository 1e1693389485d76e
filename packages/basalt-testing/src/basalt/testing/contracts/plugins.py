"""What every plugin module does: it offers frozen values that load, and costs nothing to import."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any, ClassVar

from basalt.core.catalog import catalog
from basalt.core.offers import Offer

HEAVY = ("polars", "pyarrow", "numpy", "pandas")


class PluginContract:
    """Inherit it and name the plugin module: `class TestPlugin(PluginContract): plugin = basalt.trade.plugin`."""

    plugin: ClassVar[ModuleType]

    def test_every_hook_exists(self) -> None:
        """No function named like a hook is unknown to kernel and plugins: a misspelt hook would never be called."""
        unknown = [name for name in dir(self.plugin) if name.startswith("basalt_") and not self._is_hook(name)]
        assert not unknown, f"no such hooks: {', '.join(unknown)}"

    def test_every_hook_is_marked(self) -> None:
        """Functions named like a hook carry `@hookimpl`, without which they are not found."""
        unmarked = [name for name, function in self._hooks() if not hasattr(function, "basalt_impl")]
        assert not unmarked, f"these lack @hookimpl: {', '.join(unmarked)}"

    def test_offers_are_frozen(self) -> None:
        """What a plugin hands over cannot be changed by whoever gets it."""
        loose = [f"{hook}: {value!r}" for hook, value in self._offered() if not _is_frozen(value)]
        assert not loose, f"not frozen: {'; '.join(loose)}"

    def test_offers_of_a_hook_have_names_of_their_own(self) -> None:
        """No two offers of one hook share a name; groups of commands may."""
        named = Counter((hook, value.name) for hook, value in self._offered() if hook != "basalt_commands")
        assert not [name for name, count in named.items() if count > 1]

    def test_asking_twice_gives_the_same(self) -> None:
        """A hook has no side effects that change its answer."""
        assert [(hook, value.name) for hook, value in self._offered()] == [(hook, value.name) for hook, value in self._offered()]

    def test_targets_load(self) -> None:
        """Every offer's dotted target exists, with its options where it has a section of the config."""
        for _, value in self._offered():
            if isinstance(value, Offer):
                assert not value.config_key or hasattr(value.load(), "Options"), f"{value.name}: no Options for {value.config_key}"
                value.load()

    def test_importing_the_plugin_imports_nothing_heavy(self) -> None:
        """`basalt --help` imports every plugin module, and must not wait for data frames."""
        code = f"import sys, {self.plugin.__name__}; print([name for name in {HEAVY!r} if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - our own code
        assert done.stdout.strip() == "[]", done.stdout + done.stderr

    def _hooks(self) -> Iterator[tuple[str, Any]]:
        for name in dir(self.plugin):
            if name.startswith("basalt_") and self._is_hook(name):
                yield name, getattr(self.plugin, name)

    def _is_hook(self, name: str) -> bool:
        declared: Iterable[Any] = getattr(self.plugin, "basalt_hookspecs", tuple)()
        return any(hasattr(specs, name) for specs in (*catalog().hookspecs, *declared))

    def _offered(self) -> list[tuple[str, Any]]:
        offering = [
            (name, function)
            for name, function in self._hooks()
            if not name.endswith(("_started", "_finished")) and name != "basalt_hookspecs"
        ]
        return [(name, value) for name, function in offering for value in function() or ()]


def _is_frozen(value: Any) -> bool:
    declared = getattr(value, "__dataclass_params__", None)
    return declared is not None and bool(declared.frozen)
