"""Draw one aggressive order of a simulated day: the trades around it, and how it walked through the book.

uv run --with matplotlib scripts/draw_sweeps.py docs/images/aggressive_orders.png [--date 2026-02-01 --ticker BSLT]
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from basalt.preprocessors.aggressive_grouping import ORDER, SOURCES, grouped
from basalt.synthetic import simulate

BUY, SELL, QUIET, QUOTE = "#2a7f62", "#b5483a", "#6b6b6b", "#2f4b7c"
AROUND = timedelta(seconds=150)


def executions_of(day: date, ticker: str) -> pl.DataFrame:
    """Trades on the lit book of a listing at its home market, with the number of their aggressive order."""
    trades = simulate(day, scale=1.0)["trades"].lazy().filter(pl.col("Ticker") == ticker, pl.col("OPOL") == pl.col("MIC"))
    lit = trades.filter(pl.col("Classification").str.starts_with("LIT_")).with_columns(
        pl.col("TradeTimestampNanoseconds").alias("TradeTimestamp"), pl.col("InstrumentCurrencyPrice").alias("LocalPrice")
    )
    return grouped(lit, SOURCES["trades"], 1e-5).rename({"ConsolidatedTrades": ORDER}).collect()


def longest(executions: pl.DataFrame) -> dict[str, Any]:
    """The order with the most prices."""
    shape = executions.group_by(ORDER).agg(
        pl.col("LocalPrice").n_unique().alias("prices"), pl.len().alias("executions"), pl.col("TradeTimestamp").first()
    )
    return shape.sort("prices", "executions", "TradeTimestamp", descending=[True, True, False]).row(0, named=True)


def draw(executions: pl.DataFrame, out: Path, ticker: str) -> None:
    """Write the picture to *out*."""
    import matplotlib.pyplot as plt  # type: ignore[import-not-found,unused-ignore]

    order = longest(executions)
    near = executions.filter(pl.col("TradeTimestamp").is_between(order["TradeTimestamp"] - AROUND, order["TradeTimestamp"] + AROUND))
    walked = executions.filter(pl.col(ORDER) == order[ORDER])
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), width_ratios=(3, 2), layout="constrained")
    _draw_trades(left, near, order)
    _draw_walk(right, walked)
    side = "buy" if walked["AggressorSide"][0] == 1 else "sell"
    left.set_title(f"{ticker}: trades and the aggressive orders that they make", loc="left", fontsize=11)
    right.set_title(f"one {side} order of {walked['Size'].sum():,.0f} shares, {walked.height} trades", loc="left", fontsize=11)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(colors=QUIET)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110, metadata={"Software": None})


def _draw_trades(axes: Any, near: pl.DataFrame, order: dict[str, Any]) -> None:
    seconds = ((near["TradeTimestamp"] - order["TradeTimestamp"]).dt.total_nanoseconds() / 1e9).to_numpy()
    colours = [BUY if side == 1 else SELL for side in near["AggressorSide"]]
    axes.scatter(seconds, near["LocalPrice"], s=near["Size"].to_numpy() ** 0.5, c=colours, alpha=0.55, linewidth=0)
    for _, each in near.with_columns(pl.Series("seconds", seconds)).group_by(ORDER, maintain_order=True):
        if each["LocalPrice"].n_unique() > 1:
            axes.plot(each["seconds"], each["LocalPrice"], color=BUY if each["AggressorSide"][0] == 1 else SELL, linewidth=2)
    for colour, label in ((BUY, "buyer took"), (SELL, "seller took")):
        axes.scatter([], [], s=40, c=colour, alpha=0.55, linewidth=0, label=label)
    axes.plot([], [], color=QUIET, linewidth=2, label="one order, several prices")
    axes.legend(loc="best", frameon=False, fontsize=9)
    axes.set_xlabel("seconds from the order on the right")
    axes.set_ylabel("price")


def _draw_walk(axes: Any, walked: pl.DataFrame) -> None:
    done = walked["Size"].cum_sum().to_numpy()
    colour = BUY if walked["AggressorSide"][0] == 1 else SELL
    axes.bar(
        done - walked["Size"].to_numpy(),
        walked["LocalPrice"] - _floor(walked),
        walked["Size"],
        bottom=_floor(walked),
        align="edge",
        color=colour,
        alpha=0.55,
        edgecolor="white",
    )
    mean = walked.select((pl.col("LocalPrice") * pl.col("Size")).sum() / pl.col("Size").sum()).item()
    axes.axhline(mean, color=QUOTE, linewidth=1.4, label="mean price")
    axes.legend(loc="best", frameon=False, fontsize=9)
    axes.set_xlabel("shares, in order of execution")
    axes.set_ylabel("price")


def _floor(walked: pl.DataFrame) -> float:
    low, high = walked.select(low=pl.col("LocalPrice").min(), high=pl.col("LocalPrice").max()).row(0)
    return float(low - 0.4 * (high - low))


def main() -> None:
    """Draw what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--date", type=date.fromisoformat, default=date(2026, 2, 1))
    parser.add_argument("--ticker", default="BSLT")
    asked = parser.parse_args()
    draw(executions_of(asked.date, asked.ticker), asked.out, asked.ticker)


if __name__ == "__main__":
    main()
