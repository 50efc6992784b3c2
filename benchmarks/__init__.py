"""Benchmarks of HyperSpace against other optimizers: `python -m benchmarks.run --help`."""
