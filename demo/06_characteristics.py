"""Characteristics: what the order events and trades of every hour of a day are like, and whether the data hold together.

    basalt pipeline run --pipeline demo/06_characteristics.py --date 2026-02-01

A claim is true, false, or null where no row tells. `L3HasCrossedBookContinuous` or a false `L3BMLLSequenceNoNonDecreasing` are
worth a look; crossed books outside of continuous trading are what auctions are made of.

A picture of it: uv run --with matplotlib scripts/draw_characteristics.py FACTS.parquet PICTURE.png
"""

PHASES = ["ContinuousTrading", "OpeningAuction", "IntradayAuction", "ClosingAuction", "UnscheduledAuction"]

USER_CONFIG = {
    "DATASETNAME": "characteristics",
    # Simulated; for your own, on the command line: --data_source_path lake --lake DIR
    "DATA_SOURCE_PATH": ["synthetic"],
    "PASSES": [
        {
            "name": "facts",
            "time_bucket_seconds": 3600,
            "modules": ["l3_characteristics", "trade_characteristics"],
            # Without entries a module makes the claims whose columns every feed has. These need more.
            "l3_characteristics_analytics": {
                "characteristics": [
                    {"measures": ["EventCount", "ExecutionCount", "HasExecution", "HasMultiRowEvent", "HasUpdates", "HasNoOpUpdate"]},
                    {"measures": "HasPhase", "phases": PHASES},
                    {"measures": "HasIdleExecution", "idle_phases": ["PreOpen", "PostTrade"]},
                    {"measures": ["HasLockedBookContinuous", "HasCrossedBookContinuous", "HasCrossedBookNonContinuous"]},
                    {"measures": ["ExecutedNotAtTopOfBook", "SizeAheadOrdersAheadConsistent"]},
                    {"measures": ["NonDecreasing", "StrictlyIncreasing"], "numbers": ["EventTimestamp", "EventNo", "BMLLSequenceNo"]},
                ],
            },
            "trade_characteristics_analytics": {
                "characteristics": [
                    {
                        "measures": [
                            "EventCount",
                            "Volume",
                            "HasLitTrades",
                            "HasZeroSize",
                            "HasUnknownAggressorSide",
                            "HasUnknownMarketState",
                        ]
                    },
                    {"measures": ["HasCancelledTrades", "HasMultipleExecutionVenues", "HasTradeId"]},
                    {"measures": "HasFlag", "flags": ["AlgorithmicTrade", "BlockTrade", "CrossingTrade", "NegotiatedTrade"]},
                    {"measures": ["PubEqualsTradeTimestampRatio", "PubTradeTimestampAvgDiffS"]},
                ],
            },
        },
    ],
}
