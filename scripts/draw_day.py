"""Draw a simulated day of one instrument: prices and the latent one, what is traded by class, what auctions announce.

basalt data simulate --lake lake --date 2026-02-02 --scenario packages/basalt-synthetic/examples/stormy.yaml
uv run --with matplotlib scripts/draw_day.py lake 2026-02-02 docs/images/simulated-day.png
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

LATENT, HOME, ELSEWHERE, QUIET = "#b5483a", "#2f4b7c", "#8aa0c8", "#6b6b6b"
CLASSES = {
    "LIT_CONTINUOUS": "#2f4b7c",
    "LIT_AUCTION": "#d08c2c",
    "LIT_HIDDEN": "#7a5aa6",
    "DARK": "#3a3a3a",
    "SI_ADDRESSABLE_BELOW_LIS": "#2a7f62",
    "OFF_BOOK_ON_EXCHANGE": "#9fb8ad",
}
SHADES = {"AUCTION": "#f6e3c3", "HALTED": "#f0c9c4"}
BUCKET = timedelta(minutes=10)


@dataclass(frozen=True)
class Day:
    """The tables of one instrument's day, all its venues together."""

    folder: Path
    day: date
    instrument: int

    def table(self, folder: str, *, instrument: str = "InstrumentId") -> pl.DataFrame:
        """Rows of the instrument in the files of *folder*; *instrument* names the column that tells."""
        files = sorted((self.folder / folder).glob(f"*/{self.day:%Y/%m/%d}/*.parquet"))
        rows = pl.concat([pl.read_parquet(file) for file in files], how="diagonal_relaxed")
        wanted = [self.instrument] if instrument == "InstrumentId" else self.listings()
        return rows.filter(pl.col(instrument).is_in(wanted))

    def listings(self) -> list[int]:
        """Listings of the instrument."""
        return self.table("Reference")["ListingId"].to_list()


def draw(day: Day, out: Path) -> None:
    """Write the picture to *out*."""
    import matplotlib.pyplot as plt  # type: ignore[import-not-found,unused-ignore]
    from matplotlib.dates import DateFormatter, HourLocator  # type: ignore[import-not-found,unused-ignore]

    figure, panels = plt.subplots(3, 1, figsize=(11, 8), sharex=True, height_ratios=(3, 1.3, 1), layout="constrained")
    reference = day.table("Reference")
    name = reference["Ticker"][0]
    _draw_prices(panels[0], day)
    _draw_volumes(panels[1], day)
    _draw_imbalances(panels[2], day)
    states = day.table("MarketState").filter(pl.col("MIC") == reference["OPOL"][0]).sort("TimestampNanoseconds")
    for axes in panels:
        _shade(axes, states)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=QUIET)
        axes.margins(x=0.01)
    panels[0].set_title(f"{name}, {day.day}: a simulated day on {', '.join(reference.sort('ListingId')['MIC'])}", loc="left", fontsize=11)
    panels[2].xaxis.set_major_locator(HourLocator())
    panels[2].xaxis.set_major_formatter(DateFormatter("%H:%M"))
    panels[2].set_xlabel("UTC; auctions of the home venue and halts are shaded")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110, metadata={"Software": None})


def _shade(axes: Any, states: pl.DataFrame) -> None:
    rows = list(states.select("TimestampNanoseconds", "MarketState").iter_rows())
    for (start, state), (end, _) in pairwise(rows):
        for word, colour in SHADES.items():
            if word in state:
                axes.axvspan(start, end, color=colour, linewidth=0, zorder=0)


def _draw_prices(axes: Any, day: Day) -> None:
    books = day.table("Equity", instrument="ListingId").filter(pl.col("MarketState") == "CONTINUOUS_TRADING")
    home = day.table("Reference")["OPOL"][0]
    for mic, rows in sorted((str(key[0]), rows) for key, rows in books.group_by("MIC")):
        mids = (
            rows.sort("TimestampNanoseconds")
            .group_by_dynamic("TimestampNanoseconds", every="10s")
            .agg(((pl.col("BidPrice1") + pl.col("AskPrice1")) / 2).last().alias("mid"))
        )
        gaps = mids.upsample("TimestampNanoseconds", every="10s").with_columns(pl.col("mid").forward_fill(limit=30))
        colour = HOME if mic == home else ELSEWHERE
        axes.plot(gaps["TimestampNanoseconds"], gaps["mid"], color=colour, linewidth=0.9, label=f"mid on {mic}")
    truth = day.table("Truth").sort("TimestampNanoseconds")
    axes.plot(truth["TimestampNanoseconds"], truth["LatentPrice"], color=LATENT, linewidth=1.3, label="latent price")
    trades = day.table("Trades-Plus").filter(pl.col("Classification") == "LIT_AUCTION")
    minute = pl.col("TradeTimestampNanoseconds").dt.truncate("1m").alias("minute")
    crosses = trades.group_by("MIC", minute).agg(pl.col("TradeTimestampNanoseconds", "InstrumentCurrencyPrice").first())
    axes.scatter(
        crosses["TradeTimestampNanoseconds"],
        crosses["InstrumentCurrencyPrice"],
        color=CLASSES["LIT_AUCTION"],
        s=36,
        zorder=4,
        label="uncross",
    )
    axes.set_ylabel(f"price ({day.table('Reference')['CurrencyCode'][0]})")
    axes.legend(loc="best", frameon=False, ncols=2)


def _draw_volumes(axes: Any, day: Day) -> None:
    trades = day.table("Trades-Plus").filter(pl.col("ModificationIndicator") == "-")
    start = pl.col("TradeTimestampNanoseconds").dt.truncate(BUCKET)
    volumes = trades.group_by(start.alias("start"), "Classification").agg(pl.col("Size").sum() / 1000)
    wide = volumes.pivot("Classification", index="start", values="Size").fill_null(0).sort("start")
    below = [0.0] * wide.height
    middles = [moment + BUCKET / 2 for moment in wide["start"]]
    for name, colour in CLASSES.items():
        if name in wide.columns:
            axes.bar(middles, wide[name], bottom=below, width=BUCKET * 0.85, color=colour, linewidth=0, label=name, align="center")
            below = [low + height for low, height in zip(below, wide[name], strict=True)]
    axes.set_ylabel("thousand shares")
    axes.set_ylim(top=max(below) * 1.6)
    axes.legend(loc="upper center", frameon=False, ncols=3, fontsize=8)


def _draw_imbalances(axes: Any, day: Day) -> None:
    messages = day.table("Imbalance").filter(pl.col("IsCrossed")).sort("TimestampNanoseconds")
    signs = pl.when(pl.col("ImbalanceSide") == 2).then(-1).otherwise(1)
    surplus = messages.select(pl.col("ImbalanceQuantity") * signs / 1000).to_series()
    times: list[datetime] = messages["TimestampNanoseconds"].to_list()
    axes.vlines(times, 0, messages["PairedQuantity"] / 1000, color=CLASSES["LIT_AUCTION"], linewidth=1.2, alpha=0.55, label="paired")
    axes.vlines(times, 0, surplus, color=LATENT, linewidth=1.2, label="surplus (bought above, sold below)")
    axes.axhline(0, color=QUIET, linewidth=0.6)
    axes.set_ylabel("thousand shares")
    axes.legend(loc="upper center", frameon=False, ncols=2, fontsize=8)


def main() -> None:
    """Read the arguments, draw, and say where the picture is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path, help="folder that `basalt data simulate` wrote")
    parser.add_argument("day", type=date.fromisoformat)
    parser.add_argument("out", type=Path, help="picture to write")
    parser.add_argument("--instrument", type=int, default=500001)
    given = parser.parse_args()
    draw(Day(given.lake, given.day, given.instrument), given.out)
    print(given.out)


if __name__ == "__main__":
    main()
