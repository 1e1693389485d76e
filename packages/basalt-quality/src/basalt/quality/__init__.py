"""Quality of input: what a lake of market data holds, and what is wrong with it."""
