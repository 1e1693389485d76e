"""Nasdaq TotalView-ITCH 5.0: files of length-prefixed messages into tables of a lake, and back.

Source:
    Nasdaq TotalView-ITCH 5.0 interface specification; Nasdaq BinaryFILE 1.00.
"""
