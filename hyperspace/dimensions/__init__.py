"""The dimensions of a search space."""
