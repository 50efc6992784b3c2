import sys

import numpy as np
import pytest
from asktell import CONTINUOUS, Hand

from hyperspace import optimizers
from hyperspace.errors import InputError
from hyperspace.optimizers import ACO, ALGORITHMS, BITGA, CMA, DE, EDA, ES, GA, GRID, PAES, PSO, SA
from hyperspace.trials.trial import OK, Trial


@pytest.mark.parametrize("model", ["GA", "CMA", "SA", "EDA", "ACO", "PSO", "DE", "ES", BITGA()])
def test_a_search_begins_with_given_points(model):
    hand = Hand(model, CONTINUOUS, subspaces=2)
    best, second = hand.space.from_unit(np.array([[0.2, 0.3, 0.3], [0.25, 0.3, 0.35]]))
    values = {"origin": "given", "status": OK, "drive": -1}
    given = [Trial(iteration=i, x=x, metrics={"y": y}, **values) for i, (x, y) in enumerate([(second, -4.0), (best, -5.0)])]
    hand.tell(given)
    hand.run(40)
    distances = np.abs(hand.space.to_unit(hand.points) - [0.2, 0.3, 0.3]).max(axis=1)
    assert distances.min() > 1e-9  # what is known is not evaluated again
    other = Hand(model, CONTINUOUS, subspaces=2).run(40)
    without = np.abs(other.space.to_unit(other.points) - [0.2, 0.3, 0.3]).max(axis=1)
    assert np.sort(distances)[4] < np.sort(without)[4]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_name_stands_for_the_defaults(name):
    made = getattr(optimizers, name)()
    assert made.label == name
    assert Hand(made, CONTINUOUS).run(6).points == Hand(name, CONTINUOUS).run(6).points


def test_the_label_shows_the_options_that_were_set():
    assert PSO(neighborhood_size=5, population=None).label == "PSO(neighborhood_size=5)"
    assert GRID(points=7).label == "GRID(points=7)"


def test_an_unknown_algorithm_is_an_attribute_error():
    with pytest.raises(AttributeError, match="GAS"):
        optimizers.GAS  # noqa: B018


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DE(population=3), "population of at least 5"),
        (lambda: CMA(population=True), "population"),
        (lambda: DE(variant="rand/1/bin"), "DE/rand/1/bin"),
        (lambda: PSO(neighborhood_size=0), "neighborhood_size"),
        (lambda: ES(parents=4, population=6), "half the population"),
        (lambda: GRID(points=1), "at least 2"),
        (lambda: ACO(stretches=0), "stretch"),
        (lambda: BITGA(crossover="two-point"), "one-point, uniform"),
        (lambda: BITGA(bits=0), "bits"),
        (lambda: BITGA(elites=-1), "elites"),
        (lambda: Hand("DE", CONTINUOUS, together=4), "population of at least 5"),
    ],
)
def test_options_are_checked(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_missing_library_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cma", None)
    with pytest.raises(InputError, match=r"CMA needs cma.*pip install \"\.\[evolve\]\""):
        Hand("CMA", CONTINUOUS)


def test_options_reach_the_algorithm():
    for default, other in [
        (PSO(), PSO(neighborhood_size=3)),
        (PSO(), PSO(inertia=0.4)),
        (GA(), GA(mutation_rate=0.9)),
        (DE(), DE(weight=0.9)),
        (ES(), ES(parents=3)),
        (ES(parents=3), ES(parents=3, gamma=None)),
        (CMA(), CMA(sigma=0.1)),
        (SA(), SA(gaussian_stdev=0.01)),
        (EDA(), EDA(num_elites=0)),
        (PAES(), PAES(mutation_rate=1.0)),
        (ACO(), ACO(stretches=4)),
    ]:
        assert Hand(default, CONTINUOUS, together=7).run(5).points != Hand(other, CONTINUOUS, together=7).run(5).points
