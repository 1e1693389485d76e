"""Draw the claims that hold for one listing hour by hour, as `demo/06_characteristics.py` writes them.

uv run --with matplotlib scripts/draw_characteristics.py FACTS.parquet docs/images/characteristics.png [--ticker BSLT --mic XLON]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import polars as pl

TRUE, FALSE, UNKNOWN, EVENTS, TRADES, QUIET = "#2f4b7c", "#e9edf4", "#ffffff", "#8fa3c7", "#2a7f62", "#6b6b6b"


def claims_of(path: Path, ticker: str, mic: str) -> pl.DataFrame:
    """The rows of one listing in order of time."""
    return pl.read_parquet(path).filter(pl.col("Ticker") == ticker, pl.col("MIC") == mic).sort("TimeBucket")


def draw(facts: pl.DataFrame, out: Path, title: str) -> None:
    """Write the picture to *out*."""
    import matplotlib.pyplot as plt  # type: ignore[import-not-found,unused-ignore]

    claims = [name for name, dtype in facts.schema.items() if dtype == pl.Boolean()]
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 9.6), height_ratios=(1, 6), sharex=True, layout="constrained")
    _draw_counts(above, facts)
    _draw_claims(below, facts, claims)
    hours = [f"{moment:%H:%M}" for moment in facts["TimeBucket"]]
    below.set_xticks(range(len(hours)), hours)
    below.set_xlabel("end of the hour, UTC")
    above.set_title(title, loc="left", fontsize=11)
    for axes in (above, below):
        axes.spines[:].set_visible(False)
        axes.tick_params(colors=QUIET, length=0, labelsize=9)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110, metadata={"Software": None})


def _draw_counts(axes: Any, facts: pl.DataFrame) -> None:
    places = range(facts.height)
    axes.bar([place - 0.2 for place in places], facts["L3EventCount"], width=0.4, color=EVENTS, label="order events")
    axes.bar([place + 0.2 for place in places], facts["TradeEventCount"], width=0.4, color=TRADES, label="trades")
    axes.legend(loc="upper right", frameon=False, ncols=2, fontsize=9)
    axes.set_ylim(0, 1.25 * max(facts["L3EventCount"].max() or 1, facts["TradeEventCount"].max() or 1))  # type: ignore[operator]


def _draw_claims(axes: Any, facts: pl.DataFrame, claims: list[str]) -> None:
    """A square for each claim and hour: dark where it is true, light where false, empty where no row tells."""
    colours = {True: TRUE, False: FALSE, None: UNKNOWN}
    for row, name in enumerate(claims):
        for hour, told in enumerate(facts[name]):
            axes.add_patch(_square(hour, row, colours[told]))
    axes.set_yticks(range(len(claims)), claims)
    axes.set_xlim(-0.5, facts.height - 0.5)
    axes.set_ylim(len(claims) - 0.5, -1.6)
    handles = [_square(0, 0, colour, edge=QUIET) for colour in colours.values()]
    axes.legend(handles, ("true", "false", "no row tells"), loc="upper right", ncols=3, frameon=False, fontsize=9, borderaxespad=0)


def _square(x: float, y: float, colour: str, edge: str = "none") -> Any:
    from matplotlib.patches import Rectangle  # type: ignore[import-not-found,unused-ignore]

    return Rectangle((x - 0.46, y - 0.42), 0.92, 0.84, facecolor=colour, edgecolor=edge, linewidth=0.6)


def main() -> None:
    """Read the arguments, draw, and say where the picture is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("facts", type=Path, help="output of demo/06_characteristics.py")
    parser.add_argument("out", type=Path, help="picture to write")
    parser.add_argument("--ticker", default="BSLT")
    parser.add_argument("--mic", default="XLON")
    given = parser.parse_args()
    facts = claims_of(given.facts, given.ticker, given.mic)
    draw(facts, given.out, f"{given.ticker} on {given.mic}, {facts['Date'][0]}: what order events and trades were like")
    print(given.out)


if __name__ == "__main__":
    main()
