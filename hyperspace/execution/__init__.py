"""Runs of a study: the loops of its drives, from opening its files to the merged result."""
