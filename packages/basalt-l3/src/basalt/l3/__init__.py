"""Analytics of orders: what arrives, what leaves and why, how long it waits and whether it is filled."""
