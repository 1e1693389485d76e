"""Vendor feeds: native files into the tables of a lake."""
