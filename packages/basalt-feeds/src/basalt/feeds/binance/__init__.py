"""Binance: captures of its WebSocket streams, futures and spot.

Rooms: `reading` (lines → typed messages), `following` (messages → changes of price levels that fit
each other), `tables` (rows of the lake), `importing` (paths → lake).
"""
