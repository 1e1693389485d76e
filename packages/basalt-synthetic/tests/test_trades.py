"""Trades against order events, books and states, by loops that share no code with the simulator."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

NANOS = 1_000_000
HORIZONS = (1, 10, 1000, 60000, 300000)
LIT = ("LIT_CONTINUOUS", "LIT_AUCTION", "LIT_HIDDEN")
LISTINGS = [100001, 100002, 100003, 100004]
HOME = {100001: 100001, 100002: 100001, 100003: 100003, 100004: 100003}


def nanos(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int64).alias("nanos")


class Market:
    """Best quotes and states of a listing, by time."""

    def __init__(self, tables: dict[str, pl.DataFrame], listing: int) -> None:
        mine = pl.col("ListingId") == listing
        self.books = tables["l2"].filter(mine).with_columns(nanos("TimestampNanoseconds")).to_dicts()
        self.states = tables["marketstate"].filter(mine).with_columns(nanos("TimestampNanoseconds")).to_dicts()
        self.book_times = [row["nanos"] for row in self.books]
        self.state_times = [row["nanos"] for row in self.states]

    def state(self, time: int) -> str:
        return str(self.states[bisect_right(self.state_times, time) - 1]["MarketState"])

    def quote(self, time: int, *, included: bool) -> dict[str, Any]:
        """Best quotes at *time*; empty outside continuous trading."""
        place = (bisect_right if included else bisect_left)(self.book_times, time) - 1
        if place < 0 or self.state(time) != "CONTINUOUS_TRADING":
            return {}
        return self.books[place]

    def mid(self, time: int) -> float | None:
        quote = self.quote(time, included=True)
        bid, ask = quote.get("BidPrice1"), quote.get("AskPrice1")
        return None if bid is None or ask is None else (bid + ask) / 2


class Consolidated(Market):
    """Best quotes over all venues, by time; a venue that does not trade takes no part in them."""

    def __init__(self, tables: dict[str, pl.DataFrame], listing: int) -> None:
        self.books = tables["cbbo"].filter(pl.col("ListingId") == HOME[listing]).with_columns(nanos("TimestampNanoseconds")).to_dicts()
        self.book_times = [row["nanos"] for row in self.books]

    def state(self, time: int) -> str:
        return "CONTINUOUS_TRADING"


def trades_of(tables: dict[str, pl.DataFrame], listing: int) -> list[dict[str, Any]]:
    return tables["trades"].filter(pl.col("ListingId") == listing).with_columns(nanos("TradeTimestampNanoseconds")).to_dicts()


def test_every_trade_on_the_book_is_an_execution(tables: dict[str, pl.DataFrame]) -> None:
    executions = defaultdict(list)
    for row in tables["l3"].filter(pl.col("OrderExecuted")).to_dicts():
        executions[row["TradeId"]].append(row)
    trades = tables["trades"].filter(pl.col("Classification").is_in(LIT)).to_dicts()
    assert len(trades) > 500
    for trade in trades:
        rows = executions.pop(trade["TradeId"])
        assert sorted(row["Side"] for row in rows) == ([1, 2] if trade["Classification"] == "LIT_AUCTION" else [3 - trade["AggressorSide"]])
        for row in rows:
            assert row["ExecutionPrice"] == trade["Price"]
            assert row["ExecutionSize"] == trade["Size"]
            assert row["TimestampNanoseconds"] == trade["TradeTimestampNanoseconds"]
            assert row["ListingId"] == trade["ListingId"]
            assert row["MarketState"] == trade["MarketState"]
        assert sum(row["Printable"] for row in rows) == 1
    assert executions == {}


def test_rows_without_execution_carry_none(tables: dict[str, pl.DataFrame]) -> None:
    quiet = tables["l3"].filter(~pl.col("OrderExecuted"))
    assert quiet.select(
        (pl.col("ExecutionSize") == 0).all(), pl.col("ExecutionPrice").is_null().all(), (pl.col("TradeId") == "").all()
    ).row(0) == (
        True,
        True,
        True,
    )


@pytest.mark.parametrize("listing", LISTINGS)
def test_quotes_around_trades_are_those_of_the_book(tables: dict[str, pl.DataFrame], listing: int) -> None:
    own, home, every = Market(tables, listing), Market(tables, HOME[listing]), Consolidated(tables, listing)
    for trade in trades_of(tables, listing):
        time = trade["nanos"]
        for market, at in ((every, ""), (own, "AtVenue"), (home, "AtPrimary")):
            quote = market.quote(time, included=False)
            assert trade[f"BestBidPrice{at}"] == quote.get("BidPrice1")
            assert trade[f"BestAskPrice{at}"] == quote.get("AskPrice1")
            assert trade[f"BestBidSize{at}"] == quote.get("BidQuantity1")
            assert trade[f"BestAskSize{at}"] == quote.get("AskQuantity1")
        for market, at in ((every, ""), (home, "AtPrimary")):
            assert trade[f"PostTradeMid{at}"] == market.mid(time)
            for horizon in HORIZONS:
                assert trade[f"PreTradeMid{horizon}ms{at}"] == market.mid(time - horizon * NANOS)
                assert trade[f"PostTradeMid{horizon}ms{at}"] == market.mid(time + horizon * NANOS)


@pytest.mark.parametrize("listing", LISTINGS)
def test_time_to_the_neighbouring_change_of_the_best_quotes(tables: dict[str, pl.DataFrame], listing: int) -> None:
    names = ("BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1")
    for market, at in ((Consolidated(tables, listing), ""), (Market(tables, HOME[listing]), "AtPrimary")):
        best = [tuple(row[name] for name in names) for row in market.books]
        changes = [time for place, time in enumerate(market.book_times) if place == 0 or best[place] != best[place - 1]]
        for trade in trades_of(tables, listing):
            before = bisect_left(changes, trade["nanos"])
            after = bisect_right(changes, trade["nanos"])
            assert trade[f"PreTradeElapsedTimeChg{at}"] == (trade["nanos"] - changes[before - 1] if before else None)
            assert trade[f"PostTradeElapsedTimeChg{at}"] == (changes[after] - trade["nanos"] if after < len(changes) else None)


@pytest.mark.parametrize("listing", LISTINGS)
def test_place_in_the_spread(tables: dict[str, pl.DataFrame], listing: int) -> None:
    seen = set()
    for trade in trades_of(tables, listing):
        for at in ("", "AtVenue", "AtPrimary"):
            bid, ask, point = (trade[f"{name}{at}"] for name in ("BestBidPrice", "BestAskPrice", "PricePoint"))
            if bid is None or ask is None or bid >= ask:
                assert point is None
            else:
                assert point == pytest.approx((trade["InstrumentCurrencyPrice"] - bid) / (ask - bid), abs=1e-12)
        point = trade["PricePointAtVenue"]
        if trade["Classification"] == "LIT_CONTINUOUS":
            assert point >= 1 - 1e-9 if trade["AggressorSide"] == 1 else point <= 1e-9
        if trade["Classification"] == "DARK" and trade["PricePoint"] is not None:
            assert trade["ModificationIndicator"] == "A" or trade["PricePoint"] == pytest.approx(0.5)
        seen.add(trade["Classification"])
    assert {"LIT_CONTINUOUS", "LIT_HIDDEN", "DARK", "OFF_BOOK_ON_EXCHANGE"} <= seen


@pytest.mark.parametrize("listing", LISTINGS)
def test_venues_of_the_best_quotes(tables: dict[str, pl.DataFrame], listing: int) -> None:
    places = dict(tables["reference"].filter(pl.col("InstrumentId") == 500001 + (listing > 100002)).select("MIC", "ListingId").iter_rows())
    markets = {mic: Market(tables, each) for mic, each in places.items()}
    for trade in trades_of(tables, listing):
        for side in ("Bid", "Ask"):
            quotes = {mic: market.quote(trade["nanos"], included=False) for mic, market in markets.items()}
            shown = {mic: quote[f"{side}Quantity1"] for mic, quote in quotes.items() if quote.get(f"{side}Price1") is not None}
            at_best = {mic: size for mic, size in shown.items() if quotes[mic][f"{side}Price1"] == trade[f"Best{side}Price"]}
            assert trade[f"Best{side}Size"] == (sum(at_best.values()) if at_best else trade[f"Best{side}Size"])
            if at_best:
                assert at_best[trade[f"Best{side}Venue"]] == max(at_best.values())
            else:
                assert trade[f"Best{side}Venue"] is None


@pytest.mark.parametrize("listing", LISTINGS)
def test_best_quotes_once_a_multiple_of_the_size_has_traded(tables: dict[str, pl.DataFrame], listing: int) -> None:
    every, trades = Consolidated(tables, listing), trades_of(tables, listing)
    sizes = [Decimal(str(trade["Size"])) if trade["ModificationIndicator"] == "-" else Decimal(0) for trade in trades]
    for place, trade in enumerate(trades):
        for multiple in (1, 3, 10):
            wanted, later = Decimal(str(trade["Size"])) * multiple, place
            while wanted > 0 and later + 1 < len(trades):
                later += 1
                wanted -= sizes[later]
            quote = every.quote(trades[later]["nanos"], included=True) if wanted <= 0 else {}
            assert trade[f"PostTradeBestBid{multiple}V"] == quote.get("BidPrice1")
            assert trade[f"PostTradeBestAsk{multiple}V"] == quote.get("AskPrice1")


@pytest.mark.parametrize("listing", LISTINGS)
def test_states_of_trades(tables: dict[str, pl.DataFrame], listing: int) -> None:
    own, home = Market(tables, listing), Market(tables, HOME[listing])
    for trade in trades_of(tables, listing):
        reported = trade["BMLLTradeType"] == "OTC"
        assert trade["MarketState"] == ("NOT_APPLICABLE" if reported else own.state(trade["nanos"]))
        assert trade["MarketStateAtPrimary"] == home.state(trade["nanos"])
        if trade["Classification"] in {"LIT_CONTINUOUS", "DARK"}:
            assert trade["MarketState"] == "CONTINUOUS_TRADING"


def test_notionals_agree(tables: dict[str, pl.DataFrame]) -> None:
    euros = {"GBp": 0.0115, "EUR": 1.0}
    factor = {"GBP": 0.01, "GBp": 1.0, "EUR": 1.0}
    currencies = set()
    for trade in tables["trades"].to_dicts():
        local = trade["InstrumentCurrencyPrice"]
        assert trade["Price"] == pytest.approx(local * factor[trade["CurrencyCode"]], rel=1e-9)
        assert trade["TradeNotional"] == trade["Price"] * trade["Size"]
        assert trade["TradeNotionalEUR"] == pytest.approx(local * trade["Size"] * euros[trade["InstrumentCurrencyCode"]], rel=1e-12)
        assert trade["TradeNotionalUSD"] / trade["TradeNotionalEUR"] == pytest.approx(1.165, rel=0.001)
        assert trade["IsBlock"] == ("TRUE" if trade["TradeNotionalEUR"] >= trade["BlockNotional"] else "FALSE")
        currencies.add(trade["CurrencyCode"])
    assert currencies == {"GBP", "GBp", "EUR"}


def test_what_executions_left(tables: dict[str, pl.DataFrame]) -> None:
    rows = {row["TradeId"]: row for row in tables["l3"].filter(pl.col("OrderExecuted")).to_dicts()}
    for trade in tables["trades"].filter(pl.col("Classification") == "LIT_CONTINUOUS").to_dicts():
        row = rows[trade["TradeId"]]
        assert trade["OrderRemainingQty"] == row["Size"]
        assert trade["BBORemainingQtyAtVenue"] >= row["Size"]
        assert (trade["BBORemainingQtyAtVenue"] == 0) == (row["PriceLevel"] == 0)


def test_kinds_of_trades_that_analytics_tell_apart(tables: dict[str, pl.DataFrame]) -> None:
    trades = tables["trades"]
    assert set(trades["Classification"]) == {*LIT, "DARK", "OFF_BOOK_ON_EXCHANGE", "SI_ADDRESSABLE_BELOW_LIS"}
    assert set(trades["BMLLTradeType"]) == {"LIT", "DARK", "OTC"}
    assert set(trades["AggressorSide"]) == {0, 1, 2}
    assert set(trades["BMLLParticipantType"]) == {"RETAIL", "UNKNOWN"}
    assert set(trades["IsBlock"]) == {"TRUE", "FALSE"}
    assert set(trades["LotType"]) == {"ODD", "MIXED", "ROUND"}
    assert set(trades["AlgorithmicTrade"]) == {"H", "-"}
    assert set(trades["NegotiatedTrade"]) == {"N", "-"}
    continuous = trades.filter(pl.col("Classification") == "LIT_CONTINUOUS")
    assert set(continuous["AggressorSide"]) == {1, 2}
    assert set(continuous["BMLLParticipantType"]) == {"RETAIL", "UNKNOWN"}


def test_auction_trades_have_one_price_each(tables: dict[str, pl.DataFrame]) -> None:
    auctions = tables["trades"].filter(pl.col("Classification") == "LIT_AUCTION")
    by_auction = auctions.group_by("ListingId", "MarketState").agg(pl.col("Price").n_unique(), pl.len())
    assert set(by_auction["MarketState"]) == {"OPENING_AUCTION", "INTRADAY_AUCTION", "CLOSING_AUCTION"}
    assert set(by_auction["ListingId"]) == {100001, 100003}
    assert by_auction["Price"].to_list() == [1] * 5
