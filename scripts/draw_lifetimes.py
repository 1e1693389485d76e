"""Draw how the orders of one listing end, as `demo/08_order_lifetimes.py` writes it: shares filled, cancelled and resting by age.

uv run --with matplotlib scripts/draw_lifetimes.py LIFETIMES.parquet docs/images/order_lifetimes.png [--ticker BSLT]
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import polars as pl

FILLED, CANCELLED, RESTING, TEXT = "#2a7f62", "#b5483a", "#d9d9d9", "#3a3a3a"
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
TICKS = {0.001: "1 ms", 0.01: "10 ms", 0.1: "100 ms", 1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h"}


def curves(path: Path, ticker: str) -> pl.DataFrame:
    """`Age` (seconds) and the probabilities `Fill`, `Cancel` and `Survival` of one listing, in order of age."""
    row: dict[str, Any] = pl.read_parquet(path).row(by_predicate=pl.col("Ticker") == ticker, named=True)
    ages = [match[1] for name in row if (match := re.fullmatch(r"SurvivalProbability(\d+\w+)", name))]
    rows = [{"Age": _seconds(age), **{name: row[f"{name}Probability{age}"] for name in ("Fill", "Cancel", "Survival")}} for age in ages]
    return pl.DataFrame(rows).drop_nulls().sort("Age")


def _seconds(age: str) -> float:
    unit = age.lstrip("0123456789")
    return int(age.removesuffix(unit)) * SECONDS[unit]


def draw(shares: pl.DataFrame, out: Path, title: str) -> None:
    """Write the picture to *out*."""
    import matplotlib.pyplot as plt  # type: ignore[import-not-found,unused-ignore]

    figure, axes = plt.subplots(figsize=(9, 4.6), layout="constrained")
    ages: list[float] = shares["Age"].to_list()
    axes.stackplot(ages, [shares[name] for name in ("Fill", "Survival", "Cancel")], colors=[FILLED, RESTING, CANCELLED], linewidth=0)
    axes.set_xscale("log")
    axes.set_xlim(ages[0], ages[-1])
    axes.set_ylim(0, 1)
    places = [age for age in TICKS if ages[0] <= age <= ages[-1]]
    axes.set_xticks(places, [TICKS[age] for age in places])
    axes.set_xticks([], minor=True)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.set_xlabel("age of an order")
    axes.set_ylabel("share of orders")
    axes.set_title(title, loc="left", fontsize=11)
    _label(axes, shares)
    axes.spines[["top", "right"]].set_visible(False)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110, metadata={"Software": None})


def _label(axes: Any, shares: pl.DataFrame) -> None:
    """Name each area inside of it."""
    last = shares.row(-1, named=True)
    early = shares.row(shares.height // 4, named=True)
    for text, age, height, colour in (
        ("filled", shares["Age"][-2], last["Fill"] / 2, "white"),
        ("cancelled", shares["Age"][-2], 1 - last["Cancel"] / 2, "white"),
        ("still resting", early["Age"], early["Fill"] + early["Survival"] / 2, TEXT),
    ):
        axes.text(age, height, text, color=colour, ha="right" if colour == "white" else "left", va="center", fontsize=11)


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description="Draw how the orders of one listing end.")
    parser.add_argument("lifetimes", type=Path, help="output of demo/08_order_lifetimes.py")
    parser.add_argument("out", type=Path, help="picture to write")
    parser.add_argument("--ticker", default="BSLT", help="listing to draw")
    asked = parser.parse_args()
    draw(curves(asked.lifetimes, asked.ticker), asked.out, f"How orders end: {asked.ticker}, entered in continuous trading, simulated day")


if __name__ == "__main__":
    main()
