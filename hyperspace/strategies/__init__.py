"""Strategies: which subspace or region a drive works next."""
