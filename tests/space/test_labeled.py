import pandas as pd
import pytest

from hyperspace.errors import InputError
from hyperspace.space import check_space
from hyperspace.space.labeled import by_label, rows_of
from hyperspace.study.checks import check_given
from hyperspace.trials.metrics import Metrics

SPACE = check_space({"rate": (0.0, 1.0), "n": (1, 5), "kind": ["a", "b"], "k": 7})
TABLE = pd.DataFrame({"kind": ["b", "a"], "rate": [0.25, 1.0], "n": [3, 4], "loss": [1.0, 2.0]})
POINTS = [(0.25, 3, "b"), (1.0, 4, "a")]


def given(x0, y0):
    return [trial.x for trial in check_given(x0, y0, SPACE, Metrics())]


def test_rows_of_a_table_are_read_by_their_labels():
    assert given(TABLE, TABLE["loss"]) == POINTS
    assert given(TABLE, TABLE[["loss"]]) == POINTS
    assert given([row for _, row in TABLE.iterrows()], [1.0, 2.0]) == POINTS
    assert given(TABLE.iloc[1], 2.0) == POINTS[1:]
    assert given(TABLE[:1], 1.0) == POINTS[:1]
    assert [type(value) for value in given(TABLE, [1, 2])[0]] == [float, int, str]


def test_a_table_without_labels_is_read_by_position():
    assert given(pd.DataFrame([[0.25, 3, "b"]]), [1.0]) == POINTS[:1]


def test_other_labels_are_refused_and_not_read_by_position():
    with pytest.raises(InputError, match="must name the parameters rate, n, kind; got 'rate', 'size', 'kind'"):
        given(TABLE[["rate", "n", "kind"]].rename(columns={"n": "size"}), [1.0, 2.0])
    with pytest.raises(InputError, match="must differ"):
        rows_of(pd.concat([TABLE, TABLE], axis=1))
    with pytest.raises(InputError, match="must differ"):
        by_label(pd.concat([TABLE.iloc[0], TABLE.iloc[0]]), SPACE.names)


def test_a_table_may_hold_the_constants_as_they_are():
    assert given(TABLE.assign(k=7), [1.0, 2.0]) == POINTS
    with pytest.raises(InputError, match="k is the constant 7 in this space, and the point has 8"):
        given(TABLE.assign(k=8), [1.0, 2.0])


def test_integers_that_pandas_made_floats_of_are_integers_again():
    space = check_space([[32, 64, 128], (0.0, 1.0)])
    row = pd.DataFrame({"x1": [0.5], "x0": [64]}).iloc[0]
    assert row["x0"] == 64.0
    assert space.check_point(row) == (64, 0.5)
    assert type(space.check_point(row)[0]) is int


def test_named_tuples_and_structured_rows_are_read_by_their_labels():
    space = check_space({"x": (0.0, 1.0), "y": (0.0, 1.0)})
    table = pd.DataFrame({"y": [0.75], "more": [1], "x": [0.25]})
    assert space.check_point(next(table.itertuples())) == (0.25, 0.75)
    assert space.check_point(table[["y", "x"]].to_records(index=False)[0]) == (0.25, 0.75)
    with pytest.raises(InputError, match="read by its labels"):
        space.check_point(next(table[["y", "more"]].itertuples(index=False)))
