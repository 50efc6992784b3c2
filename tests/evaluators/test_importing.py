import importlib
import os
import sys
import types

import pytest

from hyperspace.errors import LaunchError
from hyperspace.evaluators.importing import (
    Unguarded,
    facts_of,
    importing_the_objective,
    is_importable,
    refuse_while_importing,
    stand_in,
)


def test_no_study_begins_while_a_module_is_imported_for_its_objective():
    refuse_while_importing()
    with importing_the_objective():
        with importing_the_objective():
            pass
        with pytest.raises(LaunchError, match="begins a study whenever it is imported, and it is imported for the objective"):
            refuse_while_importing()
    refuse_while_importing()


def test_an_import_that_fails_leaves_no_mark():
    with pytest.raises(OSError, match="no license"), importing_the_objective():
        raise OSError("no license")
    refuse_while_importing()


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Write modules into a folder on the path; they are forgotten at the end."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(name, text):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        importlib.invalidate_caches()
        return file

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


GUARDED = "from hyperspace.evaluators.importing import refuse_while_importing\nrefuse_while_importing()\n"


def test_the_innermost_module_is_named(modules):
    file = modules("inner_of_two.py", GUARDED)
    modules("outer_of_two.py", "import inner_of_two\n")
    with importing_the_objective(), pytest.raises(Unguarded) as refused:
        importlib.import_module("outer_of_two")
    assert str(refused.value) == (
        f"{file} begins a study whenever it is imported, and it is imported for the objective in it; put the study under "
        f'`if __name__ == "__main__":`'
    )


@pytest.mark.parametrize("worker", ["", "not a number", "999999999"])
def test_a_process_of_multiprocessing_begins_no_study_whether_it_has_a_worker_or_not(monkeypatch, worker):
    from multiprocessing import process

    monkeypatch.setattr(process.current_process(), "_inheriting", True, raising=False)
    monkeypatch.setenv("HYPERSPACE_WORKER", worker)
    with pytest.raises(Unguarded, match="it is imported for a function in it"):
        refuse_while_importing()


SIGNALS = """
import os, signal
from hyperspace.evaluators import inline
from hyperspace.evaluators.objective import Objective
from hyperspace.evaluators.importing import hear_of_unguarded_processes
from hyperspace.trials.metrics import Metrics
hear_of_unguarded_processes()
assert os.environ["HYPERSPACE_WORKER"] == str(os.getpid())
os.kill(os.getpid(), signal.SIGUSR2)  # of a process that the last evaluation has left
def objective(x):
    try:
        os.kill(os.getpid(), signal.SIGUSR2)
    finally:
        os.kill(os.getpid(), signal.SIGUSR2)  # of the second process of a pool
        print("cleaned up")
    return 1.0
for _ in range(2):
    outcome = inline.evaluate(Objective(objective), [0.5], None, Metrics())
    print(type(outcome.fatal).__name__, outcome.fault, outcome.error)
"""


def test_a_worker_hears_once_in_each_call_that_its_children_cannot_import_the_program(python, tmp_path):
    told = f"Unguarded infrastructure {tmp_path / 'program.py'} begins a study whenever it is imported, and it is imported for a "
    lines = python(SIGNALS).stdout.splitlines()
    assert lines[0::2] == ["cleaned up"] * 2
    assert len(lines) == 4
    assert all(line.startswith(f"{told}function in it") for line in lines[1::2])


def test_another_process_finds_what_is_on_the_path(modules, monkeypatch):
    modules("found_by_others.py", "")
    modules("package_of_others/__init__.py", "")
    modules("package_of_others/part.py", "")
    importlib.import_module("found_by_others")
    importlib.import_module("package_of_others.part")
    for name in ("json", "json.decoder", "sys", "os.path", "numpy.linalg", "found_by_others", "package_of_others.part"):
        assert is_importable(name), name


def test_another_process_does_not_find_the_program_or_what_was_made_by_hand(monkeypatch):
    made = types.ModuleType("made_by_hand")
    monkeypatch.setitem(sys.modules, "made_by_hand", made)
    monkeypatch.setitem(sys.modules, "another_name_of_json", sys.modules["json"])
    for name in ("__main__", "__mp_main__", "made_by_hand", "another_name_of_json", "never_imported", ""):
        assert not is_importable(name), name


def test_another_process_would_find_another_module_of_that_name(modules, tmp_path, monkeypatch):
    modules("of_two_places.py", "")
    importlib.import_module("of_two_places")
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier" / "of_two_places.py").touch()
    assert is_importable("of_two_places")
    monkeypatch.syspath_prepend(tmp_path / "earlier")
    assert not is_importable("of_two_places")
    monkeypatch.setattr(sys, "path", [])
    assert not is_importable("of_two_places")


def test_a_module_whose_import_has_not_ended_must_not_be_imported_elsewhere(modules):
    asks = "from hyperspace.evaluators.importing import is_importable\n"
    modules("under_way.py", f"{asks}DURING = is_importable(__name__)\n")
    modules("package_under_way/part.py", "")
    modules("package_under_way/__init__.py", f"{asks}import package_under_way.part\nDURING = is_importable(__name__ + '.part')\n")
    for name in ("under_way", "package_under_way"):
        assert importlib.import_module(name).DURING is False
        assert is_importable(name)
    assert is_importable("package_under_way.part")


def test_a_finder_that_breaks_has_nothing(monkeypatch):
    class Broken:
        def find_spec(self, name, path=None):
            raise ValueError("broken")

    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    assert is_importable("json")


def test_a_stand_in_is_one_module_and_has_the_facts_of_the_original(monkeypatch, modules):
    file = modules("stood_in_for.py", "VALUE = 1\n")
    original = importlib.import_module("stood_in_for")
    facts = facts_of("stood_in_for")
    assert facts == {"file": str(file), "spec": "stood_in_for"}
    first = stand_in("stood_in_for")
    assert first is sys.modules["stood_in_for"] is not original
    assert not hasattr(first, "VALUE")
    first.VALUE = 2
    sys.modules["stood_in_for"] = original
    again = stand_in("stood_in_for", facts)
    assert again is first is sys.modules["stood_in_for"]
    assert (again.VALUE, again.__file__, again.__spec__.name, again.__spec__.origin) == (2, str(file), "stood_in_for", str(file))


def test_a_program_that_is_in_no_file_has_no_facts(monkeypatch):
    monkeypatch.setitem(sys.modules, "in_no_file", types.ModuleType("in_no_file"))
    assert facts_of("in_no_file") == facts_of("never_imported") == {"file": None, "spec": None}
    made = stand_in("in_no_file", facts_of("in_no_file"))
    assert not hasattr(made, "__file__")
    assert made.__spec__ is None
    assert os.fspath(made.__name__) == "in_no_file"
