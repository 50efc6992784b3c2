"""Earlier name of `mpi_ranks`, for programs that measure messages between ranks."""

from __future__ import annotations

from hyperspace.exchange.mpi_ranks import MPIRanks as MPIExchange

__all__ = ["MPIExchange"]
