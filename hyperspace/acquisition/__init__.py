"""Acquisition functions, and the search for their maximum."""

ACQUISITIONS = ("EI", "PI", "LCB", "TS", "gp_hedge")
