"""How well icebergs, aggressive orders and sides are found, on a simulated day whose truth is known.

    uv run python scripts/truth_scoreboard.py [--date 2026-02-02 --listings 10 --scale 1 --json]

Precision: how much of what was found is so. Recall: how much of what is so was found. What counts is below, case by case.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import polars as pl

from basalt.core import Clock
from basalt.core.datasets import Dataset, PlannedColumn
from basalt.market.sides import RestingSide
from basalt.market.tables import TABLES
from basalt.preprocessors.aggressive import AGGRESSIVE_PREPROCESS
from basalt.preprocessors.iceberg import ICEBERG
from basalt.preprocessors.iceberg_trades import hit_side
from basalt.synthetic import simulate

BUCKETS = Clock.of_seconds(60)
Tables = Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Score:
    """How well one thing is found.

    Attributes:
        what: What is found.
        found, right, true: How many were found, how many of these are so, how many there are.
    """

    what: str
    found: int
    right: int
    true: int

    @property
    def precision(self) -> float:
        """Share of what was found that is so."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of what is so that was found."""
        return self.right / self.true if self.true else 1.0


def scanned(tables: Tables) -> dict[str, pl.DataFrame]:
    """Tables as a scan of a lake gives them: with their clock, and derived columns."""
    contracts = {table.name: table for table in TABLES}
    made = {}
    for name in ("trades", "l3"):
        table, frame = contracts[name], tables[name]
        derived = [chosen[1] for each in table.derived if (chosen := each.choose(frame.columns))]
        clock = table.clock(frame.columns)
        made[name] = frame.with_columns(*derived, pl.col(clock or table.time).cast(pl.Datetime("ns")).alias(table.time))
    return made


def preprocessed(preprocessor: Any, tables: Tables, **section: Any) -> dict[str, pl.DataFrame]:
    """What a preprocessor makes of whole tables."""
    config = preprocessor.config_model(**section)
    names = [each.name for each in preprocessor.inputs(config)]
    planned = {name: Dataset(name, tuple(PlannedColumn(*each) for each in tables[name].schema.items()), is_raw=True) for name in names}
    made = preprocessor.compute(config, {name: tables[name].lazy() for name in names}, planned, BUCKETS)
    return dict(zip(made, pl.collect_all(list(made.values())), strict=True))


# ---------------------------------------------------------------- icebergs


def iceberg_scores(tables: Tables, truth: pl.DataFrame) -> list[Score]:
    """Executions that show hidden quantity, the icebergs that they chain to, and trades that are tagged.

    True are executions of icebergs after which a next peak came at the same instant, or that took more than was displayed. An
    iceberg counts as found when a chain has executions of it and of nothing else; chains of one peak are none.
    """
    made = preprocessed(ICEBERG, tables)
    events, tagged = made["iceberg_events"], made["trades_iceberg"]
    shown = _shown_executions(truth, tables["l3"])
    key = ["ListingId", "TradeId"]
    right = events.select(key).unique().join(shown.select(key).unique(), on=key, how="semi")
    parents = truth.filter(pl.col("Action") == "EXECUTE").select(*key, "ParentId").unique()
    chains = events.drop_nulls("IcebergId").join(parents, on=key, how="left")
    pure = chains.group_by("ListingId", "IcebergId").agg(pl.col("ParentId").unique(), pl.len()).filter(pl.col("ParentId").list.len() == 1)
    of_icebergs = pure.with_columns(pl.col("ParentId").list.first()).join(
        truth.filter(pl.col("OrderKind") == "ICEBERG").select("ParentId").unique(), on="ParentId", how="semi"
    )
    peaks = truth.filter(pl.col("Action") == "REFILL").select("ListingId", "ParentId").unique()
    trades = tagged.filter("IcebergL3Revealed")
    of_trades = trades.join(shown.select(key).unique(), on=key, how="semi")
    return [
        Score("iceberg executions", events.select(key).unique().height, right.height, shown.select(key).unique().height),
        Score(
            "icebergs, as chains of peaks",
            events.drop_nulls("IcebergId").select("ListingId", "IcebergId").unique().height,
            of_icebergs.height,
            peaks.height,
        ),
        Score("trades that met an iceberg", trades.height, of_trades.height, shown.select(key).unique().height),
    ]


def _shown_executions(truth: pl.DataFrame, l3: pl.DataFrame) -> pl.DataFrame:
    """Executions of icebergs that show that something was hidden."""
    refilled = truth.filter(pl.col("Action") == "REFILL").select("ListingId", "ParentId", "TimestampNanoseconds").unique()
    of_icebergs = truth.filter(pl.col("Action") == "EXECUTE", pl.col("OrderKind") == "ICEBERG")
    beyond = l3.filter(pl.col("ExecutionSize") > pl.col("OldSize")).select("ListingId", "EventNo")
    used_up = of_icebergs.filter(pl.col("DisplayedSize") == 0, pl.col("HiddenSize") > 0)
    next_came = used_up.join(refilled, on=["ListingId", "ParentId", "TimestampNanoseconds"], how="semi")
    took_more = of_icebergs.join(beyond, on=["ListingId", "EventNo"], how="semi")
    return pl.concat([next_came, took_more]).unique(["ListingId", "EventNo"])


# ---------------------------------------------------------------- aggressive orders


def aggressive_scores(tables: Tables, truth: pl.DataFrame) -> list[Score]:
    """Incoming orders, from trades and from order events.

    An order is found when a group has exactly its executions on the venue: none missing, none of another order.
    """
    scores = []
    for source in ("trades", "l3"):
        executions = preprocessed(AGGRESSIVE_PREPROCESS, tables, source_table=source)["aggressive_executions"]
        scores += _order_scores(source, executions, truth, tables)
    return scores


def _order_scores(source: str, executions: pl.DataFrame, truth: pl.DataFrame, tables: Tables) -> list[Score]:
    key = ["ListingId", "TradeId"]
    listed = tables[source].select(key).unique()
    decided = truth.filter(pl.col("Action") == "EXECUTE", pl.col("AggressorSide") > 0).join(listed, on=key, how="semi")
    true = decided.group_by("ListingId", "AggressorParentId").agg(pl.col("TradeId").unique().sort())
    prints = truth.filter(pl.col("Action") == "PRINT").select(key)
    on_book = executions.join(prints, on=key, how="anti")
    found = on_book.group_by("ListingId", "ConsolidatedTrades").agg(pl.col("TradeId").unique().sort())
    scores = []
    for name, least in (("orders", 1), ("orders of several executions", 2)):
        ours, theirs = (frame.filter(pl.col("TradeId").list.len() >= least) for frame in (found, true))
        keyed = [frame.select("ListingId", pl.col("TradeId").list.join(",")) for frame in (ours, theirs)]
        scores.append(
            Score(f"aggressive {name}, from {source}", ours.height, keyed[0].join(keyed[1], on=key, how="semi").height, theirs.height)
        )
    return scores


# ---------------------------------------------------------------- sides


def side_scores(tables: Tables, truth: pl.DataFrame) -> list[Score]:
    """Who took, told from the price and the mid before the trade, by kind of trade.

    True are trades whose taker the truth knows; found are those away from the mid; right are those with the true taker.
    """
    took = truth.filter(pl.col("AggressorSide") > 0).select("ListingId", "TradeId", pl.col("AggressorSide").alias("true")).unique()
    trades = tables["trades"].drop("AggressorSide").join(took, on=["ListingId", "TradeId"])
    buys = {RestingSide.ASK.value: 1, RestingSide.BID.value: 2}
    told = trades.with_columns(hit_side(trades.columns).replace_strict(buys, default=None).alias("told"))
    scores = []
    for name in ("LIT_CONTINUOUS", "LIT_HIDDEN", "DARK"):
        of_kind = told.filter(pl.col("Classification") == name)
        found = of_kind.drop_nulls("told")
        scores.append(Score(f"side of {name}", found.height, found.filter(pl.col("told") == pl.col("true")).height, of_kind.height))
    return scores


def scoreboard(day: date, *, listings: int, scale: float) -> list[Score]:
    """All scores of a simulated day."""
    tables = simulate(day, listings=listings, scale=scale)
    rows = scanned(tables)
    return [*iceberg_scores(rows, tables["truth"]), *aggressive_scores(rows, tables["truth"]), *side_scores(rows, tables["truth"])]


def main() -> None:
    """Print the scoreboard that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--date", type=date.fromisoformat, default=date(2026, 2, 2))
    parser.add_argument("--listings", type=int, default=10)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    scores = scoreboard(asked.date, listings=asked.listings, scale=asked.scale)
    if asked.json:
        print(json.dumps([{**asdict(each), "precision": each.precision, "recall": each.recall} for each in scores], indent=2))
        return
    width = max(len(each.what) for each in scores)
    print(f"{'':{width}}  precision  recall   found   right    true")
    for each in scores:
        print(f"{each.what:{width}}  {each.precision:9.3f}  {each.recall:6.3f}  {each.found:6}  {each.right:6}  {each.true:6}")


if __name__ == "__main__":
    main()
