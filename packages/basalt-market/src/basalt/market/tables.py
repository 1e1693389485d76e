"""Contracts of the raw market tables, with the names, places and schemas of BMLL's data sets."""

from __future__ import annotations

from basalt.market.books import CBBO, L2
from basalt.market.orders import L3
from basalt.market.phases import IMBALANCE, MARKETSTATE
from basalt.market.securities import REFERENCE
from basalt.market.trades import TRADES

TABLES = (TRADES, L2, L3, CBBO, MARKETSTATE, REFERENCE, IMBALANCE)

__all__ = ["CBBO", "IMBALANCE", "L2", "L3", "MARKETSTATE", "REFERENCE", "TABLES", "TRADES"]
