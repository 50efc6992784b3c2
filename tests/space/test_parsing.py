import numpy as np
import pytest

from hyperspace import hyperdrive
from hyperspace.errors import InputError
from hyperspace.space import Categorical, Integer, Real, check_space
from hyperspace.space.parsing import Lists
from hyperspace.space.space import check_dimension


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        (["1e-5", "1e-1", "log-uniform"], 'write [1.0e-5, 1.0e-1, "log-uniform"] (YAML'),
        (["10", "100", "log"], 'write [10, 100, "log-uniform"]'),
        ([1e-4, 1e-1, "loguniform"], 'write [0.0001, 0.1, "log-uniform"]'),
        ([1e-4, 1e-1, "log_uniform"], 'write [0.0001, 0.1, "log-uniform"]'),
        ([1e-4, 1e-1, "Log-Uniform"], 'write [0.0001, 0.1, "log-uniform"]'),
        ([1, 10, "log"], 'write [1, 10, "log-uniform"]'),
        ([1, 10, "log-unifrom"], 'write [1, 10, "log-uniform"]'),
        ([1, 10, "unifrom"], 'write [1, 10, "uniform"]'),
        ([1, 10, "loguniform", 2], 'write [1, 10, "log-uniform", 2]'),
        ((1.0, 2.0, "loguniform"), 'write [1.0, 2.0, "log-uniform"]'),
        (["log-uniform", 1e-4, 1e-1], 'write [0.0001, 0.1, "log-uniform"]'),
        ([1, "log-uniform", 10], 'write [1, 10, "log-uniform"]'),
        ([1e-4, 1e-1, "log-uniform", "10"], 'write [0.0001, 0.1, "log-uniform", 10]'),
        ([1, 10, "log-uniform", 2, 3], 'write [1, 10, "log-uniform", 2]'),
        (["1e-5", 0.1], "write [1.0e-5, 0.1] (YAML"),
        ((1, "2"), "write [1, 2]"),
    ],
)
def test_bounds_with_a_mistake_are_no_categories(written, advice):
    with pytest.raises(InputError) as refused:
        check_dimension(written)
    assert advice in str(refused.value)
    assert "if these are categories, write Categorical(" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert Categorical(list(written)).levels == len(written)


@pytest.mark.parametrize(
    "categories",
    [
        ["32", "64"],
        ["1e-5", "1e-1"],
        ["1", "2", "3"],
        ["uniform", "normal", "log-uniform"],
        ["a", "b", "log-uniform"],
        [1, 10, "auto"],
        [0.5, 1, "log2"],
        [0.5, 1, "sqrt"],
        [1, 2, "linear"],
        ["linear", "log"],
        [1, 2, None],
        ["relu", 1, 2],
        [[1], [2], "log-uniform"],
        ["log", 1],
    ],
)
def test_lists_of_categories_stay_what_they_are(categories):
    assert check_dimension(categories).categories == tuple(categories)


@pytest.mark.parametrize(
    "make", [lambda: Categorical({"a", "b"}), lambda: Categorical(frozenset("ab")), lambda: check_space([{1, 2}])]
)
def test_a_set_has_no_order(make):
    with pytest.raises(InputError, match=r"must be a list, got a set, whose order differs .* sorted"):
        make()


@pytest.mark.parametrize(
    "bounds",
    [
        ["10^-5", "10^-1", "log-uniform"],
        ["1/100", "1/2", "log-uniform"],
        ["1,5", "2,5", "uniform"],
        ["-inf", "inf", "uniform"],
        [1, 10, "int"],
    ],
)
def test_numbers_in_another_notation_are_not_taken_for_categories(bounds):
    with pytest.raises(InputError, match="categories"):
        check_dimension(bounds)


def test_words_beside_a_prior_are_categories():
    assert check_dimension(["linear", "cubic", "uniform"]).levels == 3


@pytest.mark.parametrize("categories", [[32, 64], [0.0, 0.9], [64, 32], [1, 1.5], [5, 5.5]])
def test_a_list_in_a_dict_is_always_categories(categories):
    space = check_space({"batch": categories, "x": (0.0, 0.9), "n": (1, 9)})
    assert list(space.dimensions) == [Categorical(categories, name="batch"), Real(0.0, 0.9, name="x"), Integer(1, 9, name="n")]
    assert check_space({"batch": np.array([32, 64])}).dimensions[0].categories == (32, 64)


@pytest.mark.parametrize("bounds", [[1e-4, 1e-1, "log-uniform"], [1, 9, "uniform"], [1, 64, "log-uniform", 2]])
def test_a_list_in_a_dict_that_can_only_be_bounds_is_refused(bounds):
    with pytest.raises(InputError, match=r"dimension 0 \(a\): a list in a dict is categories, got .*; write \(") as refused:
        check_space({"a": bounds})
    assert "if these are categories, write Categorical([" in str(refused.value)
    assert check_space([bounds]).dimensions == check_space([tuple(bounds)]).dimensions


@pytest.mark.parametrize("unclear", [[0.0, 0.9], [2, 10], [10, 2], np.array([1, 5])])
def test_a_list_of_two_numbers_in_a_list_is_refused(unclear):
    with pytest.raises(
        InputError, match=r"dimension 1: the list \[.*\] may be an interval or two categories; write \("
    ) as refused:
        check_space([(0.0, 1.0), unclear])
    assert "; write (" in str(refused.value)
    assert "for the interval, or Categorical([" in str(refused.value)


def test_the_rows_of_an_array_are_intervals():
    assert check_space(np.array([[0.0, 1.0], [2.0, 3.0]])).dimensions == check_space([(0.0, 1.0), (2.0, 3.0)]).dimensions


@pytest.mark.parametrize("values", [[32, 64], [0.0, 0.9]])
def test_a_list_of_two_numbers_in_a_dict_is_a_choice_and_says_so(values, capfd):
    hyperdrive(lambda p: float(p["x"]), {"x": values}, None, checkpoints=False, n_calls=1)
    told = f"x: {values} is a choice of two values; for all values between them write {tuple(values)}"
    assert told in capfd.readouterr().err


@pytest.mark.parametrize("values", [Categorical([32, 64]), (32, 64), ["a", "b"], [True, False], [1, 2, 3]])
def test_what_is_clear_needs_no_word(values, capfd):
    hyperdrive(lambda p: len(str(p)), {"x": values}, None, checkpoints=False, n_calls=1)
    assert "choice" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "dimension", [(10, 100, 5), (1e-3, 1.0, True), (1, 2, 3, 4), (0.0, 1.0, None), (0.1, "log-uniform"), ("uniform", 3)]
)
def test_a_tuple_that_begins_as_an_interval_and_is_none_is_refused(dimension):
    with pytest.raises(InputError, match=r"interval.*list"):
        check_dimension(dimension)


def test_a_list_of_the_same_is_categories():
    assert check_dimension([10, 100, 5], Lists.IN_A_DICT).categories == (10, 100, 5)
    assert check_dimension(("a", 1), Lists.IN_A_DICT).levels == 2
