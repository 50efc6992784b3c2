"""Numbers and metrics in what a program prints."""

import pytest

from hyperspace.errors import InputError
from hyperspace.evaluators.printed import compile_patterns, find_metrics, read_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        ("-1.5e-3", -1.5e-3),
        ("0.1234D+00", 0.1234),
        ("-.5d-2", -0.005),
        ("1.d3", 1000.0),
        ("2.5Q+1", 25.0),
        ("0.1234-102", 0.1234e-102),
        ("0.1234+102", 0.1234e102),
        ("inf", float("inf")),
    ],
)
def test_numbers_of_c_and_of_fortran(text, value):
    assert read_number(text) == value


@pytest.mark.parametrize("text", ["", "D", "1D", "1.5-3", "12-102-3", "0x1D+0", "1.5D+", "one"])
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match="could not convert"):
        read_number(text)


def test_the_last_match_of_each_named_group_counts():
    patterns = compile_patterns([r"drag = (?P<drag>\S+)", r"heat = (?P<heat>\S+)"])
    assert find_metrics("drag = 1.0\nheat = 2D0\ndrag = 3", patterns, "it printed") == {"drag": 3.0, "heat": 2.0}


def test_a_pattern_without_a_group_is_the_number_itself_or_says_what_to_do():
    assert find_metrics("cost 12.5", compile_patterns(r"\d+\.\d+"), "it printed") == 12.5
    with pytest.raises(InputError, match=r"the pattern 'cost \\S\+' found 'cost 12.5', which is no number; put \( \) around"):
        find_metrics("cost 12.5", compile_patterns(r"cost \S+"), "it printed")


def test_json_without_a_pattern():
    assert find_metrics('step 1\n{"loss": 0.5}\ndone', (), "it printed") == {"loss": 0.5}
    assert find_metrics('{\n "loss": 0.5\n}', (), "it wrote", whole=True) == {"loss": 0.5}
    with pytest.raises(InputError, match=r"no line that is a number or an object in JSON.*its last line is 'done'"):
        find_metrics("done", (), "it printed")
