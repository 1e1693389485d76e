"""Preprocessors: what Basalt sees of them before they are used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from basalt.core import hookimpl


@hookimpl
def basalt_preprocessors() -> Iterable[Any]:
    from basalt.preprocessors.aggressive import AGGRESSIVE_PREPROCESS
    from basalt.preprocessors.book import BOOK_PREPROCESS
    from basalt.preprocessors.cbbo import CBBO_PREPROCESS
    from basalt.preprocessors.cbbo_from_l3 import CBBO_FROM_L3
    from basalt.preprocessors.iceberg import ICEBERG

    return (BOOK_PREPROCESS, CBBO_PREPROCESS, CBBO_FROM_L3, AGGRESSIVE_PREPROCESS, ICEBERG)


@hookimpl
def basalt_analytics() -> Iterable[Any]:
    from basalt.preprocessors.iceberg import ICEBERG_ANALYTICS

    return (ICEBERG_ANALYTICS,)
