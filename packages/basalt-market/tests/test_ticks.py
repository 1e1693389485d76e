from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.core.errors import InvalidValue
from basalt.market.ticks import TICKSIZE, attach_tick, is_on_grid, ladders_of_day, mifid_ladders, read_ladders, ticks_of, write_ladders

LISTINGS = pl.DataFrame({"ListingId": [1, 2, 3], "MIC": ["XLON", "XLON", "XPAR"]})


def ladder(band: int) -> dict[float, float]:
    rows = mifid_ladders().filter(pl.col("LiquidityBand") == band)
    return dict(zip(rows["PriceFrom"], rows["TickSize"], strict=True))


@pytest.mark.parametrize(
    ("band", "price_from", "tick"),
    [
        (1, 0.0, 0.0005),
        (1, 1, 0.01),
        (1, 50_000, 500),
        (2, 0.1, 0.0005),
        (3, 10, 0.02),
        (4, 0.5, 0.0005),
        (5, 500, 0.2),
        (6, 0.0, 0.0001),
        (6, 2, 0.0005),
        (6, 100, 0.02),
        (6, 50_000, 10),
    ],
)
def test_ladders_are_those_of_the_regulation(band: int, price_from: float, tick: float) -> None:
    assert ladder(band)[price_from] == tick


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "ticks.csv"
    path.write_text(
        "MIC,ListingId,ValidFrom,ValidTo,PriceFrom,TickSize,LiquidityBand\n"
        "XLON,,,2026-01-31,,0.5,\nXLON,,2026-02-01,,,0.1,\nXLON,2,,,0,0.01,\nXLON,2,,,10,0.02,\nXPAR,,,,,,6\n"
    )
    ladders = read_ladders(path)
    january, february = (ladders_of_day(ladders, LISTINGS, date(2026, month, 31 if month == 1 else 1)) for month in (1, 2))
    assert january.filter(ListingId=1)["TickSize"].to_list() == [0.5]
    assert february.filter(ListingId=1).select("PriceFrom", "TickSize").rows() == [(0.0, 0.1)]
    assert february.filter(ListingId=2)["TickSize"].to_list() == [0.01, 0.02]
    assert february.filter(ListingId=3)["TickSize"].to_list() == list(ladder(6).values())
    assert set(february["Source"]) == {"ticks.csv"}


def test_ladders_in_yaml_are_those_in_csv(tmp_path: Path) -> None:
    (tmp_path / "ticks.yaml").write_text("- {MIC: XLON, TickSize: 0.5}\n- {MIC: XPAR, LiquidityBand: 2}\n")
    (tmp_path / "ticks.csv").write_text("MIC,TickSize,LiquidityBand\nXLON,0.5,\nXPAR,,2\n")
    one, other = (read_ladders(tmp_path / f"ticks.{kind}").drop("Source") for kind in ("yaml", "csv"))
    assert one.equals(other)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("MIC,Tick\nXLON,1\n", "unknown column 'Tick'"),
        ("MIC,PriceFrom\nXLON,1\n", "no ladders"),
        ("MIC,TickSize\nXLON,0\n", "not positive"),
        ("MIC,LiquidityBand\nXLON,7\n", "not 1 to 6"),
    ],
)
def test_wrong_files_are_refused(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "ticks.csv"
    path.write_text(text)
    with pytest.raises(InvalidValue, match=told):
        read_ladders(path)


def test_ladders_go_into_a_lake(tmp_path: Path) -> None:
    path = tmp_path / "ticks.csv"
    path.write_text("MIC,TickSize\nXLON,0.5\nXPAR,0.1\n")
    written = write_ladders(tmp_path / "lake", read_ladders(path), LISTINGS, "XLON", date(2026, 2, 2))
    assert written.rows == 2
    assert pl.read_parquet(written.path).columns == [column.name for column in TICKSIZE.columns]


def test_the_tick_is_that_of_the_price() -> None:
    ladders = pl.LazyFrame({"ListingId": [1, 1, 2], "PriceFrom": [0.0, 10.0, 0.0], "TickSize": [0.01, 0.02, 0.5]})
    trades = pl.LazyFrame({"ListingId": [1, 1, 1, 2, 3, 1], "Price": [9.99, 10.0, None, 11.0, 5.0, -1.0]})
    ticked = attach_tick(trades.with_row_index(), ladders, "Price").sort("index").collect()
    assert ticked["TickSize"].to_list() == [0.01, 0.02, None, 0.5, None, None]


def test_prices_on_and_off_the_grid() -> None:
    frame = pl.DataFrame({"Price": [10.03, 10.035, 0.3, None, 5.0], "Tick": [0.01, 0.01, 0.1, 0.1, None]})
    assert frame.select(on=is_on_grid(pl.col("Price"), pl.col("Tick")))["on"].to_list() == [True, False, True, None, None]


@given(st.integers(0, 10**9), st.sampled_from([1, 2, 5]), st.integers(-4, 2))
def test_a_price_of_whole_ticks_is_on_the_grid(count: int, step: int, exponent: int) -> None:
    price, tick = float(f"{count * step}e{exponent}"), float(f"{step}e{exponent}")
    frame = pl.DataFrame({"Price": [price, price + 0.1 * tick], "Tick": [tick, tick]})
    ticks = frame.select(count=ticks_of(pl.col("Price"), pl.col("Tick")), on=is_on_grid(pl.col("Price"), pl.col("Tick")))
    assert ticks.row(0) == (count, True)
    assert ticks.row(1) == (count, False)
