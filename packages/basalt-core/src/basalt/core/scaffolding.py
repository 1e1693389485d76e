"""Scaffolding: a new plugin project from the templates, ready to install."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final

from basalt.core.catalog import catalog
from basalt.core.errors import ConflictingSettings, InvalidValue, TargetFailed
from basalt.core.first_party import wheel_of

FILES: Final = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "src/basalt_$name/__init__.py": "init.py",
    "src/basalt_$name/plugin.py": "plugin.py",
    "src/basalt_$name/module.py": "module.py",
    "tests/test_$name.py": "test_module.py",
}
"""Path in the project to name of the template."""


def write_plugin(name: str, directory: Path | None = None) -> Path:
    """Write a plugin project that offers the module *name*, with one analytic and its tests.

    Args:
        name: Name of the module; `-` counts as `_`.
        directory: Folder to write, which must not have anything in it yet; `basalt-<name>` if None.

    Returns:
        The folder.

    Raises:
        InvalidValue: *name* is no module name.
        ConflictingSettings: The name is taken, or the folder is not empty.
        TargetFailed: The folder cannot be written.
    """
    chosen = name.replace("-", "_")
    _check_name(chosen)
    folder = directory or Path(f"basalt-{chosen.replace('_', '-')}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConflictingSettings("the folder is there already", where=str(folder), hint="choose another one with --directory")
    names = _names(chosen)
    try:
        for path, template in FILES.items():
            _write(folder / Template(path).substitute(names), template, names)
    except OSError as problem:
        raise TargetFailed(
            f"cannot write the plugin: {problem}", where=str(folder), hint="choose another folder with --directory"
        ) from problem
    return folder


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*[a-z0-9]", name):
        raise InvalidValue(
            f"{name!r} is no module name", where="NAME", hint="write lower-case letters, digits and underscores, as in order_flow"
        )
    if name in catalog().modules or wheel_of("modules", name):
        raise ConflictingSettings(f"there is a module {name!r} already", where="NAME", hint="choose another name")


def _names(name: str) -> dict[str, str]:
    words = name.split("_")
    return {
        "name": name,
        "dashed": "-".join(words),
        "title": " ".join(words).capitalize(),
        "camel": "".join(word.capitalize() for word in words),
        "core_version": "0.1",
    }


def _write(path: Path, template: str, names: dict[str, str]) -> None:
    text = resources.files("basalt.core.templates").joinpath("plugin", f"{template}.tmpl").read_text(encoding="utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(Template(text).substitute(names), encoding="utf-8")
