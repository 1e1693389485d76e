"""Pipeline files: Python with `USER_CONFIG` and optionally `get_universe(date)`, or YAML, TOML or JSON with the keys of a config."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import re
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.abc import Loader
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import yaml
from pydantic import BaseModel

from basalt.configuration.models import AnalyticsConfig
from basalt.configuration.reading import read_config
from basalt.core.catalog import Catalog, catalog, using_catalog
from basalt.core.errors import ConfigError, ConflictingSettings, InvalidValue, UnknownName, nearest
from basalt.core.guarding import foreign, told
from basalt.core.universes import GetUniverse, parse_spec

Precedence = Literal["yaml_overrides", "python_overrides"]


@dataclass(frozen=True)
class Pipeline:
    """A pipeline, read and validated.

    Attributes:
        config: The config, with overrides applied.
        get_universe: The pipeline's own universe, if it has one.
        shelf: The catalog, with what the file itself offers.
        path: The file; None for a config that came from none.
        offers: The file implements hooks, so workers must load it too.
    """

    config: AnalyticsConfig
    get_universe: GetUniverse | None
    shelf: Catalog
    path: Path | None
    offers: bool = False


def load_pipeline(
    reference: str, *, overrides: Mapping[str, Any] | None = None, precedence: Precedence = "yaml_overrides", config_file: str | None = None
) -> Pipeline:
    """Read a pipeline.

    Args:
        reference: A `.py`, `.yaml`, `.toml` or `.json` file, or the name of an importable module.
        overrides: Settings of the command line; they win over files. A `__config__` entry replaces
            the whole config of the files.
        precedence: Which wins where a Python file and its sibling YAML both have a key.
        config_file: YAML to use instead of the sibling.

    Raises:
        ConfigError: The file does not exist, cannot be run, or its config is wrong.
    """
    path, values, module = _read(reference, precedence, config_file)
    shelf = Catalog([module]) if module is not None and _implements_hooks(module) else catalog()
    extra = dict(overrides or {})
    replaced = extra.pop("__config__", None)
    merged = _merge(values if replaced is None else replaced, extra)
    with using_catalog(shelf):
        config = _read_config(merged, str(path or reference), extra)
    universe = getattr(module, "get_universe", None) if module is not None else None
    if any(key.lower() == "universe" and value for key, value in extra.items()):
        universe = None
    if universe is not None and not callable(universe):
        raise InvalidValue(
            "get_universe is no function",
            where=str(path or reference),
            hint="def get_universe(date): return a frame with ListingId and MIC",
        )
    if universe is None and config.universe:
        shelf.find("universes", parse_spec(config.universe)[0], where="UNIVERSE")
    offers = module is not None and _implements_hooks(module)
    return Pipeline(config, universe, shelf, path, offers)


def _read_config(values: Mapping[str, Any], where: str, flags: Mapping[str, Any]) -> AnalyticsConfig:
    """The config of *values*; what is wrong with one that *flags* gave is said of the flag."""
    try:
        return read_config(values, where=where)
    except ConfigError as problem:
        place = (problem.where or "").removeprefix(f"{where}: ")
        flag = re.split(r"[.\[]", place)[0].lower()
        if flag not in {key.lower() for key in flags}:
            raise
        raise type(problem)(problem.what, where=f"--{flag}", hint=problem.hint) from None


@contextmanager
def pipeline_in_force(pipeline: Pipeline) -> Iterator[Pipeline]:
    """Use the pipeline's catalog inside the block."""
    with using_catalog(pipeline.shelf):
        yield pipeline


def _read(reference: str, precedence: Precedence, config_file: str | None) -> tuple[Path | None, dict[str, Any], ModuleType | None]:
    path = Path(reference)
    if path.suffix in READERS:
        if config_file:
            raise InvalidValue("config_file goes beside a Python pipeline", where=config_file, hint="give one file, as the pipeline")
        return path, _read_file(path), None
    if path.suffix != ".py" and path.exists():
        raise InvalidValue("this is no pipeline", where=reference, hint=f"give a file that ends in .py, {', '.join(READERS)}")
    if path.suffix == ".py":
        module = load_module(path)
        sibling = Path(config_file) if config_file else path.with_suffix(".yaml")
    else:
        module = _import(reference)
        path = Path(module.__file__) if module.__file__ else path
        sibling = Path(config_file) if config_file else path.with_suffix(".yaml")
    if config_file and not sibling.is_file():
        raise InvalidValue("no such config file", where=config_file, hint="give --config_file a YAML, TOML or JSON file")
    in_python = getattr(module, "USER_CONFIG", None)
    in_yaml = _read_file(sibling) if sibling.is_file() else {}
    if in_python is None and not in_yaml:
        raise InvalidValue("the pipeline has no USER_CONFIG", where=str(path), hint="write USER_CONFIG = {…}, or a YAML file beside it")
    first, second = (_as_mapping(in_python, path), in_yaml) if precedence == "yaml_overrides" else (in_yaml, _as_mapping(in_python, path))
    return path, _merge(first, second), module


def _as_mapping(config: Any, path: Path) -> dict[str, Any]:
    if config is None:
        return {}
    if isinstance(config, BaseModel):
        return config.model_dump(exclude_unset=True)
    if not isinstance(config, Mapping):
        raise InvalidValue(f"USER_CONFIG is a {type(config).__name__}, not a mapping", where=str(path), hint="write USER_CONFIG = {…}")
    return dict(config)


def _merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """*first* with the keys of *second* instead of its own, whatever the case of their letters."""
    for values in (first, second):
        if len({str(key).lower() for key in values}) < len(values):
            raise ConflictingSettings("a key is given in upper and in lower case", where="config", hint="keep one of them")
    names = {str(key).lower(): key for key in first}
    merged = dict(first)
    for key, value in second.items():
        merged[names.get(str(key).lower(), key)] = value
    return merged


class _OnceLoader(yaml.SafeLoader):
    """YAML in which a key stands once: of two, one would be ignored."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """The mapping of *node*."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in keys:
            if keys.count(key) > 1 and key != "<<":
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} stands twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep=deep)


def _read_file(path: Path) -> dict[str, Any]:
    """The keys and values of a config file, by what its name ends in; anything else is YAML.

    Raises:
        InvalidValue: There is no such file, or it cannot be read.
    """
    kind, read = READERS.get(path.suffix, READERS[".yaml"])
    try:
        found = read(path.read_text(encoding="utf-8"))
    except FileNotFoundError as problem:
        raise InvalidValue("no such pipeline", where=str(path), hint=_nearby(path)) from problem
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidValue(f"the file cannot be read: {problem}", where=str(path), hint="give a text file in UTF-8") from problem
    except (yaml.YAMLError, tomllib.TOMLDecodeError, json.JSONDecodeError) as problem:
        said, line = _place_of(problem)
        raise InvalidValue(
            f"the file is no {kind}: {said}", where=f"{path}:{line}" if line else str(path), hint=f"correct the {kind}"
        ) from problem
    if isinstance(found, Mapping) and set(found) == {"USER_CONFIG"}:
        found = found["USER_CONFIG"]
    if not isinstance(found, Mapping):
        raise InvalidValue("the file holds no mapping", where=str(path), hint="write keys and values, for example DATASETNAME: demo")
    return dict(found)


def _read_yaml(text: str) -> Any:
    return yaml.load(text, _OnceLoader)  # noqa: S506 - a SafeLoader that looks twice


def _read_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping of JSON in which a key stands once."""
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise json.JSONDecodeError(f"the key {name!r} stands twice", "", 0)
    return dict(pairs)


READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    ".yaml": ("YAML", _read_yaml),
    ".yml": ("YAML", _read_yaml),
    ".toml": ("TOML", tomllib.loads),
    ".json": ("JSON", _read_json),
}
"""How config files are read, by what their names end in."""


def _place_of(problem: Exception) -> tuple[str, int | None]:
    """What is wrong with a file, and its line, as far as they are told."""
    if isinstance(problem, yaml.MarkedYAMLError) and problem.problem_mark:
        return problem.problem or str(problem), problem.problem_mark.line + 1
    if isinstance(problem, json.JSONDecodeError):
        return problem.msg, problem.lineno if problem.doc else None
    return str(problem).splitlines()[0], None


def _nearby(path: Path) -> str | None:
    folder = path.parent if path.parent.is_dir() else Path()
    return nearest(path.name, [each.name for each in folder.iterdir() if each.suffix == ".py" or each.suffix in READERS])


def load_module(path: Path) -> ModuleType:
    """Run a Python file as a module, once a process; the same file has the same module name everywhere.

    Raises:
        InvalidValue: There is no such file, or running it fails.
    """
    whole = path.resolve()
    name = f"basalt_pipeline_{whole.stem}_{hashlib.sha1(str(whole).encode(), usedforsecurity=False).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    if not whole.is_file():
        raise InvalidValue("no such pipeline", where=str(path), hint=_nearby(path))
    spec = importlib.util.spec_from_file_location(name, whole)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with ExitStack() as undo:
        undo.callback(sys.modules.pop, name)
        with foreign(
            lambda problem: InvalidValue(
                f"running the pipeline raised {told(problem)}", where=_line_of(problem, whole), hint="fix the file"
            )
        ):
            _execute(spec.loader, module)
        undo.pop_all()
    return module


def _execute(loader: Loader, module: ModuleType) -> None:
    try:
        loader.exec_module(module)
    except SystemExit as problem:
        raise RuntimeError(f"it exits with {problem.code!r}") from problem


def _line_of(problem: BaseException, path: Path) -> str:
    if isinstance(problem, SyntaxError):
        return f"{path}:{problem.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise UnknownName(f"no pipeline file or module {name!r}", where="--pipeline", hint=_nearby(Path(name)) or str(problem)) from problem


def _implements_hooks(module: ModuleType) -> bool:
    return any(hasattr(value, "basalt_impl") for value in vars(module).values())
