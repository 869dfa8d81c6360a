"""Networks: gradients of every kind, stacks of runs, training and inference."""

import numpy as np
import pytest

from core.nn.activations import ACTIVATIONS, leaky_relu
from core.nn.gradcheck import relative_error
from core.nn.initializers import INIT_STD
from core.nn.layers import cross_entropy_backward, cross_entropy_forward
from core.nn.network import BATCH_NORM, backward, forward, init_network, stack_networks, take_runs

SIZES = (6, 5, 4, 3)
EVERY = [*ACTIVATIONS, "prelu", "maxout"]
X = np.random.default_rng(0).standard_normal((20, 6))
Y = np.random.default_rng(1).integers(3, size=20)


def network(activation="tanh", seed=0, **options):
    return init_network(SIZES, 0.7, activation, rng=np.random.default_rng(seed), **options)


def stacked(activation="tanh", runs=3, **options):
    return stack_networks([network(activation, seed, **options) for seed in range(runs)])


def loss(net, rng_seed=2):
    logits, traces = forward(net, X, training=True, rng=np.random.default_rng(rng_seed))
    value, cache = cross_entropy_forward(logits, Y)
    return value, cache, traces


def moved(net, direction, h):
    for layer, step in zip(net.layers, direction):
        for name, parameter in layer.items():
            parameter += h * step[name]


def assert_right_gradients(net):
    """Compare the gradients of all parameters with the loss along one random direction."""
    rng = np.random.default_rng(3)
    direction = [
        {n: rng.standard_normal(p.shape) for n, p in layer.items()} for layer in net.layers
    ]
    _, cache, traces = loss(net)
    gradients = backward(cross_entropy_backward(1.0, cache), traces)
    assert [g.keys() for g in gradients] == [layer.keys() for layer in net.layers]
    analytic = sum(
        (g[n] * d[n]).sum(axis=(-2, -1)) for g, d in zip(gradients, direction) for n in d
    )
    h = 1e-6
    moved(net, direction, h)
    up = loss(net)[0]
    moved(net, direction, -2 * h)
    numeric = (up - loss(net)[0]) / (2 * h)
    assert relative_error(analytic, numeric).max() < 1e-6


@pytest.mark.parametrize("batch_norm", BATCH_NORM)
@pytest.mark.parametrize("activation", EVERY)
def test_gradients_of_every_network(activation, batch_norm):
    options = {"batch_norm": batch_norm, "bias": 0.1}  # a bias of 0 leaves some units on the kink
    assert_right_gradients(network(activation, **options))
    assert_right_gradients(stacked(activation, **options))


def test_gradients_with_dropout():
    assert_right_gradients(stacked(dropout=0.4, batch_norm="before"))


@pytest.mark.parametrize("batch_norm", BATCH_NORM)
@pytest.mark.parametrize("activation", EVERY)
def test_a_stack_computes_what_its_runs_compute(activation, batch_norm):
    options = {"batch_norm": batch_norm, "dropout": 0.3}
    stack = stacked(activation, **options)
    value, cache, traces = loss(stack)
    gradients = backward(cross_entropy_backward(1.0, cache), traces)
    for run in range(3):
        alone = network(activation, run, **options)
        expected, cache, traces = loss(alone)
        assert value[run] == pytest.approx(expected, rel=1e-12)
        for g, e in zip(gradients, backward(cross_entropy_backward(1.0, cache), traces)):
            for name in e:
                np.testing.assert_allclose(g[name][run], e[name], rtol=1e-10, atol=1e-13)
        for average, e in zip(stack.running, alone.running):
            np.testing.assert_allclose(average["var"][run], e["var"], rtol=1e-12)


def test_runs_taken_from_a_stack_are_views():
    stack = stacked(batch_norm="before")
    part = take_runs(stack, slice(1, 3))
    assert part.runs == (2,) and stack.runs == (3,) and network().runs == ()
    part.layers[0]["weight"][:] = 7
    part.running[0]["mean"][:] = 8
    assert (stack.layers[0]["weight"][1:] == 7).all() and (stack.layers[0]["weight"][0] != 7).all()
    assert (stack.running[0]["mean"][1:] == 8).all()


def test_traces_hold_what_enters_and_leaves_the_nonlinearity():
    net = network("relu", batch_norm="before")
    logits, traces = forward(net, X, training=True)
    for trace in traces[:-1]:
        np.testing.assert_array_equal(trace.out, np.maximum(trace.z, 0))
        np.testing.assert_allclose(trace.z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_array_equal(traces[-1].out, logits)


def test_inference_neither_moves_the_averages_nor_drops():
    net = network(batch_norm="after", dropout=0.5)
    loss(net)
    settled = [{n: a.copy() for n, a in average.items()} for average in net.running]
    first, second = forward(net, X)[0], forward(net, X)[0]
    np.testing.assert_array_equal(first, second)
    for average, before in zip(net.running, settled):
        np.testing.assert_array_equal(average["mean"], before["mean"])


def test_a_network_without_hidden_layers_is_one_affine_map():
    net = init_network((6, 3), 0.5, rng=np.random.default_rng(0))
    logits, _ = forward(net, X)
    np.testing.assert_allclose(logits, X @ net.layers[0]["weight"])
    assert_right_gradients(net)


def test_a_stack_of_linear_layers_is_one_affine_map():
    net = network("linear")
    collapsed = np.linalg.multi_dot([layer["weight"] for layer in net.layers])
    assert np.abs(forward(net, X)[0] - X @ collapsed).max() < 1e-9


def test_prelu_with_its_slope_at_zero_is_relu():
    prelu, relu = network("prelu"), network("relu")
    for layer in prelu.layers[:-1]:
        layer["slope"][:] = 0
    np.testing.assert_array_equal(forward(prelu, X)[0], forward(relu, X)[0])


def test_maxout_has_leaky_relu_as_a_special_case_and_twice_the_weights():
    leaky, maxout = network(leaky_relu(0.1)), network("maxout")
    for ours, theirs in zip(maxout.layers[:-1], leaky.layers[:-1]):
        ours["weight"] = np.concatenate([theirs["weight"], 0.1 * theirs["weight"]], axis=1)
    maxout.layers[-1] = leaky.layers[-1]
    np.testing.assert_allclose(forward(maxout, X)[0], forward(leaky, X)[0])
    assert maxout.layers[0]["weight"].size == 2 * leaky.layers[0]["weight"].size


@pytest.mark.parametrize("scheme", INIT_STD)
def test_start_of_biases(scheme):
    net = init_network(SIZES, scheme, rng=np.random.default_rng(0), bias=0.1)
    assert [float(layer["bias"].mean()) for layer in net.layers] == [0.1, 0.1, 0]


def test_dtype_holds_through_a_pass():
    net = stacked("prelu", batch_norm="before", dtype=np.float32)
    logits, traces = forward(net, X.astype(np.float32), training=True)
    _, cache = cross_entropy_forward(logits, Y)
    gradients = backward(cross_entropy_backward(1.0, cache), traces)
    assert net.dtype == np.float32
    assert {g.dtype for layer in gradients for g in layer.values()} == {np.dtype(np.float32)}


def test_bad_choices_are_named():
    with pytest.raises(ValueError, match=r"activation must be one of linear, .*maxout, got 'rleu'"):
        network("rleu")
    with pytest.raises(ValueError, match="batch_norm must be one of none, before, after, got 'in'"):
        network(batch_norm="in")
    with pytest.raises(ValueError, match="rng must be a Generator to train with dropout, got None"):
        forward(network(dropout=0.5), X, training=True)
    with pytest.raises(ValueError, match=r"dropout must be .* less than 1, got 1.5"):
        network(dropout=1.5)


@pytest.mark.parametrize("sizes", [(), (3,), (3, 0, 2), (3, -1)])
def test_a_network_has_inputs_and_outputs(sizes):
    with pytest.raises(ValueError, match=r"^sizes must be two or more numbers from 1 up, got "):
        init_network(sizes, "he", rng=np.random.default_rng(0))


def test_one_sample_may_be_allowed_to_train_batch_norm():
    with pytest.raises(ValueError, match="two samples to train on, got 1"):
        forward(network(batch_norm="before"), X[:1], training=True)
    allowed = network(batch_norm="before", allow_batch_of_one=True)
    assert (forward(allowed, X[:1], training=True)[1][0].z == 0).all()


@pytest.mark.parametrize("batch_norm", BATCH_NORM)
@pytest.mark.parametrize("activation", EVERY)
def test_gradients_of_preactivations_are_those_of_the_biases(activation, batch_norm):
    """What is added to a sample's z is summed over samples by the parameter that adds to all."""
    net = stacked(activation, batch_norm=batch_norm, dropout=0.3)
    _, cache, traces = loss(net)
    dlogits = cross_entropy_backward(1.0, cache)
    plain, seen = backward(dlogits, traces), backward(dlogits, traces, with_z=True)
    adds = ["beta" if batch_norm == "before" else "bias"] * 2 + ["bias"]
    for gradient, same, trace, name in zip(seen, plain, traces, adds):
        dz = gradient.pop("z")
        assert gradient.keys() == same.keys() and dz.shape == trace.z.shape
        np.testing.assert_allclose(dz.sum(axis=-2, keepdims=True), same[name], atol=1e-14)


@pytest.mark.parametrize("activation", EVERY)
def test_local_gradients_of_traces(activation):
    hidden = forward(network(activation), X)[1][0]
    assert hidden.nonlinearity == activation
    slope = hidden.local_gradient()
    assert slope.shape == hidden.z.shape
    if activation in ACTIVATIONS:
        np.testing.assert_allclose(slope, ACTIVATIONS[activation].derivative(hidden.z))
    elif activation == "prelu":
        np.testing.assert_array_equal(slope, np.where(hidden.z > 0, 1, 0.25))
    else:
        assert (slope.sum(axis=-1) == hidden.out.shape[-1]).all()


def test_the_last_layer_has_a_local_gradient_of_1():
    last = forward(network(), X)[1][-1]
    assert last.nonlinearity == "linear" and (last.local_gradient() == 1).all()
