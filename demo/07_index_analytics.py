"""From listings to indices: minutes of listings, put together for the indices that each belongs to.

    basalt pipeline run --pipeline demo/07_index_analytics.py --date 2026-02-02

`reference` says which indices a listing is in, several in one text. A preprocessor in this file makes a row of each: the table
`index_membership`. The second pass adds up what members traded, and weights their spreads with it. A listing counts in each
of its indices with its whole weight; one that is in none is left out.
"""

import polars as pl

from basalt.core import hookimpl
from basalt.core.datasets import PlannedColumn
from basalt.core.declaring import ModuleConfig
from basalt.core.offers import Input, Produced, Scope


class IndexMembership:
    """One row a listing and index."""

    name, config_key, config_model = "index_membership", "index_membership", ModuleConfig
    doc = "Which listings are in which index, as reference tells it."

    def inputs(self, config):
        return (Input("reference", "reference", ("ListingId", "Index")),)

    def plan(self, config, inputs, clock, *, where):
        columns = (PlannedColumn("IndexId", pl.String(), "", "Name of the index."),)
        return {"index_membership": Produced(columns, ("ListingId",), Scope())}

    def compute(self, config, inputs, planned, clock):
        named = inputs["reference"].select("ListingId", pl.col("Index").fill_null("").str.split(";").alias("IndexId"))
        rows = named.explode("IndexId", empty_as_null=True, keep_nulls=True).filter(pl.col("IndexId") != "")
        return {"index_membership": rows.unique(maintain_order=True)}


@hookimpl
def basalt_preprocessors():
    return [IndexMembership()]


USER_CONFIG = {
    "DATASETNAME": "indices",
    "DATA_SOURCE_PATH": ["synthetic"],
    "PASSES": [
        {
            "name": "listings",
            "time_bucket_seconds": 300,
            "modules": ["trade", "l2tw"],
            "preprocess_modules": ["index_membership"],
            "trade_analytics": {"generic_metrics": [{"measures": ["NotionalEUR", "Count"]}]},
            "l2_analytics": {"spreads": [{"variant": "BPS", "aggregations": "TWA"}]},
        },
        {
            "name": "indices",
            "modules": ["reaggregate"],
            "reaggregate_analytics": {
                "source_pass": "listings",
                "group_df_pass": "index_membership",
                "columns": ["TradeTotalNotionalEUR", "TradeTotalCount"],
                "weighted": ["SpreadBpsTWA"],
                "weight_col": "TradeTotalNotionalEUR",
                "weight_mode": "bucket",
            },
        },
    ],
}
