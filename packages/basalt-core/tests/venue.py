"""A small plugin: tables, formulas, table modules and a preprocessor, for the kernel's tests.

Tests load it in the process; workers load it by its path, as they load a pipeline file with hooks.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any, Literal

import polars as pl
from polars.exceptions import PanicException

from basalt.core import hookimpl
from basalt.core.datasets import PlannedColumn
from basalt.core.declaring import (
    EVERY_ROW,
    ByAxis,
    Composite,
    Family,
    First,
    FromParts,
    Last,
    Max,
    Min,
    Module,
    ModuleConfig,
    Part,
    Ratio,
    Row,
    Select,
    Sum,
    analytic,
    enrichment,
    first_where,
    last_where,
    ratio,
    where,
)
from basalt.core.errors import TransientFailure
from basalt.core.offers import Input, Offer, Produced, Scope
from basalt.core.tables import Column, DerivedColumn, Table

KEYS = ("ListingId", "Date", "TimeBucket")


def notional() -> pl.Expr:
    return pl.col("Price") * pl.col("Size")


LISTING = Column("ListingId", pl.Int64(), required=True)
CLOCK = Column("TimestampNanoseconds", pl.Datetime("ns"), required=True)

TICKS = Table(
    name="ticks",
    columns=(
        LISTING,
        CLOCK,
        Column("Sequence", pl.Int64()),
        Column("Price", pl.Float64(), "{currency}", required=True),
        Column("Size", pl.Int64(), "shares", required=True),
        Column("Kind", pl.String()),
        Column("MarketState", pl.String()),
        Column("StoredMid", pl.Float64(), "{currency}"),
    ),
    derived=(DerivedColumn(Column("Notional", pl.Float64(), "{currency}"), ((("Price", "Size"), notional),)),),
    time="EventTimestamp",
    time_from=("TimestampNanoseconds",),
    order=("Sequence",),
    identity=("ListingId", "EventTimestamp", "Sequence"),
    folder="Ticks",
    prefix="ticks-",
)
MARKS = Table(
    name="marks",
    columns=(LISTING, CLOCK, Column("Sequence", pl.Int64()), Column("Mid", pl.Float64(), "{currency}")),
    time="EventTimestamp",
    time_from=("TimestampNanoseconds",),
    order=("Sequence",),
    folder="Marks",
    prefix="marks-",
)
MARKETSTATE = Table(
    name="marketstate",
    columns=(LISTING, CLOCK, Column("MarketState", pl.String(), required=True)),
    time="EventTimestamp",
    time_from=("TimestampNanoseconds",),
    folder="MarketState",
    prefix="market-state-",
)
REFERENCE = Table(
    name="reference",
    columns=(
        LISTING,
        Column("MIC", pl.String()),
        Column("OPOL", pl.String()),
        Column("Ticker", pl.String()),
        Column("CurrencyCode", pl.String()),
        Column("InstrumentId", pl.Int64()),
        Column("Index", pl.String()),
    ),
    folder="Reference",
    prefix="reference-",
)

Kind = Literal["Lit", "Dark", "Total"]
Point = Literal["Open", "High", "Low", "Close"]


def of_kind(kind: str) -> pl.Expr | None:
    return None if kind == "Total" else pl.col("Kind") == kind


@analytic(family="tick_metrics", measure="Volume", column="Tick{kind}Volume", unit="shares", rollup=Sum(), empty="zero")
def volume(kind: Kind = "Total", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Quantity of {kind} ticks."""
    return where(pl.col("Size"), of_kind(kind), rows).sum()


@analytic(family="tick_metrics", measure="Average", column="Tick{kind}Average", unit="{currency}")
def average(kind: Kind = "Total", rows: pl.Expr | None = EVERY_ROW) -> Ratio:
    """Size-weighted mean price of {kind} ticks, without a roll-up rule."""
    return ratio(where(pl.col("Notional"), of_kind(kind), rows).sum(), where(pl.col("Size"), of_kind(kind), rows).sum())


@analytic(family="tick_metrics", measure="Range", column="Tick{kind}Range", unit="{currency}", rollup=FromParts())
def price_range(kind: Kind = "Total", rows: pl.Expr | None = EVERY_ROW) -> Composite:
    """Highest minus lowest price of {kind} ticks."""
    price = where(pl.col("Price"), of_kind(kind), rows)
    return Composite({"high": Part(price.max(), Max()), "low": Part(price.min(), Min())}, lambda parts: parts["high"] - parts["low"])


@analytic(family="tick_metrics", measure="Last", column="Tick{kind}Last", unit="{currency}", rollup=Last(), empty="carry")
def last_price(kind: Kind = "Total", rows: pl.Expr | None = EVERY_ROW) -> pl.Expr:
    """Price of the last {kind} tick."""
    return last_where(pl.col("Price"), of_kind(kind), rows)


@analytic(family="tick_metrics", measure="Climb", column="Tick{kind}Climb", unit="{currency}", rollup=Sum())
def climb(kind: Kind = "Total") -> Composite:
    """Sum of the price changes between ticks of a listing: needs a value of each row first."""
    change = Row(pl.col("Price").diff().over("ListingId"))
    return Composite({"total": Part(where(change.value, of_kind(kind)).sum(), Sum())}, lambda parts: parts["total"], (change,))


@analytic(family="tick_metrics", measure="Gap", column="Tick{kind}Gap", unit="{currency}")
def gap(kind: Kind = "Total") -> pl.Expr:
    """Mean distance of the price to the mid that the files, or the table marks, know."""
    return where((pl.col("Price") - pl.col("StoredMid")).abs(), of_kind(kind)).mean()


@analytic(family="tick_metrics", measure="Doubled", column="Tick{kind}Doubled", unit="shares")
def doubled(kind: Kind = "Total") -> pl.Expr:
    """Sum of the row analytic TwiceTwice, which needs the row analytic Twice."""
    return where(pl.col("TwiceTwice"), of_kind(kind)).sum()


@analytic(column="Twice", unit="shares", grain="row")
def twice() -> pl.Expr:
    """Twice the size."""
    return pl.col("Size") * 2


@analytic(column="TwiceTwice", unit="shares", grain="row")
def twice_twice() -> pl.Expr:
    """Twice that."""
    return pl.col("Twice") * 2


@analytic(
    family="tick_bars",
    measure="Bar",
    column="{point}",
    unit="{currency}",
    rollup=ByAxis("point", {"Open": First(), "High": Max(), "Low": Min(), "Close": Last()}),
)
def bar(point: Point) -> pl.Expr:
    """{point} price."""
    price = pl.col("Price")
    return {"Open": first_where(price), "High": price.max(), "Low": price.min(), "Close": last_where(price)}[point]


@analytic(family="tick_series", measure="Change", column="VolumeChange", unit="shares", grain="series")
def volume_change() -> pl.Expr:
    """Volume minus that of the bucket before."""
    return pl.col("TickTotalVolume").diff().over("ListingId")


@analytic(family="tick_series", measure="Share", column="VolumeShare", unit="1", grain="section")
def volume_share() -> pl.Expr:
    """Share of the volume of all listings of the bucket."""
    return pl.col("TickTotalVolume") / pl.col("TickTotalVolume").sum().over("TimeBucket")


@enrichment(
    table="ticks", uses="marks", column="StoredMid", unit="{currency}", reads=("EventTimestamp",), reads_other=("EventTimestamp", "Mid")
)
def stored_mid(frame: pl.LazyFrame, other: pl.LazyFrame) -> pl.LazyFrame:
    """The mid in force at a tick."""
    mids = other.select("ListingId", "EventTimestamp", pl.col("Mid").alias("StoredMid")).sort("EventTimestamp")
    return frame.sort("EventTimestamp", maintain_order=True).join_asof(mids, on="EventTimestamp", by="ListingId", check_sortedness=False)


TICK = Module(
    name="tick",
    table="ticks",
    families=(
        Family("tick_metrics", "Of ticks.", "measures", {"kind": "kinds"}),
        Family("tick_bars", "Bars of ticks.", "measures"),
        Family("tick_series", "Along buckets.", "measures"),
    ),
    default=(Select("tick_metrics", {"measures": ["Volume", "Average"]}),),
    analytics=(
        volume,
        average,
        price_range,
        last_price,
        climb,
        gap,
        doubled,
        twice,
        twice_twice,
        bar,
        volume_change,
        volume_share,
        stored_mid,
    ),
)


def in_worker() -> bool:
    return multiprocessing.parent_process() is not None


@analytic(column="Odd{trouble}", unit="1")
def odd(trouble: Literal["None", "Raises", "NaN", "Text"] = "None") -> Any:
    """A formula that goes wrong as asked."""
    if trouble == "Raises" and in_worker():
        raise ZeroDivisionError("the formula divides by zero")
    if trouble == "Text":
        return "no expression"
    return pl.col("Price").sum() * (float("nan") if trouble == "NaN" else 1.0)


ODD = Module(name="odd", table="ticks", analytics=(odd,))


class CollectConfig(ModuleConfig):
    """What `collect` does."""

    all_dates: bool = False
    entities: Literal["listing", "instrument", "universe"] = "listing"
    trouble: Literal[
        "none", "raises", "transient", "killed", "missing", "retyped", "repeated", "unplanned", "heavy", "panics", "threadless"
    ] = "none"
    marker: str = ""
    supports: bool = False


class Collect:
    """How many rows its input has, and how much volume, by listing: what a pass sees at once."""

    name = "collect"
    config_key = "collect_analytics"
    config_model = CollectConfig
    doc = "Counts of what is seen."

    def inputs(self, config: CollectConfig) -> tuple[Input, ...]:
        return (Input("rows", "ticks", ()),)

    def plan(self, config: CollectConfig, inputs: Any, clock: Any, *, where: str) -> Produced:
        columns = (PlannedColumn("Seen", pl.UInt32(), "rows", rollup=Sum()), PlannedColumn("SeenAll", pl.UInt32(), "rows"))
        supports = {"rows": tuple(column.name for column in inputs["rows"].columns if column.hidden)} if config.supports else {}
        return Produced(columns, KEYS, Scope(config.entities, config.all_dates), supports=supports, labels=("MIC",))

    def compute(self, config: CollectConfig, inputs: Any, planned: Any, clock: Any) -> pl.LazyFrame:
        rows = inputs["rows"]
        trouble(config, rows)
        found = rows.group_by(*KEYS, "MIC").agg(pl.len().alias("Seen")).with_columns(pl.col("Seen").sum().alias("SeenAll"))
        if config.trouble == "missing":
            return found.drop("SeenAll")
        if config.trouble == "retyped":
            return found.with_columns(pl.col("SeenAll").cast(pl.Float64))
        return pl.concat([found, found]) if config.trouble == "repeated" else found


def trouble(config: CollectConfig, rows: pl.LazyFrame) -> None:
    if config.trouble == "raises":
        raise RuntimeError("the module gave up")
    if config.trouble == "killed" or (config.trouble == "heavy" and rows.select(pl.col("ListingId").n_unique()).collect().item() > 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if config.trouble in ("panics", "threadless"):
        raise PanicException(
            "Os { message: 'Resource temporarily unavailable' }" if config.trouble == "threadless" else "the engine gave up"
        )
    if config.trouble == "transient":
        tries = Path(config.marker)
        count = len(tries.read_text()) if tries.exists() else 0
        tries.write_text("x" * (count + 1))
        if count < 2:
            raise TransientFailure("not yet", hint="try again")


class Pick:
    """A preprocessor: the big ticks of its input as a table `picked`, and the small ones as `rest`."""

    name = "pick"
    config_key = "pick_preprocess"
    config_model = ModuleConfig
    doc = "Big and small ticks."

    def inputs(self, config: ModuleConfig) -> tuple[Input, ...]:
        return (Input("ticks", "ticks", ("ListingId", "EventTimestamp", "Price", "Size")),)

    def plan(self, config: ModuleConfig, inputs: Any, clock: Any, *, where: str) -> dict[str, Produced]:
        columns = (
            PlannedColumn("EventTimestamp", pl.Datetime("ns")),
            PlannedColumn("Price", pl.Float64()),
            PlannedColumn("Size", pl.Int64()),
        )
        made = Produced((*columns, PlannedColumn("Notional", pl.Float64())), ("ListingId",), Scope())
        return {"picked": made, "rest": made}

    def compute(self, config: ModuleConfig, inputs: Any, planned: Any, clock: Any) -> dict[str, pl.LazyFrame]:
        ticks = inputs["ticks"].with_columns((pl.col("Price") * pl.col("Size")).alias("Notional"))
        return {"picked": ticks.filter(pl.col("Size") >= 100), "rest": ticks.filter(pl.col("Size") < 100)}


class PairConfig(ModuleConfig):
    """What `pair` sees at once."""

    all_dates: bool = False


class Pair:
    """A module of two inputs: rows of both."""

    name = "pair"
    config_key = "pair_analytics"
    config_model = PairConfig
    doc = "Rows of two inputs."

    def inputs(self, config: PairConfig) -> tuple[Input, ...]:
        return (Input("left", "ticks", ("ListingId",)), Input("right", "marks", ("ListingId",)))

    def plan(self, config: PairConfig, inputs: Any, clock: Any, *, where: str) -> Produced:
        return Produced(
            (PlannedColumn("Left", pl.UInt32()), PlannedColumn("Right", pl.UInt32())), ("ListingId",), Scope(all_dates=config.all_dates)
        )

    def compute(self, config: PairConfig, inputs: Any, planned: Any, clock: Any) -> pl.LazyFrame:
        left, right = (inputs[side].group_by("ListingId").agg(pl.len().alias(side.capitalize())) for side in ("left", "right"))
        return left.join(right, on="ListingId", how="full", coalesce=True)


@hookimpl
def basalt_tables() -> Any:
    return (TICKS, MARKS, MARKETSTATE, REFERENCE)


@hookimpl
def basalt_analytics() -> Any:
    return (TICK, ODD, Collect(), Pair())


@hookimpl
def basalt_preprocessors() -> Any:
    return (Pick(),)


@hookimpl
def basalt_universes() -> Any:
    return (Offer("ticker", "listings by ticker", f"{__name__}:TICKER"),)


class Ticker:
    """Listings by their ticker."""

    def listings(self, value: str, day: Any, reference: pl.LazyFrame) -> pl.LazyFrame:
        return reference.filter(pl.col("Ticker") == value)

    def markets(self, value: str) -> tuple[str, ...] | None:
        return None


TICKER = Ticker()
