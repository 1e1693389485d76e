"""Lives where another table tells the phases: rows are seen at once, and give what they give piece by piece."""

from __future__ import annotations

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basalt.core.bucketing import Clock
from basalt.core.fusing import fuse
from basalt.l3.module import L3
from basalt.market.tables import L3 as CONTRACT
from basalt.testing.arranging import arrange, shelf_with
from basalt.testing.tables import as_scanned

STATES = ["CONTINUOUS_TRADING"]
EVERYTHING = {
    "advanced_metrics": [
        {
            "variant": ["AvgRestingTime", "AvgEntryQueuePositionAtFill", "AvgReplacementLatency", "FleetingLiquidityRatio"],
            "market_states": STATES,
        }
    ],
    "generic_metrics": [
        {"measures": "Volume", "actions": "Insert", "sides": "Total", "aggregations": ["First", "Last"], "market_states": STATES}
    ],
    "lifetime_metrics": [{"measures": ["Incidence", "FillRatio"], "horizons": "1s", "market_states": STATES}],
}


def planned(columns):
    bound = {"l3": set(columns), "marketstate": {"ListingId", "TimestampNanoseconds", "MarketState"}}
    return arrange(L3, shelf_with(L3), EVERYTHING, bound).planned.queries[0]


def scanned(rows):
    """Events whose phase is told, and one that begins before all of them."""
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.lit(STATES[0]).alias("MarketState"))
    named = frame.with_columns(pl.from_epoch("EventTimestamp", "ns").alias("TimestampNanoseconds")).drop("EventTimestamp")
    phases = pl.LazyFrame({"ListingId": [1, 2], "EventTimestamp": [0, 0], "MarketState": STATES * 2})
    return as_scanned(CONTRACT, named), phases.with_columns(pl.col("EventTimestamp").cast(pl.Datetime("ns")))


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_attached_phases_change_nothing(streams, data):
    events, phases = scanned(data.draw(streams))
    names = events.collect_schema().names()
    told, attached = planned(names), planned(name for name in names if name != "MarketState")
    assert told.is_foldable
    assert not attached.is_foldable
    clock = Clock.of_seconds(60)
    bare = {"l3": events.drop("MarketState"), "marketstate": phases}
    found = [fuse(query, tables, clock).collect() for query, tables in ((told, {"l3": events}), (attached, bare))]
    columns = [name for name in found[0].columns if not name.endswith(".spells")]
    assert found[0].select(columns).equals(found[1].select(columns))
