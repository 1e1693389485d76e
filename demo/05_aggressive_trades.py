"""Aggressive orders: executions put together to the incoming orders that caused them, then bars of orders instead of trades.

    basalt pipeline run --pipeline demo/05_aggressive_trades.py --date 2026-02-01

One large buy order takes many resting orders, and prints as many trades. The first pass finds the orders (written as
`aggressive_trades_found_aggressive_orders`), the second makes bars of them with the module that makes bars of trades, so its
counts count orders. The third makes the same bars of trades: the same volumes, twice the counts.

A picture of it: uv run --with matplotlib scripts/draw_sweeps.py
"""

MEASURES = ["Volume", "Count", "VWAP"]
BARS = {
    "time_bucket_seconds": 900,
    "modules": ["trade"],
    "trade_analytics": {
        "generic_metrics": [
            {"measures": MEASURES, "sides": ["Bid", "Ask"], "attribute_filters": {"Classification": ["LIT_CONTINUOUS", "LIT_HIDDEN"]}},
        ],
    },
}

USER_CONFIG = {
    "DATASETNAME": "aggressive_trades",
    # Simulated; for your own, on the command line: --data_source_path lake --lake DIR
    "DATA_SOURCE_PATH": ["synthetic"],
    "PASSES": [
        {
            "name": "found",
            "time_bucket_seconds": 900,
            "preprocess_modules": ["aggressive_preprocess"],
            # Executions of one side belong together when each comes within ten microseconds of the one before.
            "aggressive_preprocess": {"deltat": 1e-5},
            "side_outputs": {"aggressive_orders": {"materialize": "always"}},
        },
        {"name": "bars_of_orders", "module_inputs": {"trade": "found:aggressive_orders"}, **BARS},
        {"name": "bars_of_trades", **BARS},
    ],
}
