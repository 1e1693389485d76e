"""Rates of exchange: dated, with their source, minor units included."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import polars as pl

from basalt.core.errors import InvalidValue

MINOR_UNITS: Mapping[str, tuple[str, int]] = {
    "GBX": ("GBP", 100),
    "GBp": ("GBP", 100),
    "ZAc": ("ZAR", 100),
    "ZAC": ("ZAR", 100),
    "ILA": ("ILS", 100),
    "USX": ("USD", 100),
    "KWF": ("KWD", 1000),
}
"""Codes of minor units: the currency, and how many make one unit of it."""

NEEDED = ("Date", "From", "To", "Rate")


def major_of(code: str) -> tuple[str, int]:
    """The currency of *code*, and how many of it make one unit: `("GBP", 100)` for pence, `("EUR", 1)` for euros."""
    return MINOR_UNITS.get(code, (code, 1))


@dataclass(frozen=True)
class Conversion:
    """What one unit of a currency is worth in another.

    Attributes:
        factor: Multiply by it.
        day: Date of the oldest rate in it; None where no rate was needed.
        source: Where the rates come from.
    """

    factor: float
    day: date | None
    source: str


@dataclass(frozen=True)
class Rates:
    """A dated table of rates.

    Attributes:
        quotes: By day and pair: what one unit of the first currency is worth in the second, and its source.
        max_age: Days for which a rate holds, until the next one is known.
    """

    quotes: Mapping[date, Mapping[tuple[str, str], tuple[float, str]]]
    max_age: int = 7

    @cached_property
    def _neighbours(self) -> dict[str, frozenset[str]]:
        """Currencies that each is quoted against, on any day."""
        pairs = {pair for quoted in self.quotes.values() for pair in quoted}
        both = pairs | {(other, one) for one, other in pairs}
        return {one: frozenset(other for first, other in both if first == one) for one, _ in both}

    @cached_property
    def currencies(self) -> tuple[str, ...]:
        """All currencies with a rate, and the minor units of these."""
        known = {each for pairs in self.quotes.values() for pair in pairs for each in pair}
        return tuple(sorted(known | {minor for minor, (major, _) in MINOR_UNITS.items() if major in known}))

    def conversion(self, source: str, target: str, day: date) -> Conversion | None:
        """What one unit of *source* is worth in *target* on *day*: directly, else through one third currency.

        The latest rates that are not younger than *day* and not older than `max_age` days hold. Of several third currencies, the one
        with the youngest rates is taken, then the first by name. None where no rates lead there.
        """
        (one, per_one), (other, per_other) = major_of(source), major_of(target)
        scale = per_other / per_one
        if one == other:
            return Conversion(scale, None, "same currency")
        found = self._step(one, other, day) or self._through_third(one, other, day)
        return Conversion(found.factor * scale, found.day, found.source) if found else None

    def _through_third(self, one: str, other: str, day: date) -> Conversion | None:
        paths = []
        for third in sorted(self._neighbours.get(one, frozenset()) & self._neighbours.get(other, frozenset())):
            first, second = self._step(one, third, day), self._step(third, other, day)
            if first and second and first.day and second.day:
                source = first.source if first.source == second.source else f"{first.source}; {second.source}"
                paths.append(Conversion(first.factor * second.factor, min(first.day, second.day), source))
        return max(paths, key=lambda path: path.day or date.min, default=None)

    def _step(self, one: str, other: str, day: date) -> Conversion | None:
        """The latest rate between two currencies, either way round."""
        for age in range(self.max_age + 1):
            when = day - timedelta(days=age)
            pairs = self.quotes.get(when, {})
            if (one, other) in pairs:
                rate, source = pairs[one, other]
                return Conversion(rate, when, source)
            if (other, one) in pairs:
                rate, source = pairs[other, one]
                return Conversion(1 / rate, when, source)
        return None

    def frame(self, target: str) -> pl.DataFrame:
        """Every conversion to *target* from another currency, as rows.

        Returns:
            `CurrencyCode`, `Date` (of the rows that it holds for: every day with a rate and those that
            rates hold for after it), `FxRate`, `FxDate`, `FxSource`; sorted by date.
        """
        rows = [
            (code, day, found.factor, found.day or day, found.source)
            for day in self._days()
            for code in self.currencies
            if major_of(code)[0] != major_of(target)[0] and (found := self.conversion(code, target, day))
        ]
        schema = {"CurrencyCode": pl.String(), "Date": pl.Date(), "FxRate": pl.Float64(), "FxDate": pl.Date(), "FxSource": pl.String()}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _days(self) -> Iterator[date]:
        return iter(sorted({day + timedelta(days=age) for day in self.quotes for age in range(self.max_age + 1)}))


def read_rates(path: str | Path, *, max_age: int = 7) -> Rates:
    """Rates from a CSV or Parquet file.

    Columns: `Date`; `From` and `To`, currency codes of ISO 4217; `Rate`, what one unit of `From` is worth in
    `To`; and, if it is there, `Source`. Without it the name of the file is the source.

    Raises:
        InvalidValue: The file is not there, a column is missing, a rate is not positive, a pair comes
            twice on a day, or a minor unit is quoted.
    """
    frame = _read(Path(path))
    lacking = [name for name in NEEDED if name not in frame.columns]
    if lacking:
        raise InvalidValue(f"the rates lack the columns {', '.join(lacking)}", where=str(path), hint="give Date, From, To and Rate")
    if "Source" not in frame.columns:
        frame = frame.with_columns(pl.lit(Path(path).name).alias("Source"))
    return Rates(_quotes(frame.select(*NEEDED, "Source").iter_rows(), str(path)), max_age)


def same_currency(target: str) -> dict[str, float]:
    """What one unit of *target*, of its currency and of the currency's minor units is worth in *target*."""
    major, per_unit = major_of(target)
    return {
        code: per_unit / count for code, count in ((major, 1), *((minor, n) for minor, (name, n) in MINOR_UNITS.items() if name == major))
    }


def rates_digest(path: str | Path) -> str:
    """Changes whenever the rates of a file change."""
    file = Path(path)
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise InvalidValue("there is no such file of rates", where=str(path), hint="give a CSV or Parquet file: Date,From,To,Rate,Source")
    frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, try_parse_dates=True)
    return frame.with_columns(pl.col("Date").cast(pl.Date())) if "Date" in frame.columns else frame


def _quotes(rows: Iterable[tuple[object, ...]], where: str) -> dict[date, dict[tuple[str, str], tuple[float, str]]]:
    quotes: dict[date, dict[tuple[str, str], tuple[float, str]]] = {}
    for number, (day, one, other, rate, source) in enumerate(rows, start=1):
        if not isinstance(day, date) or not isinstance(rate, int | float) or not rate > 0:
            raise InvalidValue(f"row {number} is no rate: {day} {one} {other} {rate}", where=where, hint="a date, and a rate above zero")
        if one in MINOR_UNITS or other in MINOR_UNITS:
            raise InvalidValue(f"row {number} quotes a minor unit", where=where, hint="quote the currency itself: GBP, ZAR, ILS")
        pairs = quotes.setdefault(day, {})
        if (str(one), str(other)) in pairs:
            raise InvalidValue(f"row {number} repeats {one} to {other} on {day}", where=where, hint="keep one rate a day and pair")
        pairs[str(one), str(other)] = (float(rate), str(source))
    return quotes
