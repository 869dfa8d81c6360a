"""Layers: gradients for one run and for several, and what each layer promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.nn import layers
from core.nn.activations import ACTIVATIONS
from core.nn.gradcheck import direction_error, numerical_gradient, relative_error

RUNS = pytest.mark.parametrize("runs", [(), (3,), (2, 3)], ids=["one run", "3 runs", "2x3 runs"])
LABELS = np.array([0, 3, 1, 1, 2, 0])


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def running(units, runs=()):
    return {"mean": draw(*runs, 1, units, seed=1), "var": 1 + draw(*runs, 1, units, seed=2) ** 2}


def assert_gradients(forward, backward, *inputs):
    """Check `backward`, which may return one array or several."""

    def gradients(dout, cache):
        out = backward(dout, cache)
        return out if isinstance(out, tuple) else (out,)

    error = direction_error(forward, gradients, inputs, rng=np.random.default_rng(9))
    assert error < 1e-6


@RUNS
def test_linear(runs):
    inputs = draw(*runs, 6, 5), draw(*runs, 5, 4), draw(*runs, 1, 4)
    assert_gradients(layers.linear_forward, layers.linear_backward, *inputs)


def test_first_linear_gives_the_same_gradients_of_its_parameters():
    _, cache = layers.linear_forward(draw(6, 5), draw(5, 4), draw(1, 4))
    dout = draw(6, 4, seed=3)
    for ours, full in zip(
        layers.first_linear_backward(dout, cache)[1:], layers.linear_backward(dout, cache)[1:]
    ):
        np.testing.assert_array_equal(ours, full)


def test_shared_data_meet_the_weights_of_every_run():
    x, weight, bias = draw(6, 5), draw(3, 5, 4), draw(3, 1, 4)
    out, cache = layers.linear_forward(x, weight, bias)
    _, dweight, _ = layers.linear_backward(out, cache)
    for run in range(3):
        alone, cache = layers.linear_forward(x, weight[run], bias[run])
        np.testing.assert_allclose(out[run], alone)
        np.testing.assert_allclose(dweight[run], layers.linear_backward(alone, cache)[1])


@RUNS
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(runs, name):
    assert_gradients(
        lambda z: layers.activation_forward(z, ACTIVATIONS[name]),
        layers.activation_backward,
        draw(*runs, 6, 5),
    )


@RUNS
@pytest.mark.parametrize("slopes", [1, 5], ids=["per layer", "per unit"])
def test_prelu(runs, slopes):
    inputs = draw(*runs, 6, 5), draw(*runs, 1, slopes, seed=4)
    assert_gradients(layers.prelu_forward, layers.prelu_backward, *inputs)


@RUNS
@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_maxout(runs, pieces):
    z = draw(*runs, 6, pieces * 4)
    out, _ = layers.maxout_forward(z, pieces)
    np.testing.assert_array_equal(out, np.max(np.split(z, pieces, axis=-1), axis=0))
    assert_gradients(lambda z: layers.maxout_forward(z, pieces), layers.maxout_backward, z)


def test_maxout_of_equal_pieces_sends_the_gradient_through_one():
    _, winner = layers.maxout_forward(np.zeros((3, 8)), 2)
    dz = layers.maxout_backward(np.ones((3, 4)), winner)
    np.testing.assert_array_equal(dz, np.repeat([[1.0, 0.0]], 4, axis=1) * np.ones((3, 1)))


@RUNS
@pytest.mark.parametrize("training", [True, False])
def test_batchnorm(runs, training):
    averages = running(5, runs)
    assert_gradients(
        lambda x, gamma, beta: layers.batchnorm_forward(
            x, gamma, beta, averages, training=training
        ),
        layers.batchnorm_backward,
        *(3 * draw(*runs, 6, 5) + 1, draw(*runs, 1, 5, seed=3), draw(*runs, 1, 5, seed=4)),
    )


@RUNS
@pytest.mark.parametrize("training", [True, False])
def test_spatial_batchnorm(runs, training):
    averages = running(4, runs)
    assert_gradients(
        lambda x, gamma, beta: layers.spatial_batchnorm_forward(
            x, gamma, beta, averages, training=training
        ),
        layers.spatial_batchnorm_backward,
        *(draw(*runs, 3, 4, 2, 5), draw(*runs, 1, 4, seed=3), draw(*runs, 1, 4, seed=4)),
    )


def normalized(x, averages=None, **options):
    units = x.shape[-1]
    averages = averages or running(units)
    options = {"training": True, **options}
    return layers.batchnorm_forward(
        x, np.ones((1, units)), np.zeros((1, units)), averages, **options
    )


def test_batchnorm_gives_every_feature_mean_0_and_variance_1():
    out, _ = normalized(5 * draw(200, 3) + 7, eps=0)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(out.var(axis=0), 1)


def test_eps_is_inside_the_root_and_saves_a_constant_feature():
    x = draw(50, 1)
    np.testing.assert_allclose(
        normalized(x, eps=0.5)[0], (x - x.mean()) / np.sqrt(x.var() + 0.5), rtol=1e-12
    )
    constant = np.full((50, 1), 3.0)
    assert (normalized(constant)[0] == 0).all()
    with np.errstate(all="ignore"):
        assert np.isnan(normalized(constant, eps=0)[0]).all()
    np.testing.assert_allclose(np.abs(normalized(np.full((7, 1), 0.1), eps=0)[0]), 1)


def test_gamma_and_beta_can_undo_the_normalization():
    x = 5 * draw(50, 3) + 7
    gamma, beta = np.sqrt(x.var(axis=0, keepdims=True) + 1e-5), x.mean(axis=0, keepdims=True)
    out, _ = layers.batchnorm_forward(x, gamma, beta, running(3), training=True)
    np.testing.assert_allclose(out, x, atol=1e-12)


def test_running_averages_move_by_the_share_of_the_biased_statistics():
    x, averages = draw(50, 3), running(3)
    before = {name: array.copy() for name, array in averages.items()}
    normalized(x, averages, bn_momentum=0.3)
    np.testing.assert_allclose(averages["mean"], 0.7 * before["mean"] + 0.3 * x.mean(axis=0))
    np.testing.assert_allclose(averages["var"], 0.7 * before["var"] + 0.3 * x.var(axis=0))
    settled = {name: array.copy() for name, array in averages.items()}
    normalized(x, averages, training=False)
    np.testing.assert_array_equal(averages["var"], settled["var"])


def test_inference_treats_every_example_alone():
    x, averages = draw(50, 3), running(3)
    together, _ = normalized(x, averages, training=False)
    alone, _ = normalized(x[:1], averages, training=False)
    np.testing.assert_allclose(together[:1], alone)


def test_spatial_batchnorm_is_batchnorm_of_all_positions_as_samples():
    x = draw(3, 4, 2, 5)
    gamma, beta = draw(1, 4, seed=3), draw(1, 4, seed=4)
    out, _ = layers.spatial_batchnorm_forward(x, gamma, beta, running(4), training=True)
    flat = x.transpose(0, 2, 3, 1).reshape(-1, 4)
    expected, _ = layers.batchnorm_forward(flat, gamma, beta, running(4), training=True)
    np.testing.assert_allclose(out.transpose(0, 2, 3, 1).reshape(-1, 4), expected)


@RUNS
def test_dropout(runs):
    x = draw(*runs, 6, 5)
    assert_gradients(
        lambda x: layers.dropout_forward(x, 0.4, rng=np.random.default_rng(5)),
        layers.dropout_backward,
        x,
    )


def test_dropout_drops_its_share_and_keeps_the_mean():
    out, _ = layers.dropout_forward(np.ones((300, 300)), 0.3, rng=np.random.default_rng(0))
    assert (out == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert out.mean() == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(np.unique(out), [0, 1 / 0.7])


def test_runs_of_a_stack_share_the_dropout_mask():
    out, _ = layers.dropout_forward(np.ones((4, 20, 10)), 0.5, rng=np.random.default_rng(0))
    alone, _ = layers.dropout_forward(np.ones((20, 10)), 0.5, rng=np.random.default_rng(0))
    assert (out == alone).all()


@RUNS
@pytest.mark.parametrize("form", ["cross_entropy_forward", "naive_cross_entropy_forward"])
def test_cross_entropy(runs, form):
    assert_gradients(
        lambda logits: getattr(layers, form)(logits, LABELS),
        layers.cross_entropy_backward,
        draw(*runs, 6, 4),
    )


def test_labels_may_differ_by_run():
    logits, labels = draw(2, 6, 4), np.stack([LABELS, LABELS[::-1]])
    losses, _ = layers.cross_entropy_forward(logits, labels)
    for run in range(2):
        alone, _ = layers.cross_entropy_forward(logits[run], labels[run])
        assert losses[run] == pytest.approx(alone)


def test_equal_logits_lose_the_logarithm_of_the_classes():
    loss, _ = layers.cross_entropy_forward(np.full((6, 4), 123.0), LABELS)
    assert loss == pytest.approx(np.log(4))


@settings(deadline=None)
@given(logits=arrays(np.float64, (6, 4), elements=st.floats(-1e4, 1e4)))
def test_cross_entropy_never_overflows(logits):
    loss, cache = layers.cross_entropy_forward(logits, LABELS)
    dlogits = layers.cross_entropy_backward(1.0, cache)
    assert np.isfinite(loss) and loss >= 0
    assert np.isfinite(dlogits).all()
    np.testing.assert_allclose(dlogits.sum(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose(layers.softmax(logits).sum(axis=-1), 1)


@pytest.mark.parametrize("scale", [1e3, 1e4])
def test_the_naive_form_overflows_where_log_sum_exp_does_not(scale):
    logits = scale * layers.one_hot(LABELS, 4).astype(float)
    assert layers.cross_entropy_forward(logits, LABELS)[0] == pytest.approx(0, abs=1e-12)
    assert np.isnan(layers.naive_cross_entropy_forward(logits, LABELS)[0])
    assert layers.naive_cross_entropy_forward(-logits / 1e2, LABELS)[0] > 0


def test_the_naive_form_takes_the_logarithm_of_zero():
    logits = np.zeros((6, 4))
    logits[:, 0] = -800
    assert layers.naive_cross_entropy_forward(logits, np.zeros(6, int))[0] == np.inf


def test_l2_is_half_reg_times_the_squares():
    weight = draw(2, 5, 4)
    reg = np.array([0.1, 0.5])[:, None, None]
    loss, cache = layers.l2_forward(weight, reg)
    np.testing.assert_allclose(loss, [0.05 * (weight[0] ** 2).sum(), 0.25 * (weight[1] ** 2).sum()])
    gradient = layers.l2_backward(1.0, cache)
    numeric = numerical_gradient(lambda w: float(layers.l2_forward(w, reg)[0].sum()), weight)
    assert relative_error(gradient, numeric).max() < 1e-6


def test_batchnorm_refuses_what_has_no_spread():
    with pytest.raises(ValueError, match=r"^x must have at least two samples to train on, got 1$"):
        normalized(draw(1, 3))
    np.testing.assert_array_equal(normalized(draw(1, 3), allow_batch_of_one=True)[0], 0)
    for training in (True, False):
        with pytest.raises(ValueError, match=r"^x must have at least .* samples?.*, got 0$"):
            normalized(draw(0, 3), training=training, allow_batch_of_one=True)
    layers.spatial_batchnorm_forward(
        draw(1, 4, 2, 5), draw(1, 4), draw(1, 4), running(4), training=True
    )


@pytest.mark.parametrize("rate", [1.0, 1.5, -1, np.nan])
def test_dropout_keeps_something(rate):
    message = f"^dropout must be at least 0 and less than 1, got {rate}$"
    with pytest.raises(ValueError, match=message):
        layers.dropout_forward(np.ones((3, 3)), rate, rng=np.random.default_rng(0))


@pytest.mark.parametrize("form", ["cross_entropy_forward", "naive_cross_entropy_forward"])
@pytest.mark.parametrize(
    "labels, message",
    [
        ([0, 5, 1, 1, 2, 0], "labels must be whole numbers from 0 to 3, got 5"),
        ([0, -1, 1, 1, 2, 0], "labels must be whole numbers from 0 to 3, got -1"),
        ([0, 0.5, 1, 1, 2, 0], "labels must be whole numbers from 0 to 3, got 0.5"),
        ([0, 1, 1], r"labels must have shape \(6,\) as the logits, got \(3,\)"),
        ([[0], [1], [1], [0], [1], [2]], r"labels must have shape \(6,\) .*, got \(6, 1\)"),
    ],
)
def test_labels_are_checked(form, labels, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        getattr(layers, form)(draw(6, 4), np.array(labels))


def test_a_class_that_is_ruled_out_costs_nothing():
    logits = draw(6, 4)
    logits[1, 0] = -np.inf
    loss, cache = layers.cross_entropy_forward(logits, LABELS)
    rest, _ = layers.cross_entropy_forward(np.where(np.isinf(logits), -1e9, logits), LABELS)
    assert loss == rest
    dlogits = layers.cross_entropy_backward(1.0, cache)
    assert np.isfinite(dlogits).all() and dlogits[1, 0] == 0


def test_shared_arrays_cannot_be_written_to():
    for shared in (layers.ones(1, 3, np.dtype(float)), layers.whole_numbers(3)):
        with pytest.raises(ValueError, match="read-only"):
            shared[...] = 2


def test_a_layer_without_bias_and_one_that_does_not_learn():
    x, weight = draw(6, 5), draw(5, 4)
    out, cache = layers.linear_forward(x, weight)
    np.testing.assert_array_equal(out, layers.linear_forward(x, weight, np.zeros((1, 4)))[0])
    np.testing.assert_array_equal(
        layers.frozen_linear_backward(out, cache), layers.linear_backward(out, cache)[0]
    )
