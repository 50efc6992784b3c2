"""Table of the loops: each exchange has one. `hyperspace.exchange.spec` has the properties of the exchanges."""

from __future__ import annotations

from hyperspace.exchange.spec import ASYNC, FILES, NONE, ROUND, ExchangeSpec
from hyperspace.execution.async_loop import AsyncLoop
from hyperspace.execution.files_loop import FilesLoop
from hyperspace.execution.loop import Loop
from hyperspace.execution.round_loop import RoundLoop

LOOPS: dict[ExchangeSpec, type[Loop]] = {NONE: RoundLoop, ROUND: RoundLoop, ASYNC: AsyncLoop, FILES: FilesLoop}
