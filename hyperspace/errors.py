"""Errors that carry a message for the user: what was expected, what came, and what to do."""

from __future__ import annotations


class HyperSpaceError(Exception):
    """Base of every error that this package raises on its own account."""


class InputError(HyperSpaceError, ValueError):
    """An argument, a search space or an answer of the objective's is not what it has to be."""


class NotBuiltError(HyperSpaceError, NotImplementedError):
    """An option that the signature has and this version does not have yet."""


class StudyError(HyperSpaceError, RuntimeError):
    """The folder of a study cannot be used: it holds another study, is damaged, or cannot be written."""


class LaunchError(HyperSpaceError, RuntimeError):
    """The process was not started as it should have been: wrong MPI, or none."""
