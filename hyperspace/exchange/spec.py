"""Table of the exchanges: the values of `exchange=`, and the properties by which they differ.

The loop of each exchange stands in `hyperspace.execution.loops`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSpec:
    """Properties of an exchange.

    Attributes:
        name: its name as an argument.
        is_shared: whether a drive learns the trials of the others.
        is_synchronous: whether all drives ask with the same trials: those of the rounds before.
        is_repeatable: whether a study makes the same trials on any number of ranks.
        adds_drives: whether the drives of a study become more if more ranks resume it.
        has_workers: whether the processes are workers without MPI, which share the study's folder and come and go. Otherwise they
            are the ranks of one run.
    """

    name: str
    is_shared: bool = True
    is_synchronous: bool = False
    is_repeatable: bool = False
    adds_drives: bool = False
    has_workers: bool = False


NONE = ExchangeSpec(name="none", is_shared=False, is_repeatable=True)
ROUND = ExchangeSpec(name="round", is_synchronous=True, is_repeatable=True)
ASYNC = ExchangeSpec(name="async", adds_drives=True)
FILES = ExchangeSpec(name="files", has_workers=True)

EXCHANGES = {spec.name: spec for spec in (NONE, ROUND, ASYNC, FILES)}


def has_workers(exchange: object) -> bool:
    """Return whether an argument, which may be invalid or None, names an exchange of workers."""
    return isinstance(exchange, str) and exchange in EXCHANGES and EXCHANGES[exchange].has_workers
