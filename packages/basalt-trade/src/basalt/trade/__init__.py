"""Analytics of trades: how much, at what price, how wild, against what, which kind, at what cost."""
