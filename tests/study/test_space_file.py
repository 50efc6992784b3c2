import pytest

from hyperspace import Categorical, Integer, Real
from hyperspace.errors import InputError
from hyperspace.space import check_space
from hyperspace.study import space_file
from hyperspace.study.space_file import read_space


def test_the_format_of_the_docs(tmp_path):
    file = tmp_path / "space.toml"
    file.write_text(space_file.__doc__.split("\n\n", 1)[1])
    expected = check_space(
        {
            "x": Real(0.0, 1.0),
            "layers": Integer(1, 8),
            "rate": Real(1e-4, 1e-1, "log-uniform"),
            "activation": Categorical(["relu", "tanh"]),
            "batch": Categorical([32, 64]),
            "momentum": Real(0.0, 1.0),
            "epochs": 20,
        }
    )
    space = read_space(file)
    assert space.describe() == expected.describe()
    assert list(space.parameters(space.from_unit(space.to_unit([[0.5, 3, 1e-2, "tanh", 32, 0.5]]))[0])) == [
        *space.names,
        "epochs",
    ]


def test_prior_and_base_may_be_given_in_words(tmp_path):
    file = tmp_path / "space.toml"
    file.write_text('[rate]\nlow = 1\nhigh = 64\nprior = "log-uniform"\nbase = 2\n')
    assert read_space(file).describe() == check_space({"rate": Integer(1, 64, "log-uniform", 2)}).describe()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = [0.0", "is not valid TOML: "),
        ("", "the search space is empty"),
        ("x = [1.0, 0.0]", "dimension 0 (x): "),
        ("x = [0.0, 1.0]\ny = []", "dimension 1 (y): "),
        (
            "x = {low = 0}",
            "x must be a list, one value, {low, high} with prior and base if need be, or {categories}; got",
        ),
        ("x = {low = 0, high = 1, step = 2}", "x must be a list"),
        ("x = {low = 1, high = 2, base = 2}", "x must be a list"),
        ("x = {categories = 3}", "x must be a list"),
        ("x = 2026-01-01", "dimension 0 (x): "),
        ('x = ["1e-5", 0.1]', "dimension 0 (x): low and high must be numbers"),
        ('x = [1e-4, 1e-1, "loguniform"]', 'dimension 0 (x): prior must be "uniform" or "log-uniform"'),
        ('x = {low = "1e-5", high = "1e-1"}', "x: low must be a number, got the text '1e-5'; write [1.0e-5, 1.0e-1]"),
        ('x = {low = 1.0, high = 2.0, prior = "log"}', 'x: Real: prior must be "uniform" or "log-uniform"'),
        pytest.param("x = " + "[" * 20000 + "]" * 20000, "nested too deeply", id="lists"),
        pytest.param("x = " + "{a=" * 5000 + "1" + "}" * 5000, "nested too deeply", id="tables"),
        pytest.param("x = [0, 0x" + "f" * 6000 + "]", "an integer of about 7225 digits", id="hexadecimal"),
        pytest.param("x = " + "9" * 5000, "is not valid TOML: ", id="digits"),
    ],
)
def test_an_error_is_one_sentence_that_names_the_file(tmp_path, text, message):
    file = tmp_path / "space.toml"
    file.write_text(text)
    with pytest.raises(InputError) as refused:
        read_space(file)
    assert str(refused.value).startswith(f"the space {str(file)!r}")
    assert message in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_space(tmp_path / "nothing.toml")
