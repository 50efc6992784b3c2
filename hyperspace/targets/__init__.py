"""Targets: what a study seeks, as a function of the metrics. One goal is the case of one box.

Only `losses` reads trials. The room knows neither models nor search: a `Front` receives means and standard deviations.

Notation:
    n, m   trials, goals                                        Y   losses, (n, m); less is better in every column
    P      points that do not dominate each other, (k, m)       r   reference point, (m,): the worst losses of interest
    y dominates z: y <= z in every goal, and y < z in one
"""
