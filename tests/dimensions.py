"""Dimensions of every kind and coordinates, for hypothesis."""

from hypothesis import strategies as st

from hyperspace.space import Categorical, Integer, Real

reals = st.tuples(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6)).map(lambda t: Real(t[0], t[0] + t[1]))

log_reals = st.tuples(st.floats(1e-12, 1e6), st.floats(1.001, 1e9)).map(lambda t: Real(t[0], t[0] * t[1], "log-uniform"))

integers = st.tuples(st.integers(-(10**6), 10**6), st.integers(1, 10**6)).map(lambda t: Integer(t[0], t[0] + t[1]))

log_integers = st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)).map(lambda t: Integer(t[0], t[0] + t[1], "log-uniform"))

small_integers = st.tuples(st.integers(-5, 5), st.integers(1, 60)).map(lambda t: Integer(t[0], t[0] + t[1]))

categoricals = st.integers(1, 60).map(lambda k: Categorical(range(k)))

levelled = st.one_of(integers, log_integers, small_integers, categoricals)

dimensions = st.one_of(reals, log_reals, levelled)

unit = st.floats(0, 1)
