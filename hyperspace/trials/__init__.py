"""Trials, their values, and their records."""
