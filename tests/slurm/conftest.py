"""A Slurm for the tests of this folder, and programs for its jobs."""

import pytest
from slurm.cluster import Cluster, missing


@pytest.fixture(scope="session")
def cluster():
    """Start a Slurm of 4 pretended nodes with 2 processors each, where one can be started."""
    if reason := missing():
        pytest.skip(f"no Slurm to test with: {reason}")
    with Cluster(nodes=4, cpus=2) as started:
        yield started
