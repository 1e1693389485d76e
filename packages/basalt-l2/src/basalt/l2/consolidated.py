"""A venue within its market: how long and with how much it stands at the best price of all venues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import polars as pl
from pydantic import Field

from basalt.core import Clock, Input, ModuleConfig, Produced, Scope
from basalt.core.bucketing import DATE, TIME_BUCKET
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.core.declaring import Held, Measure, OverTime, RowFilter, analytic, safe_divide
from basalt.core.declaring.analytics import part_column
from basalt.core.plans import Query
from basalt.core.stating import filled, follow, stated
from basalt.l2.books import Side, of_book, price, quantity
from basalt.market.states import MarketState

KEY, TIME, INSTRUMENT, PHASES = "ListingId", "EventTimestamp", "InstrumentId", "marketstate"
SOURCE = "Foucault & Menkveld (2008), Journal of Finance 63(1); Holden & Jacobsen (2014), Journal of Finance 69(4)"
_BEST = ("BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1")
Best = Literal["CBB", "CBO"]
QuantityAggregation = Literal["TWMean", "Min", "Max", "Median"]
_SIDES: Mapping[str, Side] = {"CBB": "Bid", "CBO": "Ask"}
_REDUCTIONS = {"TWMean": "TWA", "Min": "Min", "Max": "Max", "Median": "Median"}


def _all(column: str) -> pl.Expr:
    return pl.col(f"cbbo:{column}")


def _when_known(value: pl.Expr) -> pl.Expr:
    """*value* once both books are known; null before."""
    return pl.when(pl.col("venue:run") > 0, pl.col("cbbo:run") > 0).then(value)


def _is_at(best: Best) -> pl.Expr:
    side = _SIDES[best]
    return (price(side) == _all(f"{side}Price1")).fill_null(value=False)


@analytic(
    column="TimeAt{best}",
    unit="1",
    table="l2",
    grain="state",
    math=r"\frac{1}{|T|} \int_T 1[p(t) = P(t)]\, dt",
    rollup=OverTime(),
    empty="carry",
    source=SOURCE,
)
def time_at(best: Best) -> Held:
    """Share of the counted time in which the venue's best price was the best of all venues, the {best}, 0 to 1.

    Both books are followed from change to change of either, each standing until its next. A side that is empty is not at
    the best. Time counts from when both books are known, in continuous trading; null without any.
    """
    return of_book(_when_known(_is_at(best).cast(pl.Float64)), "TWA")


@analytic(
    column=lambda best, agg: f"QuantityAt{best}{'' if agg == 'TWMean' else agg}",
    unit="shares",
    table="l2",
    grain="state",
    math=r"q(t)\, 1[p(t) = P(t)]",
    rollup=OverTime(),
    empty="carry",
    source=SOURCE,
)
def quantity_at(best: Best, agg: QuantityAggregation = "TWMean") -> Held:
    """{agg} of what the venue shows at the {best}: its best quantity while it is at the best, else 0.

    `TWMean` is the mean over the counted time, `Median` the quantity in the middle of that time, `Min` and `Max` are of all that
    stood in the bucket; null as for TimeAt.
    """
    shown = pl.when(_is_at(best)).then(quantity(_SIDES[best]).fill_null(0)).otherwise(0)
    return of_book(_when_known(shown.cast(pl.Float64)), _REDUCTIONS[agg])


@analytic(
    column="TimeAloneAt{best}",
    unit="1",
    table="l2",
    grain="state",
    math=r"\frac{1}{|T|} \int_T 1[p(t) = P(t),\ q(t) \ge Q(t)]\, dt",
    rollup=OverTime(),
    empty="carry",
    source=SOURCE,
)
def time_alone_at(best: Best) -> Held:
    """Share of the counted time in which no other venue stood at the {best}, 0 to 1: the venue was there with all that is shown there.

    Null as for TimeAt; a quantity that is not known is no proof.
    """
    is_alone = _is_at(best) & (quantity(_SIDES[best]) >= _all(f"{_SIDES[best]}Quantity1")).fill_null(value=False)
    return of_book(_when_known(is_alone.cast(pl.Float64)), "TWA")


@analytic(
    column="ShareOf{best}",
    unit="1",
    table="l2",
    grain="state",
    math=r"\frac{1}{|T|} \int_T q(t)\, 1[p(t) = P(t)] / Q(t)\, dt",
    rollup=OverTime(),
    empty="carry",
    source=SOURCE,
)
def share_of(best: Best) -> Held:
    """Mean share of the venue in the quantity that all venues show at the {best}; time without such a quantity is left out."""
    shown = pl.when(_is_at(best)).then(quantity(_SIDES[best]).fill_null(0)).otherwise(0)
    return of_book(_when_known(safe_divide(shown.cast(pl.Float64), _all(f"{_SIDES[best]}Quantity1"))), "TWA")


Asked = Literal["TimeAtCBB", "TimeAtCBO", "QuantityAtCBB", "QuantityAtCBO", "TimeAloneAtCBB", "TimeAloneAtCBO", "ShareOfCBB", "ShareOfCBO"]
_DEFAULT: list[Asked] = ["TimeAtCBB", "TimeAtCBO", "QuantityAtCBB", "QuantityAtCBO"]
_FORMULAS = {"TimeAt": time_at, "QuantityAt": quantity_at, "TimeAloneAt": time_alone_at, "ShareOf": share_of}


class CbboAnalyticsConfig(ModuleConfig):
    """Section `cbbo_analytics` of a pass."""

    measures: list[Asked] = Field(_DEFAULT, min_length=1, description="What is measured.")
    quantity_aggregations: list[QuantityAggregation] = Field(
        ["TWMean", "Min", "Max", "Median"], min_length=1, description="How QuantityAtCBB and QuantityAtCBO are reduced."
    )
    market_states: MarketState | list[MarketState] | None = Field(
        None, description="Count only time in these phases; if unset, continuous trading."
    )


class CbboAnalytics:
    """How a venue stands in its market: its book in `l2` against the consolidated one in `cbbo`."""

    name = "cbbo_analytics"
    config_key = "cbbo_analytics"
    config_model = CbboAnalyticsConfig
    doc = "How long, and with how much, a venue stands at the best price of all venues."

    def inputs(self, config: CbboAnalyticsConfig) -> tuple[Input, ...]:
        """Books of the venue and of all venues, phases, and which listings are one instrument."""
        del config
        return (
            Input("l2", "l2", (KEY, TIME, "TradeDate", *_BEST)),
            Input("cbbo", "cbbo", (KEY, TIME, *_BEST)),
            Input("marketstate", PHASES, (KEY, TIME, "MarketState")),
            Input("reference", "reference", (KEY, INSTRUMENT)),
        )

    def plan(self, config: CbboAnalyticsConfig, inputs: Mapping[str, Dataset], clock: Clock, *, where: str) -> Produced:
        """Columns of the section, with what rolls them up."""
        measures = _measures(config, where)
        empty = {name: pl.LazyFrame(schema=dataset.schema()) for name, dataset in inputs.items()}
        schema = self._rows(measures, empty, clock).collect_schema()
        columns = [column for measure in measures for column in _planned(measure, schema)]
        return Produced(tuple(columns), (KEY, DATE, TIME_BUCKET), Scope("instrument"), clock, stands=True)

    def compute(
        self,
        config: CbboAnalyticsConfig,
        inputs: Mapping[str, pl.LazyFrame],
        planned: Mapping[str, Dataset],
        clock: Clock,
        buckets: pl.LazyFrame | None = None,
    ) -> pl.LazyFrame:
        """One row a listing and bucket in which its book, the consolidated one or its phase changed, and of *buckets*, in which they stood."""
        del planned
        return self._rows(_measures(config, ""), inputs, clock, buckets)

    def _rows(
        self, measures: Sequence[Measure], inputs: Mapping[str, pl.LazyFrame], clock: Clock, buckets: pl.LazyFrame | None = None
    ) -> pl.LazyFrame:
        query = Query("l2", "l2", (), TIME, (), (), tuple(measures), PHASES)
        dates = inputs["l2"].group_by(KEY).agg(pl.col("TradeDate").first().cast(pl.Date).alias(DATE))
        phases = inputs["marketstate"]
        books = side_by_side(inputs["l2"], inputs["cbbo"], inputs["reference"])
        if clock.is_daily:
            books = books.join(dates, on=KEY, maintain_order="left")
            phases = phases.join(dates, on=KEY, maintain_order="left")
        cells = follow(books, query, phases, clock)
        if buckets is not None:
            cells = filled(cells.join(buckets, on=[KEY, TIME_BUCKET], how="full", coalesce=True))
        return cells.select(KEY, TIME_BUCKET, *stated(measures, clock)).join(dates, on=KEY)


def side_by_side(books: pl.LazyFrame, consolidated: pl.LazyFrame, reference: pl.LazyFrame) -> pl.LazyFrame:
    """The venue's book and that of all venues, after each change of either, from the venue's first on.

    Returns:
        Rows of each listing in order of time: the columns of the venue's book, those of the consolidated one with
        `cbbo:` before their names, and the numbers of changes so far, `venue:run` and `cbbo:run`.
    """
    known = reference.select(KEY, INSTRUMENT).unique(KEY, keep="any")
    listings = books.select(KEY).unique().join(known, on=KEY)
    of_instrument = consolidated.join(known, on=KEY, maintain_order="left").drop(KEY)
    best = of_instrument.select(INSTRUMENT, TIME, pl.col(_BEST).name.prefix("cbbo:"), pl.lit(1).alias("cbbo:run"))
    ours = books.select(KEY, TIME, *_BEST, pl.lit(1).alias("venue:run"))
    theirs = listings.join(best, on=INSTRUMENT, maintain_order="left_right").drop(INSTRUMENT)
    both = pl.concat([theirs, ours], how="diagonal").sort(KEY, TIME, maintain_order=True)
    counted = both.with_columns(pl.col(f"{of}:run").fill_null(0).cum_sum().over(KEY) for of in ("venue", "cbbo"))
    told = counted.with_columns(pl.col(name).first().over(KEY, "venue:run") for name in _BEST)
    known = told.with_columns(pl.col(f"cbbo:{name}").first().over(KEY, "cbbo:run") for name in _BEST)
    return known.filter(pl.col("venue:run") > 0)


def _measures(config: CbboAnalyticsConfig, where: str) -> tuple[Measure, ...]:
    prefix = config.metric_prefix or ""
    states = [config.market_states] if isinstance(config.market_states, str) else config.market_states or []
    rows = RowFilter(market_states=tuple(states))
    found = []
    for name in dict.fromkeys(config.measures):
        formula = _FORMULAS[name[:-3]]
        aggregations = dict.fromkeys(config.quantity_aggregations) if formula is quantity_at else (None,)
        for agg in aggregations:
            axes = {"best": name[-3:], **({"agg": agg} if agg else {})}
            column = prefix + formula.column_at(axes)
            found.append(Measure(formula, tuple(axes.items()), column, rows, module=CbboAnalytics.name, origin=f"{where}.measures"))
    return tuple(found)


def _planned(measure: Measure, schema: Mapping[str, pl.DataType]) -> list[PlannedColumn]:
    value = measure.build()
    assert isinstance(value, Held)
    carried = tuple((name, part_column(measure.column, name), part.rollup) for name, part in value.parts.items())
    shown = PlannedColumn(
        measure.column, schema[measure.column], measure.unit, measure.doc, measure, measure.rollup, carried, "carry", origin=measure.origin
    )
    parts = [
        PlannedColumn(column, schema[column], rollup=rule, hidden=True, doc=f"{part} of {measure.column}") for part, column, rule in carried
    ]
    return [shown, *parts]


CBBO_ANALYTICS = CbboAnalytics()
