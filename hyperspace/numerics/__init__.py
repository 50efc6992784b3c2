"""Numerical tools that know nothing of studies."""
