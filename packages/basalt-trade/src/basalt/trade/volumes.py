"""How much traded: shares, trades and notionals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from basalt.core.declaring import EVERY_ROW, Composite, Example, FromParts, Part, Sum, all_of, analytic, count_where, known, where
from basalt.market.flags import flag_is_set
from basalt.trade.conditions import Side, is_retail, notional, on_side, size

FAMILY = "generic_metrics"
_THREE: dict[str, list[Any]] = {"Size": [100.0, 200.0, 50.0], "AggressorSide": [1, 2, None]}


def known_sum(value: pl.Expr, *conditions: pl.Expr | None) -> Composite:
    """The sum of *value* over trades that meet *conditions*, as far as it is known.

    0 without such trades; null when there are some and none has a value: what could not be
    converted is not zero.
    """
    parts = {
        "total": where(value, *conditions).sum(),
        "known": count_where(known(value), *conditions),
        "trades": count_where(*conditions),
    }
    return Composite({name: Part(expr, Sum()) for name, expr in parts.items()}, _finish_known_sum)


def _finish_known_sum(parts: Mapping[str, pl.Expr]) -> pl.Expr:
    return pl.when((parts["known"] > 0) | (parts["trades"] == 0)).then(parts["total"])


@analytic(
    family=FAMILY,
    measure="Volume",
    column="Trade{side}Volume",
    unit="shares",
    math=r"\sum_i q_i",
    rollup=Sum(),
    empty="zero",
    examples=[
        Example(_THREE, gives=350.0),
        Example(_THREE, axes={"side": "Ask"}, gives=100.0),
        Example(_THREE, axes={"side": "Unknown"}, gives=50.0),
    ],
)
def volume(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Traded quantity of {side} trades; 0 without any.

    `Bid` counts sellers who hit the bid, `Ask` buyers who lifted the ask, `Unknown` trades without a
    known aggressor; the three add up to `Total`. Every execution counts, on and off the book,
    unless the entry filters.
    """
    return where(size(), on_side(side), rows).sum()


@analytic(
    family=FAMILY,
    measure="Count",
    column="Trade{side}Count",
    unit="trades",
    math=r"\sum_i 1",
    rollup=Sum(),
    empty="zero",
    examples=[Example(_THREE, gives=3), Example(_THREE, axes={"side": "Unknown"}, gives=1)],
)
def count(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Number of {side} trades; 0 without any."""
    return count_where(on_side(side), rows)


@analytic(
    family=FAMILY,
    measure="Notional",
    column="Trade{side}Notional",
    unit="{currency}",
    math=r"\sum_i p_i q_i",
    rollup=FromParts(),
    empty="zero",
    examples=[
        Example({"LocalNotional": [1000.0, 500.0], "AggressorSide": [1, 2]}, gives=1500.0),
        Example({"LocalNotional": [None, None], "AggressorSide": [1, 2]}, gives=None),
    ],
)
def notional_local(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> Composite:
    """Price times size of {side} trades in the currency of the listing.

    Trades without a price in that currency add nothing; 0 without trades, null when none of the
    trades has such a price.
    """
    return known_sum(notional(), on_side(side), rows)


@analytic(
    family=FAMILY,
    measure="NotionalEUR",
    column="Trade{side}NotionalEUR",
    unit="EUR",
    math=r"\sum_i n_i^{EUR}",
    rollup=FromParts(),
    empty="zero",
    examples=[
        Example({"TradeNotionalEUR": [10.0, None], "AggressorSide": [1, 1]}, gives=10.0),
        Example({"TradeNotionalEUR": [10.0, None], "AggressorSide": [1, 1]}, axes={"side": "Bid"}, gives=0.0),
    ],
)
def notional_eur(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> Composite:
    """Notional of {side} trades in euros, as the vendor converted each.

    Trades without a conversion add nothing; 0 without trades, null when no trade has one.
    """
    return known_sum(pl.col("TradeNotionalEUR"), on_side(side), rows)


@analytic(
    family=FAMILY,
    measure="NotionalUSD",
    column="Trade{side}NotionalUSD",
    unit="USD",
    math=r"\sum_i n_i^{USD}",
    rollup=FromParts(),
    empty="zero",
    examples=[Example({"TradeNotionalUSD": [10.0, 5.0], "AggressorSide": [1, 2]}, axes={"side": "Bid"}, gives=5.0)],
)
def notional_usd(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> Composite:
    """Notional of {side} trades in US dollars, as the vendor converted each.

    Trades without a conversion add nothing; 0 without trades, null when no trade has one.
    """
    return known_sum(pl.col("TradeNotionalUSD"), on_side(side), rows)


@analytic(
    family=FAMILY,
    measure="RetailCount",
    column="Trade{side}RetailCount",
    unit="trades",
    math=r"\sum_i 1[i \in \mathrm{retail}]",
    rollup=Sum(),
    empty="zero",
    examples=[Example({"BMLLParticipantType": ["RETAIL", "UNKNOWN", None], "AggressorSide": [1, 1, 2]}, gives=1)],
)
def retail_count(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Number of {side} trades that the vendor labels as retail; 0 without any."""
    return count_where(is_retail(), on_side(side), rows)


@analytic(
    family=FAMILY,
    measure="BlockCount",
    column="Trade{side}BlockCount",
    unit="trades",
    math=r"\sum_i 1[i \in \mathrm{block}]",
    rollup=Sum(),
    empty="zero",
    examples=[Example({"IsBlock": ["TRUE", "FALSE", None], "AggressorSide": [1, 1, 2]}, gives=1)],
)
def block_count(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Number of {side} trades that are blocks by the vendor's `IsBlock`; 0 without any."""
    return count_where(flag_is_set("IsBlock"), on_side(side), rows)


def _class_contains(word: str) -> pl.Expr:
    return pl.col("Classification").str.contains(word, literal=True)


@analytic(
    family=FAMILY,
    measure="AuctionNotional",
    column="Trade{side}AuctionNotional",
    unit="{currency}",
    math=r"\sum_i p_i q_i\, 1[i \in \mathrm{auction}]",
    rollup=FromParts(),
    empty="zero",
    examples=[
        Example(
            {"LocalNotional": [900.0, 100.0], "Classification": ["LIT_AUCTION", "LIT_CONTINUOUS"], "AggressorSide": [0, 1]}, gives=900.0
        )
    ],
)
def auction_notional(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> Composite:
    """Notional of {side} trades of auctions in the currency of the listing; null as for Notional.

    An auction trade is one whose `Classification` contains `AUCTION`. An uncross has no aggressor,
    so what there is is in `Unknown` and `Total`.
    """
    return known_sum(notional(), _class_contains("AUCTION"), on_side(side), rows)


@analytic(
    family=FAMILY,
    measure="OTCVolume",
    column="Trade{side}OTCVolume",
    unit="shares",
    math=r"\sum_i q_i\, 1[i \in \mathrm{OTC}]",
    rollup=Sum(),
    empty="zero",
    examples=[
        Example(
            {
                "Size": [30.0, 10.0, 5.0],
                "Classification": ["OTC", "SI_OFF", "LIT_AUCTION"],
                "BMLLTradeType": ["OTC", "OTC", "LIT"],
                "AggressorSide": [0, 1, 0],
            },
            gives=40.0,
        )
    ],
)
def otc_volume(side: Side = "Total", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Quantity of {side} trades over the counter; 0 without any.

    Over the counter means that `Classification` contains `OTC` or `BMLLTradeType` is `OTC`; the vendor
    counts systematic internalisers among them.
    """
    is_otc = _class_contains("OTC").fill_null(value=False) | (pl.col("BMLLTradeType") == "OTC").fill_null(value=False)
    return where(size(), all_of(is_otc, on_side(side), rows)).sum()
