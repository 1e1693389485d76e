"""How orders end: the share of a day's orders that is filled, cancelled or still resting, by age.

    basalt pipeline run --pipeline demo/08_order_lifetimes.py --date 2026-02-02
    uv run --with matplotlib scripts/draw_lifetimes.py basalt_output/orders_lifetimes/*/*.parquet lifetimes.png

Fills and cancels are competing risks: an order that is cancelled can no longer be filled. Orders that still rest when the data
end are censored: they count for as long as they are seen. What a column means:

    basalt analytics explain --pipeline demo/08_order_lifetimes.py --column FillProbability1m
"""

HORIZONS = [
    "1ms",
    "3ms",
    "10ms",
    "30ms",
    "100ms",
    "300ms",
    "1s",
    "2s",
    "5s",
    "10s",
    "20s",
    "30s",
    "1m",
    "2m",
    "5m",
    "10m",
    "20m",
    "30m",
    "60m",
]
OPEN = {"market_states": "CONTINUOUS_TRADING"}

USER_CONFIG = {
    "DATASETNAME": "orders",
    # Simulated; for your own, on the command line: --data_source_path lake --lake DIR
    "DATA_SOURCE_PATH": ["synthetic"],
    "UNIVERSE": "mic=XLON",
    "PASSES": [
        {
            "name": "lifetimes",
            # One row per listing: all orders that enter in continuous trading.
            "timeline_mode": "daily_analytics",
            "modules": ["l3"],
            "l3_analytics": {
                "lifetime_metrics": [
                    {"measures": "Incidence", "risks": ["FirstFill", "Fill", "Cancel"], "horizons": HORIZONS, **OPEN},
                    {"measures": "Survival", "horizons": HORIZONS, **OPEN},
                    {"measures": ["FillRatio", "CensoredOrderCount"], **OPEN},
                ],
                "advanced_metrics": [
                    {"variant": "AvgRestingTime", "outcomes": ["Filled", "Cancelled"], **OPEN},
                    {"variant": ["CancelToTradeRatio", "AvgQueuePosition", "AvgEntryQueuePositionAtFill"], **OPEN},
                ],
                # What cannot be followed is counted: nothing of a simulated day.
                "quality_metrics": [{"measures": ["UnknownOrderCount", "DuplicateOrderCount", "UnnamedOrderCount"]}],
            },
        },
    ],
}
