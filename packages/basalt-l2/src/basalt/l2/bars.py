"""Where the book went: open, high, low and close of quotes, and how wild they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import Field

from basalt.core.declaring import UNASKED, Example, Held, OverTime, WindowReduction, moves, window_moves
from basalt.l2.books import NOT_CONTINUOUS, book_analytic, of_book
from basalt.l2.spreads import Source, source_price

OHLC = "ohlc"
VOLATILITY = "volatility"
BarPrice = Literal["Open", "High", "Low", "Close"]
OpenMode = Literal["event", "prev_close"]
_REDUCTIONS: Mapping[OpenMode, Mapping[BarPrice, str]] = {
    "event": {"Open": "EventFirst", "High": "EventMax", "Low": "EventMin", "Close": "EventLast"},
    "prev_close": {"Open": "First", "High": "Max", "Low": "Min", "Close": "LastKnown"},
}
SUFFIX: Mapping[OpenMode, str] = {"event": "", "prev_close": "C"}
"""What an open mode adds to a column's name; `{openMode}` in a pattern."""
_PATH: dict[str, list[Any]] = {"BidPrice1": [10.0, 13.0, 9.0], "AskPrice1": [12.0, 15.0, 11.0]}


def _empty(source: Source, open_mode: OpenMode, ohlc: BarPrice) -> Literal["carry", "null"]:
    del source, ohlc
    return "carry" if open_mode == "prev_close" else "null"


@book_analytic(
    family=OHLC,
    measure="OHLC",
    column=lambda source, open_mode, ohlc: f"{source}{ohlc}{SUFFIX[open_mode]}",
    unit="{currency}",
    math=r"x(t_1),\ \max_t x(t),\ \min_t x(t),\ x(t_n)",
    rollup=OverTime(),
    empty=_empty,
    examples=[
        Example(_PATH, axes={"ohlc": "Open"}, gives=11.0),
        Example(_PATH, axes={"ohlc": "High"}, gives=14.0),
        Example(_PATH, axes={"ohlc": "Low", "source": "Bid"}, gives=9.0),
        Example(_PATH, axes={"ohlc": "Close", "open_mode": "prev_close"}, gives=10.0),
    ],
)
def bar(source: Source = "Mid", open_mode: OpenMode = "event", ohlc: BarPrice = "Close") -> Held:
    """{ohlc} of {source}, open mode {open_mode}.

    `event`: over the changes of the book inside the bucket, nothing carried in; null without any. A phase that lets the
    book count is a change too. Changes to a book without that price are left out. `prev_close`,
    columns with a `C` at the end: over all that stood in the bucket, the state carried in included, so that a
    bar opens where the one before closed and a bucket without changes has all four prices equal.
    """
    return of_book(source_price(source), _REDUCTIONS[open_mode][ohlc])


NANOS = 1_000_000_000


@book_analytic(
    family=VOLATILITY,
    measure="Volatility",
    column="L2Volatility{source}{agg}",
    unit="1",
    math=r"\sqrt{\sum_k (\ln x(k\Delta) - \ln x((k-1)\Delta))^2}",
    rollup=OverTime(),
    empty="null",
    source="Andersen, Bollerslev, Diebold & Labys (2003), Econometrica 71(2); Hansen & Lunde (2006), JBES 24(2), on the choice of the grid",
    examples=[
        Example({"BidPrice1": [100.0, 101.0, 100.0]}, axes={"source": "Bid"}, gives=0.014071892842649461),
        Example({"BidPrice1": [100.0]}, axes={"source": "Bid"}, gives=None),
    ],
)
def volatility(
    source: Source = "Mid",
    subsample_seconds: Annotated[float, Field(gt=0)] | None = None,
    agg: Literal["Std"] = "Std",  # noqa: ARG001 - the name says that columns are deviations, and who makes them
) -> Held:
    """Realised volatility of {source} over the bucket, as a fraction, not annualised.

    The root of the sum of squared log returns between samples: what stands at the end of each slot of
    `subsample_seconds`, or after each instant with a change if unset. The price before the bucket is carried in,
    so the buckets of a day add up in variance; slots without a change bring a return of 0. There is no return over
    a phase in which books do not count, and a slot that such a phase cuts has a sample where it is cut. While there is no
    price the last one stands. Null in a bucket without a change to measure.
    """
    return moves(_log_price(source), _slot(subsample_seconds), never=NOT_CONTINUOUS)


def _log_price(source: Source) -> pl.Expr:
    price = source_price(source)
    return pl.when(price > 0).then(price.log())


def _slot(seconds: float | None) -> int:
    """Length of a slot, ns; 0 samples every instant."""
    return 0 if seconds is None else round(seconds * NANOS)


def _window_column(source: Source, window: float | str, window_agg: str, **_: object) -> str:
    return f"L2Volatility{source}Win{window if isinstance(window, str) else f'{window:g}'}s{window_agg}"


@book_analytic(
    family=VOLATILITY,
    measure="WindowVolatility",
    column=_window_column,
    unit="1",
    math=r"\mathrm{agg}_w\ \sigma_w, \quad \sigma_w = \sqrt{\sum_{k \in w} (\ln x(k\Delta) - \ln x((k-1)\Delta))^2}",
    rollup=OverTime(),
    empty="null",
    source="Hasbrouck (2018), Journal of Financial and Quantitative Analysis 53(2), on how quotes vary at several scales",
    examples=[
        Example(
            {"BidPrice1": [100.0, 101.0, 100.0]},
            axes={"source": "Bid", "window": 3600.0, "window_agg": "Max"},
            gives=0.014071892842649461,
        ),
    ],
)
def window_volatility(
    window: Annotated[float, Field(gt=0)],
    source: Source = "Mid",
    subsample_seconds: Annotated[float, Field(gt=0)] | None = None,
    window_agg: WindowReduction = UNASKED,
) -> Held:
    """{window_agg} over the windows of {window} s of a bucket of the realised volatility of {source}: a fraction, not annualised.

    Each window is measured as `Volatility` measures a bucket, the price before it carried in; it is 0 where the price stood
    without an event, and does not count where there is no return to measure (before the first price, in a halt). `TWMean` and
    `TWStd` weight windows with the time in which the price stood in them, `Std` divides by n - 1, `Median` lies in the middle of the
    two in the middle. Null without a window. Slots fill windows, windows fill buckets.
    """
    return window_moves(_log_price(source), _slot(subsample_seconds), _slot(window), window_agg, never=NOT_CONTINUOUS)
