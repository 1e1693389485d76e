"""Quality checks that the kernel offers: nulls and ranges."""

from __future__ import annotations

import polars as pl

from basalt.configuration.models import QualityCheckConfig


class NullRateCheck:
    """Columns with a larger share of nulls than `null_rate_max`."""

    def findings(self, frame: pl.LazyFrame, options: QualityCheckConfig) -> list[str]:
        """One sentence a column."""
        counts = frame.select(pl.all().null_count() / pl.max_horizontal(pl.len(), 1)).collect().row(0, named=True)
        return [
            f"{name}: {share:.1%} nulls, more than {options.null_rate_max:.1%}"
            for name, share in counts.items()
            if share > options.null_rate_max
        ]


class RangeCheck:
    """Columns with values outside of `ranges`."""

    def findings(self, frame: pl.LazyFrame, options: QualityCheckConfig) -> list[str]:
        """One sentence a column."""
        known = frame.collect_schema().names()
        found = [f"{name}: in ranges, but no column of the pass" for name in options.ranges if name not in known]
        bounds = {name: bound for name, bound in options.ranges.items() if name in known}
        if not bounds:
            return found
        outside = [_outside(name, *bound).sum().alias(name) for name, bound in bounds.items()]
        counts = frame.select(outside).collect().row(0, named=True)
        return found + [f"{name}: {count} values outside [{bounds[name][0]}, {bounds[name][1]}]" for name, count in counts.items() if count]


def _outside(name: str, low: float | None, high: float | None) -> pl.Expr:
    outside = pl.lit(False)
    if low is not None:
        outside = outside | (pl.col(name) < low)
    if high is not None:
        outside = outside | (pl.col(name) > high)
    return outside
