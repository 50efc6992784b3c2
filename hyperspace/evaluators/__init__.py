"""Evaluators: how a trial reaches the objective and comes back."""
