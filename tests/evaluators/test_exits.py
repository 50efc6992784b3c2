import pytest


def test_an_exit_of_c_is_told_in_one_process_too(python):
    program = """
        import ctypes
        from hyperspace import hyperdrive
        hyperdrive(lambda x: ctypes.CDLL(None).exit(0), [(0.0, 1.0)], "study", model="RAND", n_calls=3)
    """
    assert "the study ends: the objective, or a library of its, called exit()" in python(program).stderr


def test_an_exit_of_c_after_the_study_is_the_programs_own(python):
    program = """
        import ctypes
        from hyperspace import hyperdrive
        hyperdrive(lambda x: x[0], [(0.0, 1.0)], "study", model="RAND", n_calls=3)
        ctypes.CDLL(None).exit(0)
    """
    (plan,) = python(program).stderr.splitlines()
    assert plan == "hyperspace: 3 evaluations planned, by 1 drive, in one process"


PROGRAM = """
import ctypes, os, sys
from hyperspace.evaluators.exits import at_exit_of_c
def leave():
    ctypes.CDLL(None).exit(3)
def tell(word):
    return lambda: os.write(1, word.encode() + b"\\n")
way = sys.argv[1]
with at_exit_of_c(tell("outer")):
    if way == "within":
        leave()
    if way == "a child":
        if os.fork() == 0:
            leave()
        os.wait()
    if way == "without C":
        os._exit(3)
    if way == "sys.exit":
        sys.exit(3)
    with at_exit_of_c(tell("inner")):
        if way == "the inner one":
            leave()
    if way == "after the inner one":
        leave()
leave()
"""


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("within", "outer\n"),
        ("a child", ""),
        ("without C", ""),
        ("sys.exit", ""),
        ("the inner one", "inner\nouter\n"),
        ("after the inner one", "outer\n"),
        ("after the block", ""),
    ],
)
def test_an_exit_is_noticed_within_the_block_and_in_this_process_alone(python, way, told):
    done = python(PROGRAM, way, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, told, "")


def test_an_exit_outside_of_an_evaluation_is_not_the_objectives(python):
    """MPI itself calls exit() when another rank ends the run."""
    program = """
        import ctypes
        from hyperspace.evaluators.exits import exits_are_told
        from hyperspace.exchange.serial_ranks import SerialRanks
        with exits_are_told(SerialRanks()):
            ctypes.CDLL(None).exit(3)
    """
    done = python(program, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
