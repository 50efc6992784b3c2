"""Numerical tools, independent of studies."""
