"""One-minute bars: open, high, low, close, volume and VWAP of every listing.

    basalt pipeline run --pipeline demo/01_ohlcv_bars.py --date 2026-02-01

The market is simulated, so nothing else is needed; the same date gives the same trades anywhere.
What a column means, and which stored columns it is made of:

    basalt analytics explain --pipeline demo/01_ohlcv_bars.py --column TradeTotalVolume
"""

USER_CONFIG = {
    # Outputs are called <DATASETNAME>_<pass>: basalt_output/ohlcv_bars/…
    "DATASETNAME": "ohlcv",
    # Simulated; for your own, on the command line: --data_source_path lake --lake DIR
    "DATA_SOURCE_PATH": ["synthetic"],
    "PASSES": [
        {
            "name": "bars",
            # A bucket holds (start, end] and is labelled with its end.
            "time_bucket_seconds": 60,
            "modules": ["trade"],
            "trade_analytics": {
                "generic_metrics": [
                    # Total counts every trade; add "Bid" and "Ask" to split by aggressor.
                    {"measures": ["OHLC", "Volume", "VWAP", "Count"], "sides": "Total"},
                ],
            },
        },
    ],
}
