"""The two cases: one config of Basalt each, and the query that an expert writes for the same table.

The query knows what its author knows: that prices are never null, that the sides have codes. It
leaves out what Basalt adds: labels of the listings, supports, checks, metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

DAY = date(2026, 2, 2)
MIC = "XBEN"
SIDES = {"Bid": 2, "Ask": 1, "Total": None}
KEYS = ("ListingId", "TimeBucket")
WANTED = "LIT_CONTINUOUS"

_BARS = {
    "generic_metrics": [
        {"measures": "OHLC"},
        {"measures": ["Volume", "VWAP", "Notional"]},
    ]
}

_LIT = {"attribute_filters": {"Classification": WANTED}}
_BY_SIDE = {"sides": list(SIDES), **_LIT}

_SIXTY_THREE = {
    "generic_metrics": [
        {
            "measures": [
                "OHLC",
                "Volume",
                "Count",
                "Notional",
                "NotionalEUR",
                "NotionalUSD",
                "RetailCount",
                "BlockCount",
                "VWAP",
                "VolumeWeightedPricePlacement",
                "AvgPrice",
            ],
            **_BY_SIDE,
        }
    ],
    "discrepancy_metrics": [
        {"references": ["EBBO"], "aggregations": ["Mean", "Min", "Max"], **_BY_SIDE},
        {"references": ["PreTradeMid"], "aggregations": ["Mean"], **_BY_SIDE},
    ],
    "flag_metrics": [
        {"measures": ["Volume", "Count"], "flags": ["OddLotTrade"], **_BY_SIDE},
        {"measures": ["Count"], "flags": ["AlgorithmicTrade"], **_BY_SIDE},
    ],
}

CASES: Mapping[str, str] = {"a": "OHLCV, VWAP, notional", "b": "63 metrics, 3 sides, LIT_CONTINUOUS"}


def config(case: str, lake: Path, output: Path) -> dict[str, Any]:
    """What a user of Basalt writes for *case*."""
    return {
        "START_DATE": str(DAY),
        "END_DATE": str(DAY),
        "UNIVERSE": f"mic={MIC}",
        "DATA_SOURCE_PATH": ["lake"],
        "LAKE": str(lake),
        "NUM_WORKERS": 1,
        "OUTPUT_TARGET": {"type": "parquet", "path_template": str(output)},
        "PASSES": [{"name": "bars", "modules": ["trade"], "trade_analytics": _BARS if case == "a" else _SIXTY_THREE}],
    }


def by_hand(case: str, trades: Path) -> pl.LazyFrame:
    """The same table as one Polars query: scan, one group_by of plain reductions, finish, sort."""
    scanned = pl.scan_parquet(trades)
    return (_bars(scanned) if case == "a" else _sixty_three(scanned)).sort(KEYS)


def _bucket() -> pl.Expr:
    """End of the minute of a trade; a trade on the edge belongs to the minute that ends there."""
    minute = 60_000_000_000
    nanos = pl.col("TradeTimestampNanoseconds").to_physical()
    return (((nanos - 1) // minute + 1) * minute).cast(pl.Datetime("ns")).alias("TimeBucket")


def _bars(scanned: pl.LazyFrame) -> pl.LazyFrame:
    price, size = pl.col("InstrumentCurrencyPrice"), pl.col("Size")
    rows = scanned.with_columns(_bucket(), (price * size).alias("Value"))
    bars = rows.group_by(KEYS).agg(
        price.first().alias("Open"),
        price.max().alias("High"),
        price.min().alias("Low"),
        price.last().alias("Close"),
        size.sum().alias("TradeTotalVolume"),
        pl.col("Value").sum().alias("TradeTotalNotional"),
        pl.col("MarketState").last(),
    )
    return bars.with_columns((pl.col("TradeTotalNotional") / pl.col("TradeTotalVolume")).alias("TradeTotalVWAP"))


def _sixty_three(scanned: pl.LazyFrame) -> pl.LazyFrame:
    rows = scanned.filter(pl.col("Classification") == WANTED).with_columns(_bucket(), *_row_values())
    reduced = rows.group_by(KEYS).agg(pl.col("MarketState").last(), *(each for side in SIDES for each in _reductions(side)))
    finished = reduced.with_columns(each for side in SIDES for each in _finishes(side))
    return finished.drop(name for name in finished.collect_schema().names() if name.startswith("part:"))


def _row_values() -> list[pl.Expr]:
    price, size = pl.col("InstrumentCurrencyPrice"), pl.col("Size")
    mid = (pl.col("BestBidPrice") + pl.col("BestAskPrice")) / 2
    return [
        (price * size).alias("Value"),
        ((2 * pl.col("PricePoint").clip(0, 1) - 1) * size).alias("Placed"),
        (10_000 * (price - mid) / mid).alias("ToBest"),
        (10_000 * (price - pl.col("PreTradeMid1ms")) / pl.col("PreTradeMid1ms")).alias("ToMid"),
        (pl.col("BMLLParticipantType") == "RETAIL").alias("Retail"),
        (pl.col("IsBlock") == "TRUE").alias("Block"),
        (pl.col("LotType") == "ODD").alias("Odd"),
        (pl.col("AlgorithmicTrade") == "H").alias("Algorithmic"),
    ]


def _named(side: str) -> tuple[str, str]:
    """How columns of trades, and those of references and flags, carry *side*."""
    return f"Trade{side}", "" if side == "Total" else side


def _reductions(side: str) -> list[pl.Expr]:
    code = SIDES[side]
    on_side = pl.lit(True) if code is None else pl.col("AggressorSide") == code

    def masked(expr: pl.Expr) -> pl.Expr:
        return expr if code is None else pl.when(on_side).then(expr)

    def counted(expr: pl.Expr) -> pl.Expr:
        return (expr if code is None else on_side & expr).sum().cast(pl.Int64)

    def edge(expr: pl.Expr) -> pl.Expr:
        return expr if code is None else expr.filter(on_side)

    price, size = pl.col("InstrumentCurrencyPrice"), pl.col("Size")
    trade, suffix = _named(side)
    bar = "" if side == "Total" else trade
    return [
        edge(price).first().alias(f"{bar}Open"),
        masked(price).max().alias(f"{bar}High"),
        masked(price).min().alias(f"{bar}Low"),
        edge(price).last().alias(f"{bar}Close"),
        masked(size).sum().alias(f"{trade}Volume"),
        (pl.len() if code is None else on_side.sum()).cast(pl.Int64).alias(f"{trade}Count"),
        masked(pl.col("Value")).sum().alias(f"{trade}Notional"),
        masked(pl.col("TradeNotionalEUR")).sum().alias(f"{trade}NotionalEUR"),
        masked(pl.col("TradeNotionalUSD")).sum().alias(f"{trade}NotionalUSD"),
        counted(pl.col("Retail")).alias(f"{trade}RetailCount"),
        counted(pl.col("Block")).alias(f"{trade}BlockCount"),
        masked(price).mean().alias(f"{trade}AvgPrice"),
        masked(pl.col("Placed")).sum().alias(f"part:{side}Placed"),
        masked(pl.col("ToBest")).mean().alias(f"DiscrepancyToEBBO{suffix}"),
        masked(pl.col("ToBest")).min().alias(f"DiscrepancyToEBBO{suffix}Min"),
        masked(pl.col("ToBest")).max().alias(f"DiscrepancyToEBBO{suffix}Max"),
        masked(pl.col("ToMid")).mean().alias(f"DiscrepancyToPreTradeMid{suffix}"),
        (size * (pl.col("Odd") & on_side)).sum().alias(f"OddLotTradeVolume{suffix}"),
        counted(pl.col("Odd")).alias(f"OddLotTradeCount{suffix}"),
        counted(pl.col("Algorithmic")).alias(f"AlgorithmicTradeCount{suffix}"),
    ]


def _finishes(side: str) -> list[pl.Expr]:
    trade, _ = _named(side)
    volume = pl.col(f"{trade}Volume")

    def per_share(column: str) -> pl.Expr:
        return pl.when(volume != 0).then(pl.col(column) / volume)

    return [
        per_share(f"{trade}Notional").alias(f"{trade}VWAP"),
        per_share(f"part:{side}Placed").alias(f"{trade}VolumeWeightedPricePlacement"),
    ]
