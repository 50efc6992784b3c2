"""The table of loops: every exchange has one."""

from hyperspace.exchange.spec import EXCHANGES
from hyperspace.execution.loop import Loop
from hyperspace.execution.loops import LOOPS


def test_every_exchange_has_a_loop():
    assert set(LOOPS) == set(EXCHANGES.values())
    assert all(issubclass(loop, Loop) for loop in LOOPS.values())
