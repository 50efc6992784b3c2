"""Surrogates: models of the objective, `fit(X, Y)` and `posterior(X)`."""
