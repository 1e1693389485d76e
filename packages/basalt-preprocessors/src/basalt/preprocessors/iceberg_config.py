"""Section `iceberg_analytics` of a pass: what is found, tagged and measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from basalt.core import ModuleConfig
from basalt.core.declaring.analytics import named_by
from basalt.core.declaring.modules import Entry
from basalt.core.errors import ConflictingSettings
from basalt.market.states import MarketState
from basalt.preprocessors.iceberg_events import NANOS_PER_SECOND, Detection
from basalt.preprocessors.iceberg_measures import Asked, Measure, Side, Sources, usual_name
from basalt.preprocessors.iceberg_trades import Matching


class IcebergMetric(Entry):
    """Measures of some sides."""

    measures: Measure | Annotated[list[Measure], Field(min_length=1)] = Field(..., description="Which measures.")
    sides: Side | Annotated[list[Side], Field(min_length=1)] = Field("Total", description="Side that the iceberg rested on.")
    market_states: MarketState | Annotated[list[MarketState], Field(min_length=1)] | None = Field(
        None, description="Count only executions in these phases of the market-state table."
    )
    output_name_pattern: str | None = Field(None, description="Column name as a template over measures and sides.")


class IcebergConfig(ModuleConfig):
    """Section `iceberg_analytics` of a pass."""

    metrics: list[IcebergMetric] = Field(
        default_factory=list, description="Columns of iceberg_analytics, and of the module iceberg; all measures of Total if empty."
    )
    tag_trades: bool = Field(True, description="Make the table iceberg_trades.")
    trade_tag_context_key: str = Field("trades_iceberg", description="Name of the table of tagged trades.")
    match_tolerance_seconds: float = Field(
        5e-4, gt=0, description="Longest time between a trade and an iceberg event without a common TradeId."
    )
    price_match: bool = Field(True, description="Such a trade must have the price of the event.")
    min_revealed_qty: float = Field(0.0, ge=0, description="Hidden size that an event must exceed.")
    avg_size_source: Literal["RevealedQty", "ExecutionSize", "OldSize"] = Field("RevealedQty", description="Column of AverageSize.")
    imbalance_source: Literal["ExecutionSize", "RevealedQty"] = Field("ExecutionSize", description="Column of OrderImbalance.")
    trade_match_enabled: bool = Field(True, description="Also tag trades whose size differs from the execution at their time.")
    trade_match_tolerance_seconds: float = Field(5e-4, gt=0, description="Longest time between the two.")
    trade_match_price_match: bool = Field(True, description="They must have one price.")
    trade_match_exclude_exact: bool = Field(True, description="Their sizes must differ; false tags every match.")
    trade_match_size_tolerance: float = Field(0.0, ge=0, description="By more than this.")
    trade_match_trade_types: list[str] = Field(["LIT", "DARK"], description="BMLLTradeType of the trades; empty: all.")
    trade_match_classifications: list[str] = Field(default_factory=list, description="Classification of the trades; empty: all.")
    trade_match_require_side: bool = Field(True, description="The execution is on the side that the trade took from.")
    enable_peak_linking: bool = Field(True, description="Find next peaks, and number icebergs by them.")
    peak_link_tolerance_seconds: float = Field(5e-4, gt=0, description="Longest time from the end of a peak to the next.")
    peak_link_price_match: bool = Field(True, description="The next peak has the price of the one before.")

    @model_validator(mode="after")
    def _check(self) -> Any:
        if not self.enable_peak_linking and any("AveragePeakCount" in _list(entry.measures) for entry in self.metrics):
            raise ConflictingSettings(
                "AveragePeakCount counts linked peaks",
                where="iceberg_analytics.enable_peak_linking",
                hint="enable_peak_linking: true, or leave the measure out",
            )
        return self

    @property
    def detection(self) -> Detection:
        """How icebergs are found."""
        return Detection(
            self.min_revealed_qty, self.enable_peak_linking, _nanos(self.peak_link_tolerance_seconds), self.peak_link_price_match
        )

    @property
    def matching(self) -> Matching:
        """How trades find executions."""
        return Matching(
            tolerance=_nanos(self.match_tolerance_seconds),
            price_match=self.price_match,
            by_size=self.trade_match_enabled,
            size_tolerance_nanos=_nanos(self.trade_match_tolerance_seconds),
            size_price_match=self.trade_match_price_match,
            exclude_exact=self.trade_match_exclude_exact,
            size_tolerance=self.trade_match_size_tolerance,
            trade_types=tuple(self.trade_match_trade_types),
            classifications=tuple(self.trade_match_classifications),
            require_side=self.trade_match_require_side,
        )

    @property
    def sources(self) -> Sources:
        """Columns that measures read."""
        return Sources(self.avg_size_source, self.imbalance_source)

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The columns in order, each once; all that can be told of Total if the section names none."""
        entries = self.metrics or [IcebergMetric(measures=[each for each in get_args(Measure) if self._can_tell(each)])]
        found = (each for number, entry in enumerate(entries) for each in _columns(entry, self.metric_prefix or "", number))
        return tuple(dict.fromkeys(found))

    def _can_tell(self, measure: str) -> bool:
        return self.enable_peak_linking or measure != "AveragePeakCount"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _columns(entry: IcebergMetric, prefix: str, number: int) -> Iterator[Asked]:
    """The columns of an entry; the imbalance is of both sides, whichever are named."""
    states = tuple(_list(entry.market_states)) if entry.market_states else ()
    for measure in _list(entry.measures):
        sides: list[Side] = ["Total"] if measure == "OrderImbalance" else _list(entry.sides)
        for side in sides:
            names = {"measures": measure, "measure": measure, "sides": side, "side": side}
            where = f"iceberg_analytics.metrics[{number}]"
            pattern = entry.output_name_pattern
            name = usual_name(measure, side) if pattern is None else named_by(pattern, names, where=where)
            yield Asked(measure, side, prefix + name, states)


def _nanos(seconds: float) -> int:
    return round(seconds * NANOS_PER_SECOND)
