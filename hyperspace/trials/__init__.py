"""Trials, what they are worth, and how they are put on record."""
