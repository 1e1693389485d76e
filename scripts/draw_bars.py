"""Draw the bars of one listing, as `demo/01_ohlcv_bars.py` writes them: prices and VWAP above, volume below.

uv run --with matplotlib scripts/draw_bars.py BARS.parquet docs/images/bars.png [--start 11:00 --hours 2]
"""

from __future__ import annotations

import argparse
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import polars as pl

UP, DOWN, VWAP, QUIET = "#2a7f62", "#b5483a", "#2f4b7c", "#6b6b6b"
MINUTE = 1 / 1440


def bars_of(path: Path, ticker: str, mic: str, start: time, hours: int) -> pl.DataFrame:
    """Bars of one listing within some *hours* from *start* (UTC), in order of time."""
    frame = pl.read_parquet(path).filter(pl.col("Ticker") == ticker, pl.col("MIC") == mic)
    first = pl.col("Date").dt.combine(start)
    return frame.filter(pl.col("TimeBucket") > first, pl.col("TimeBucket") <= first + timedelta(hours=hours)).sort("TimeBucket")


def draw(bars: pl.DataFrame, out: Path, title: str) -> None:
    """Write the picture to *out*."""
    import matplotlib.pyplot as plt  # type: ignore[import-not-found,unused-ignore]
    from matplotlib.dates import DateFormatter, MinuteLocator, date2num  # type: ignore[import-not-found,unused-ignore]

    figure, (above, below) = plt.subplots(2, 1, figsize=(11, 5.6), sharex=True, height_ratios=(3, 1), layout="constrained")
    times = date2num(bars["TimeBucket"].to_numpy()) - MINUTE / 2
    colours = [UP if close >= opened else DOWN for opened, close in bars.select("Open", "Close").iter_rows()]
    _draw_prices(above, bars, times, colours)
    below.bar(times, bars["TradeTotalVolume"].to_numpy() / 1000, width=MINUTE * 0.8, color=colours, linewidth=0)
    currency = bars["CurrencyCode"][0]
    above.set_ylabel(f"price ({currency})")
    below.set_ylabel("thousand shares")
    below.xaxis.set_major_locator(MinuteLocator(byminute=(0, 15, 30, 45)))
    below.xaxis.set_major_formatter(DateFormatter("%H:%M"))
    below.set_xlabel("UTC")
    above.set_title(title, loc="left", fontsize=11)
    above.legend(loc="upper right", frameon=False)
    for axes in (above, below):
        axes.margins(x=0.01)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(colors=QUIET)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110, metadata={"Software": None})


def _draw_prices(axes: Any, bars: pl.DataFrame, times: Any, colours: list[str]) -> None:
    axes.vlines(times, bars["Low"], bars["High"], color=colours, linewidth=1)
    axes.vlines(times, bars["Open"], bars["Close"], color=colours, linewidth=4.5)
    axes.plot(times, bars["TradeTotalVWAP"], color=VWAP, linewidth=1.4, label="VWAP of the minute")


def main() -> None:
    """Read the arguments, draw, and say where the picture is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bars", type=Path, help="output of demo/01_ohlcv_bars.py")
    parser.add_argument("out", type=Path, help="picture to write")
    parser.add_argument("--ticker", default="BSLT")
    parser.add_argument("--mic", default="XLON")
    parser.add_argument("--start", type=time.fromisoformat, default=time(11), help="first minute, UTC")
    parser.add_argument("--hours", type=int, default=2)
    given = parser.parse_args()
    bars = bars_of(given.bars, given.ticker, given.mic, given.start, given.hours)
    draw(bars, given.out, f"{given.ticker} on {given.mic}, {bars['Date'][0]}: one-minute bars of {bars['TradeTotalCount'].sum():,} trades")
    print(given.out)


if __name__ == "__main__":
    main()
