"""Three passes, each made of the one before: minutes of a listing, quarters of an hour of a security, days.

    basalt pipeline run --pipeline demo/02_multi_pass.py --start_date 2026-02-02 --end_date 2026-02-04
    basalt pipeline plan --pipeline demo/02_multi_pass.py

A security trades on several venues: each venue is a listing, all of them are one instrument.
Every column says how it rolls up, so the VWAP of a day is that of its trades, not a mean of means.
"""

SHOWN = ["TradeTotalVolume", "TradeBidVolume", "TradeAskVolume", "TradeTotalCount", "TradeTotalVWAP", "High", "Low"]

USER_CONFIG = {
    "DATASETNAME": "multi",
    # Simulated; for your own, on the command line: --data_source_path lake --lake DIR
    "DATA_SOURCE_PATH": ["synthetic"],
    "PASSES": [
        # 1. One row per listing and minute, from trades.
        {
            "name": "minutes",
            "time_bucket_seconds": 60,
            "modules": ["trade"],
            "trade_analytics": {
                "generic_metrics": [
                    {"measures": ["Volume", "Count", "VWAP"], "sides": ["Bid", "Ask", "Total"]},
                    {"measures": "OHLC"},
                ],
            },
        },
        # 2. One row an instrument and quarter of an hour, from the minutes of all its venues. Open and
        #    Close are left out: what traded first on one venue is not what traded first on all.
        {
            "name": "quarters",
            "modules": ["generic"],
            "generic_analytics": {
                "source_pass": "minutes",
                "group_by": ["InstrumentId", "CurrencyCode", "TimeBucket"],
                "resample_rule": "15m",
                "columns": SHOWN,
            },
        },
        # 3. One row an instrument and day, from the quarters.
        {
            "name": "days",
            "modules": ["generic"],
            "generic_analytics": {
                "source_pass": "quarters",
                "group_by": ["InstrumentId", "CurrencyCode", "TimeBucket"],
                "resample_rule": "1d",
                "columns": SHOWN,
            },
        },
    ],
}
