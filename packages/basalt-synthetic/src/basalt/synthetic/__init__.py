"""A deterministic exchange whose tables agree, and the truth about who did what on it.

`simulate` gives the tables of a day, `write_day` writes them into a lake. Names are loaded on first
use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from basalt.synthetic.exchange import simulate as simulate
    from basalt.synthetic.market import index_members as index_members
    from basalt.synthetic.scenario import Scenario as Scenario
    from basalt.synthetic.scenario import read_scenario as read_scenario
    from basalt.synthetic.truth import TRUTH as TRUTH
    from basalt.synthetic.writing import write_day as write_day

_HOMES = {
    "simulate": "basalt.synthetic.exchange",
    "write_day": "basalt.synthetic.writing",
    "index_members": "basalt.synthetic.market",
    "Scenario": "basalt.synthetic.scenario",
    "read_scenario": "basalt.synthetic.scenario",
    "TRUTH": "basalt.synthetic.truth",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'basalt.synthetic' has no attribute {name!r}")
