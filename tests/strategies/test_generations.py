"""Studies in generations: through hyperdrive, on any number of ranks."""

import pytest

from hyperspace import hyperdrive
from hyperspace.errors import InputError, StudyError
from hyperspace.optimizers import ALGORITHMS, PSO
from hyperspace.testing.problems import problem

EVOLUTION = [name for name in ALGORITHMS if name != "GRID"]
SPACE = {"a": (-5.0, 5.0), "b": (1, 9), "c": ["x", "y"]}


def objective(parameters):
    if parameters["a"] > 4.0:
        raise RuntimeError("too far")
    return parameters["a"] ** 2 + parameters["b"] + (parameters["c"] == "x")


def key(result):
    return [(t.iteration, t.drive, t.x, t.status, dict(t.metrics), t.arm) for t in result._trials]


@pytest.mark.parametrize("model", ["GA", "CMA", "RAND", "GP", PSO(neighborhood_size=3)])
def test_a_study_that_was_cut_goes_on_as_it_would_have(tmp_path, model):
    common = {"model": model, "strategy": "generations", "n_drives": 6, "random_state": 2}
    whole = hyperdrive(objective, SPACE, tmp_path / "whole", n_iterations=4, **common)
    for n_calls in (9, 13, 24):  # the cuts lie within generations
        cut = hyperdrive(objective, SPACE, tmp_path / "cut", n_calls=n_calls, **common)
    assert key(cut) == key(whole)


def test_points_of_a_generation_differ_and_improve():
    result = hyperdrive(
        lambda x: sum(v**2 for v in x),
        [(-5.0, 5.0)] * 3,
        None,
        model="DE",
        strategy="generations",
        n_iterations=25,
        checkpoints=False,
    )
    assert result.nfev == 25 * 16
    assert len({tuple(x) for x in result.x_iters}) == 25 * 16
    assert result.fun < 0.05


def test_each_subspace_has_a_population_of_its_own():
    options = {"strategy": "generations", "n_subspaces": 4, "n_drives": 24, "n_iterations": 4, "checkpoints": False}
    result = hyperdrive(lambda x: sum(v**2 for v in x), [(-5.0, 5.0)] * 2, None, model="CMA", **options)
    bounds = [(x[0] <= 1.25, x[0] >= -1.25) for x in result.subspaces[0].x_iters]
    assert all(low for low, _ in bounds)
    assert len(result.subspaces) == 4
    assert {len(part.x_iters) for part in result.subspaces} == {24}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exchange": "none"}, "waits for each generation"),
        ({"model": ["GA", "CMA"]}, 'strategy="static"'),
        ({"model": "CMA", "n_drives": 2}, "population of at least 3"),
    ],
)
def test_what_cannot_work_in_generations_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        hyperdrive(objective, SPACE, None, strategy="generations", checkpoints=False, n_iterations=1, **options)


def test_a_portfolio_gives_each_drive_its_own_algorithm(tmp_path):
    common = {"model": ["GP", "CMA", "RAND", PSO()], "n_subspaces": 1, "n_drives": 8, "exchange": "round", "n_samples": 2}
    result = hyperdrive(objective, SPACE, tmp_path / "all", n_iterations=4, **common)
    arms = result.trials.groupby("drive")["arm"].agg(set)
    assert [arms[drive] for drive in range(8)] == [{"design", "EI"}, {"CMA"}, {"design", "random"}, {"PSO"}] * 2
    hyperdrive(objective, SPACE, tmp_path / "cut", n_iterations=2, **common)
    assert key(hyperdrive(objective, SPACE, tmp_path / "cut", n_iterations=4, **common)) == key(result)


@pytest.mark.parametrize(("model", "message"), [([], "empty"), (["GP", "XX"], "XX"), (3, "ask and tell")])
def test_a_portfolio_is_checked(model, message):
    with pytest.raises(InputError, match=message):
        hyperdrive(objective, SPACE, None, model=model, checkpoints=False)


def test_a_generation_is_the_same_on_any_number_of_ranks(mpirun):
    program = """
        import hashlib, sys, time
        from hyperspace import evolutionary_search

        def objective(parameters):
            time.sleep(0.02 * (parameters["b"] == 3))  # uneven
            return abs(parameters["a"]) + parameters["b"]

        space = {"a": (-5.0, 5.0), "b": (1, 9)}
        result = evolutionary_search(
            objective, space, "results", model="PSO", generations=12, population=5, tolerance=0.3, patience=2, restart=True
        )
        if result.trials["rank"].max() == int(sys.argv[1]) - 1:
            trials = [(t.iteration, t.drive, t.x) for t in result._trials]
            sys.stdout.write(f"{hashlib.sha256(repr(trials).encode()).hexdigest()}:{len(trials)}\\n")  # short, so written whole
    """
    outputs = [set(mpirun(ranks, program, ranks).stdout.splitlines()) for ranks in (1, 3)]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) == 1
    assert int(outputs[0].pop().partition(":")[2]) < 60  # it was ended by the tolerance


@pytest.mark.parametrize("model", EVOLUTION)
def test_a_model_by_name_is_one_population_that_repeats_and_goes_on(tmp_path, model):
    common = {"model": model, "n_drives": 8, "random_state": 2}
    whole = hyperdrive(objective, SPACE, None, n_iterations=3, checkpoints=False, **common)
    for n_calls in (11, 24):
        cut = hyperdrive(objective, SPACE, tmp_path, n_calls=n_calls, **common)
    explicit = hyperdrive(objective, SPACE, None, n_iterations=3, strategy="generations", checkpoints=False, **common)
    assert key(cut) == key(whole) == key(explicit)
    assert len(whole.subspaces) == 1
    other = hyperdrive(objective, SPACE, None, n_iterations=3, checkpoints=False, **common | {"random_state": 3})
    assert key(other) != key(whole)


@pytest.mark.parametrize("model", ["DE", "PSO", "CMA", "ACO", "BITGA"])
def test_a_population_that_waits_for_nobody_goes_on_as_it_would_have(tmp_path, model):
    common = {"model": model, "n_drives": 6, "exchange": "async"}
    whole = hyperdrive(objective, SPACE, tmp_path / "whole", n_calls=30, **common)
    for n_calls in (13, 30):
        cut = hyperdrive(objective, SPACE, tmp_path / "cut", n_calls=n_calls, **common)
    assert key(cut) == key(whole)
    assert len(whole.subspaces) == 1


def test_a_population_goes_on_with_another_exchange(tmp_path):
    for exchange, n_calls in (("round", 12), ("async", 24), ("files", 36), ("round", 48)):
        result = hyperdrive(objective, SPACE, tmp_path, model="GA", n_drives=6, n_calls=n_calls, exchange=exchange)
    assert result.nfev == 48
    assert len({t.x for t in result._trials}) == 48


def test_a_study_of_one_algorithm_a_subspace_goes_on_as_it_was(tmp_path):
    options = {"model": "DE", "n_subspaces": 4, "n_drives": 4}
    hyperdrive(
        objective, SPACE, tmp_path, n_iterations=2, exchange="none", **options
    )  # its settings are those of earlier versions
    result = hyperdrive(objective, SPACE, tmp_path, n_iterations=4, model="DE")
    assert result.nfev == 16
    assert len(result.subspaces) == 4
    with pytest.raises(StudyError, match='strategy: "adaptive" there, "generations" now'):
        hyperdrive(objective, SPACE, tmp_path, n_iterations=6, model="DE", strategy="generations")


@pytest.mark.parametrize("model", ["DE", "ES", "ACO"])
def test_a_model_by_name_beats_random_search_with_the_defaults(model):
    function = problem("styblinski_tang", 4)
    options = {"n_drives": 16, "n_iterations": 50, "checkpoints": False}

    found = [hyperdrive(function, function.dimensions, None, model=model, random_state=s, **options).fun for s in range(3)]
    assert sorted(found)[1] < -142.5  # random search ends at -141.8


def test_a_model_by_name_is_the_same_on_any_number_of_ranks(mpirun):
    program = """
        import hashlib, sys
        from hyperspace import hyperdrive
        from hyperspace.optimizers import ALGORITHMS

        def objective(parameters):
            return abs(parameters["a"]) + parameters["b"]

        space = {"a": (-5.0, 5.0), "b": (1, 90)}
        trials = []
        for name in ALGORITHMS:
            if name != "GRID":
                options = {"exchange": "round", "n_calls": 40, "checkpoints": False}
                result = hyperdrive(objective, space, None, model=name, **options)
                trials.append([(t.iteration, t.drive, t.x) for t in result._trials])
        sys.stdout.write(f"{hashlib.sha256(repr(trials).encode()).hexdigest()}\\n")
    """
    outputs = [set(mpirun(ranks, program).stdout.splitlines()) for ranks in (1, 3)]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) == 1


def test_ranks_work_one_population_without_waiting(mpirun):
    program = """
        import sys, time
        from hyperspace import hyperdrive

        def objective(parameters):
            time.sleep(0.02 * (parameters["b"] == 3))  # uneven
            return abs(parameters["a"]) + parameters["b"]

        result = hyperdrive(objective, {"a": (-5.0, 5.0), "b": (1, 9)}, "results", model="DE", n_calls=64)
        assert result.nfev == 64 and len(result.subspaces) == 1
        assert set(result.trials["arm"]) <= {"DE", "random"}
        assert max(t.drive for t in result._trials) == 15
        if any(t.known for t in result._trials):
            sys.stdout.write("without waiting\\n")
    """
    assert set(mpirun(3, program).stdout.splitlines()) == {"without waiting"}
