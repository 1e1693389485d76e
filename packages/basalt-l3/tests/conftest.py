"""Streams of order events that Hypothesis makes, clean and dirty, and asking `l3` for columns of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import strategies as st

from basalt.core.bucketing import Clock
from basalt.core.fusing import fuse
from basalt.core.holding.windows import rows_at_once
from basalt.core.pipelines import load_module
from basalt.l3.module import L3
from basalt.market.tables import L3 as CONTRACT
from basalt.testing.arranging import Arranged, arrange, shelf_with
from basalt.testing.tables import as_scanned

SECOND = 1_000_000_000
START = 1_767_600_000 * SECOND
INSERT, REMOVE, UPDATE, EXECUTE = 2, 3, 4, 1
PRICES = (9.5, 9.75, 10.0, 10.25)
COLUMNS = {
    "ListingId": pl.Int64,
    "EventTimestamp": pl.Int64,
    "MarketState": pl.String,
    "LobAction": pl.Int64,
    "Side": pl.Int64,
    "OrderId": pl.String,
    "OldOrderId": pl.String,
    "Price": pl.Float64,
    "OldPrice": pl.Float64,
    "Size": pl.Int64,
    "OldSize": pl.Int64,
    "ExecutionSize": pl.Int64,
    "SizeAhead": pl.Int64,
    "OrdersAhead": pl.Int64,
}


@dataclass
class Venue:
    """Resting orders by listing and id: side, price, size; and the rows that what happens to them makes."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    resting: dict[tuple[int, str], tuple[int, float, int]] = field(default_factory=dict)
    names: int = 0
    now: int = START

    def happen(self, step: Mapping[str, Any]) -> None:
        """One event, of the kind that *step* says, to the order that it picks."""
        self.now += step["gap"]
        mine = [key for key in self.resting if key[0] == step["listing"]]
        key = mine[step["pick"] % len(mine)] if mine else None
        kind = step["kind"] if key is not None else "enter"
        getattr(self, kind)(step, key)
        self.rows[-1] |= {name: step[name] for name in ("SizeAhead", "OrdersAhead", "MarketState")}

    def enter(self, step: Mapping[str, Any], _: object) -> None:
        self.names += 1
        self._enter(step, f"o{self.names}")

    def repeat(self, step: Mapping[str, Any], key: tuple[int, str]) -> None:
        """An entry with an id that rests already."""
        self._enter(step, key[1])

    def _enter(self, step: Mapping[str, Any], name: str) -> None:
        side, price, size = step["side"], step["price"], step["size"]
        self.resting[step["listing"], name] = (side, price, size)
        self._row(step, INSERT, side, new=(name, price, size))

    def cancel(self, step: Mapping[str, Any], key: tuple[int, str]) -> None:
        side, price, size = self.resting.pop(key)
        self._row(step, REMOVE, side, old=(key[1], price, size))

    def unnamed(self, step: Mapping[str, Any], key: tuple[int, str]) -> None:
        side, price, size = self.resting[key]
        self._row(step, REMOVE, side, old=(None, price, size))

    def unknown(self, step: Mapping[str, Any], key: tuple[int, str]) -> None:
        self._row(step, REMOVE, step["side"], old=(f"x{step['pick']}", step["price"], step["size"]))

    def stranger(self, step: Mapping[str, Any], key: tuple[int, str]) -> None:
        """A change of an order from before the data."""
        name = f"x{step['pick']}"
        self._row(step, UPDATE, step["side"], old=(name, step["price"], step["size"] + 1), new=(name, step["price"], step["size"]))

    def shrink(self, step: Mapping[str, Any], key: tuple[int, str]) -> None:
        side, price, size = self.resting[key]
        left = max(size - step["size"], 0)
        self._change(step, key, side, price, left)

    def move(self, step: Mapping[str, Any], key: tuple[int, str]) -> None:
        side, _, size = self.resting[key]
        self._change(step, key, side, step["price"], size + step["size"] % 3)

    def _change(self, step: Mapping[str, Any], key: tuple[int, str], side: int, price: float, size: int) -> None:
        _, old_price, old_size = self.resting.pop(key)
        new = (key[1], price, size)
        if size:
            self.resting[key] = (side, price, size)
        self._row(step, UPDATE, side, old=(key[1], old_price, old_size), new=new if size else ("", None, 0))

    def rename(self, step: Mapping[str, Any], key: tuple[int, str]) -> None:
        """The same order under another id, at times one that rests already."""
        side, price, size = self.resting.pop(key)
        name = f"o{step['size'] % (self.names + 3)}"
        self.resting[key[0], name] = (side, price, size)
        self._row(step, UPDATE, side, old=(key[1], price, size), new=(name, price, size))

    def execute(self, step: Mapping[str, Any], key: tuple[int, str]) -> None:
        """An execution, reported as `LobAction` 1, 3 or 4; a removal may take back what was not executed."""
        side, price, size = self.resting.pop(key)
        filled = min(size, step["size"])
        left = size - filled if step["pick"] % 3 else 0
        if left:
            self.resting[key] = (side, price, left)
        gone = REMOVE if step["pick"] % 2 else EXECUTE
        action = gone if not left else EXECUTE if step["pick"] % 2 else UPDATE
        if not left and action == EXECUTE:
            filled = size
        new = (key[1], price, left) if left else ("", None, 0)
        self._row(step, action, side, old=(key[1], price, size), new=new, executed=filled)

    def hidden(self, step: Mapping[str, Any], _: object) -> None:
        self._row(step, EXECUTE, step["side"], executed=step["size"])

    def _row(
        self,
        step: Mapping[str, Any],
        action: int,
        side: int,
        *,
        old: tuple[str | None, float | None, int] = ("", None, 0),
        new: tuple[str | None, float | None, int] = ("", None, 0),
        executed: int = 0,
    ) -> None:
        row = {"ListingId": step["listing"], "EventTimestamp": self.now, "LobAction": action, "Side": side, "ExecutionSize": executed}
        row |= dict(zip(("OldOrderId", "OldPrice", "OldSize"), old, strict=True)) | dict(
            zip(("OrderId", "Price", "Size"), new, strict=True)
        )
        self.rows.append(row)


KINDS = (
    "enter",
    "enter",
    "enter",
    "cancel",
    "shrink",
    "move",
    "execute",
    "execute",
    "rename",
    "hidden",
    "repeat",
    "unknown",
    "unnamed",
    "stranger",
)
STEP = st.fixed_dictionaries(
    {
        "gap": st.sampled_from([0, 0, 1, 50_000_000, 100_000_000, SECOND, 40 * SECOND, 60 * SECOND]),
        "listing": st.sampled_from([1, 1, 2]),
        "kind": st.sampled_from(KINDS),
        "pick": st.integers(0, 11),
        "side": st.sampled_from([1, 2]),
        "price": st.sampled_from(PRICES),
        "size": st.integers(1, 9),
        "SizeAhead": st.sampled_from([0, 5, 70, None]),
        "OrdersAhead": st.sampled_from([0, 2, None]),
        "MarketState": st.sampled_from(["CONTINUOUS_TRADING", "CLOSING_AUCTION", None]),
    }
)


def happened(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of *steps*."""
    venue = Venue()
    for step in steps:
        venue.happen(step)
    return venue.rows


STREAMS = st.lists(STEP, min_size=1, max_size=60).map(happened)


def frame_of(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """*rows* as a file of `l3` holds them."""
    frame = pl.DataFrame({name: [row.get(name) for row in rows] for name in COLUMNS}, schema=COLUMNS)
    return frame.with_columns(pl.col("EventTimestamp").cast(pl.Datetime("ns")).alias("TimestampNanoseconds")).drop("EventTimestamp")


@dataclass(frozen=True)
class Asked:
    """A planned pass over files of `l3` with the columns of `COLUMNS`."""

    arranged: Arranged

    def rows(self, rows: Sequence[Mapping[str, Any]], size: int = 1000) -> dict[tuple[int, int], dict[str, Any]]:
        """All columns, by listing and end of the bucket (ns), where lives are followed over *size* rows at a time."""
        query = self.arranged.planned.queries[0]
        with rows_at_once(size):
            cells = fuse(query, {"l3": as_scanned(CONTRACT, frame_of(rows))}, Clock.of_seconds(60))
        frame = cells.collect()
        nanos = frame.with_columns(pl.col("TimeBucket").cast(pl.Int64))
        return {(row["ListingId"], row["TimeBucket"]): row for row in nanos.to_dicts()}


@pytest.fixture(scope="session")
def streams():
    """The strategy of streams."""
    return STREAMS


@pytest.fixture(scope="session")
def oracle():
    """The formulas in plain Python."""
    return load_module(Path(__file__).with_name("oracle.py"))


@pytest.fixture(scope="session")
def ask():
    """Plan a section of `l3_analytics`."""
    shelf = shelf_with(L3)
    stored = {"l3": {*frame_of([]).columns}}
    return lambda section: Asked(arrange(L3, shelf, section, stored))


@pytest.fixture
def vendor_files() -> Path:
    """Folder of the vendor's sample files."""
    places = [Path(os.environ["BASALT_SHARED_DATA"])] if "BASALT_SHARED_DATA" in os.environ else []
    places += [folder.parent / "shared" / "data" for folder in Path(__file__).resolve().parents]
    found = next((place / "native" / "bmll" for place in places if (place / "native" / "bmll").is_dir()), None)
    if found is None:
        pytest.skip("no real market data here: set BASALT_SHARED_DATA to the folder that holds native/bmll")
    return found
