"""Forward and backward passes against torch and finite differences; layouts of the parameters."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from hyperspace.errors import InputError
from hyperspace.space import Categorical, Integer, Real, check_space
from hyperspace.surrogates.input_encoding import Features
from hyperspace.surrogates.networks.network import ACTIVATIONS, Architecture, Inputs, output

SIZES = (3, 7, 6, 6, 5, 2)


def networks(activation="tanh", shared=(), count=2, seed=0):
    architecture = Architecture(SIZES, activation, shared=shared)
    return architecture, architecture.initial(np.random.default_rng(seed), count)


def squared_loss(architecture, theta, X, Y, count=2):
    return 0.5 * float(((output(architecture, architecture.layers(theta, count), X) - Y) ** 2).sum())


def gradient_of_squared_loss(architecture, theta, X, Y, count=2):
    layers = architecture.layers(theta, count)
    gradient = theta * 0
    activations = architecture.forward(layers, X)
    W, b = layers[-1]
    architecture.backward(layers, activations, activations[-1] @ W + b - Y, architecture.layers(gradient, count))
    return gradient


@pytest.mark.parametrize("shared", [(), (2, 3)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_equals_finite_differences(activation, shared):
    if shared:
        architecture = Architecture((3, 6, 6, 6, 2), activation, shared=(1, 2))
        theta = architecture.initial(np.random.default_rng(0), 2)
    else:
        architecture, theta = networks(activation)
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
    numerical = approx_fprime(theta, lambda t: squared_loss(architecture, t, X, Y), 1e-7)
    assert gradient_of_squared_loss(architecture, theta, X, Y) == pytest.approx(numerical, abs=1e-4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_same_code_on_tensors_equals_torch(activation):
    torch = pytest.importorskip("torch")
    architecture, theta = networks(activation)
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    tensor = torch.tensor(theta, requires_grad=True)
    h = torch.tensor(X)
    function = {"tanh": torch.tanh, "relu": torch.relu, "elu": torch.nn.functional.elu}[activation]
    layers = architecture.layers(tensor, 2)
    for W, b in layers[:-1]:
        h = function(torch.matmul(h, W) + b)
    loss = 0.5 * ((h @ layers[-1][0] + layers[-1][1] - torch.tensor(Y)) ** 2).sum()
    loss.backward()
    by_hand = gradient_of_squared_loss(architecture, tensor.detach(), torch.tensor(X), torch.tensor(Y))
    assert by_hand.numpy() == pytest.approx(tensor.grad.numpy(), abs=1e-12)
    assert gradient_of_squared_loss(architecture, theta, X, Y) == pytest.approx(tensor.grad.numpy(), abs=1e-12)


def test_pull_is_the_derivative_by_the_inputs():
    architecture, theta = networks(count=1)
    layers = architecture.layers(theta, 1)
    X = np.random.default_rng(3).standard_normal((4, 3))
    direction = np.random.default_rng(4).standard_normal((4, SIZES[-2]))
    by_inputs = architecture.pullback(layers, architecture.forward(layers, X), direction[None])[0]
    for i, x in enumerate(X):
        numerical = approx_fprime(x, lambda u, i=i: float(architecture.forward(layers, u[None])[-1][0, 0] @ direction[i]), 1e-7)
        assert by_inputs[i] == pytest.approx(numerical, abs=1e-5)


def test_networks_side_by_side_do_not_mix():
    architecture, theta = networks(count=3)
    X = np.random.default_rng(5).standard_normal((4, 3))
    together = output(architecture, architecture.layers(theta, 3), X)
    for e in range(3):
        alone = output(architecture, architecture.layers(architecture.select(theta, [e]), 1), X)
        assert alone[0] == pytest.approx(together[e], abs=1e-14)


def test_shared_layers_are_one_matrix():
    own, one = Architecture((1, 5, 5, 5, 2, 1)), Architecture((1, 5, 5, 5, 2, 1), shared=(1, 2))
    assert own.n_parameters - one.n_parameters == 5 * 5 + 5
    layers = one.layers(one.initial(np.random.default_rng(0)), 1)
    assert np.shares_memory(layers[1][0], layers[2][0])


def test_initializations_differ_in_variance():
    variances = {}
    for name in ("torch", "lecun", "he"):
        architecture = Architecture((400, 300), initialization=name)
        variances[name] = architecture.layers(architecture.initial(np.random.default_rng(0)), 1)[0][0].var() * 400
    assert variances == pytest.approx({"torch": 1 / 3, "lecun": 1.0, "he": 2.0}, rel=0.02)


@pytest.mark.parametrize("options", [{"activation": "sine"}, {"initialization": "zeros"}, {"sizes": (3, 0, 1)}])
def test_what_does_not_exist_is_refused(options):
    with pytest.raises(InputError):
        Architecture(**{"sizes": SIZES, **options})


def test_inputs_round_integers_and_tell_categories_apart():
    inputs = Inputs(Features(3, check_space([Real(0, 1), Integer(0, 3), Categorical(["a", "b", "c"])])))
    X = np.array([[0.25, 0.1, 1 / 6], [0.25, 0.2, 1 / 6], [0.25, 0.1, 0.5]])
    values = inputs(X)
    assert values.shape == (3, 5)
    assert values[0] == pytest.approx(values[1])
    assert values[0, 0] == -0.5
    assert ((values[0] - values[2]) != 0.0).sum() == 2
    assert inputs.pullback(np.ones((3, 5))).tolist() == [[2.0, 0.0, 0.0]] * 3
