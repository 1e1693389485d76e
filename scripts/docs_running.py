"""Running the pages of the documentation: what they show is what a reader gets.

A fenced block whose first line is a comment with a file's name is that file. Other `python` blocks are run, in order, in one
namespace a page; a `text` block that follows one is what it prints. In `console` blocks, lines that start with `$ basalt` are run and followed by
what they print; other commands are for the reader. `...` stands for anything; times, sizes and ids of runs need not be the same.
"""

from __future__ import annotations

import doctest
import io
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workspace import ROOT

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\S+\.(?:py|yaml))\n")
_PROGRESS = re.compile(r"(looking at the data|stage \d+ of|simulating |importing |exporting |checking )")
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_VOLATILE = (
    (re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}"), "RUN"),
    (re.compile(r"(?<=basalt_pipeline_)\w+(?=:)"), "FILE"),
    (re.compile(r"(?<=RUN  )\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "MOMENT"),
    (re.compile(r"\b\d+\.\d s\b|\b\d+ s(?=, \d+ tasks?\b)"), "TIME"),
    (re.compile(r"\b[\d.]+ (?:B|kB|MB|GB)\b"), "SIZE"),
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, its text, and the line that it starts on."""

    language: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """Name of the file that the block is, if it is one."""
        match = _FILE.match(self.text)
        return match[1] if match else None


@dataclass(frozen=True)
class Shown:
    """Something that was run: where and after what it stands, what the page shows of its output, and what it printed."""

    where: str
    before: str
    shown: str
    printed: str
    code: int = 0

    @property
    def is_true(self) -> bool:
        """Whether the page shows what was printed (or nothing of it), and an error only where one is shown."""
        failed = self.code != 0
        if failed != ("error:" in self.shown):
            return False
        return not self.shown.strip() or doctest.OutputChecker().check_output(_settled(self.shown), _settled(self.printed), _OPTIONS)


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(match[1], match[2], text.count("\n", 0, match.start()) + 1) for match in _FENCE.finditer(text)]


def _settled(output: str) -> str:
    """*output* without what differs from run to run."""
    for pattern, word in _VOLATILE:
        output = pattern.sub(word, output)
    return output.rstrip()


def run_page(page: Path, folder: Path, *files: Path) -> list[Shown]:
    """Run *page* in *folder*, which gets the demos and *files*."""
    for file in files:
        shutil.copy(file, folder)
    shutil.copytree(ROOT / "demo", folder / "demo", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    with chdir(folder), _importing_from(folder), _terminal_of(130):
        return list(_run_blocks(blocks(page.read_text(encoding="utf-8")), page.relative_to(ROOT)))


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Files of *folder* can be imported, and are forgotten afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                del sys.modules[name]


@contextmanager
def _terminal_of(columns: int) -> Iterator[None]:
    """Tables are drawn as on a terminal of that many columns, whatever the reader of this has."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        yield
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before


def _run_blocks(found: list[Block], page: Path) -> Iterator[Shown]:
    namespace: dict[str, Any] = {"__name__": "__docs__"}
    for block, follower in zip(found, [*found, None][1:], strict=True):
        where = f"{page}:{block.line}"
        if block.file:
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            printed = _run_python(block, where, namespace)
            yield Shown(where, "```text\n", follower.text if follower and follower.language == "text" else printed, printed)
        elif block.language == "console":
            yield from _run_console(block, where)


def _run_python(block: Block, where: str, namespace: dict[str, Any]) -> str:
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile("\n" * block.line + block.text, where.rpartition(":")[0], "exec"), namespace)  # noqa: S102 - the pages are ours
    return printed.getvalue()


def _run_console(block: Block, where: str) -> Iterator[Shown]:
    for command, shown in commands(block.text):
        words = shlex.split(command, comments=True)
        if words[0] == "basalt":
            printed, code = _run_command(words[1:])
            yield Shown(where, f"$ {command}\n", shown, printed, code)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block as they stand, each with what stands below it; a backslash goes on with the next line."""
    for match in re.finditer(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", text, flags=re.MULTILINE):
        yield match[1], match[2]


def _run_command(arguments: list[str]) -> tuple[str, int]:
    from basalt.core.cli.main import main

    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        code = main(arguments)
    lines = [line.rstrip() for line in printed.getvalue().splitlines() if not _PROGRESS.match(line)]
    return "\n".join(lines).replace(f"{os.path.realpath(Path.cwd())}/", "") + "\n", code


def rewritten(text: str, results: list[Shown]) -> str:
    """The page with what was printed in place of what is no longer true."""
    for each in results:
        if not each.is_true and (each.code == 0 or "error:" in each.shown):
            text = text.replace(each.before + each.shown, each.before + each.printed, 1)
    return text


def written_pages() -> list[Path]:
    """Pages that people write, as opposed to generated ones and records of decisions."""
    folders = ("docs/*.md", "docs/how-to/*.md", "packages/*/README.md")
    return [ROOT / "README.md", *(path for pattern in folders for path in sorted(ROOT.glob(pattern)))]
