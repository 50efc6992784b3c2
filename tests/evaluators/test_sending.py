"""Objectives that no other process can import: they get to their worker by value, and what cannot is told in one sentence."""

import functools
import subprocess
import sys

import faults
import numpy as np
import pytest
from launch import clean_environment

from hyperspace.evaluators.handle import TrialHandle
from hyperspace.evaluators.objective import Objective
from hyperspace.evaluators.worker import WorkerEvaluator
from hyperspace.evaluators.worker_client import Worker
from hyperspace.results.state import study_state
from hyperspace.space import check_space
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial

SPACE = check_space({"x": (0.0, 1.0)})


class Local:
    """A worker of an objective; run(**parameters) evaluates, and returns the outcome."""

    def __init__(self, objective, space=SPACE):
        self.worker = Worker(Objective(objective), Metrics(), space)
        self.worker.await_ready()
        self.reported = []
        self.evaluator = WorkerEvaluator(self.worker, None, self._handle)

    def _handle(self, trial):
        return TrialHandle("0-0", 7, trial.attempt, None, lambda *report: self.reported.append(report))

    def run(self, attempt=0, **parameters):
        self.evaluator.submit(Trial(drive=0, iteration=0, x=(0.5,), attempt=attempt), parameters)
        while (outcome := self.evaluator.poll()) is None:
            self.evaluator.wait(0.2)
        return outcome


@pytest.fixture
def local():
    held = []

    def make(*arguments):
        held.append(Local(*arguments))
        return held[-1]

    yield make
    for made in held:
        made.evaluator.close()


def test_a_closure_its_data_and_its_trial_get_there_and_again_after_a_crash(local):
    data, frozen = np.arange(300_000.0), np.arange(3.0)  # more than a pipe holds
    frozen.flags.writeable = False
    calls = []

    def objective(parameters, trial):
        calls.append(1)
        if parameters.get("crashes") and trial.attempt == 0:
            faults.segfault()
        trial.report(1, 2.5)
        data[0] += 1.0  # stays with the worker
        return {"loss": data.sum(), "calls": len(calls), "changeable": data.flags.writeable + 2 * frozen.flags.writeable}

    here = local(objective)
    total = data.sum()
    assert here.run().metrics == {"loss": total + 1, "calls": 1, "changeable": 1}
    assert here.run().metrics == {"loss": total + 2, "calls": 2, "changeable": 1}
    assert here.run(crashes=True).status == "failed"
    assert here.run().metrics == {"loss": total + 1, "calls": 1, "changeable": 1}
    assert here.reported == 3 * [(1, {"objective": 2.5})]
    assert (calls, data[0]) == ([], 0.0)


def test_methods_of_local_classes_partials_and_cached_functions_can_be_objectives(local):
    class Model:
        def __init__(self, factor):
            self.factor = factor

        @functools.cached_property
        def twice(self):
            return 2.0 * self.factor

        def run(self, parameters):
            return self.twice * parameters["x"]

    def scaled(parameters, factor):
        return factor * parameters["x"]

    @functools.lru_cache(maxsize=3)
    def fibonacci(n):
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    for objective in (Model(1.5).run, functools.partial(scaled, factor=3.0), lambda p: fibonacci(4) * p["x"]):
        assert local(objective).run(x=2.0).metrics == {"objective": 6.0}


def test_a_local_function_as_a_category_arrives_as_the_same_function(local):
    def relu(x):
        return max(x, 0.0)

    here = local(lambda p: float(p["f"] is relu), check_space({"f": [relu, abs], "x": (0.0, 1.0)}))
    assert here.run(f=relu, x=0.5).metrics == {"objective": 1.0}
    assert here.run(f=abs, x=0.5).metrics == {"objective": 0.0}


def test_a_module_under_a_name_that_no_other_process_finds_is_not_looked_for(local, monkeypatch):
    monkeypatch.setattr(faults.behave, "__module__", "made_up")
    monkeypatch.setitem(sys.modules, "made_up", faults)
    assert local(faults.behave).run(do="value").metrics == {"objective": 2.5}


SCRIPT = """
import enum, multiprocessing, os, pickle, warnings
import numpy as np
from hyperspace import hyperdrive
import beside
open("begun", "a").write(f"{os.getpid()}\\n")
class Shape(enum.Enum):
    ROUND = 1
    FLAT = 2
class Net:
    width = 3
def square(x):
    return x * x
def objective(parameters):
    if FAILS and not os.path.exists("failed"):
        open("failed", "w").close()
        raise ValueError("no mesh")
    assert parameters["shape"] in (Shape.ROUND, Shape.FLAT) and parameters["f"] is square
    assert __name__ == "__main__" and beside.VALUE == 5
    assert pickle.loads(pickle.dumps(Net())).width == 3
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.map(square, [2]) == [4]
    try:
        np.float64(1.0) / 0.0
    except FloatingPointError:
        pass
    else:
        raise AssertionError("numpy's error handling did not come along")
    try:
        warnings.warn("odd")
    except UserWarning:
        return parameters["x"]
    raise AssertionError("the filters of warnings did not come along")
np.seterr(all="raise")
warnings.simplefilter("error")
FAILS = False
space = {"x": (0.0, 1.0), "shape": [Shape.ROUND, Shape.FLAT], "f": [square, abs][:1]}
options = {"n_calls": 2, "n_drives": 1, "n_subspaces": 1, "model": "RAND", "isolate": True}
result = hyperdrive(objective, space, None, checkpoints=False, **options)
print(list(result.trials.status), result.trials.error.dropna().tolist())
"""
WELL = "['ok', 'ok'] []\n"


def run(folder, *words, text=None):
    (folder / "beside.py").write_text("VALUE = 5\n")
    (folder / "json.py").write_text("raise SystemExit('not this one')\n")
    (folder / "begun").unlink(missing_ok=True)
    environment = clean_environment(PYTHONSAFEPATH="1")
    environment["PYTHONPATH"] += f":{folder / 'path'}"
    (folder / "path").mkdir(exist_ok=True)
    (folder / "beside.py").rename(folder / "path" / "beside.py")
    done = subprocess.run(
        [sys.executable, *words], input=text, capture_output=True, text=True, timeout=200, env=environment, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert len((folder / "begun").read_text().splitlines()) == 1  # the worker has not run the program
    return done.stdout


def test_a_script_without_its_guard_works(tmp_path):
    (tmp_path / "program.py").write_text(SCRIPT)
    assert run(tmp_path, "program.py") == WELL


def test_a_program_that_stands_in_no_file_works(tmp_path):
    assert run(tmp_path, "-", text=SCRIPT) == WELL
    assert run(tmp_path, "-c", SCRIPT) == WELL


def test_an_interactive_session_works_and_its_functions_show_in_tracebacks(tmp_path):
    """As IPython does it: cells are run in __main__, and their lines are in linecache."""
    shell = (
        "import linecache, sys\n"
        "text = sys.argv[1]\n"
        "linecache.cache['<cell 1>'] = (len(text), None, text.splitlines(True), '<cell 1>')\n"
        "exec(compile(text, '<cell 1>', 'exec'))\n"
    )
    assert run(tmp_path, "-c", shell, SCRIPT) == WELL
    said = run(tmp_path, "-c", shell, SCRIPT.replace("FAILS = False", "FAILS = True"))
    assert 'File "<cell 1>"' in said
    assert 'raise ValueError("no mesh")' in said
    assert "hyperspace" not in said


@pytest.mark.parametrize("way", ["import program", "import runpy; runpy.run_path('program.py')"])
def test_a_module_that_begins_a_study_while_it_is_imported_works(tmp_path, way):
    (tmp_path / "program.py").write_text(SCRIPT.replace('__name__ == "__main__"', "__name__"))
    (tmp_path / "outer.py").write_text(f"import sys; sys.path.append('.'); {way}")
    assert run(tmp_path, "outer.py") == WELL


POOLS = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from hyperspace import hyperdrive
class Number:
    def __init__(self, value):
        self.value = value
def double(number):
    return 2 * number.value
def objective(parameters):
    numbers = [Number(parameters[0]), Number(1.0)]
    if sys.argv[1] == "loky":
        from joblib import Parallel, delayed
        return sum(Parallel(2)(delayed(double)(number) for number in numbers))
    if sys.argv[1] == "futures":
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            return sum(pool.map(double, numbers))
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        return sum(pool.map(double, numbers))
if True:
    result = hyperdrive(objective, [(0.0, 1.0)], "study", n_calls=2, n_drives=1, n_subspaces=1, model="RAND", isolate=True)
    print(list(result.trials.status), result.fun == 2 * result.x[0] + 2)
"""


@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver", "futures", "loky"])
def test_pools_within_the_objective_get_functions_and_classes_of_the_script(python, way):
    guarded = POOLS.replace("if True", 'if __name__ == "__main__"')
    assert python(guarded, way, timeout=200).stdout == "['ok', 'ok'] True\n"


@pytest.mark.parametrize("way", ["spawn", "forkserver", "futures"])
def test_a_study_that_multiprocessing_would_begin_again_is_refused(python, tmp_path, way):
    refused = python(POOLS, way, timeout=200, check=False)
    assert refused.returncode == 1
    assert "program.py begins a study whenever it is imported, and it is imported for a function in it; put" in refused.stderr
    assert (study_state(tmp_path / "study").finished, study_state(tmp_path / "study").failed) == (0, 0)
    guarded = POOLS.replace("if True", 'if __name__ == "__main__"')
    assert python(guarded, way, timeout=200).stdout == "['ok', 'ok'] True\n"  # it goes on


RANKS = """
from hyperspace import hyperdrive
from mpi4py import MPI
comm = MPI.COMM_WORLD
offset = 1.0
def study(objective, path, **options):
    return hyperdrive(objective, [(0.0, 1.0)], path, n_calls=4, n_drives=2, n_subspaces=2, model="RAND", timeout=60, **options)
shared = study(lambda x: x[0] + offset, "study")
through_files = study(lambda x: x[0] + offset, "files", exchange="files")
print(len(shared.x_iters), len(through_files.x_iters))
try:
    study(lambda x: comm.rank, "other")
except ValueError as error:
    print("comm, which <lambda> uses, is an MPI communicator" in str(error))
"""


def test_ranks_send_to_their_own_workers_and_a_communicator_cannot_be_sent(mpirun):
    assert mpirun(2, RANKS).stdout == 2 * "4 4\nTrue\n"
