"""Functions named on the command line: in a file, or in a module on the path."""

import sys

import pytest

from hyperspace.cli.targets import load_target
from hyperspace.errors import InputError
from hyperspace.evaluators.importing import Unguarded


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder, whose modules are forgotten at the end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_file_is_imported_by_its_name_with_its_folder_first(place):
    (place / "code").mkdir()
    (place / "code" / "aside_of_it.py").write_text("scale = 3\n")
    (place / "code" / "objective_a.py").write_text("from aside_of_it import scale\nspace = [1]\ndef f(x): return scale * x\n")
    function, variables = load_target("code/objective_a.py:f")
    assert function(2) == 6
    assert variables["space"] == [1]
    assert function.__module__ == "objective_a"
    assert sys.path[0] == str(place / "code")
    assert load_target("code/objective_a.py:f")[0] is function
    assert sys.path.count(str(place / "code")) == 1


def test_a_module_is_found_from_the_working_folder_and_on_the_path(place):
    (place / "package_b").mkdir()
    (place / "package_b" / "inner.py").write_text("def f(x):\n    return x\n")
    assert load_target("package_b.inner:f")[0](5) == 5
    assert load_target("math:sqrt")[0](9.0) == 3.0


def test_a_callable_object_is_a_function_too(place):
    (place / "objective_c.py").write_text("class Called:\n    def __call__(self, x):\n        return 7\nf = Called()\n")
    assert load_target("objective_c.py:f")[0](0) == 7


@pytest.mark.parametrize("target", ["", "objective.py", ":f", "objective.py:", "f"])
def test_a_word_without_two_parts_is_no_target(place, target):
    with pytest.raises(InputError, match=r"expected FILE\.py:FUNCTION or MODULE:FUNCTION"):
        load_target(target)


def test_what_is_missing_is_named(place):
    (place / "objective_d.py").write_text("_hidden = print\nnumber = 1\n")
    for target, told in [
        ("nothing.py:f", "there is no file 'nothing.py'"),
        ("nothing_at_all:f", f"there is no module 'nothing_at_all' in {place} or on the path"),
        ("objective_d.py:f", "objective_d.py defines no function 'f'; it has none"),
        ("objective_d.py:number", "defines no function 'number'"),
    ]:
        with pytest.raises(InputError, match=told):
            load_target(target)


def test_a_module_that_lacks_another_one_shows_it(place):
    """The user's own import error is no mistake in the target."""
    (place / "objective_e.py").write_text("import a_library_that_is_not_there\n")
    with pytest.raises(ModuleNotFoundError, match="a_library_that_is_not_there"):
        load_target("objective_e.py:f")


def test_a_file_named_like_a_module_in_use_is_refused(place):
    (place / "json.py").write_text("def f(x):\n    return x\n")
    with pytest.raises(InputError, match="has the name of the module 'json', which is in use; rename the file"):
        load_target("json.py:f")


def test_a_module_that_starts_a_study_when_it_is_imported_is_refused(place):
    program = "from hyperspace import hyperdrive\ndef f(x): return 0.0\nhyperdrive(f, [(0.0, 1.0)], None, n_calls=1)\n"
    (place / "objective_f.py").write_text(program)
    with pytest.raises(Unguarded, match="put the study under"):
        load_target("objective_f.py:f")
