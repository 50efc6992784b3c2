"""The partition: halves that cover their dimension and overlap exactly, subspaces by index, at any number of dimensions."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspace.errors import InputError
from hyperspace.space import Categorical, Integer, Real, Space, check_space
from hyperspace.space.partition import Partition

overlaps = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1))
priors = st.sampled_from(["uniform", "log-uniform"])


def halves(dimension, overlap):
    """Return the lower and the upper subspace of a space of one dimension."""
    return list(Partition(Space([dimension]), overlap=overlap))


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), overlaps)
def test_real_halves_are_the_dimension_and_overlap_exactly(low, width, overlap):
    lower, upper = halves(Real(low, low + width), overlap)
    a, b = lower.space.dimensions[0], upper.space.dimensions[0]
    scale = max(abs(low), abs(low + width))
    assert (a.low, b.high) == (low, low + width)
    assert a.high - b.low == pytest.approx(overlap * width, abs=1e-15 * scale + 1e-15 * width)
    assert a.high - a.low == pytest.approx((1 + overlap) / 2 * width, abs=1e-15 * scale + 1e-15 * width)
    assert lower.bounds.upper - upper.bounds.lower == pytest.approx(overlap, abs=1e-15)
    assert (lower.bounds.lower, upper.bounds.upper) == (0.0, 1.0)


@given(st.floats(1e-9, 1e3), st.floats(1.5, 1e9), overlaps)
def test_log_uniform_halves_split_in_the_logarithm(low, ratio, overlap):
    lower, upper = (subspace.space.dimensions[0] for subspace in halves(Real(low, low * ratio, "log-uniform"), overlap))
    assert (lower.low, upper.high) == (low, low * ratio)
    assert lower.prior == upper.prior == "log-uniform"
    assert math.log(lower.high / low) == pytest.approx((1 + overlap) / 2 * math.log(ratio), abs=1e-13)
    # With overlap 0 the halves touch, and may miss each other by a rounding error.
    assert math.log(lower.high / upper.low) == pytest.approx(overlap * math.log(ratio), abs=1e-13)


@given(st.integers(1, 200), st.integers(1, 100), priors, overlaps)
@settings(max_examples=300)
def test_integer_halves_cover_every_integer_and_are_neither_empty_nor_reversed(low, width, prior, overlap):
    whole = Integer(low, low + width, prior)
    subspaces = halves(whole, overlap)
    parts = []
    for subspace in subspaces:
        dimension = subspace.space.dimensions[0]
        values = (
            list(dimension.categories) if isinstance(dimension, Categorical) else list(range(dimension.low, dimension.high + 1))
        )
        assert values == sorted(values)
        parts.append(values)
    assert all(parts)
    assert parts[0][0] == low
    assert parts[1][-1] == low + width
    assert sorted({*parts[0], *parts[1]}) == list(range(low, low + width + 1))
    # An integer belongs to every half in which its coordinate lies.
    size = (1 + overlap) / 2
    coordinates = whole.to_unit(range(low, low + width + 1))
    assert abs(len(parts[0]) - (coordinates <= size).sum()) <= np.sum(abs(coordinates - size) < 1e-8)
    assert abs(len(parts[1]) - (coordinates >= 1 - size).sum()) <= np.sum(abs(coordinates - 1 + size) < 1e-8)
    if prior == "uniform":
        assert len(parts[0]) == len(parts[1])
        assert abs(len(parts[0]) - size * (width + 1)) <= 0.5 + 1e-8


@given(st.integers(2, 60), overlaps)
def test_categories_split_in_listed_order(k, overlap):
    names = [f"c{j}" for j in range(k)]
    lower, upper = (subspace.space.dimensions[0].categories for subspace in halves(Categorical(names), overlap))
    assert list(lower) == names[: len(lower)]
    assert list(upper) == names[-len(upper) :]
    assert len(lower) == len(upper)
    assert len(lower) + len(upper) >= k
    assert abs(len(lower) - (1 + overlap) / 2 * k) <= 0.5 + 1e-8


@pytest.mark.parametrize(
    ("dimension", "overlap", "lower", "upper"),
    [
        ((2, 10), 0.25, (2, 7), (5, 10)),
        ((1, 10), 0.25, (1, 6), (5, 10)),
        ((1, 3), 0.0, (1, 2), (2, 3)),
        ((1, 4), 0.0, (1, 2), (3, 4)),
        ((1, 1000, "log-uniform"), 0.0, (1, 22), (23, 1000)),
        ((10.0**-2, 10.0**0), 0.25, (0.01, 0.62875), (0.38125, 1.0)),
        ((1e-4, 1.0, "log-uniform"), 0.0, (1e-4, 1e-2), (1e-2, 1.0)),
        ((1e-4, 1.0, "log-uniform"), 0.5, (1e-4, 1e-1), (1e-3, 1.0)),
        (["a", "b", "c", "d"], 0.5, ("a", "b", "c"), ("b", "c", "d")),
        ([False, True], 0.25, (False,), (True,)),
        ((1, 2), 0.25, (1,), (2,)),
        (["a", "b", "c"], 1.0, ("a", "b", "c"), ("a", "b", "c")),
    ],
)
def test_halves_as_one_would_write_them(dimension, overlap, lower, upper):
    for subspace, expected in zip(Partition(check_space([dimension]), overlap=overlap), (lower, upper), strict=True):
        bounds = subspace.space.dimensions[0].bounds
        assert bounds == (expected if isinstance(expected[0], str) else pytest.approx(expected, rel=1e-12))


MIXED = {
    "lr": (1e-4, 1e-1, "log-uniform"),
    "batch": 32,
    "units": (1, 49),
    "depth": (1, 7, "log-uniform"),
    "optimizer": ["adam", "sgd", "rmsprop", "adagrad", "lion"],
    "bias": [False, True],
    "fixed": ["only"],
    "nodes": Integer(1, 64, role="environment"),
}


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.6, 1.0])
def test_a_snapped_point_within_the_bounds_is_a_point_of_the_subspace(overlap):
    space = check_space(MIXED)
    rng = np.random.default_rng(0)
    for subspace in Partition(space, overlap=overlap):
        edges = np.where(rng.random((50, space.d)) < 0.5, subspace.bounds.lower, subspace.bounds.upper)
        U = np.concatenate([subspace.bounds.clip(rng.random((50, space.d))), edges])
        snapped = space.snap(U)
        assert subspace.bounds.contains(snapped).all()
        for point in space.from_unit(snapped) + space.from_unit(U):
            subspace.space.check_point(point)


@given(st.integers(1, 400), priors, overlaps)
@settings(max_examples=300)
def test_integers_at_the_very_edge_of_the_bounds_stay_within(width, prior, overlap):
    whole = Space([Integer(3, 3 + width, prior)])
    for subspace in Partition(whole, overlap=overlap):
        values = whole.from_unit(np.stack([subspace.bounds.lower, subspace.bounds.upper]))
        assert (values[0][0], values[1][0]) == tuple(subspace.space.from_unit(np.array([[0.0], [1.0]]))[k][0] for k in (0, 1))


def test_bit_j_of_the_index_is_the_half_of_split_dimension_j():
    partition = Partition(check_space(MIXED))
    assert partition.split == (0, 1, 2, 3, 4)
    assert len(partition) == partition.n_subspaces == 32
    assert [subspace.index for subspace in partition] == list(range(32))
    for subspace in partition:
        for bit, j in enumerate(partition.split):
            upper = subspace.index >> bit & 1
            assert (subspace.bounds.upper[j] == 1.0) == upper
            assert (subspace.bounds.lower[j] == 0.0) == (not upper)
        assert subspace.bounds.lower[5:].tolist() == [0.0, 0.0]
        assert subspace.bounds.upper[5:].tolist() == [1.0, 1.0]


def test_a_subspace_keeps_names_roles_and_constants():
    space = check_space(MIXED)
    subspace = Partition(space)[31].space
    assert subspace.names == space.names
    assert subspace.named
    assert subspace.constants == {"batch": 32}
    assert [dimension.role for dimension in subspace.dimensions] == [dimension.role for dimension in space.dimensions]
    assert subspace.dimensions[4] == Categorical([True])
    assert subspace.dimensions[6] == space.dimensions[6]
    point = subspace.from_unit(np.full((1, 7), 0.5))[0]
    assert list(subspace.parameters(point)) == list(MIXED)
    unnamed = Partition(check_space([(0.0, 1.0), (1, 2)]))[3].space
    assert unnamed.names == ("x0", "x1")
    assert not unnamed.named


def test_the_first_splittable_dimensions_are_split():
    space = check_space([["only"], (0.0, 1.0), (1, 2), Real(0, 1, role="environment"), (0.0, 1.0)])
    assert Partition(space).split == (1, 2, 4)
    assert Partition(space, 4).split == (1, 2)
    assert Partition(space, np.int64(1)).split == ()
    whole = Partition(space, 1)[0]
    assert whole.space.dimensions == space.dimensions
    assert whole.bounds.contains(np.array([[0.0] * 5, [1.0] * 5])).all()


def test_neighbors_differ_in_one_half():
    partition = Partition(check_space([(0.0, 1.0)] * 4))
    assert partition.neighbors(5) == [4, 7, 1, 13]
    for i, j in itertools.product(range(16), repeat=2):
        assert (j in partition.neighbors(i)) == ((i ^ j).bit_count() == 1)


def test_a_hundred_dimensions_make_subspaces_by_index():
    partition = Partition(check_space([(0.0, 1.0)] * 100))
    assert partition.n_subspaces == 2**100
    with pytest.raises(OverflowError):
        len(partition)
    index = 2**99 + 5
    subspace = partition[index]
    assert subspace.index == index
    assert np.flatnonzero(subspace.bounds.lower > 0).tolist() == [0, 2, 99]
    assert len(partition.neighbors(index)) == 100
    assert next(iter(partition)).index == 0


def test_an_index_outside_is_refused():
    partition = Partition(check_space([(0.0, 1.0)] * 2))
    for index in (-1, 4):
        with pytest.raises(IndexError, match="0 to 3"):
            partition[index]
    with pytest.raises(TypeError):
        partition[1.0]
    assert partition[np.int64(3)].index == 3


@pytest.mark.parametrize("overlap", [-0.1, 1.1, math.nan, None, "0.25", True])
def test_an_overlap_outside_zero_to_one_is_refused(overlap):
    with pytest.raises(InputError, match="overlap must be a number from 0 to 1"):
        Partition(check_space([(0.0, 1.0)]), overlap=overlap)


@pytest.mark.parametrize("n_subspaces", [0, 3, 6, -2, 4.0, "4", True, math.nan])
def test_a_number_of_subspaces_that_is_no_power_of_two_is_refused(n_subspaces):
    with pytest.raises(InputError, match="power of two"):
        Partition(check_space([(0.0, 1.0)] * 3), n_subspaces)


def test_more_subspaces_than_halves_are_refused():
    with pytest.raises(InputError, match=r"at most 2\^2, for 2 dimensions that can be split, got 8"):
        Partition(check_space([(0.0, 1.0)] * 2 + [["only"]]), 8)


def test_a_point_lies_in_every_box_that_holds_it():
    space = check_space([(0.0, 1.0), (0.0, 1.0), (1, 8)])
    partition = Partition(space, 8, overlap=0.25)
    for u in np.random.default_rng(0).random((40, 3)):
        u = space.snap(u[None])[0]
        inside = [box.index for box in partition if bool(box.bounds.contains(u))]
        assert (sorted(partition.holding(u, 8)[0]), partition.holding(u)[1]) == (inside, len(inside))
    assert partition.holding(np.full(3, 0.5), most=2)[0] == [0, 4] or len(partition.holding(np.full(3, 0.5), most=2)[0]) == 2
