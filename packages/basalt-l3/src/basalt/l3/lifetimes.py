"""How orders live that are entered in the bucket: incidence of fills and cancels with competing risks and censoring.

An order is exposed to two risks: it is filled, or it is cancelled, which hides whether it would have been filled. Treating cancels
as censored (Kaplan-Meier) would estimate a world without cancels. The Aalen-Johansen estimator gives the share that has
really been filled, or cancelled, by an age, and uses orders that are lost from sight for as long as they are seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
import polars as pl

from basalt.books.arrays import Longs
from basalt.core.declaring import (
    EVERY_ROW,
    Composite,
    Example,
    Part,
    Ratio,
    RatioOfSums,
    Settling,
    Sum,
    all_of,
    analytic,
    count_where,
    ratio,
    where,
)
from basalt.l3.conditions import SideOrTotal, column_of, on_side, shares
from basalt.l3.fates import CANCELLED, CENSORED, FILLED, fate
from basalt.l3.horizons import Horizon, horizon_nanos
from basalt.l3.lives import frozen, is_entry
from basalt.l3.resting import Millis

FAMILY = "lifetime_metrics"
Risk = Literal["FirstFill", "Fill", "Cancel"]
_LITERATURE = (
    "Lo, MacKinlay & Zhang (2002), Journal of Financial Economics 65(1); Aalen & Johansen (1978), Scandinavian Journal of Statistics 5"
)
SECOND = 1_000_000_000
ANY, CODES, SORTED_LAST = 0, 4, 3
"""How the kernel reads spells: see `incidence_kernel`, which only runs that estimate import."""

LIVES: dict[str, list[Any]] = {
    "EventTimestamp": [0, 0, 0, 0, 1 * SECOND, 2 * SECOND, 4 * SECOND],
    "LobAction": [2, 2, 2, 2, 3, 3, 1],
    "Side": [1, 1, 1, 1, 1, 1, 2],
    "Size": [100, 100, 100, 300, 0, 0, 0],
    "OldSize": [0, 0, 0, 0, 100, 100, 0],
    "ExecutionSize": [0, 0, 0, 0, 100, 0, 5],
    "OrderId": ["a", "b", "c", "d", "", "", ""],
    "OldOrderId": ["", "", "", "", "a", "b", ""],
}
"""Four bids enter; one is filled after 1 s, one cancelled after 2 s, two rest when the data end after 4 s."""


def incidence(age: str, event: str, cause: int, horizon: Horizon, *conditions: pl.Expr | None) -> Composite:
    """The Aalen-Johansen estimate of the probability that *cause* has happened by the age *horizon*.

    Args:
        age: Field of `order_fate`: age at the event or at censoring.
        event: Field of `order_fate`: what happened then.
        cause: The event that counts, or `ANY`.
        horizon: The age, itself included.
        conditions: What the orders of the cohort meet.

    Returns:
        One number from 0 to 1; null without orders, and when all that still rest are lost from sight before the horizon.
    """
    code = pl.when(fate(event) == CENSORED).then(SORTED_LAST).otherwise(fate(event)).cast(pl.Int64)
    spells = (fate(age) * CODES + code).filter(is_entry(), fate(age).is_not_null(), *(each for each in conditions if each is not None))
    estimate = partial(_estimated, cause=cause, horizon=horizon_nanos(horizon))
    settling = Settling(shortened, frozenset({horizon_nanos(horizon)}))
    return Composite({"spells": Part(spells, Sum(), settling)}, partial(_finished, estimate=estimate))


def _finished(parts: Mapping[str, pl.Expr], *, estimate: Callable[[pl.Series], pl.Series]) -> pl.Expr:
    return parts["spells"].map_batches(estimate, return_dtype=pl.Float64(), is_elementwise=True)


def _estimated(cohorts: pl.Series, *, cause: int, horizon: int) -> pl.Series:
    """The kernel's estimates of cohorts, each a list of spells."""
    from basalt.l3.incidence_kernel import estimate_incidence

    estimates = np.empty(cohorts.len(), np.float64)
    estimate_incidence(*_flat(cohorts), cause, horizon, estimates)
    return pl.Series(cohorts.name, estimates, nan_to_null=True)


def shortened(cohorts: pl.Series, horizons: Sequence[int]) -> pl.Series:
    """Cohorts in as few spells as estimates at the *horizons* need.

    Between two ages at which orders are lost from sight, what happens weighs the same whenever it happens: it is told apart by
    horizons alone. No order of a cohort that is shortened is lost from sight at an age below the last of them any more.
    """
    from basalt.l3.incidence_kernel import shorten_cohorts

    offsets, spells = _flat(cohorts)
    shorter, ends = np.empty(spells.size, np.int64), np.empty(cohorts.len(), np.int64)
    shorten_cohorts(offsets, spells, frozen(pl.Series(horizons, dtype=pl.Int64)), shorter, ends)
    numbers = pl.int_range(cohorts.len(), dtype=pl.Int64, eager=True).alias("cohort")
    of_each = numbers.gather(np.repeat(np.arange(cohorts.len()), np.diff(ends, prepend=0)))
    lists = pl.DataFrame({"cohort": of_each, "spells": shorter[: of_each.len()]}).group_by("cohort").agg("spells")
    found = numbers.to_frame().join(lists, on="cohort", how="left", maintain_order="left")["spells"]
    return found.fill_null(pl.Series([[]], dtype=found.dtype)) if found.null_count() else found


def _flat(cohorts: pl.Series) -> tuple[Longs, Longs]:
    """The first spell of each cohort and the number of all, and the spells."""
    offsets = np.concatenate([np.zeros(1, np.int64), cohorts.list.len().cast(pl.Int64).cum_sum().to_numpy()])
    spells = cohorts.explode(empty_as_null=False, keep_nulls=False).cast(pl.Int64)
    return frozen(pl.Series(offsets)), frozen(spells)


def _risk_column(risk: Risk, horizon: Horizon, side: SideOrTotal) -> str:
    return f"{column_of(f'{risk}Probability', side)}{horizon}"


@analytic(
    family=FAMILY,
    measure="Incidence",
    column=_risk_column,
    unit="1",
    math=r"\hat F_k(\tau) = \sum_{t_i \le \tau} \hat S(t_i-)\, d_{k,i} / n_i,\quad \hat S(t) = \prod_{t_i \le t} (1 - d_i / n_i)",
    forward=True,
    source=_LITERATURE,
    examples=[
        Example(LIVES, axes={"risk": "Fill", "horizon": "1s"}, gives=0.25),
        Example(LIVES, axes={"risk": "Cancel", "horizon": "3s"}, gives=0.25),
        Example(LIVES, axes={"risk": "Cancel", "horizon": "5s"}, gives=None),
        Example(LIVES, axes={"risk": "Fill", "horizon": "1s", "side": "Ask"}, gives=None),
    ],
)
def risk_incidence(
    risk: Risk = "FirstFill", horizon: Horizon = "1s", side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW
) -> Composite:
    """Probability that an order entered in the bucket has met the risk {risk} within {horizon}; forward-looking.

    `Fill` is the execution of all that was displayed and competes with `Cancel`, which is any other end;
    `FirstFill` is the first execution and competes with cancels of orders that nobody touched. Null
    without entries, and where all orders that still rest are lost from sight before {horizon}.
    """
    age, event = ("Touch", "Touched") if risk == "FirstFill" else ("Life", "Outcome")
    return incidence(age, event, CANCELLED if risk == "Cancel" else FILLED, horizon, on_side(side), rows)


def _survival_column(horizon: Horizon, side: SideOrTotal) -> str:
    return f"{column_of('SurvivalProbability', side)}{horizon}"


@analytic(
    family=FAMILY,
    measure="Survival",
    column=_survival_column,
    unit="1",
    math=r"\hat S(\tau) = \prod_{t_i \le \tau} (1 - d_i / n_i)",
    forward=True,
    source="Kaplan & Meier (1958), Journal of the American Statistical Association 53",
    examples=[Example(LIVES, axes={"horizon": "3s"}, gives=0.5), Example(LIVES, axes={"horizon": "5s"}, gives=None)],
)
def survival(horizon: Horizon = "1s", side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> Composite:
    """Probability that an order entered in the bucket still rests after {horizon}; forward-looking.

    One minus `FillProbability` and `CancelProbability`, and null where these are.
    """
    ended = incidence("Life", "Outcome", ANY, horizon, on_side(side), rows)
    return replace(ended, finish=lambda parts: 1 - ended.finish(parts))


@analytic(
    family=FAMILY,
    measure="FillRatio",
    column="FillRatio{side}",
    unit="1",
    math=r"\sum_j v^{exe}_j \,/\, \sum_j v^{entry}_j",
    rollup=RatioOfSums(),
    forward=True,
    source="SEC, MIDAS: market activity methodology",
    examples=[Example(LIVES, gives=100 / 600)],
)
def fill_ratio(side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Share of the displayed size entered in the bucket that executed until the data end; forward-looking, null without entries.

    Can exceed 1 where orders grow by updates or reveal hidden size.
    """
    cohort = all_of(is_entry(), fate("Life").is_not_null(), on_side(side), rows)
    return ratio(where(fate("Filled"), cohort).sum(), where(shares("Size"), cohort).sum())


@analytic(
    family=FAMILY,
    measure="CensoredOrderCount",
    column="CensoredOrderCount{side}",
    unit="orders",
    math=r"\#\{j : \mathrm{lost\ from\ sight}\}",
    forward=True,
    empty="zero",
    examples=[Example(LIVES, gives=2)],
)
def censored_orders(side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Orders entered in the bucket whose end is not in the data; 0 without any.

    They rest at the last event of their listing's day, or another order took their id.
    """
    return count_where(fate("Outcome") == CENSORED, on_side(side), rows)


def _fleeting_column(fleeting_threshold_ms: int, side: SideOrTotal) -> str:
    return column_of("FleetingLiquidityRatio" if fleeting_threshold_ms == 100 else f"FleetingLiquidityRatio{fleeting_threshold_ms}ms", side)


@analytic(
    family="advanced_metrics",
    measure="FleetingLiquidityRatio",
    column=_fleeting_column,
    unit="1",
    math=r"\sum_{j : can,\, T_j < \tau} v_j \,/\, \sum_j v_j",
    rollup=RatioOfSums(),
    forward=True,
    source="Hasbrouck & Saar (2009), Journal of Financial Markets 12(2)",
    examples=[
        Example(LIVES, axes={"fleeting_threshold_ms": 2001}, gives=100 / 600),
        Example(LIVES, gives=0.0),
        Example(LIVES, axes={"fleeting_threshold_ms": 5000}, gives=None),
    ],
)
def fleeting_liquidity(fleeting_threshold_ms: Millis = 100, side: SideOrTotal = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Share of the displayed size entered in the bucket whose order was cancelled within {fleeting_threshold_ms} ms; forward-looking.

    Filled orders are not fleeting, nor are orders that were executed in part. Only orders count that
    the data could have shown for that long; null without any.
    """
    threshold = fleeting_threshold_ms * 1_000_000
    seen = all_of(is_entry(), fate("Observed") >= threshold, on_side(side), rows)
    is_fleeting = (fate("Touched") == CANCELLED) & (fate("Life") < threshold)
    return ratio(where(shares("Size"), is_fleeting, seen).sum(), where(shares("Size"), seen).sum())
