"""Layers, activations and training against PyTorch's float64 results (see tests/oracles)."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from core.lab.datasets import Dataset
from core.nn import layers
from core.nn.activations import ACTIVATIONS
from core.nn.network import Network
from core.nn.training import Hyper, train

ORACLES = Path(__file__).parents[1] / "oracles"


def read(name):
    """Return the arrays of one file of oracles by case and name."""
    cases = {}
    with np.load(ORACLES / f"{name}.npz", allow_pickle=False) as stored:
        for key, array in stored.items():
            case, name = key.split("/")
            cases.setdefault(case, {})[name] = array
    return cases


FUNCTIONS, LAYERS, TRAININGS = read("activations"), read("layers"), read("trainings")


def assert_equal(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


def assert_layer_equals(case, inputs, forward, backward):
    """Compare output and gradients; `inputs` names the arrays that the layer gets."""
    torch = LAYERS[case]
    out, cache = forward(*(torch[name] for name in inputs))
    assert_equal(out, torch["out"])
    gradients = backward(torch["dout"], cache)
    for name, gradient in zip(inputs, gradients if isinstance(gradients, tuple) else (gradients,)):
        assert_equal(gradient, torch[f"d{name}"])


def test_every_activation_has_an_oracle():
    assert FUNCTIONS.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_activation(name):
    torch, activation = FUNCTIONS[name], ACTIVATIONS[name]
    out, cache = layers.activation_forward(torch["z"], activation)
    assert_equal(out, torch["out"])
    assert_equal(layers.activation_backward(torch["dout"], cache), torch["dz"])


def test_linear():
    inputs = ("x", "weight", "bias")
    assert_layer_equals("linear", inputs, layers.linear_forward, layers.linear_backward)


@pytest.mark.parametrize("case", ["prelu_layer", "prelu_unit"])
def test_prelu(case):
    assert_layer_equals(case, ("z", "slope"), layers.prelu_forward, layers.prelu_backward)


def test_maxout():
    assert_layer_equals("maxout", ("z",), layers.maxout_forward, layers.maxout_backward)


@pytest.mark.parametrize("mode", ["training", "inference"])
@pytest.mark.parametrize("name", ["batchnorm", "spatial_batchnorm"])
def test_batchnorm(name, mode):
    """All is equal but the running variance: PyTorch's new share is n / (n - 1) of the biased."""
    torch = LAYERS[f"{name}_{mode}"]
    running = {"mean": torch["mean"].copy(), "var": torch["var"].copy()}

    def forward(x, gamma, beta):
        return getattr(layers, f"{name}_forward")(
            x, gamma, beta, running, training=mode == "training"
        )

    backward = getattr(layers, f"{name}_backward")
    assert_layer_equals(f"{name}_{mode}", ("x", "gamma", "beta"), forward, backward)
    assert_equal(running["mean"], torch["mean_after"])
    n = torch["x"].size / 4
    new_share = running["var"] - 0.9 * torch["var"]
    unbiased = n / (n - 1) if mode == "training" else 1
    assert_equal(0.9 * torch["var"] + unbiased * new_share, torch["var_after"])


def test_dropout_of_the_same_entries():
    kept = SimpleNamespace(random=lambda shape: LAYERS["dropout"]["out"] != 0)
    assert_layer_equals(
        "dropout",
        ("x",),
        lambda x: layers.dropout_forward(x, 0.3, rng=kept),
        layers.dropout_backward,
    )


def test_softmax():
    assert_equal(layers.softmax(LAYERS["softmax"]["logits"]), LAYERS["softmax"]["out"])


@pytest.mark.parametrize("case", ["cross_entropy", "cross_entropy_large"])
def test_cross_entropy(case):
    labels = LAYERS[case]["labels"]
    assert_layer_equals(
        case,
        ("logits",),
        lambda logits: layers.cross_entropy_forward(logits, labels),
        layers.cross_entropy_backward,
    )


@pytest.mark.parametrize("case", TRAININGS)
def test_training(case):
    """15 full-batch steps with momentum, L2 and decay, from the same start."""
    torch, (activation, batch_norm) = TRAININGS[case], case.split("-")
    steps = len(torch["losses"])
    parameters = [
        {name: torch[f"{name}{i}"].copy() for name in ("weight", "bias", "slope", "gamma", "beta")
         if f"{name}{i}" in torch}
        for i in range(3)
    ]  # fmt: skip
    running = [
        {"mean": np.zeros_like(layer["gamma"]), "var": np.ones_like(layer["gamma"])}
        for layer in parameters
        if "gamma" in layer
    ]
    network = Network(parameters, ACTIVATIONS.get(activation, activation), running, batch_norm)
    split = torch["x"], torch["y"]
    records = train(
        network,
        Dataset("oracle", *split, *split, classes=3, image_shape=(6,)),
        Hyper(learning_rate=0.1, momentum=0.9, reg=0.01, decay=0.95),
        batch_size=20,
        epochs=steps,
        rng=np.random.default_rng(0),
    )
    losses = np.concatenate([record.batch_loss for record in records])
    assert_equal(losses, torch["losses"])
    for i, layer in enumerate(parameters):
        for name, array in layer.items():
            assert_equal(array, torch[f"end_{name}{i}"])
