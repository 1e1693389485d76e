"""How fast books are built, beside the peer `polars-order-book` and the time to read the file alone.

uv run --with polars-order-book python -m benchmarks.books [--events 10000000 --quick --json]

Every number is events a second of processor time, of all threads together: the best of several runs. Ratios are taken within one run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from basalt.books import BookBuilder, BookMessage, OrderTracker, warm_up
from basalt.books.columns import identifiers, integers
from basalt.books.level_kernel import apply_changes
from basalt.books.order_kernel import track_orders
from basalt.books.storage import frozen, side_by_side

COLUMNS = ["ListingId", "Side", "Price", "Size", "OldPrice", "OldSize"]
TICK = 0.01
BLOCK = 1 << 14
"""Rows that the kernel alone writes before it begins anew in the same memory."""
GOALS = {"top of book, kernel": 40e6, "order ids, kernel": 20e6, "ten levels, kernel": 5e6, "top of book, from Parquet": 10e6}


def write_events(path: Path, events: int, moves: float, listings: int = 500, seed: int = 1) -> None:
    """A stream of orders that enter, move and leave in the books of many listings, interleaved by time: prices near a slow walk.

    Shares of the listings follow Zipf and Mandelbrot: the first has 4 to 7 in a hundred events.
    """
    rng = np.random.default_rng(seed)
    share = 1 / (np.arange(1, listings + 1) + 2.7)
    listing = rng.choice(listings, events, p=share / share.sum())
    resting: list[list[tuple[int, int, int, int]]] = [[] for _ in range(listings)]
    middle = rng.integers(2_000, 3_000, listings)
    draws, coins = rng.random(events), rng.integers(0, 1 << 30, events)
    rows = np.zeros((8, events), np.int64)
    for row in range(events):
        book = resting[listing[row]]
        coin = int(coins[row])
        if coin % 64 == 0:
            middle[listing[row]] += coin // 64 % 3 - 1
        if len(book) < 30 or (draws[row] < 0.5 and len(book) < 250):
            side, away = 1 + coin % 2, 1 + int(12 * draws[row] * (coin // 128 % 100) / 100)
            price = int(middle[listing[row]]) + (away if side == 2 else -away)
            order = (row + 1, side, price, 10 * (1 + coin % 300))
            book.append(order)
            rows[:, row] = (order[0], side, price, order[3], 0, 0, BookMessage.ADD, order[3])
            continue
        place = coin // 4 % len(book)
        order = book[place]
        if draws[row] > 1 - moves:
            away = 1 + coin // 256 % 12
            price = int(middle[listing[row]]) + (away if order[1] == 2 else -away)
            book[place] = (order[0], order[1], price, order[3])
            rows[:, row] = (order[0], order[1], price, order[3], order[2], order[3], BookMessage.MODIFY, order[3])
        elif draws[row] > 0.9 - moves and order[3] > 10:
            left = order[3] - 10
            book[place] = (*order[:3], left)
            rows[:, row] = (order[0], order[1], order[2], left, order[2], order[3], BookMessage.REDUCE, 10)
        else:
            book[place] = book[-1]
            book.pop()
            rows[:, row] = (order[0], order[1], 0, 0, order[2], order[3], BookMessage.DELETE, 0)
    order, side, price, size, old_price, old_size, kind, said = rows
    frame = pl.DataFrame(
        {
            "ListingId": listing.astype(np.int64) + 100_000,
            "Side": side,
            "Size": size,
            "OldSize": old_size,
            "OrderId": order,
            "BookMessage": kind,
            "Said": said,
        }
    ).with_columns(
        pl.Series("Price", np.where(size > 0, price * TICK, np.nan), nan_to_null=True),
        pl.Series("OldPrice", np.where(old_size > 0, old_price * TICK, np.nan), nan_to_null=True),
    )
    frame.write_parquet(path, compression="zstd", compression_level=1, row_group_size=500_000)


def best_of(runs: int, work: Callable[[], object]) -> float:
    """Least seconds of processor time."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def level_kernel(rows: pl.DataFrame, levels: int) -> Callable[[], object]:
    """The kernel alone, on arrays that are ready."""

    def work() -> None:
        builder = BookBuilder(levels=levels, sample="event")
        builder._books.keys = prepared._books.keys.copy()
        builder._books.amounts = prepared._books.amounts.copy()
        builder._books.hold(prepared._listings.count, remembers=False)
        row = 0
        while row < rows.height:
            stop = min(row + BLOCK, rows.height)
            row, _ = apply_changes((row, stop), *arrays, builder._settings, builder._books.arrays, out, marks)
            if row < stop:
                builder._books.grow()

    prepared = BookBuilder(levels=levels, sample="event")
    arrays = prepared._arrays(rows)
    for _ in range(8):
        prepared._books.grow()
    out, marks = side_by_side(2 + 6 * levels, BLOCK), side_by_side(2, BLOCK)
    return work


def order_kernel(rows: pl.DataFrame) -> Callable[[], object]:
    """The kernel alone, on arrays that are ready."""
    prepared = OrderTracker()
    ids = identifiers(rows, "OrderId")
    said = (integers(rows, "Side", pl.Int8), prepared._prices.encode(rows, "Price"), integers(rows, "Said"))
    numbers = frozen(prepared._listings.number(integers(rows, "ListingId")))
    kinds = integers(rows, "BookMessage", pl.Int8)
    out, codes = np.zeros((4, rows.height), np.int64), np.zeros((5, rows.height), np.int8)

    def work() -> None:
        tracker = OrderTracker()
        tracker._orders.hold(prepared._listings.count)
        row = 0
        while row < rows.height:
            row = track_orders(row, numbers, kinds, (ids, ids), said, prepared._prices.limits[2], tracker._orders.arrays, out, codes)
            if row < rows.height:
                tracker._orders.grow()

    return work


def from_parquet(path: Path, levels: int) -> Callable[[], object]:
    """Read, build, and leave the rows."""

    def work() -> None:
        builder = BookBuilder(levels=levels, sample="event")
        for rows in pl.scan_parquet(path).select(COLUMNS).collect_batches(chunk_size=1 << 18, maintain_order=True):
            builder.feed(rows)

    return work


def decode_floor(path: Path) -> Callable[[], object]:
    """Read the columns and nothing else."""
    return lambda: pl.scan_parquet(path).select(pl.col(COLUMNS).sum()).collect(engine="streaming")


def mutations(rows: pl.DataFrame) -> pl.DataFrame:
    """Events as the peer wants them: prices in ticks, what enters and leaves at a price, and of orders that move where they were."""
    ticks = {name: (pl.col(name) / pl.lit(TICK)).round().cast(pl.Int64) for name in ("Price", "OldPrice")}
    moved = pl.col("Price") != pl.col("OldPrice")
    return rows.select(
        "ListingId",
        pl.coalesce(ticks["Price"], ticks["OldPrice"]).alias("price"),
        pl.when(moved).then("Size").otherwise(pl.col("Size") - pl.col("OldSize")).alias("qty"),
        (pl.col("Side") == 1).alias("is_bid"),
        pl.when(moved).then(ticks["OldPrice"]).alias("prev_price"),
        pl.when(moved).then("OldSize").alias("prev_qty"),
    )


def peer(rows: pl.DataFrame, levels: int) -> Callable[[], pl.DataFrame]:
    """The peer on the same events, already in memory, with its leanest expression that knows them."""
    from polars_order_book import top_n_levels_from_price_mutations, top_n_levels_from_price_mutations_with_modify

    prepared = mutations(rows)
    expression = (
        top_n_levels_from_price_mutations_with_modify("price", "qty", "is_bid", "prev_price", "prev_qty", n=levels)
        if prepared["prev_qty"].count()
        else top_n_levels_from_price_mutations("price", "qty", "is_bid", n=levels)
    )
    return lambda: prepared.select(expression.over("ListingId").alias("top"))


def check_peer(rows: pl.DataFrame) -> None:
    """Raise unless both sides have the same best prices and quantities after every event.

    Raises:
        RuntimeError: they differ.
    """
    theirs = peer(rows, 1)().unnest("top").cast(pl.Int64)
    ticks = [(pl.col(f"{side}Price1") / pl.lit(TICK)).round().cast(pl.Int64).alias(f"{side}Price1") for side in ("Bid", "Ask")]
    ours = BookBuilder(levels=1, sample="event").feed(rows).select(*ticks, "BidQuantity1", "AskQuantity1")
    two_sided = ours.with_row_index("row").drop_nulls()["row"]
    for mine, other in (
        ("BidPrice1", "bid_price_1"),
        ("AskPrice1", "ask_price_1"),
        ("BidQuantity1", "bid_qty_1"),
        ("AskQuantity1", "ask_qty_1"),
    ):
        if not ours[mine][two_sided].equals(theirs[other][two_sided]):
            raise RuntimeError(f"{mine} is not what the peer has")


def measure(path: Path, runs: int) -> dict[str, float]:
    """Events a second by what was measured."""
    everything = pl.read_parquet(path)
    rows = everything.select(COLUMNS)
    warm_up()
    check_peer(rows.head(200_000))
    few = rows.head(min(rows.height, 2_000_000))
    works: dict[str, tuple[int, Callable[[], object]]] = {
        "top of book, kernel": (rows.height, level_kernel(rows, 1)),
        "ten levels, kernel": (rows.height, level_kernel(rows, 10)),
        "order ids, kernel": (rows.height, order_kernel(everything)),
        "top of book, in memory": (rows.height, lambda: BookBuilder(levels=1, sample="event").feed(rows)),
        "top of book, from Parquet": (rows.height, from_parquet(path, 1)),
        "reading alone": (rows.height, decode_floor(path)),
        "ten levels, in memory": (few.height, lambda: BookBuilder(levels=10, sample="event").feed(few)),
        "peer, top of book, in memory": (few.height, peer(few, 1)),
        "peer, ten levels, in memory": (few.height, peer(few, 10)),
    }
    return {name: count / best_of(runs, work) for name, (count, work) in works.items()}


def ratios(speeds: dict[str, float]) -> dict[str, float]:
    """What counts on a noisy machine."""
    return {
        "top of book, kernel / peer": speeds["top of book, kernel"] / speeds["peer, top of book, in memory"],
        "top of book, in memory / peer": speeds["top of book, in memory"] / speeds["peer, top of book, in memory"],
        "ten levels, kernel / peer": speeds["ten levels, kernel"] / speeds["peer, ten levels, in memory"],
        "ten levels, in memory / peer": speeds["ten levels, in memory"] / speeds["peer, ten levels, in memory"],
        "reading alone / top of book, from Parquet": speeds["reading alone"] / speeds["top of book, from Parquet"],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.books", description="Measure how fast books are built.")
    parser.add_argument("--events", type=int, default=4_000_000)
    parser.add_argument(
        "--moves", type=float, default=0.1, help="share of orders that move to another price; without any, the peer has less to do"
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="200 thousand events, once")
    parser.add_argument("--cache", type=Path, default=Path("/tmp") / "basalt-benchmarks")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    events, runs = (200_000, 1) if asked.quick else (asked.events, asked.runs)
    path = asked.cache / f"order-events-{events}-{asked.moves}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_events(path, events, asked.moves)
    speeds = measure(path, runs)
    found: dict[str, Any] = {"events": events, "moves": asked.moves, "speeds": speeds, "ratios": ratios(speeds)}
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    for name, speed in speeds.items():
        goal = f"  goal {GOALS[name] / 1e6:.0f}" if name in GOALS else ""
        print(f"{name:32} {speed / 1e6:7.1f} M events/s{goal}")
    for name, value in found["ratios"].items():
        print(f"{name:44} {value:5.1f}")


if __name__ == "__main__":
    main()
