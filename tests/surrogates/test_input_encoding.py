import numpy as np

from hyperspace import Optimizer
from hyperspace.space import check_space
from hyperspace.surrogates.input_encoding import CODE_LENGTH, MOST_INDICATORS, Features


def squares(features):
    return ((features[:, None] - features[None]) ** 2).sum(axis=-1)


def test_categories_are_at_distance_one():
    space = check_space([list("abcd"), (0.0, 1.0)])
    features = Features(2, space)(space.to_unit([[c, 0.5] for c in "abca"]))
    assert features.shape == (4, 5)
    np.testing.assert_allclose(squares(features), [[0, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 0]], atol=1e-15)


def test_very_many_categories_are_at_distance_one_nearly_and_cost_no_more():
    k = 20_000
    space = check_space([list(range(k)), (0.0, 1.0)])
    features = Features(2, space)
    rows = features(space.to_unit([[v, 0.5] for v in range(0, k, 50)]))
    assert rows.shape == (400, 1 + CODE_LENGTH)
    assert len(features.columns) == 1 + CODE_LENGTH
    between = squares(rows)[~np.eye(400, dtype=bool)]
    assert 0.6 < between.min() < between.max() < 1.4
    assert abs(between.mean() - 1.0) < 0.01
    assert np.array_equal(rows, features(space.to_unit([[v, 0.5] for v in range(0, k, 50)])))


def test_code_words_do_not_change():
    """A study that goes on with another version must find the same model."""
    space = check_space([list(range(MOST_INDICATORS + 1))])
    bits = Features(1, space)(space.to_unit([[0], [512]])) > 0
    assert [np.packbits(row)[:4].tolist() for row in bits] == [[175, 205, 29, 123], [189, 159, 129, 1]]


def test_a_search_among_very_many_categories_finds_the_good_value_beside_them():
    errors = []
    for seed in range(7):
        opt = Optimizer([[str(i) for i in range(20_000)], (0.0, 1.0)], random_state=seed)
        for _ in range(15):
            x = opt.ask()
            opt.tell(x, (x[1] - 0.3) ** 2)
        errors.append(abs(opt.x[1] - 0.3))
    assert np.median(errors) < 0.005  # of single studies one in ten is above 0.05
