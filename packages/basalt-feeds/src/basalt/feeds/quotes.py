"""The best quotes around the trades of a venue, while a day is read a piece at a time."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from basalt.market.states import AUCTION_STATES

QUOTES = ("BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1")
_TIME = "TimestampNanoseconds"
_TRADE_TIME = "TradeTimestampNanoseconds"
_NAMES = ("BestBidPrice", "BestBidSize", "BestAskPrice", "BestAskSize", "PricePoint")


@dataclass
class QuoteTape:
    """The last best quotes of every listing, and the trades that wait for what else happens at their time."""

    _last: pl.DataFrame | None = None
    _waiting: pl.DataFrame | None = None

    def attach(self, trades: pl.DataFrame, levels: pl.DataFrame) -> pl.DataFrame:
        """Give trades the best quotes before and after them.

        Args:
            trades: `ListingId`, `TradeTimestampNanoseconds`, `MarketState`, `Price`; in order of time, behind those of the last call.
            levels: `l2` rows of the listings in order of time, behind those of the last call.

        Returns:
            The trades, in order, except those of the last time that was seen, which come with the next call. Added are
            `BestBidPrice`, `BestBidSize`, `BestAskPrice`, `BestAskSize` and `PricePoint`, each also `AtVenue`: the last
            state of the book from before the time of the trade, so that all fills of a sweep have the quotes that the
            sweep met; null for an empty side. `PostTradeMid`: the mid of the last state at the time of the trade; null
            unless both sides are there. Trades of an auction (`MarketState`) have no quotes: its book may be crossed.
        """
        ready = trades if self._waiting is None else pl.concat([self._waiting, trades])
        seen = [time for time in (ready[_TRADE_TIME].max(), levels[_TIME].max()) if time is not None]
        is_early = pl.col(_TRADE_TIME) < max(seen) if seen else pl.lit(value=True)
        self._waiting = ready.filter(~is_early)
        tape = self._extended(levels)
        found = _attached(ready.filter(is_early), tape)
        self._last = _needed(tape, self._waiting)
        return found

    def finish(self) -> pl.DataFrame:
        """The trades that still wait."""
        if self._waiting is None or self._last is None:
            return pl.DataFrame()
        return _attached(self._waiting, self._last)

    def _extended(self, levels: pl.DataFrame) -> pl.DataFrame:
        rows = levels.select("ListingId", _TIME, *QUOTES)
        return rows if self._last is None else pl.concat([self._last, rows]).sort(_TIME, maintain_order=True)


def _needed(tape: pl.DataFrame, waiting: pl.DataFrame) -> pl.DataFrame:
    """What later trades and those that are *waiting* need: quotes from their time on, and each listing's last before it."""
    if waiting.is_empty():
        return _latest(tape)
    is_before = pl.col(_TIME) < waiting[_TRADE_TIME].min()
    return pl.concat([_latest(tape.filter(is_before)), tape.filter(~is_before)]).sort(_TIME, maintain_order=True)


def _latest(tape: pl.DataFrame) -> pl.DataFrame:
    return tape.group_by("ListingId", maintain_order=True).last().select(tape.columns)


def _attached(trades: pl.DataFrame, tape: pl.DataFrame) -> pl.DataFrame:
    before = _joined(trades, tape, exact=False).select(*_before())
    after = _joined(trades, tape, exact=True).select(PostTradeMid=(pl.col("BidPrice1") + pl.col("AskPrice1")) / 2)
    quotes = pl.concat([trades.select("MarketState"), before, after], how="horizontal")
    shown = quotes.select(pl.when(~pl.col("MarketState").is_in(list(AUCTION_STATES))).then(pl.exclude("MarketState")))
    found = pl.concat([trades, shown], how="horizontal").with_columns(_price_point())
    return found.with_columns(pl.col(name).alias(f"{name}AtVenue") for name in _NAMES)


def _joined(trades: pl.DataFrame, tape: pl.DataFrame, *, exact: bool) -> pl.DataFrame:
    keys = trades.select("ListingId", pl.col(_TRADE_TIME).alias(_TIME))
    return keys.join_asof(tape, on=_TIME, by="ListingId", allow_exact_matches=exact, check_sortedness=False)


def _before() -> list[pl.Expr]:
    return [
        expression
        for side in ("Bid", "Ask")
        for expression in (
            pl.col(f"{side}Price1").alias(f"Best{side}Price"),
            pl.when(pl.col(f"{side}Price1").is_not_null()).then(pl.col(f"{side}Quantity1")).cast(pl.Float64).alias(f"Best{side}Size"),
        )
    ]


def _price_point() -> pl.Expr:
    spread = pl.col("BestAskPrice") - pl.col("BestBidPrice")
    return pl.when(spread > 0).then((pl.col("Price") - pl.col("BestBidPrice")) / spread).alias("PricePoint")
