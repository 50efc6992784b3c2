"""Training: it learns, it stops in time, it does not look at what is held out, and torch gives what numpy gives."""

import sys

import numpy as np
import pytest

from hyperspace.errors import InputError
from hyperspace.surrogates.networks.network import Architecture, output
from hyperspace.surrogates.networks.training import Data, Training, fold_of, train

ARCHITECTURE = Architecture((1, 20, 20, 1))


def task(n=40, noise=0.0, count=2, seed=0):
    rng = np.random.default_rng(seed)
    X = np.linspace(-1.0, 1.0, n)[:, None]
    Z = np.sin(4.0 * X) + noise * rng.standard_normal((n, 1))
    held_out = np.zeros((count, n), dtype=bool)
    held_out[1:] = np.arange(n) % 4 == 1
    return Data(X, Z, np.ones((n, 1)), held_out)


def trained(data, seed=0, **options):
    count = len(data.held_out)
    theta = ARCHITECTURE.initial(np.random.default_rng(seed), count)
    theta, step = train(ARCHITECTURE, theta, data, Training(**options), np.random.default_rng(seed))
    return output(ARCHITECTURE, ARCHITECTURE.layers(theta, count), data.inputs), step


def test_a_curve_is_learned():
    data = task()
    outputs, step = trained(data)
    assert np.sqrt(((outputs - data.targets) ** 2).mean()) < 0.05
    assert step > 100


def test_training_stops_before_noise_is_learned():
    data = task(noise=1.0)
    _, step = trained(data, max_steps=3000)
    _, without_noise = trained(task(), max_steps=3000)
    assert step < without_noise


def test_what_is_held_out_is_not_seen():
    data = task()
    moved = data.targets.copy()
    moved[data.held_out[1]] += 0.01
    before, step = trained(data, max_steps=50)
    after, same_step = trained(Data(data.inputs, moved, data.weights, data.held_out), max_steps=50)
    assert step == same_step > 0
    assert np.array_equal(before[1], after[1])
    assert not np.array_equal(before[0], after[0])


def test_weights_of_zero_take_points_out():
    data = task(count=1)
    weights = np.ones_like(data.targets)
    weights[20:] = 0.0
    wrong = data.targets.copy()
    wrong[20:] = 100.0
    outputs, _ = trained(Data(data.inputs, wrong, weights, data.held_out), patience=600)
    assert np.abs(outputs[0, :20] - data.targets[:20]).max() < 0.1


def test_without_held_out_points_it_runs_for_its_patience():
    assert trained(task(count=1), patience=40)[1] == 40


def test_mini_batches_learn_and_see_every_point():
    data = task(n=300)
    outputs, _ = trained(data, batch_size=64)
    assert np.sqrt(((outputs - data.targets) ** 2).mean()) < 0.05


@pytest.mark.parametrize("batch_size", [256, 16])
def test_torch_and_numpy_train_alike(batch_size):
    pytest.importorskip("torch")
    options = {"max_steps": 30, "check_every": 10, "batch_size": batch_size}
    ours, step = trained(task(), **options)
    theirs, same_step = trained(task(), device="cpu", **options)
    assert step == same_step
    assert theirs == pytest.approx(ours, abs=1e-4)


def test_torch_is_left_as_it_was():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads(), torch.random.get_rng_state(), torch.get_default_dtype()
    trained(task(), device="cpu", max_steps=3)
    assert torch.get_num_threads() == before[0]
    assert torch.equal(torch.random.get_rng_state(), before[1])
    assert torch.get_default_dtype() == before[2]


def test_a_missing_device_is_named():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(InputError, match=r"'cuda' cannot be used here .*leave device out"):
        Training(device="cuda")


def test_missing_torch_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r'needs torch; run pip install "\.\[dnn\]" in your clone'):
        Training(device="cpu")


@pytest.mark.parametrize("options", [{"learning_rate": 0.0}, {"max_steps": 0}, {"batch_size": 0}, {"patience": 0}])
def test_settings_without_sense_are_refused(options):
    with pytest.raises(InputError, match=next(iter(options))):
        Training(**options)


def test_folds_are_balanced_and_stay_as_points_are_added():
    folds = fold_of(402, random_state=3)
    assert np.bincount(folds[:400]).tolist() == [100] * 4
    assert fold_of(37, random_state=3).tolist() == folds[:37].tolist()
    assert fold_of(37, random_state=4).tolist() != folds[:37].tolist()
