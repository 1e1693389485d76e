"""Market impact: what trading costs and how far it moves prices, hour by hour, beside the book that it meets.

    basalt pipeline run --pipeline demo/04_market_impact.py --date 2026-02-02

Trade by trade, effective spread = realised spread + price impact: what takers pay goes to those who quote, or into the price. The
columns of impact look past the end of their bucket, so they are for analysis after the fact, not for features; `OFI1` and the
spreads of the book are known at its end.

A picture of it: uv run --with matplotlib scripts/draw_impact.py docs/images/market_impact.png
"""

HORIZONS = ["100ms", "1s", "5s", "30s", "1m", "5m"]
CONTINUOUS = {"market_states": "CONTINUOUS_TRADING", "attribute_filters": {"Classification": "LIT_CONTINUOUS"}}

USER_CONFIG = {
    "DATASETNAME": "impact",
    # Simulated; for your own, on the command line: --data_source_path lake --lake DIR
    "DATA_SOURCE_PATH": ["synthetic"],
    "PASSES": [
        {
            "name": "hours",
            "time_bucket_seconds": 3600,
            "modules": ["trade", "l2", "l2tw"],
            "trade_analytics": {
                "generic_metrics": [{"measures": ["Volume", "Notional"], "sides": ["Total", "Bid", "Ask"], **CONTINUOUS}],
                "impact_metrics": [
                    {"variant": "EffectiveSpreadBps", **CONTINUOUS},
                    {"variant": ["RealizedSpreadBps", "PriceImpactBps", "HorizonCount"], "horizon": HORIZONS, **CONTINUOUS},
                ],
            },
            "l2_analytics": {
                "spreads": [{"variant": "BPS", "aggregations": "TWA"}],
                "depth": [{"measures": "DepthBps", "sides": ["Bid", "Ask"], "bps": 10, "aggregations": "TWA"}],
                "ohlc": [{"source": "Mid", "open_mode": "prev_close"}],
                "flow": [{"measures": "OFI"}],
            },
        },
    ],
}
