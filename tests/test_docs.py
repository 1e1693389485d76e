"""The documentation: what it shows is what happens, and everything that a user may name is in it."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import typer

from basalt.configuration import AnalyticsConfig, PassConfig
from basalt.core import errors, hookspecs
from basalt.core.catalog import catalog
from basalt.core.cli.columns import config_for, installed_rows
from basalt.core.cli.groups import load_group
from basalt.core.explaining import explain
from basalt.core.planning import plan
from docs_markdown import anchor
from docs_running import blocks, commands, rewritten, run_page, written_pages
from workspace import ROOT

SAMPLE = "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip"
FENCES = {"", "python", "text", "console", "sh", "yaml", "mermaid", "toml"}
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)

every_written_page = pytest.mark.parametrize("page", written_pages(), ids=lambda page: str(page.relative_to(ROOT)))


def markdown_files() -> list[Path]:
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("packages/*/README.md")]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# what pages show -----------------------------------------------------------------------------------------------------


def real_sample() -> Path | None:
    places = [Path(os.environ["BASALT_SHARED_DATA"])] if "BASALT_SHARED_DATA" in os.environ else []
    places.append(ROOT.parent / "shared" / "data")
    return next((path for place in places if (path := place / "native" / "lobster" / SAMPLE).is_file()), None)


def small_sample(folder: Path) -> Path:
    """An archive named as LOBSTER's, with an order, two visible executions and a hidden one."""
    messages = "34200.1,1,11,100,5000000,1\n34201.5,4,11,60,5000000,1\n34261.5,4,11,10,5000000,1\n34300.5,5,0,40,5000500,1\n"
    book = "".join(f"5001000,10,5000000,{left}\n" for left in (100, 40, 30, 30))
    path = folder / SAMPLE
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("GOOG_2012-06-21_34200000_57600000_message_1.csv", messages)
        archive.writestr("GOOG_2012-06-21_34200000_57600000_orderbook_1.csv", book)
    return path


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, and a state directory in it."""
    monkeypatch.delenv("BASALT_STATE_DIR", raising=False)
    monkeypatch.delenv("BASALT_LAKE", raising=False)
    folder = tmp_path / "page"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Simulated days are shared by the pages of a test run and by nobody else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BASALT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@every_written_page
def test_a_page_shows_what_happens(page: Path, apart: Path, tmp_path: Path) -> None:
    uses_sample = SAMPLE in read(page)
    sample = real_sample() or small_sample(tmp_path)
    results = run_page(page, apart, *([sample] if uses_sample else []))

    if uses_sample and real_sample() is None:  # the page shows the vendor's numbers, which the small sample does not have
        assert [each for each in results if each.code != 0 and "error:" not in each.shown] == []
    else:
        wrong = [f"{each.where}: {each.before.strip()}\nprints\n{each.printed}" for each in results if not each.is_true]
        assert not wrong, "\n".join([*wrong, "renew outputs with: uv run python scripts/build_docs.py --outputs"])


@every_written_page
def test_a_page_uses_known_kinds_of_blocks(page: Path) -> None:
    assert {block.language for block in blocks(read(page))} <= FENCES


def test_the_laws_that_the_guide_shows_pass(apart: Path) -> None:
    for block in blocks(read(ROOT / "docs" / "write-a-plugin.md")):
        if block.file:
            (apart / block.file).write_text(block.text, encoding="utf-8")

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_big_share.py"],
        cwd=apart,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout


def test_commands_of_a_block_are_told_from_what_they_print() -> None:
    text = "$ basalt one \\\n    --two\nprinted\n\nmore\n$ basalt three\n"
    assert list(commands(text)) == [("basalt one \\\n    --two", "printed\n\nmore\n"), ("basalt three", "")]


def test_stale_output_is_found_and_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docs_running.ROOT", tmp_path)
    (tmp_path / "demo").mkdir()
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n")

    results = run_page(page, tmp_path)

    assert [each.is_true for each in results] == [False]
    assert rewritten(page.read_text(), results) == "```python\nprint(1 + 1)\n```\n\n```text\n2\n```\n"


# what pages cover ----------------------------------------------------------------------------------------------------


def everything(*names: str) -> str:
    return "\n".join(read(ROOT / "docs" / name) for name in names)


def test_every_hook_is_described() -> None:
    hooks = {name for name, value in vars(hookspecs).items() if inspect.isfunction(value) and name.startswith("basalt_")}

    assert hooks
    assert {name for name in hooks if f"`{name}`" not in everything("write-a-plugin.md", "architecture.md")} == set()


@pytest.mark.parametrize(("model", "prefix", "upper"), [(AnalyticsConfig, "", True), (PassConfig, "PASSES[].", False)])
def test_every_config_key_is_in_the_reference(model: type[AnalyticsConfig], prefix: str, upper: bool) -> None:
    text = everything("reference/config.md")
    keys = [f"{prefix}{name.upper() if upper else name}" for name in model.model_fields]

    assert [key for key in keys if f"`{key}`" not in text] == []


def test_every_command_has_examples_that_it_understands() -> None:
    for path in command_paths():
        command = command_at(path)
        lines = [line.strip() for line in (command.epilog or "").splitlines() if line.strip().startswith("basalt ")]
        assert lines, path
        for line in lines:
            assert f"{line} ".startswith(f"{path} "), line
            arguments = shlex.split(line.removeprefix(path))
            command.make_context(path, arguments, token_normalize_func=lambda name: name.replace("-", "_"))


def command_at(path: str) -> Any:
    _, name, *rest = path.split()
    found: Any = load_group(name, catalog().commands[name])
    for each in rest:
        found = found.commands[each]
    return found


def test_every_command_is_in_the_reference() -> None:
    text = everything("reference/cli.md")

    assert [path for path in command_paths() if f"### `{path}`" not in text] == []


def command_paths() -> list[str]:
    found = []
    waiting = [(f"basalt {name}", load_group(name, offers)) for name, offers in catalog().commands.items()]
    while waiting:
        path, command = waiting.pop()
        if isinstance(command, typer.core.TyperGroup):
            waiting += [(f"{path} {name}", each) for name, each in command.commands.items()]
        else:
            found.append(path)
    return found


def test_every_error_is_in_the_reference() -> None:
    text = everything("reference/errors.md")
    names = [name for name, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, errors.BasaltError)]

    assert [name for name in names if f"`{name}`" not in text] == []


def test_a_column_of_every_family_is_explained_without_a_pipeline() -> None:
    firsts = {(row["module"], row["family"]): row["column"] for row in reversed(installed_rows(catalog())) if "family" in row}
    dates = {"START_DATE": "2026-02-02", "END_DATE": "2026-02-02"}
    for listed in firsts.values():
        column = re.sub(r"\{\w+\}", "3", listed)
        found = explain(plan({**config_for(catalog(), column), **dates}), column)
        assert found.definition, column
        assert found.rollup, column


def test_the_architecture_names_everything_that_is_offered() -> None:
    text, shelf = everything("architecture.md"), catalog()
    offered = (shelf.tables, shelf.sources, shelf.universes, shelf.modules, shelf.preprocessors, shelf.timelines, shelf.output_targets)

    assert [name for names in offered for name in names if f"`{name}`" not in text] == []


def test_every_module_is_in_the_reference() -> None:
    text = everything("reference/analytics.md")

    assert [name for name in catalog().modules if f"## Module `{name}`" not in text] == []


def test_every_page_is_linked_from_the_index() -> None:
    index = read(ROOT / "docs" / "README.md")
    pages = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "decisions"]

    assert [str(page) for page in pages if str(page) != "README.md" and f"]({page})" not in index] == []


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = read(folder / "README.md")

    assert [path.name for path in folder.glob("[0-9]*.md") if f"]({path.name})" not in listed] == []


# links ---------------------------------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    return {anchor(heading.replace("`", "")) for heading in re.findall(r"^#+ (.+)$", read(path), flags=re.MULTILINE)}


def broken_links(path: Path) -> list[str]:
    broken = []
    for link in (first or second for first, second in LINK.findall(CODE.sub("", read(path)))):
        file, _, place = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if "://" not in link and not (target.exists() and (not place or place in anchors(target))):
            broken.append(link)
    return broken


@pytest.mark.parametrize("path", markdown_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    assert broken_links(path) == []
