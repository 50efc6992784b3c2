"""One BLAS thread within the block, numpy's and scipy's, and as many as before after it."""

import numpy as np
import pytest
import scipy.linalg
from threadpoolctl import threadpool_info, threadpool_limits

from hyperspace.numerics.threads import one_thread


def threads():
    """Return the number of threads of each BLAS library that is loaded, by file."""
    scipy.linalg.blas.ddot([1.0], np.ones(1))
    return {library["filepath"]: library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.fixture
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        if set(threads().values()) != {2}:
            pytest.skip("this BLAS library takes no number of threads")
        yield


@pytest.mark.usefixtures("two_threads")
def test_every_blas_library_uses_one_thread_within_the_block_alone():
    with one_thread():
        assert set(threads().values()) == {1}
        with one_thread():
            assert set(threads().values()) == {1}
        assert set(threads().values()) == {1}
    assert set(threads().values()) == {2}


@pytest.mark.usefixtures("two_threads")
def test_an_error_gives_the_threads_back():
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert set(threads().values()) == {2}


@pytest.mark.usefixtures("two_threads")
def test_what_the_objective_sets_between_two_blocks_is_what_it_gets_back():
    with one_thread():
        pass
    with threadpool_limits(3, user_api="blas"):
        with one_thread():
            assert set(threads().values()) == {1}
        assert set(threads().values()) == {3}


def test_scipys_own_blas_is_found_though_nobody_has_loaded_it(python):
    """In a process of its own: here scipy.linalg was imported long ago."""
    program = """
        import numpy
        from threadpoolctl import threadpool_info
        from hyperspace.numerics.threads import one_thread
        with one_thread():
            import scipy.linalg
            print(*{library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"})
    """
    assert python(program, OPENBLAS_NUM_THREADS="2", MKL_NUM_THREADS="2", OMP_NUM_THREADS="").stdout.split() == ["1"]
