"""Draw what takers pay, and how much of it stays in the price, at horizons after the trade.

uv run --with matplotlib scripts/draw_impact.py docs/images/market_impact.png [--date 2026-02-02]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import polars as pl

from basalt.core.ledger import Ledger
from basalt.core.pipelines import load_module
from basalt.core.running import run
from workspace import ROOT

PAID, KEPT, MOVED, FLOW, QUIET = "#6b6b6b", "#2a7f62", "#b5483a", "#2f4b7c", "#6b6b6b"


def hours(day: str) -> tuple[pl.DataFrame, list[str]]:
    """The rows of the demo, and its horizons."""
    demo = load_module(ROOT / "demo" / "04_market_impact.py")
    with tempfile.TemporaryDirectory() as folder:
        target = {"type": "parquet", "path_template": f"{folder}/{{datasetname}}.parquet"}
        config = {**demo.USER_CONFIG, "START_DATE": day, "END_DATE": day, "OUTPUT_TARGET": target}
        run(config, ledger=Ledger(Path(folder) / "state"))
        return pl.read_parquet(Path(folder) / "impact_hours.parquet"), demo.HORIZONS


def weighted(rows: pl.DataFrame, column: str) -> float:
    """Mean of *column* over listings and hours, weighted with notional."""
    known = rows.filter(pl.col(column).is_not_null())
    return float(known.select((pl.col(column) * pl.col("TradeTotalNotional")).sum() / pl.col("TradeTotalNotional").sum()).item())


def draw(rows: pl.DataFrame, horizons: list[str], out: Path) -> None:
    """Write the picture to *out*."""
    import matplotlib.pyplot as plt  # type: ignore[import-not-found,unused-ignore]

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), width_ratios=(3, 2), layout="constrained")
    places = range(len(horizons))
    moved = [weighted(rows, f"PriceImpactBps{each}") for each in horizons]
    kept = [weighted(rows, f"RealizedSpreadBps{each}") for each in horizons]
    left.axhline(weighted(rows, "EffectiveSpreadBps"), color=PAID, linewidth=1.2, linestyle="--", label="effective spread: what takers pay")
    left.plot(places, moved, color=MOVED, marker="o", label="price impact: what stays in the price")
    left.plot(places, kept, color=KEPT, marker="o", label="realised spread: what makers keep")
    left.set_xticks(list(places), horizons)
    left.set_xlabel("after the trade")
    left.set_ylabel("bps of the mid, round trip")
    left.set_title("Where the effective spread goes", loc="left", fontsize=11)
    left.legend(frameon=False, fontsize=9)
    flow = rows.with_columns(
        (1e4 * (pl.col("MidCloseC") / pl.col("MidOpenC") - 1)).alias("return"),
        (pl.col("OFI1") / pl.mean_horizontal("BidDepthWithin10BpsTWA", "AskDepthWithin10BpsTWA")).alias("flow"),
    ).drop_nulls(["return", "flow"])
    right.scatter(flow["flow"], flow["return"], s=14, color=FLOW, alpha=0.6, linewidths=0)
    right.set_xlabel("order-flow imbalance / depth within 10 bps")
    right.set_ylabel("return of the mid, bps")
    right.set_title("What moves the mid within an hour", loc="left", fontsize=11)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(colors=QUIET)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110, metadata={"Software": None})


def main() -> int:
    """Run the demo and draw it."""
    parser = argparse.ArgumentParser(description="Draw market impact on a simulated day.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--date", default="2026-02-02")
    asked = parser.parse_args()
    rows, horizons = hours(asked.date)
    draw(rows, horizons, asked.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
