"""Places on timelines, against a walk over all instants."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.synthetic.group import Timeline

INSTANTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), max_size=40)
WANTED = st.lists(st.tuples(st.integers(0, 4), st.integers(-2, 14)), max_size=30)


def array(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


@settings(deadline=None)  # the first example compiles
@given(instants=INSTANTS, wanted=WANTED)
def test_instants_are_found_in_any_order(instants: list[tuple[int, int]], wanted: list[tuple[int, int]]) -> None:
    known = sorted(instants)
    timeline = Timeline.of(array([thing for thing, _ in known]), array([nanos for _, nanos in known]))
    things, nanos = array([thing for thing, _ in wanted]), array([nanos for _, nanos in wanted])
    clipped = [(thing, max(time, 0)) for thing, time in wanted]

    def places(thing: int) -> list[tuple[int, int]]:
        return [(place, time) for place, (each, time) in enumerate(known) if each == thing]

    at = [max((place for place, time in places(thing) if time <= limit), default=-1) for thing, limit in clipped]
    before = [max((place for place, time in places(thing) if time < limit), default=-1) for thing, limit in clipped]
    after = [min((place for place, time in places(thing) if time > limit), default=-1) for thing, limit in clipped]
    assert timeline.at(things, nanos).tolist() == at
    assert timeline.before(things, nanos).tolist() == before
    assert timeline.after(things, nanos).tolist() == after
