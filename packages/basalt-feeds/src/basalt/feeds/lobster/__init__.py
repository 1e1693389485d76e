"""LOBSTER: Nasdaq order events and books reconstructed from TotalView-ITCH.

Rooms: `finding` (paths → pairs of files), `reading` (a pair → typed frames), `faults` (what is
wrong with a file, and where), `tables` (frames → tables), `importing` (paths → lake).
"""
