"""The passes that the README shows can be planned."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
PASSES = [ast.literal_eval(block) for block in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)]


@pytest.mark.parametrize("shown", PASSES, ids=[each["name"] for each in PASSES])
def test_examples_are_planned(desk, bars, shown):
    assert desk.plan(bars(), shown).passes[1].clock.width_nanos == 900 * 10**9


def test_every_setting_is_described():
    from basalt.postprocessors.generic import GenericConfig
    from basalt.postprocessors.reaggregate import ReaggregateConfig

    text = README.read_text(encoding="utf-8")
    names = {*GenericConfig.model_fields, *ReaggregateConfig.model_fields} - {"ENABLED"}
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []
