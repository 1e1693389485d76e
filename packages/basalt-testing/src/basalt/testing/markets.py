"""A market: a day of tables that a pass reads, and what laws do to it."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from basalt.core.scanning import put_in_order
from basalt.core.tables import Table
from basalt.testing.tables import DAY, as_scanned, clock_column, listings_of


@dataclass(frozen=True)
class Market:
    """Tables of one day as their files hold them, in event order.

    Attributes:
        frames: Rows by table.
        listings: The universe.
        day: Their day.
    """

    frames: Mapping[str, pl.DataFrame]
    listings: pl.DataFrame
    day: date = DAY

    @classmethod
    def of(cls, frames: Mapping[str, pl.DataFrame], day: date = DAY) -> Market:
        """A market with every listing that *frames* name."""
        return cls(frames, listings_of(frames), day)

    def __repr__(self) -> str:
        shown = [f"{name}\n{frame.write_csv(null_value='null')}" for name, frame in self.frames.items()]
        return f"market of {self.day}: " + "\n".join(shown)

    def scanned(self, contracts: Mapping[str, Table]) -> dict[str, pl.LazyFrame]:
        """The tables as a scan delivers them."""
        return {name: as_scanned(contracts[name], frame) for name, frame in self.frames.items()}

    def sorted_scan(self, contracts: Mapping[str, Table]) -> dict[str, pl.LazyFrame]:
        """The tables as a scan delivers them that finds their rows out of order."""
        return {name: _sorted(frame, contracts[name]) for name, frame in self.scanned(contracts).items()}

    def only(self, listing: int) -> Market:
        """The market of one listing."""
        return self.of_listings([listing])

    def of_listings(self, listings: Collection[int]) -> Market:
        """The market of some listings."""
        mine = pl.col("ListingId").is_in(list(listings))
        return Market(
            self._each(lambda frame: frame.filter(mine) if "ListingId" in frame.columns else frame), self.listings.filter(mine), self.day
        )

    def later(self, days: int) -> Market:
        """The same market so many days later."""
        shift = timedelta(days=days)
        moved = self._each(lambda frame: frame.with_columns(pl.selectors.datetime() + shift, pl.selectors.date() + shift))
        return Market(moved, self.listings, self.day + shift)

    def until(self, moment: int, contracts: Mapping[str, Table]) -> Market:
        """What had happened by *moment* (ns), that instant included."""
        frames = {
            name: frame.filter(_nanos(frame, contracts[name]) <= moment) if contracts[name].time else frame
            for name, frame in self.frames.items()
        }
        return Market(frames, self.listings, self.day)

    def continued(self, moment: int, other: Market, contracts: Mapping[str, Table]) -> Market:
        """What had happened by *moment*, and then what happens in *other*."""
        past = self.until(moment, contracts).frames
        return Market({name: _followed(past[name], other.frames[name], moment, contracts[name]) for name in past}, self.listings, self.day)

    def altered(self) -> Market:
        """Other values at the same times."""
        kept = {"ListingId", "MIC", "Ticker", "CurrencyCode", "InstrumentId"}
        return Market(
            self._each(
                lambda frame: frame.with_columns(
                    pl.col(name).reverse() for name, dtype in frame.schema.items() if name not in kept and not dtype.is_temporal()
                )
            ),
            self.listings,
            self.day,
        )

    def shuffled(self, seed: int) -> Market:
        """The rows in another order."""
        order = random.Random(seed)  # noqa: S311 - reproducible, not secret
        return Market(self._each(lambda frame: frame[order.sample(range(frame.height), frame.height)]), self.listings, self.day)

    def by_market(self) -> Market:
        """The rows of one venue after those of the other, as one file comes after the other."""
        return Market(
            self._each(lambda frame: frame.sort("MIC", maintain_order=True) if "MIC" in frame.columns else frame), self.listings, self.day
        )

    def _each(self, change: Callable[[pl.DataFrame], pl.DataFrame]) -> dict[str, pl.DataFrame]:
        return {name: change(frame) for name, frame in self.frames.items()}


def _nanos(frame: pl.DataFrame, table: Table) -> pl.Expr:
    return pl.col(clock_column(table, frame.columns)).cast(pl.Datetime("ns")).cast(pl.Int64)


def _sorted(frame: pl.LazyFrame, table: Table) -> pl.LazyFrame:
    return put_in_order(frame, table, frame.collect_schema().names()) if table.time else frame


def _followed(past: pl.DataFrame, other: pl.DataFrame, moment: int, table: Table) -> pl.DataFrame:
    """*past*, then what *other* has after *moment*, its sequence numbers counted on from those of *past*."""
    if not table.time:
        return past
    future = other.filter(_nanos(other, table) > moment)
    names = [name for name in table.order if name in future.columns]
    last = {name: past[name].max() or 0 for name in names}
    counted = [(pl.int_range(1, pl.len() + 1) + last[name]).cast(future.schema[name]).alias(name) for name in names]
    return pl.concat([past, future.with_columns(counted)], how="vertical")
