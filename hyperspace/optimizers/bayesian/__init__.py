"""The Bayesian engine: models of the trials, trust regions, and arms that choose the next point.

`Optimizer` and the static strategy use it for one drive in one box (`optimizer`), the adaptive strategy for teams of drives.
"""
