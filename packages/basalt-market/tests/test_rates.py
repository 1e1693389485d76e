from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from basalt.core.errors import InvalidValue
from basalt.market.rates import Conversion, Rates, major_of, rates_digest, read_rates, same_currency

MONDAY, TUESDAY, NEXT_MONDAY = date(2026, 2, 2), date(2026, 2, 3), date(2026, 2, 9)
RATES = Rates(
    {
        MONDAY: {("EUR", "GBP"): (0.8, "ECB"), ("EUR", "USD"): (1.25, "ECB")},
        TUESDAY: {("EUR", "GBP"): (0.5, "ECB")},
    }
)


@pytest.mark.parametrize(
    ("source", "target", "day", "wanted"),
    [
        ("EUR", "GBP", MONDAY, Conversion(0.8, MONDAY, "ECB")),
        ("GBP", "EUR", TUESDAY, Conversion(2.0, TUESDAY, "ECB")),
        ("GBX", "EUR", TUESDAY, Conversion(0.02, TUESDAY, "ECB")),
        ("EUR", "GBX", TUESDAY, Conversion(50.0, TUESDAY, "ECB")),
        ("GBX", "GBP", TUESDAY, Conversion(0.01, None, "same currency")),
        ("ILA", "ILS", TUESDAY, Conversion(0.01, None, "same currency")),
        ("GBP", "USD", MONDAY, Conversion(1.5625, MONDAY, "ECB")),
        ("GBP", "USD", TUESDAY, Conversion(2.5, MONDAY, "ECB")),
        ("EUR", "USD", NEXT_MONDAY, Conversion(1.25, MONDAY, "ECB")),
        ("EUR", "USD", date(2026, 2, 10), None),
        ("EUR", "GBP", date(2026, 2, 1), None),
        ("JPY", "EUR", MONDAY, None),
    ],
)
def test_conversions(source: str, target: str, day: date, wanted: Conversion | None) -> None:
    found = RATES.conversion(source, target, day)
    if wanted is None or found is None:
        assert found is wanted
    else:
        assert (found.factor, found.day, found.source) == (pytest.approx(wanted.factor, rel=1e-15), wanted.day, wanted.source)


def test_minor_units() -> None:
    assert [major_of(code) for code in ("GBX", "GBp", "ZAc", "ILA", "EUR")] == [
        ("GBP", 100),
        ("GBP", 100),
        ("ZAR", 100),
        ("ILS", 100),
        ("EUR", 1),
    ]
    assert same_currency("GBP") == {"GBP": 1.0, "GBX": 0.01, "GBp": 0.01}
    assert same_currency("GBX") == {"GBP": 100.0, "GBX": 1.0, "GBp": 1.0}


def test_rows_hold_for_every_day_that_a_rate_holds_for() -> None:
    rows = {(code, day): (rate, since) for code, day, rate, since, _ in RATES.frame("EUR").rows()}
    assert rows["GBP", TUESDAY] == (2.0, TUESDAY)
    assert rows["GBX", date(2026, 2, 10)] == (pytest.approx(0.02), TUESDAY)
    assert ("USD", date(2026, 2, 10)) not in rows
    assert "EUR" not in {code for code, _ in rows}


def test_a_file_of_rates(tmp_path: Path) -> None:
    path = tmp_path / "ecb.csv"
    path.write_text("Date,From,To,Rate\n2026-02-02,EUR,GBP,0.8\n")
    assert read_rates(path).conversion("EUR", "GBP", MONDAY) == Conversion(0.8, MONDAY, "ecb.csv")
    before = rates_digest(path)
    path.write_text("Date,From,To,Rate,Source\n2026-02-02,EUR,GBP,1,Bank\n")
    assert read_rates(path).conversion("EUR", "GBP", MONDAY) == Conversion(1.0, MONDAY, "Bank")
    assert rates_digest(path) != before


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("Date,From,Rate\n2026-02-02,EUR,1\n", "lack the columns To"),
        ("Date,From,To,Rate\n2026-02-02,EUR,GBP,0\n", "row 1 is no rate"),
        ("Date,From,To,Rate\n2026-02-02,EUR,GBX,80\n", "minor unit"),
        ("Date,From,To,Rate\n2026-02-02,EUR,GBP,1\n2026-02-02,EUR,GBP,2\n", "row 2 repeats"),
    ],
)
def test_wrong_files_are_refused(rows: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(rows)
    with pytest.raises(InvalidValue, match=told):
        read_rates(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="no such file"):
        read_rates(tmp_path / "none.csv")
