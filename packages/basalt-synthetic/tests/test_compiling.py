"""The event loop is kept compiled only while its parts are those that it was compiled from."""

from __future__ import annotations

import ast
from pathlib import Path

from basalt.synthetic import compiling, kernel

HERE = Path(compiling.__file__).parent


def imported(module: str) -> set[str]:
    """Modules of the package that the file of *module* imports names from."""
    tree = ast.parse((HERE / f"{module}.py").read_text(encoding="utf-8"))
    names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {name.removeprefix("basalt.synthetic.") for name in names if name.startswith("basalt.synthetic.")}


def test_all_parts_are_watched() -> None:
    found, new = {"kernel", "compiling"}, {"kernel"}
    while new:
        new = {name for each in new for name in imported(each)} - found
        found |= new
    assert found == {"kernel", "compiling", *compiling.PARTS}


def test_the_loop_is_kept_for_these_parts() -> None:
    assert compiling.digest_of_parts() == kernel.COMPILED_FROM, "a part changed: write its new digest into kernel.py"
