"""Tardis: its downloadable CSV files.

Rooms: `finding` (paths → files by exchange, kind and day), `reading` (a file → typed rows), `tables` (rows → changes of a
book, states of a book, prints), `importing` (paths → lake), `exporting` (a day of a lake → files).
"""
