"""Every formula against plain Python, on streams that Hypothesis makes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basalt.core.errors import InvalidValue

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
SIDES = ["Bid", "Ask", "Total"]
SECOND = 1_000_000_000
STREAM = given(data=st.data())
MILLION = 1_000_000
PIECES = st.sampled_from([1, 7, 1000])


def by_bucket(oracle: Any, rows: list[dict[str, Any]]) -> dict[tuple[int, int], list[int]]:
    """Places of the rows of each listing and bucket."""
    places: dict[tuple[int, int], list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault((row["ListingId"], oracle.bucket(row["EventTimestamp"])), []).append(place)
    return places


def agree(found: dict[tuple[int, int], dict[str, Any]], wanted: dict[tuple[int, int], dict[str, Any]]) -> None:
    assert set(found) == set(wanted)
    for key, values in wanted.items():
        for name, value in values.items():
            expected = value if value is None else pytest.approx(float(value), rel=1e-12, abs=1e-12)
            assert found[key][name] == expected, (key, name)


@pytest.fixture(scope="module")
def all_actions(ask, oracle):
    return ask(
        {
            "generic_metrics": [
                {
                    "measures": ["Count", "Volume"],
                    "actions": list(oracle.ACTIONS),
                    "sides": SIDES,
                    "aggregations": list(oracle.AGGREGATIONS),
                }
            ]
        }
    )


@QUICK
@STREAM
def test_counts_and_volumes(all_actions, oracle, streams, data):
    rows = data.draw(streams)
    wanted: dict[tuple[int, int], dict[str, Any]] = {}
    for key, places in by_bucket(oracle, rows).items():
        values = wanted.setdefault(key, {})
        for action in oracle.ACTIONS:
            for side, codes in oracle.SIDES.items():
                sizes = [oracle.size_of(action, rows[place]) for place in places if rows[place]["Side"] in codes]
                known = [size for size in sizes if size is not None]
                values[f"{action}Count{side}"] = len(known)
                for agg, reduce in oracle.AGGREGATIONS.items():
                    values[f"{action}Volume{side}{'' if agg == 'Sum' else agg}"] = reduce(known)
    agree(all_actions.rows(rows), wanted)


RATIOS = [
    "ArrivalFlowImbalance",
    "CancelFlowImbalance",
    "CancelToTradeRatio",
    "CancelToTradeVolumeRatio",
    "OrderToTradeRatio",
    "OrderToTradeVolumeRatio",
]


@pytest.fixture(scope="module")
def all_ratios(ask):
    return ask({"advanced_metrics": [{"variant": RATIOS, "market_states": ["CONTINUOUS_TRADING"]}]})


@QUICK
@STREAM
def test_flows_of_continuous_trading(all_ratios, oracle, streams, data):
    rows = data.draw(streams)
    wanted = {}
    for key, places in by_bucket(oracle, rows).items():
        mine = [rows[place] for place in places if rows[place]["MarketState"] == "CONTINUOUS_TRADING"]
        entered = [sum(row["Size"] for row in mine if row["LobAction"] == oracle.INSERT and row["Side"] == side) for side in (1, 2)]
        taken = [sum(oracle.taken_back(row) for row in mine if row["Side"] == side) for side in (1, 2)]
        executions = [row["ExecutionSize"] for row in mine if oracle.is_executed(row)]
        messages = sum(1 for row in mine if row["LobAction"] != oracle.EXECUTE and row["ExecutionSize"] == 0)
        cancels = sum(1 for row in mine if oracle.taken_back(row))
        wanted[key] = {
            "ArrivalFlowImbalance": oracle.share(entered[0] - entered[1], sum(entered)),
            "CancelFlowImbalance": oracle.share(taken[0] - taken[1], sum(taken)),
            "CancelToTradeRatio": oracle.share(cancels, len(executions)),
            "CancelToTradeVolumeRatio": oracle.share(sum(taken), sum(executions)),
            "OrderToTradeRatio": oracle.share(messages, len(executions)),
            "OrderToTradeVolumeRatio": oracle.share(sum(entered), sum(executions)),
        }
    agree(all_ratios.rows(rows), wanted)


@pytest.fixture(scope="module")
def all_queues(ask):
    variants = ["AvgQueuePosition", "AvgQueueOrders", "AvgQueuePositionAtFill", "AvgEntryQueuePositionAtFill", "AvgReplacementLatency"]
    return ask({"advanced_metrics": [{"variant": variants, "sides": SIDES}], "quality_metrics": [{"measures": FAULTS, "sides": SIDES}]})


FAULTS = ["UnknownOrderCount", "DuplicateOrderCount", "UnnamedOrderCount"]


@QUICK
@STREAM
def test_queues_replacements_and_faults(all_queues, oracle, streams, data):
    rows = data.draw(streams)
    _, lives, faults = oracle.follow(rows)
    waited = oracle.waits(rows)
    wanted: dict[tuple[int, int], dict[str, Any]] = {}
    for key, places in by_bucket(oracle, rows).items():
        values = wanted.setdefault(key, {})
        for side, codes in oracle.SIDES.items():
            suffix = "" if side == "Total" else side
            mine = [place for place in places if rows[place]["Side"] in codes]
            entries = [rows[place] for place in mine if rows[place]["LobAction"] == oracle.INSERT]
            fills = [place for place in mine if oracle.is_executed(rows[place])]
            values[f"AvgQueuePosition{suffix}"] = oracle.mean(row["SizeAhead"] for row in entries)
            values[f"AvgQueueOrders{suffix}"] = oracle.mean(row["OrdersAhead"] for row in entries)
            values[f"AvgQueuePositionAtFill{suffix}"] = oracle.mean(rows[place]["SizeAhead"] for place in fills)
            entered = [lives[place].entry["SizeAhead"] if lives[place] else None for place in fills]
            values[f"AvgEntryQueuePositionAtFill{suffix}"] = oracle.mean(entered)
            values[f"AvgReplacementLatency{suffix}"] = oracle.mean(wait for place in mine for wait in waited[place])
            for name in FAULTS:
                wrong = name.removesuffix("OrderCount").lower()
                values[f"{name}{side}"] = sum(1 for place in mine if faults[place] == wrong)
    agree(all_queues.rows(rows, data.draw(PIECES)), wanted)


@pytest.fixture(scope="module")
def all_ends(ask):
    return ask(
        {
            "advanced_metrics": [
                {"variant": "AvgRestingTime", "outcomes": ["Any", "Filled", "Cancelled"], "sides": SIDES},
                {"variant": "FleetingCancelRatio", "fleeting_threshold_ms": [50, 100, 1000], "sides": SIDES},
            ]
        }
    )


@QUICK
@STREAM
def test_resting_times_and_young_cancels(all_ends, oracle, streams, data):
    rows = data.draw(streams)
    _, lives, _ = oracle.follow(rows)
    wanted: dict[tuple[int, int], dict[str, Any]] = {}
    for key, places in by_bucket(oracle, rows).items():
        values = wanted.setdefault(key, {})
        for side, codes in oracle.SIDES.items():
            suffix = "" if side == "Total" else side
            known = [(rows[place], lives[place]) for place in places if rows[place]["Side"] in codes and lives[place]]
            ages = [(row, row["EventTimestamp"] - life.born) for row, life in known]
            ended = [(row, age) for row, age in ages if oracle.is_gone(row)]
            values[f"AvgRestingTime{suffix}"] = oracle.mean(age for _, age in ended)
            values[f"AvgRestingTimeFilled{suffix}"] = oracle.mean(age for row, age in ended if oracle.is_fill(row))
            values[f"AvgRestingTimeCancelled{suffix}"] = oracle.mean(age for row, age in ended if not oracle.is_fill(row))
            for millis, name in ((50, "50ms"), (100, ""), (1000, "1000ms")):
                young = sum(oracle.taken_back(row) for row, age in ages if age < millis * MILLION)
                values[f"FleetingCancelRatio{name}{suffix}"] = oracle.share(young, sum(oracle.taken_back(row) for row, _ in ages))
    agree(all_ends.rows(rows, data.draw(PIECES)), wanted)


HORIZONS = {"50ms": 50 * MILLION, "1s": SECOND, "2m": 120 * SECOND}


@pytest.fixture(scope="module", params=[list(HORIZONS), ["50ms"]], ids=["late", "soon"])
def all_lives(ask, request):
    sides, horizons = {"sides": SIDES}, request.param
    return horizons, ask(
        {
            "lifetime_metrics": [
                {"measures": "Incidence", "risks": ["FirstFill", "Fill", "Cancel"], "horizons": horizons, **sides},
                {"measures": "Survival", "horizons": horizons, **sides},
                {"measures": ["FillRatio", "CensoredOrderCount"], **sides},
            ],
            "advanced_metrics": [{"variant": "FleetingLiquidityRatio", "fleeting_threshold_ms": [50, 100, 60_000], **sides}],
        }
    )


@QUICK
@STREAM
def test_lifetimes(all_lives, oracle, streams, data):
    horizons, asked = all_lives
    rows = data.draw(streams)
    lives, _, _ = oracle.follow(rows)
    wanted: dict[tuple[int, int], dict[str, Any]] = {}
    for key in by_bucket(oracle, rows):
        values = wanted.setdefault(key, {})
        for side, codes in oracle.SIDES.items():
            suffix = "" if side == "Total" else side
            cohort = [life for life in lives if (life.entry["ListingId"], oracle.bucket(life.born)) == key and life.entry["Side"] in codes]
            values[f"FillRatio{side}"] = oracle.share(sum(life.filled for life in cohort), sum(life.entry["Size"] for life in cohort))
            values[f"CensoredOrderCount{side}"] = sum(1 for life in cohort if life.outcome == "censored")
            for name, horizon in ((name, HORIZONS[name]) for name in horizons):
                spells = [oracle.spell(life) for life in cohort]
                fill, cancel = (oracle.aalen_johansen(spells, cause, horizon) for cause in ("filled", "cancelled"))
                values[f"FillProbability{suffix}{name}"], values[f"CancelProbability{suffix}{name}"] = fill, cancel
                values[f"SurvivalProbability{suffix}{name}"] = None if fill is None else 1 - fill - cancel
                first = oracle.aalen_johansen([oracle.untouched(life) for life in cohort], "filled", horizon)
                values[f"FirstFillProbability{suffix}{name}"] = first
            for millis, name in ((50, "50ms"), (100, ""), (60_000, "60000ms")):
                seen = [life for life in cohort if life.seen - life.born >= millis * MILLION]
                fled = [
                    life for life in seen if life.outcome == "cancelled" and life.first is None and life.end - life.born < millis * MILLION
                ]
                values[f"FleetingLiquidityRatio{name}{suffix}"] = oracle.share(
                    sum(life.entry["Size"] for life in fled), sum(life.entry["Size"] for life in seen)
                )
    agree(asked.rows(rows, data.draw(PIECES)), wanted)


def test_aggregations_of_counts_are_refused(ask):
    with pytest.raises(InvalidValue, match="'aggregations' has no effect"):
        ask({"generic_metrics": [{"measures": "Count", "actions": "Insert", "sides": "Bid", "aggregations": "Mean"}]})
    ask({"generic_metrics": [{"measures": "Count", "actions": "Insert", "sides": "Bid", "aggregations": ["Sum"]}]})
