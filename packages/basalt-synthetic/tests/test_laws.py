"""What must add up: books over all venues, trades and executions, auctions, and the truth about everything."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from basalt.synthetic import Scenario, simulate
from basalt.synthetic.scenario import Behaviour

LISTINGS = [100001, 100002, 100003, 100004]
INSTRUMENTS = {100001: (100001, 100002), 100003: (100003, 100004)}
BID, ASK = 1, 2
LIT = ["LIT_CONTINUOUS", "LIT_AUCTION", "LIT_HIDDEN"]


def of(frame: pl.DataFrame, *listings: int) -> pl.DataFrame:
    return frame.filter(pl.col("ListingId").is_in(listings))


# books over all venues -----------------------------------------------------------------------------------------------


def levels_of(books: list[dict[str, Any]]) -> tuple[float | int | None, ...]:
    """Ten levels of both sides over *books*, each with ten levels."""
    shown: list[float | int | None] = []
    for side, sign in (("Bid", -1), ("Ask", 1)):
        totals: dict[float, list[int]] = defaultdict(lambda: [0, 0])
        for book in books:
            for level in range(1, 11):
                if book[f"{side}Price{level}"] is not None:
                    totals[book[f"{side}Price{level}"]][0] += book[f"{side}Quantity{level}"]
                    totals[book[f"{side}Price{level}"]][1] += book[f"{side}NumOrders{level}"]
        prices = sorted(totals, key=lambda price: price * sign)[:10]
        shown += [*prices, *[None] * (10 - len(prices))]
        shown += [*(totals[price][0] for price in prices), *[0] * (10 - len(prices))]
        shown += [*(totals[price][1] for price in prices), *[0] * (10 - len(prices))]
        shown.append(len(totals))
    return tuple(shown)


def written_levels(book: dict[str, Any]) -> tuple[float | int | None, ...]:
    shown: list[float | int | None] = []
    for side in ("Bid", "Ask"):
        shown += [book[f"{side}{what}{level}"] for what in ("Price", "Quantity", "NumOrders") for level in range(1, 11)]
        shown.append(book[f"{side}LevelCount"])
    return tuple(shown)


@pytest.mark.parametrize("primary", list(INSTRUMENTS))
def test_books_over_all_venues_are_made_of_those_of_the_venues_that_trade(tables: dict[str, pl.DataFrame], primary: int) -> None:
    changes = [("book", row) for row in of(tables["l2"], *INSTRUMENTS[primary]).to_dicts()]
    changes += [("state", row) for row in of(tables["marketstate"], *INSTRUMENTS[primary]).to_dicts()]
    expected: dict[Any, tuple[float | int | None, ...]] = {}
    books: dict[int, dict[str, Any]] = {}
    states: dict[int, str] = {}
    for kind, row in sorted(changes, key=lambda change: change[1]["TimestampNanoseconds"]):
        if kind == "book":
            books[row["ListingId"]] = row
        else:
            states[row["ListingId"]] = row["MarketState"]
        trading = [book for listing, book in books.items() if states[listing] == "CONTINUOUS_TRADING"]
        expected[row["TimestampNanoseconds"]] = levels_of(trading)
    written = {row["TimestampNanoseconds"]: written_levels(row) for row in of(tables["cbbo"], primary).to_dicts()}
    assert len(written) > 500
    now = levels_of([])
    for time, levels in expected.items():
        now = written.pop(time, now)
        assert now == levels
    assert written == {}


def test_books_over_all_venues_belong_to_the_primary_listing(tables: dict[str, pl.DataFrame]) -> None:
    assert set(tables["cbbo"]["ListingId"]) == set(INSTRUMENTS)
    for _, rows in tables["cbbo"].group_by("ListingId"):
        assert rows["L2EventNo"].to_list() == list(range(1, rows.height + 1))


# trades --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listing", LISTINGS)
def test_classes_add_up_to_what_was_executed(tables: dict[str, pl.DataFrame], listing: int) -> None:
    trades, orders = of(tables["trades"], listing), of(tables["l3"], listing)
    by_class = dict(trades.group_by("Classification").agg(pl.col("Size").sum()).iter_rows())
    assert sum(by_class.values()) == pytest.approx(trades["Size"].sum(), rel=1e-12)
    assert sum(by_class.get(name, 0.0) for name in LIT) == orders.filter(pl.col("Printable"))["ExecutionSize"].sum()
    by_type = dict(trades.group_by("BMLLTradeType").agg(pl.col("Size").sum()).iter_rows())
    assert by_type["LIT"] == sum(by_class.get(name, 0.0) for name in LIT)
    assert by_type["DARK"] == by_class["DARK"]


def test_corrections_name_a_trade_that_there_is(tables: dict[str, pl.DataFrame]) -> None:
    trades = tables["trades"].to_dicts()
    originals = {trade["TradeId"]: trade for trade in trades if trade["ModificationIndicator"] == "-"}
    assert len(originals) == sum(trade["ModificationIndicator"] == "-" for trade in trades)
    corrections = [trade for trade in trades if trade["ModificationIndicator"] != "-"]
    assert corrections
    for trade in corrections:
        original = originals[trade["TradeId"]]
        assert trade["TradeTimestampNanoseconds"] == original["TradeTimestampNanoseconds"]
        assert trade["PublicationTimestampNanoseconds"] >= original["PublicationTimestampNanoseconds"]
        assert trade["BMLLSequenceNo"] > original["BMLLSequenceNo"]
        assert trade["Size"] == original["Size"]
        assert (trade["InstrumentCurrencyPrice"] == original["InstrumentCurrencyPrice"]) == (trade["ModificationIndicator"] == "C")
        assert trade["Classification"] not in LIT


def test_trades_are_published_after_they_happen_and_some_much_later(tables: dict[str, pl.DataFrame]) -> None:
    delay = pl.col("PublicationTimestampNanoseconds") - pl.col("TradeTimestampNanoseconds")
    trades = tables["trades"].filter(pl.col("ModificationIndicator") == "-").with_columns(delay.alias("delay"))
    on_book = trades.filter(pl.col("Classification").is_in([*LIT, "DARK"]))
    assert set(on_book["delay"]) == {timedelta(0)}
    reported = trades.filter(~pl.col("Classification").is_in([*LIT, "DARK"]))
    assert reported["delay"].min() > timedelta(0)
    late = reported.filter(pl.col("PublicationMode") == "1")
    assert late.height > 0
    assert late["delay"].min() > timedelta(minutes=2)
    assert reported.filter(pl.col("PublicationMode") == "-")["delay"].max() < timedelta(seconds=2)


# auctions ------------------------------------------------------------------------------------------------------------


def clearing(bids: dict[str, tuple[float, int]], asks: dict[str, tuple[float, int]], tick: float) -> tuple[set[float], int, set[int]]:
    """Prices at which most trades with least left over, what trades, and what may be left over."""
    best_bid, best_ask = (max(price for price, _ in bids.values()), min(price for price, _ in asks.values()))
    candidates = [round(best_ask + step * tick, 6) for step in range(round((best_bid - best_ask) / tick) + 1)]
    merits = {}
    for price in candidates:
        bought = sum(size for limit, size in bids.values() if limit >= price - 1e-9)
        sold = sum(size for limit, size in asks.values() if limit <= price + 1e-9)
        merits[price] = (-min(bought, sold), abs(bought - sold), bought - sold)
    best = min(merit[:2] for merit in merits.values())
    chosen = {price for price, merit in merits.items() if merit[:2] == best}
    return chosen, -best[0], {merits[price][2] for price in chosen}


@pytest.mark.parametrize("listing", [100001, 100003])
def test_messages_of_auctions_say_what_the_book_would_do(tables: dict[str, pl.DataFrame], listing: int) -> None:
    tick = of(tables["reference"], listing)["TickSize"].item()
    hidden = of(tables["truth"], listing).select("BMLLSequenceNo", "HiddenSize")
    orders = iter(
        of(tables["l3"], listing).filter(pl.col("LobAction") != 1).join(hidden, on="BMLLSequenceNo").sort("BMLLSequenceNo").to_dicts()
    )
    book: dict[int, dict[str, tuple[float, int]]] = {BID: {}, ASK: {}}
    following, crossed = next(orders), 0
    for message in of(tables["imbalance"], listing).to_dicts():
        while following["TimestampNanoseconds"] <= message["TimestampNanoseconds"]:
            book[following["Side"]].pop(following["OldOrderId"], None)
            if following["OrderId"]:
                book[following["Side"]][following["OrderId"]] = (following["Price"], following["Size"] + following["HiddenSize"])
            following = next(orders)
        bids, asks = book[BID], book[ASK]
        assert message["BestBidPrice"] == max((price for price, _ in bids.values()), default=None)
        assert message["BestAskPrice"] == min((price for price, _ in asks.values()), default=None)
        is_crossed = bool(bids and asks) and message["BestBidPrice"] >= message["BestAskPrice"]
        assert message["IsCrossed"] == is_crossed
        if is_crossed:
            prices, paired, surpluses = clearing(bids, asks, tick)
            assert min(abs(price - message["IndicativeUncrossingPrice"]) for price in prices) < 1e-6
            assert message["PairedQuantity"] == paired
            signed = message["ImbalanceQuantity"] * {0: 0, 1: 1, 2: -1}[message["ImbalanceSide"]]
            assert signed in surpluses
            crossed += 1
        else:
            assert (message["IndicativeUncrossingPrice"], message["PairedQuantity"]) == (None, 0)
    assert crossed > 30


@pytest.mark.parametrize("listing", [100001, 100003])
def test_auctions_trade_at_the_price_that_was_announced_last(tables: dict[str, pl.DataFrame], listing: int) -> None:
    last = of(tables["imbalance"], listing).group_by("MarketState", maintain_order=True).last()
    traded = of(tables["trades"], listing).filter(pl.col("Classification") == "LIT_AUCTION")
    volumes = dict(traded.group_by("MarketState").agg(pl.col("Size").sum()).iter_rows())
    prices = dict(traded.group_by("MarketState").agg(pl.col("Price").first()).iter_rows())
    for message in last.filter(pl.col("IsCrossed")).to_dicts():
        assert prices[message["MarketState"]] == message["IndicativeUncrossingPrice"]
        assert volumes[message["MarketState"]] == message["PairedQuantity"]


def test_venues_without_auctions_open_with_a_book_that_is_not_locked() -> None:
    for day in (28, 29, 30):
        tables = simulate(date(2026, 3, day), scenario=Scenario(listings=10, scale=0.02, daily_volatility=0.1))
        venues = tables["reference"].filter(pl.col("MIC") == "CHIX")["ListingId"]
        books = tables["l2"].filter(pl.col("ListingId").is_in(venues.to_list()))
        assert books.filter(pl.col("MarketState") == "PRE_OPEN").height > 100
        assert books.filter(pl.col("BidPrice1") >= pl.col("AskPrice1")).is_empty()


def test_no_venue_trades_on_with_a_crossed_book() -> None:
    """Icebergs take part in auctions with what they hide: nothing that could trade is left."""
    tables = simulate(date(2026, 2, 1), scenario=Scenario(listings=4, scale=0.15, auction_odds=1.0, behaviour=Behaviour(icebergs=0.4)))
    books = tables["l2"].filter(pl.col("MarketState").is_in(["CONTINUOUS_TRADING", "POST_TRADE"]))
    assert books.height > 2_000
    assert books.filter(pl.col("BidPrice1") >= pl.col("AskPrice1")).is_empty()


# the truth -----------------------------------------------------------------------------------------------------------


def test_truth_explains_every_row_of_l3_and_every_trade(tables: dict[str, pl.DataFrame]) -> None:
    key = ["ListingId", "BMLLSequenceNo"]
    truth = tables["truth"]
    assert not truth.select(key).is_duplicated().any()
    orders = tables["l3"].join(truth, on=key, how="left", suffix="True", validate="1:1")
    assert orders["Action"].null_count() == 0
    same = ("TimestampNanoseconds", "EventNo", "Side", "TradeId")
    assert all((orders[name] == orders[f"{name}True"]).all() for name in same)
    assert (orders["DisplayedSize"] == orders["Size"]).all()
    trades = tables["trades"].join(truth, on=key, how="left", suffix="True", validate="1:1")
    assert trades["Action"].null_count() == 0
    assert (trades["TradeId"] == trades["TradeIdTrue"]).all()
    assert (trades["TradeTimestampNanoseconds"] == trades["TimestampNanoseconds"]).all()
    lit = trades.filter(pl.col("Classification").is_in(LIT))
    assert (lit["AggressorSide"] == lit["AggressorSideTrue"]).all()
    prints = trades.filter(pl.col("Action") == "PRINT")
    assert prints.height == trades.height - lit.height
    assert ((prints["AggressorSide"] == 0) | (prints["AggressorSide"] == prints["AggressorSideTrue"])).all()
    unseen = truth.join(tables["l3"], on=key, how="anti").filter(pl.col("Action") != "PRINT")
    assert set(unseen["OrderKind"]) == {"HIDDEN", "MIDPOINT"}
    assert set(unseen["Action"]) == {"ENTER", "CANCEL"}


def test_acts_say_what_l3_says(tables: dict[str, pl.DataFrame]) -> None:
    orders = tables["l3"].join(tables["truth"], on=["ListingId", "BMLLSequenceNo"], suffix="True")
    pairs = set(orders.select("LobAction", "Action").unique().iter_rows())
    assert pairs == {
        (1, "EXECUTE"),
        (2, "ENTER"),
        (2, "REFILL"),
        (3, "CANCEL"),
        (3, "EXECUTE"),
        (4, "EXECUTE"),
        (4, "REDUCE"),
        (4, "REPLACE"),
    }
    ids = pl.when(pl.col("OrderId") == "").then("OldOrderId").otherwise("OrderId")
    visible = orders.filter(pl.col("LobAction") != 1)
    assert (visible.select(ids).to_series() == visible["OrderIdTrue"]).all()
    hidden = orders.filter(pl.col("LobAction") == 1)
    assert set(hidden["OrderKind"]) == {"HIDDEN", "MIDPOINT"}


def histories(tables: dict[str, pl.DataFrame]) -> dict[tuple[int, int], list[dict[str, Any]]]:
    sizes = tables["l3"].select("ListingId", "BMLLSequenceNo", "ExecutionSize")
    acts = tables["truth"].filter(pl.col("Action") != "PRINT").join(sizes, on=["ListingId", "BMLLSequenceNo"], how="left")
    found: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for act in acts.sort("BMLLSequenceNo").to_dicts():
        found[act["InstrumentId"], act["ParentId"]].append(act)
    return found


def test_orders_lose_what_executes_and_nothing_else(tables: dict[str, pl.DataFrame]) -> None:
    kinds = set()
    for acts in histories(tables).values():
        assert acts[0]["Action"] == "ENTER"
        assert len({(act["ListingId"], act["Side"], act["OrderKind"]) for act in acts}) == 1
        kinds.add(acts[0]["OrderKind"])
        for before, act in pairwise(acts):
            had, has = (each["DisplayedSize"] + each["HiddenSize"] for each in (before, act))
            assert had > 0
            if act["Action"] == "EXECUTE":
                assert had - has == act["ExecutionSize"] > 0
            elif act["Action"] in {"REFILL", "REPLACE"}:
                assert has == had
            elif act["Action"] == "REDUCE":
                assert 0 < has < had
            else:
                assert (act["Action"], has) == ("CANCEL", 0)
    assert kinds == {"LIMIT", "ICEBERG", "HIDDEN", "MIDPOINT", "FLEETING", "AUCTION"}


def test_only_icebergs_show_a_part_and_refill(tables: dict[str, pl.DataFrame]) -> None:
    truth = tables["truth"].filter(pl.col("Action") != "PRINT")
    refills = truth.filter(pl.col("Action") == "REFILL")
    assert set(refills["OrderKind"]) == {"ICEBERG"}
    assert refills.height > 20
    partly = truth.filter((pl.col("DisplayedSize") > 0) & (pl.col("HiddenSize") > 0))
    assert set(partly["OrderKind"]) == {"ICEBERG"}
    through = tables["l3"].filter(pl.col("OrderExecuted") & (pl.col("LobAction") != 1) & (pl.col("ExecutionSize") > pl.col("OldSize")))
    venue_of = dict(tables["reference"].select("ListingId", "MIC").iter_rows())
    assert {venue_of[listing] for listing in through["ListingId"]} == {"CHIX"}


def test_takers_get_no_more_than_they_asked_for(tables: dict[str, pl.DataFrame]) -> None:
    fills = tables["truth"].filter(pl.col("Action") == "EXECUTE", pl.col("AggressorSide") > 0)
    fills = fills.join(tables["l3"].select("ListingId", "BMLLSequenceNo", "ExecutionSize"), on=["ListingId", "BMLLSequenceNo"])
    takers = fills.group_by("InstrumentId", "AggressorParentId").agg(
        pl.col("ExecutionSize").sum(),
        pl.col("AggressorSize", "AggressorKind", "AggressorSide", "AggressorIsRetail").n_unique().name.suffix("Values"),
        pl.col("AggressorSize", "AggressorKind").first(),
        pl.col("MIC").n_unique(),
        pl.col("TimestampNanoseconds").n_unique().alias("Times"),
    )
    assert (takers["ExecutionSize"] <= takers["AggressorSize"]).all()
    assert set(takers.select(pl.max_horizontal(pl.col("^.*Values$"))).to_series()) == {1}
    alone = takers.filter(pl.col("AggressorKind") == "MARKETABLE")
    assert set(alone["Times"]) == {1}
    sweeps = takers.filter(pl.col("AggressorKind") == "SWEEP")
    assert set(sweeps["MIC"]) == {1, 2}
    assert (sweeps["Times"] == sweeps["MIC"]).all()


def test_parts_of_a_sweep_arrive_with_the_latencies_of_the_venues(tables: dict[str, pl.DataFrame]) -> None:
    sweeps = tables["truth"].filter(pl.col("AggressorKind") == "SWEEP", pl.col("InstrumentId") == 500001)
    first = sweeps.group_by("AggressorParentId", "MIC").agg(pl.col("TimestampNanoseconds").min())
    wide = first.pivot("MIC", index="AggressorParentId", values="TimestampNanoseconds").drop_nulls()
    gaps = (wide["CHIX"] - wide["XLON"]).dt.total_microseconds()
    assert gaps.median() == 180


def test_fleeting_orders_do_not_stay(tables: dict[str, pl.DataFrame]) -> None:
    lives = [acts for acts in histories(tables).values() if acts[0]["OrderKind"] == "FLEETING" and acts[-1]["Action"] == "CANCEL"]
    assert len(lives) > 50
    spans = sorted(acts[-1]["TimestampNanoseconds"] - acts[0]["TimestampNanoseconds"] for acts in lives)
    assert spans[len(spans) // 2] < timedelta(milliseconds=50)


def test_midpoints_execute_at_the_mid_of_their_venue(tables: dict[str, pl.DataFrame]) -> None:
    midpoints = tables["truth"].filter(pl.col("OrderKind") == "MIDPOINT", pl.col("Action") == "EXECUTE")
    trades = tables["trades"].join(midpoints.select("ListingId", "BMLLSequenceNo"), on=["ListingId", "BMLLSequenceNo"]).to_dicts()
    assert trades
    first = {trade["TradeTimestampNanoseconds"]: trade for trade in reversed(trades)}
    for trade in first.values():
        assert trade["Classification"] == "LIT_HIDDEN"
        assert trade["Price"] == pytest.approx((trade["BestBidPriceAtVenue"] + trade["BestAskPriceAtVenue"]) / 2, abs=1e-9)


def test_trades_happen_near_the_latent_price(tables: dict[str, pl.DataFrame]) -> None:
    lit = tables["trades"].filter(pl.col("Classification") == "LIT_CONTINUOUS")
    both = lit.join(tables["truth"].select("ListingId", "BMLLSequenceNo", "LatentPrice"), on=["ListingId", "BMLLSequenceNo"])
    away = (both["InstrumentCurrencyPrice"] / both["LatentPrice"] - 1).abs()
    assert away.mean() < 0.003
