"""What a section of the config makes: columns, filters, names, errors."""

from __future__ import annotations

import pytest

from basalt.core.errors import ColumnClash, InvalidValue, MissingColumn, UnknownName
from basalt.trade.module import TRADE

TRADES = {
    "ListingId": [1, 1, 1, 1],
    "TradeTimestamp": ["08:00:10", "08:00:20", "08:00:20", "08:01:00"],
    "AggressorSide": [1, 2, None, 1],
    "Price": [10.0, 11.0, 12.0, 9.0],
    "Size": [100.0, 200.0, 300.0, 400.0],
    "PricePoint": [1.0, 0.0, 0.5, 1.0],
    "MarketState": ["CONTINUOUS_TRADING", "CONTINUOUS_TRADING", "HALTED", "CLOSING_AUCTION"],
    "Classification": ["LIT_CONTINUOUS", "DARK", "LIT_CONTINUOUS", "LIT_AUCTION"],
    "PreTradeMid": [9.5, 11.5, 12.0, 9.0],
}


def columns(asked):
    return [column.name for column in asked.planned.written]


def test_an_empty_section_gives_bars_without_any_filter(ask):
    row = ask({}, TRADES).rows(trades=TRADES).row(0, named=True)
    assert {name: row[name] for name in ("VWAP", "Volume", "Open", "High", "Low", "Close", "MarketState")} == {
        "VWAP": 10.4,
        "Volume": 1000.0,
        "Open": 10.0,
        "High": 12.0,
        "Low": 9.0,
        "Close": 9.0,
        "MarketState": "CLOSING_AUCTION",
    }
    assert row["VolumeWeightedPricePlacement"] == pytest.approx(0.3)


def test_the_prefix_stands_before_every_column(ask):
    asked = ask({"metric_prefix": "Lit"}, TRADES)
    assert columns(asked) == [
        "LitVWAP",
        "LitVolumeWeightedPricePlacement",
        "LitVolume",
        "LitOpen",
        "LitHigh",
        "LitLow",
        "LitClose",
        "LitMarketState",
    ]


def test_market_states_are_one_condition_not_a_product(ask):
    entry = {"measures": ["Volume", "VWAP"], "market_states": ["CONTINUOUS_TRADING", "HALTED"]}
    asked = ask({"generic_metrics": [entry]}, TRADES)
    assert columns(asked) == ["TradeTotalVolume", "TradeTotalVWAP", "MarketState"]
    assert asked.rows(trades=TRADES)["TradeTotalVolume"].to_list() == [600.0]


def test_attribute_filters_take_a_value_or_a_list(ask):
    section = {
        "generic_metrics": [
            {"measures": "Volume", "attribute_filters": {"Classification": "DARK"}, "output_name_pattern": "Dark{measures}"},
            {"measures": "Volume", "attribute_filters": {"Classification": ["DARK", "LIT_AUCTION"]}, "output_name_pattern": "{sides}Other"},
        ]
    }
    frame = ask(section, TRADES).rows(trades=TRADES)
    assert frame.select("DarkVolume", "TotalOther").row(0) == (200.0, 600.0)


def test_a_one_sided_bar_opens_and_closes_with_trades_of_its_own_side(ask):
    frame = ask({"generic_metrics": [{"measures": "OHLC", "sides": ["Bid", "Unknown"]}]}, TRADES).rows(trades=TRADES)
    assert frame.select("TradeBidOpen", "TradeBidClose", "TradeUnknownOpen").row(0) == (11.0, 11.0, 12.0)


def test_bars_take_a_pattern_before_their_four_names(ask):
    asked = ask({"generic_metrics": [{"measures": "OHLC", "output_name_pattern": "Lit{sides}"}]}, TRADES)
    assert columns(asked)[:4] == ["LitTotalOpen", "LitTotalHigh", "LitTotalLow", "LitTotalClose"]


def test_the_price_before_the_bucket_is_carried_into_volatility(ask):
    trades = {**TRADES, "TradeTimestamp": ["08:00:10", "08:01:10", "08:02:10", "08:02:20"], "Price": [100.0, 110.0, 110.0, 121.0]}
    frame = ask({"generic_metrics": [{"measures": "Volatility"}]}, trades).rows(trades=trades)
    assert frame["TradeTotalVolatility"].to_list() == [None, pytest.approx(0.0953101798), pytest.approx(0.0953101798)]


def test_an_effective_spread_has_no_horizon(ask):
    asked = ask({"impact_metrics": [{"variant": ["EffectiveSpread", "PriceImpact"], "horizon": ["100ms", "1s"]}]})
    assert columns(asked) == ["EffectiveSpread", "PriceImpact100ms", "PriceImpact1s", "MarketState"]
    assert [column.forward for column in asked.planned.written] == [False, True, True, False]


def test_an_effective_spread_asked_for_twice_is_one_column(ask):
    asked = ask({"impact_metrics": [{"variant": "EffectiveSpread", "horizon": "1s"}, {"variant": "EffectiveSpread", "horizon": "5m"}]})
    assert columns(asked) == ["EffectiveSpread", "MarketState"]


def test_two_reference_prices_need_two_names(ask):
    entries = [{"variant": "EffectiveSpread"}, {"variant": "EffectiveSpread", "reference_price_col": "MidPrice"}]
    with pytest.raises(ColumnClash):
        ask({"impact_metrics": entries})
    entries[1]["output_name_pattern"] = "{variant}To{reference_price_col}"
    assert columns(ask({"impact_metrics": entries}))[:2] == ["EffectiveSpread", "EffectiveSpreadToMidPrice"]


def test_discrepancies_leave_total_and_mean_out_of_their_names(ask):
    entry = {"references": ["EBBO", "BestBid"], "sides": ["Total", "Ask"], "aggregations": ["Mean", "Last"]}
    assert columns(ask({"discrepancy_metrics": [entry]}))[:4] == [
        "DiscrepancyToEBBO",
        "DiscrepancyToEBBOLast",
        "DiscrepancyToEBBOAsk",
        "DiscrepancyToEBBOAskLast",
    ]


@pytest.mark.parametrize("horizon", ["1", "s", "0s", "-1s", "1.5s", "1h", "1 s"])
def test_a_horizon_is_a_whole_number_and_a_unit(ask, horizon):
    with pytest.raises(InvalidValue) as found:
        ask({"impact_metrics": [{"variant": "PriceImpact", "horizon": horizon}]})
    assert "horizon" in str(found.value)


@pytest.mark.parametrize(
    "section",
    [
        {"generic_metrics": [{"measures": "Volume", "side": "Bid"}]},
        {"generic_metrics": [{"measures": "Volume", "aggregations": ["Last"]}]},
        {"generic_metrics": [{"measures": "Volum"}]},
        {"flag_metrics": [{"flags": "IcebergExecution", "measures": "Volume"}]},
        {"impact_metrics": [{"variant": "Slippage"}]},
        {"generic_metrics": [{"measures": "Volume", "market_states": ["CONTINUOUS"]}]},
        {"discrepancy_metrics": [{"references": "EBBO", "aggregations": "TWA"}]},
    ],
)
def test_what_the_module_does_not_know_is_refused(ask, section):
    with pytest.raises((InvalidValue, UnknownName)):
        ask(section)


@pytest.mark.parametrize(
    ("section", "column"),
    [
        ({"generic_metrics": [{"measures": "NotionalEUR"}]}, "TradeNotionalEUR"),
        ({"generic_metrics": [{"measures": "Volume", "attribute_filters": {"Clasification": "DARK"}}]}, "Clasification"),
        ({"change_metrics": [{"measures": "PreTradeElapsedTimeChg", "scopes": "Venue"}]}, "PreTradeElapsedTimeChgAtVenue"),
        ({"impact_metrics": [{"variant": "EffectiveSpread", "reference_price_col": "Middle"}]}, "Middle"),
    ],
)
def test_a_column_that_nothing_provides_is_named(ask, section, column):
    with pytest.raises(MissingColumn) as found:
        ask(section, TRADES)
    assert column in str(found.value)


def test_notional_that_cannot_be_converted_is_null_and_none_at_all_is_zero(ask):
    trades = {**TRADES, "TradeNotionalEUR": [None, 5.0, None, None]}
    frame = ask({"generic_metrics": [{"measures": "NotionalEUR", "sides": ["Ask", "Bid", "Total"]}]}, trades).rows(trades=trades)
    assert frame.select("^Trade.*$").row(0) == (None, 5.0, 5.0)
    sells = {name: values[1:2] for name, values in trades.items()}
    assert ask({"generic_metrics": [{"measures": "NotionalEUR", "sides": "Ask"}]}, trades).rows(trades=sells)[
        "TradeAskNotionalEUR"
    ].to_list() == [0.0]


def test_every_column_has_a_unit_and_says_how_it_rolls_up():
    without_rollup = {formula.name for formula in TRADE.formulas if formula.grain == "bucket" and formula.rollup is None}
    assert without_rollup == {"median_price"}
    assert all(formula.unit for formula in TRADE.formulas if formula.measure != "MarketState")


def test_flows_are_zero_in_empty_buckets_and_the_rest_is_null(ask):
    section = {
        "generic_metrics": [{"measures": ["Volume", "VWAP"]}],
        "discrepancy_metrics": [{"references": "EBBO", "aggregations": ["Sum", "Mean"]}],
    }
    assert [column.empty for column in ask(section).planned.written] == ["zero", "null", "zero", "null", "null"]
