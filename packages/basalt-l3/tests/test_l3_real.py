"""The vendor's sample of order events, counted by a plain loop."""

from __future__ import annotations

import polars as pl
import pytest

from basalt.l3.module import L3
from basalt.market.tables import L3 as CONTRACT
from basalt.testing.builders import compute

pytestmark = pytest.mark.real

SECTION = {
    "generic_metrics": [{"measures": ["Count", "Volume"], "actions": ["Insert", "Cancel", "Execute", "Update"], "sides": "Total"}],
    "advanced_metrics": [
        {"variant": ["AvgQueuePosition", "ArrivalFlowImbalance", "AvgRestingTime"], "market_states": "CONTINUOUS_TRADING"}
    ],
    "quality_metrics": [{"measures": ["UnknownOrderCount", "DuplicateOrderCount", "UnnamedOrderCount"]}],
}


def test_the_sample_of_the_vendor_by_hand(vendor_files):
    stored = pl.read_parquet(vendor_files / "l3.parquet")
    events = stored.select(column.name for column in CONTRACT.columns if column.name in stored.columns)
    found = compute(L3, SECTION, seconds=86_400, l3=events.lazy()).row(0, named=True)

    rows = events.to_dicts()
    entered = [row for row in rows if row["LobAction"] == 2]
    executed = [row["ExecutionSize"] for row in rows if row["ExecutionSize"] > 0]
    taken = [gone for row in rows if row["LobAction"] != 2 and (gone := row["OldSize"] - row["Size"] - row["ExecutionSize"]) > 0]
    bids, asks = (sum(row["Size"] for row in entered if row["Side"] == side) for side in (1, 2))
    assert (found["InsertCountTotal"], found["InsertVolumeTotal"]) == (len(entered), bids + asks)
    assert (found["ExecuteCountTotal"], found["ExecuteVolumeTotal"]) == (len(executed), sum(executed))
    assert (found["CancelCountTotal"], found["CancelVolumeTotal"]) == (len(taken), sum(taken))
    assert found["AvgQueuePosition"] == pytest.approx(sum(row["SizeAhead"] for row in entered) / len(entered))
    assert found["ArrivalFlowImbalance"] == pytest.approx((bids - asks) / (bids + asks))


def test_the_lives_of_the_sample_by_hand(vendor_files):
    stored = pl.read_parquet(vendor_files / "l3.parquet")
    events = stored.select(column.name for column in CONTRACT.columns if column.name in stored.columns)
    found = compute(L3, SECTION, seconds=86_400, l3=events.lazy()).row(0, named=True)

    born, ages, unknown = {}, [], 0
    for row in events.with_columns(pl.col("TimestampNanoseconds").cast(pl.Int64)).to_dicts():
        if row["LobAction"] == 2:
            born[row["OriginalOrderId"]] = row["TimestampNanoseconds"]
        elif row["OriginalOrderId"] not in born:
            unknown += 1
        elif row["LobAction"] == 3:
            ages.append(row["TimestampNanoseconds"] - born.pop(row["OriginalOrderId"]))
    assert (found["UnknownOrderCountTotal"], found["DuplicateOrderCountTotal"], found["UnnamedOrderCountTotal"]) == (unknown, 0, 0)
    assert found["AvgRestingTime"] == (pytest.approx(sum(ages) / len(ages)) if ages else None)
