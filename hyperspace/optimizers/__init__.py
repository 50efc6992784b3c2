"""Optimizers: ask/tell objects, each a module of its own."""
