"""Evaluators: execution of the objective for a trial."""
