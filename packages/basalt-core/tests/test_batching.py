"""Every listing in one batch, groups together, caps kept."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.configuration import read_config
from basalt.core.batching import Load, batches
from basalt.core.catalog import Catalog
from basalt.core.errors import CannotFit
from basalt.core.offers import Scope
from basalt.core.planning import plan
from basalt.core.plans import Stage

PLENTY = 10**12


def a_stage() -> Stage:
    """A stage that must see the rows of a listing together."""
    config = {"start_date": "2026-02-02", "end_date": "2026-02-02", "passes": [{"name": "bars", "modules": ["collect"]}]}
    return plan(config).stages[0]


def universe(instruments: dict[int, int | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {"ListingId": list(instruments), "InstrumentId": list(instruments.values())},
        schema={"ListingId": pl.Int64, "InstrumentId": pl.Int64},
    )


def load(rows: dict[int, int], name: str = "ticks", width: int = 8) -> Load:
    events = pl.LazyFrame({"ListingId": [listing for listing, count in rows.items() for _ in range(count)]}, schema={"ListingId": pl.Int64})
    return Load(name, sum(rows.values()), width, events)


def of(stage: Stage, entities: Any) -> Stage:
    return Stage(stage.index, Scope(entities), stage.passes)


rows_of = st.dictionaries(st.integers(1, 60), st.integers(0, 12), min_size=1, max_size=25)


def packed(
    stage: Stage, rows: dict[int, int], instruments: dict[int, int | None], seed: int = 0, **caps: Any
) -> list[tuple[int, ...] | None]:
    shuffled = universe(instruments).sample(fraction=1, shuffle=True, seed=seed)
    return batches(stage, read_config(caps), shuffled, [load(rows)], PLENTY)


@given(rows=rows_of, cap=st.integers(1, 20), most=st.integers(1, 8))
def test_every_listing_is_in_one_batch_and_caps_hold(rows: dict[int, int], cap: int, most: int) -> None:
    found = packed(a_stage(), rows, dict.fromkeys(rows), max_rows_per_table={"ticks": cap}, max_listings_per_batch=most)

    assert sorted(listing for batch in found for listing in batch or ()) == sorted(rows)
    for batch in found:
        assert batch is not None
        assert len(batch) <= most
        assert len(batch) == 1 or sum(rows[listing] for listing in batch) <= cap


@given(rows=rows_of, data=st.data(), most=st.integers(1, 8))
def test_listings_of_an_instrument_stay_together(rows: dict[int, int], data: st.DataObject, most: int) -> None:
    instruments = {listing: data.draw(st.one_of(st.none(), st.integers(1, 6))) for listing in rows}
    found = packed(of(a_stage(), "instrument"), rows, instruments, max_listings_per_batch=most)

    assert sorted(listing for batch in found for listing in batch or ()) == sorted(rows)
    for instrument in set(instruments.values()) - {None}:
        members = {listing for listing, its in instruments.items() if its == instrument}
        assert sum(bool(members & set(batch or ())) for batch in found) == 1
    for batch in found:
        groups = {instruments[listing] or -listing for listing in batch or ()}
        assert len(batch or ()) <= most or len(groups) == 1


@given(rows=rows_of, seed=st.integers(0, 9), most=st.integers(1, 8))
def test_batches_do_not_depend_on_the_order_of_the_universe(rows: dict[int, int], seed: int, most: int) -> None:
    plain = dict.fromkeys(rows)

    assert packed(a_stage(), rows, plain, seed, max_listings_per_batch=most) == packed(
        a_stage(), rows, plain, seed + 1, max_listings_per_batch=most
    )


def test_bytes_cap_a_batch(shelf: Catalog) -> None:
    rows = {1: 10, 2: 10, 3: 10}
    room_for_two = 10 * 8 * 2 * 4 + 1

    found = batches(a_stage(), read_config({}), universe(dict.fromkeys(rows)), [load(rows)], room_for_two)

    assert found == [(1, 2), (3,)]


def test_what_fits_at_once_is_one_batch(shelf: Catalog) -> None:
    assert batches(a_stage(), read_config({}), universe({1: None, 2: None}), [load({1: 5, 2: 5})], PLENTY) == [None]


def test_a_listing_that_cannot_fit_is_refused_by_name(shelf: Catalog) -> None:
    with pytest.raises(CannotFit) as caught:
        batches(a_stage(), read_config({}), universe({7: None, 8: None}), [load({7: 1000, 8: 1})], 4000)

    assert "listing 7" in caught.value.what
    assert caught.value.where == "MEMORY_PER_WORKER"
    assert caught.value.exit_code == 64


def test_a_universe_scope_is_never_split(shelf: Catalog) -> None:
    config = read_config({"max_listings_per_batch": 1})

    assert batches(of(a_stage(), "universe"), config, universe({1: None, 2: None}), [load({1: 5, 2: 5})], PLENTY) == [None]


def test_one_symbol_at_a_time_is_one_listing_a_batch(shelf: Catalog) -> None:
    config = read_config({"RUN_ONE_SYMBOL_AT_A_TIME": True})

    assert batches(a_stage(), config, universe({1: None, 2: None}), [load({1: 5, 2: 5})], PLENTY) == [(1,), (2,)]
