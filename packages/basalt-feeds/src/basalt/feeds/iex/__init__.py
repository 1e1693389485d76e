"""IEX DEEP: captures of the price-level feed of Investors Exchange into tables of a lake.

Source:
    IEX Transport Protocol 1.25; IEX DEEP specification 1.06.
"""
