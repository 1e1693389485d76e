"""Facts: what files tell of their rows before they are read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

Range = tuple[int, int]


@dataclass(frozen=True)
class Facts:
    """What is known of the columns of a scan before it is read.

    Attributes:
        complete: Columns that have no nulls.
        ranges: Bounds that no value of whole numbers and times lies outside of; times in ns since 1970.
    """

    complete: frozenset[str] = frozenset()
    ranges: Mapping[str, Range] = field(default_factory=dict)

    def without(self, names: Collection[str]) -> Facts:
        """The facts of all columns but *names*."""
        kept = {name: bounds for name, bounds in self.ranges.items() if name not in names}
        return Facts(self.complete.difference(names), kept)


NOTHING_KNOWN = Facts()


def common_facts(parts: Iterable[Facts]) -> Facts:
    """What is known of all *parts* of a table together."""
    known = tuple(parts)
    if not known:
        return NOTHING_KNOWN
    ranged = frozenset.intersection(*(frozenset(each.ranges) for each in known))
    ranges = {name: (min(each.ranges[name][0] for each in known), max(each.ranges[name][1] for each in known)) for name in ranged}
    return Facts(frozenset.intersection(*(each.complete for each in known)), ranges)
