"""Benchmarks of Basalt against what an expert writes by hand: `python -m benchmarks --help`."""
