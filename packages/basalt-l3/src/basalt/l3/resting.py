"""How long orders stayed that leave now: known at the end of the bucket, by how they ended."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import polars as pl
from pydantic import Field

from basalt.core.declaring import EVERY_ROW, Example, Ratio, RatioOfSums, all_of, analytic, count_where, ratio, where
from basalt.l3.conditions import SideOrTotal, column_of, is_cancel, on_side, withdrawn
from basalt.l3.following import trace
from basalt.l3.lives import is_filled, is_gone

FAMILY = "advanced_metrics"
Outcome = Literal["Any", "Filled", "Cancelled"]
Millis = Annotated[int, Field(gt=0)]
SECOND = 1_000_000_000
_LIVES: dict[str, list[Any]] = {
    "EventTimestamp": [0, 1 * SECOND, 2 * SECOND, 5 * SECOND, 6 * SECOND],
    "LobAction": [2, 2, 3, 3, 3],
    "Side": [1, 2, 1, 2, 1],
    "Size": [100, 70, 0, 0, 0],
    "OldSize": [0, 0, 100, 70, 10],
    "ExecutionSize": [0, 0, 100, 0, 0],
    "OrderId": ["a", "b", "", "", ""],
    "OldOrderId": ["", "", "a", "b", "old"],
}
"""A bid is filled after 2 s, an ask cancelled after 4 s, and a bid leaves that rested from before the data."""


def _ended(outcome: Outcome) -> pl.Expr | None:
    if outcome == "Any":
        return is_gone()
    return all_of(is_gone(), is_filled() if outcome == "Filled" else ~is_filled())


def _resting_column(outcome: Outcome, side: SideOrTotal) -> str:
    return column_of("AvgRestingTime" if outcome == "Any" else f"AvgRestingTime{outcome}", side)


@analytic(
    family=FAMILY,
    measure="AvgRestingTime",
    column=_resting_column,
    unit="ns",
    math=r"\frac1n \sum_{j\,\mathrm{ends}} (t^{end}_j - t^{entry}_j)",
    rollup=RatioOfSums(),
    source="Hasbrouck & Saar (2009), Journal of Financial Markets 12(2)",
    examples=[
        Example(_LIVES, gives=3.0 * SECOND),
        Example(_LIVES, axes={"outcome": "Filled"}, gives=2.0 * SECOND),
        Example(_LIVES, axes={"outcome": "Cancelled", "side": "Bid"}, gives=None),
    ],
)
def resting_time(outcome: Outcome = "Any", side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Mean time from entry to end of the orders that end in the bucket; null without any.

    `Filled` ended with the execution of all that was displayed, `Cancelled` any other way. Orders whose
    entry is not in the data are left out; orders that still rest are in the bucket in which they end.
    It describes those that end now: short lives end first, so see `lifetime_metrics` for how long
    orders live.
    """
    age = trace("Age").cast(pl.Float64)
    ended = all_of(_ended(outcome), on_side(side), rows)
    return ratio(where(age, ended).sum(), count_where(age.is_not_null(), ended))


def _fleeting_column(fleeting_threshold_ms: int, side: SideOrTotal) -> str:
    return column_of("FleetingCancelRatio" if fleeting_threshold_ms == 100 else f"FleetingCancelRatio{fleeting_threshold_ms}ms", side)


@analytic(
    family=FAMILY,
    measure="FleetingCancelRatio",
    column=_fleeting_column,
    unit="1",
    math=r"\sum_{i \in can,\, age_i < \tau} v_i \,/\, \sum_{i \in can} v_i",
    rollup=RatioOfSums(),
    source="Hasbrouck & Saar (2009), Journal of Financial Markets 12(2)",
    examples=[Example(_LIVES, gives=0.0), Example(_LIVES, axes={"fleeting_threshold_ms": 5000}, gives=1.0)],
)
def fleeting_cancels(fleeting_threshold_ms: Millis = 100, side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Share of the displayed size taken back in the bucket that was entered less than {fleeting_threshold_ms} ms before.

    Null without cancels of orders whose entry is in the data; others are left out.
    """
    age, taken = trace("Age"), all_of(is_cancel(), on_side(side), rows)
    young = where(withdrawn(), age < fleeting_threshold_ms * 1_000_000, taken)
    return ratio(young.sum(), where(withdrawn(), age.is_not_null(), taken).sum())
