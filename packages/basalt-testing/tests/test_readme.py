"""The README's code runs, and its module keeps its laws."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from basalt.testing import ModuleLaws, TableModuleLaws

README = Path(__file__).resolve().parents[1] / "README.md"
LAWS = [name for laws in (ModuleLaws, TableModuleLaws) for name in dir(laws) if name.startswith("test_")]


@pytest.fixture(scope="module")
def shown():
    names = {"__name__": "readme"}
    for block in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)
    return names


def test_the_module_of_the_readme_keeps_its_laws(shown):
    laws = shown["TestSpreads"]()
    [formula] = laws.module.formulas
    laws.test_examples_hold(formula, formula.examples[0])
    laws.test_alone_is_fused()
    laws.test_rolled_up_is_direct("15 minutes")


def test_every_law_is_described():
    assert [law for law in LAWS if f"`{law}`" not in README.read_text(encoding="utf-8")] == []
