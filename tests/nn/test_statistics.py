"""Statistics: exact histograms, moments without cancellation, the deep pass and the wide one."""

import tracemalloc
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.nn.activations import ACTIVATIONS
from core.nn.initializers import init_weight
from core.nn.network import backward, forward, init_network, stack_networks
from core.nn.statistics import (
    DeepPass,
    Moments,
    bin_counts,
    dead_units,
    deep_pass,
    gradient_std,
    layer_statistics,
    saturated,
    update_ratio,
    wide_pass,
)

EDGES = np.linspace(-1, 1, 31)
RANGES = [(-1, 1, 30), (0, 1, 30), (0, 3, 30), (-1, 1, 41), (-3, 2, 25), (0.1, 0.7, 6)]


def assert_counts_equal_numpy(values, edges):
    counts = bin_counts(values, edges)
    np.testing.assert_array_equal(counts[:-1], np.histogram(values, edges)[0])
    assert counts.sum() == values.size


@pytest.mark.parametrize("low, high, bins", RANGES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scale", [1e-20, 1e-7, 1e-3, 1, 50])
def test_counts_equal_numpy_at_every_scale(low, high, bins, dtype, scale):
    values = (scale * np.random.default_rng(0).standard_normal((300, 300))).astype(dtype)
    assert_counts_equal_numpy(values, np.linspace(low, high, bins + 1))
    assert_counts_equal_numpy(np.maximum(values, 0), np.linspace(low, high, bins + 1))


@pytest.mark.parametrize("activation, scheme", [("tanh", "large"), ("relu", "he"), ("tanh", 1e-9)])
def test_counts_equal_numpy_on_real_layers(activation, scheme):
    rng = np.random.default_rng(0)
    z = rng.standard_normal((400, 300)) @ init_weight(scheme, 300, 300, rng=rng)
    assert_counts_equal_numpy(ACTIVATIONS[activation].value(z), EDGES)


def test_tiny_negative_float32_values_stay_left_of_the_centre():
    """Shifted into place before floor, -1e-8 would round to 0 and fall to the right."""
    values = np.array([-1e-8, 1e-8], np.float32)
    assert np.flatnonzero(bin_counts(values, EDGES)).tolist() == [14, 15]


def test_ends_count_inside_and_the_rest_outside():
    values = np.array([-1, 1, 0, -0.0, 1.0000001, -1.0000001, np.inf, -np.inf, np.nan, 1e308])
    counts = bin_counts(values, EDGES)
    assert [counts[0], counts[15], counts[29], counts[30]] == [1, 2, 1, 6]


@pytest.mark.parametrize("low, high, bins", RANGES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_counts_equal_numpy_at_the_edges_and_beside_them(low, high, bins, dtype):
    edges = np.linspace(low, high, bins + 1)
    shares = np.arange(bins + 1) / bins
    near = np.concatenate([edges, low + shares * (high - low), -edges, edges * (1 + 1e-9)])
    near = np.concatenate([near, np.nextafter(near, 9), np.nextafter(near, -9)])
    assert_counts_equal_numpy(near.astype(dtype), edges)
    assert_counts_equal_numpy(np.array([0.0, -0.0, 5e-324, -5e-324, 1e-50, -1e-50]), edges)


def test_minus_two_thirds_counts_as_in_numpy():
    assert_counts_equal_numpy(np.array([-0.6666666666666667, -2 / 3]), EDGES)


@settings(deadline=None)
@given(values=arrays(np.float64, (4, 5), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_every_value_is_counted_once(values):
    assert bin_counts(values, EDGES).sum() == values.size


def test_variance_of_nearly_equal_values_has_all_digits():
    """E[v^2] - mean^2 would give 1e-8 in place of 1e-14 here."""
    values = 1 + 1e-14 * np.arange(1000.0)[:, None]
    moments = Moments.of(values)
    assert np.sqrt(moments.m2 / 1000) == pytest.approx(values.std(), rel=1e-6)
    assert moments.pooled_std() < 1e-11


@pytest.mark.parametrize("cut", [1, 7, 99])
def test_merged_moments_are_those_of_all_samples(cut):
    x = np.random.default_rng(0).standard_normal((100, 5)) * [1, 2, 3, 4, 5] + 1000
    merged = Moments.of(x[:cut]).merge(Moments.of(x[cut:]))
    np.testing.assert_allclose(merged.mean, x.mean(axis=0))
    np.testing.assert_allclose(merged.m2 / 100, x.var(axis=0))
    assert merged.pooled_std() == pytest.approx(x.std())
    assert merged.unit_std() == pytest.approx(x.std(axis=0).mean())


def test_saturated_is_near_the_ends_of_squashing_functions_only():
    out = np.array([-0.98, -0.97, 0, 0.5, 0.971])
    np.testing.assert_array_equal(saturated(out, "tanh"), [True, False, False, False, True])
    out = np.array([0.0149, 0.0151, 0.5, 0.984, 0.986])
    np.testing.assert_array_equal(saturated(out, "sigmoid"), [True, False, False, False, True])
    assert not saturated(np.array([0.0, 1.0]), "relu").any()


def test_dead_means_zero_on_every_example():
    out = np.array([[[0, 0, 1], [0, 2, 0]], [[0, 0, 0], [0, 0, 3]]])
    np.testing.assert_array_equal(dead_units(out), [[True, False, False], [True, True, False]])


def test_update_ratio_is_per_run():
    weight = np.stack([np.full((2, 2), 2.0), np.full((2, 2), 4.0)])
    np.testing.assert_allclose(update_ratio(np.full((2, 2, 2), 0.002), weight), [1e-3, 5e-4])


@pytest.fixture(scope="module")
def deep():
    """Return samples, weights and an upstream gradient of a net whose widths differ."""
    rng = np.random.default_rng(0)
    sizes = (40, 30, 50, 20)
    weights = [init_weight("xavier", i, o, rng=rng) for i, o in zip(sizes, sizes[1:])]
    return rng.standard_normal((61, 40)), weights, rng.standard_normal((61, 20))


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "elu"])
def test_deep_pass_equals_plain_backpropagation(deep, activation):
    x, weights, dout = deep
    function, outs, slopes = ACTIVATIONS[activation], [x], []
    for weight in weights:
        z = outs[-1] @ weight
        outs.append(function.value(z))
        slopes.append(function.derivative(z))
    seen = deep_pass(x, weights, activation, EDGES, dout)
    for layer, (out, slope) in enumerate(zip(outs[1:], slopes)):
        assert seen.mean[layer] == pytest.approx(out.mean(), rel=1e-10, abs=1e-14)
        assert seen.std[layer] == pytest.approx(out.std(), rel=1e-10)
        assert seen.unit_std[layer] == pytest.approx(out.std(axis=0).mean(), rel=1e-10)
        assert seen.zero[layer] == (out == 0).mean()
        assert seen.dead[layer] == dead_units(out).mean()
        assert seen.saturated[layer] == saturated(out, activation).mean()
        assert seen.local_gradient[layer] == pytest.approx(slope.mean(), rel=1e-10)
        np.testing.assert_array_equal(seen.counts[layer], bin_counts(out, EDGES))
    for layer in (2, 1, 0):
        dz = dout * slopes[layer]
        assert seen.dz_std[layer] == pytest.approx(dz.std(), rel=1e-10)
        assert seen.dw_std[layer] == pytest.approx((outs[layer].T @ dz).std(), rel=1e-10)
        dout = dz @ weights[layer].T


def test_deep_pass_leaves_out_what_is_not_asked_for(deep):
    x, weights, dout = deep
    forward_only = deep_pass(x, weights, "tanh", EDGES)
    assert forward_only.dz_std.size == forward_only.dw_std.size == 0
    without = deep_pass(x, weights, "tanh", EDGES, dout, weight_gradients=False)
    assert without.dz_std.size == 3 and without.dw_std.size == 0


def test_deep_pass_of_a_single_sample(deep):
    x, weights, dout = deep
    seen = deep_pass(x[:1], weights, "tanh", EDGES, dout[:1])
    assert np.isfinite(seen.std).all() and (seen.unit_std == 0).all()


def test_deep_pass_shows_the_tiny_gradients_of_a_vanishing_net():
    rng = np.random.default_rng(0)
    x, dout = rng.standard_normal((2, 200, 100))
    weights = [init_weight("small", 100, 100, rng=rng) for _ in range(10)]
    seen = deep_pass(x, weights, "tanh", EDGES, dout)
    np.testing.assert_allclose(np.diff(np.log10(seen.dz_std)), 1, atol=0.1)
    np.testing.assert_allclose(np.diff(np.log10(seen.std)), -1, atol=0.1)


def test_deep_pass_that_overflows_is_no_warning():
    rng = np.random.default_rng(0)
    weights = [init_weight(1e60, 20, 20, rng=rng) for _ in range(8)]
    seen = deep_pass(rng.standard_normal((10, 20)), weights, "relu", EDGES, np.ones((10, 20)))
    assert not np.isfinite(seen.std[-1]) and seen.counts[-1].sum() == 200


def test_wide_pass_shares_draws_between_its_stds():
    x = np.random.default_rng(0).standard_normal((16, 700))
    stds = (0.01, 700**-0.5)
    seen = wide_pass(x, stds, 3, "tanh", EDGES, rng=np.random.default_rng(1))
    one_by_one = [
        wide_pass(x, [std], 3, "tanh", EDGES, rng=np.random.default_rng(1))[0] for std in stds
    ]
    for together, alone in zip(seen, one_by_one):
        np.testing.assert_allclose(together.std, alone.std, rtol=1e-12)
        np.testing.assert_array_equal(together.counts, alone.counts)
    assert seen[1].std[0] == pytest.approx(0.628, abs=0.02)


def test_deep_pass_scales_weights_when_their_turn_comes(deep):
    x, draws, dout = deep
    stds = [0.5, 2.0, 3.0]
    scaled = deep_pass(x, [s * d for s, d in zip(stds, draws)], "tanh", EDGES, dout)
    seen = deep_pass(x, draws, "tanh", EDGES, dout, stds=stds)
    for field in fields(DeepPass):
        np.testing.assert_array_equal(getattr(seen, field.name), getattr(scaled, field.name))


def test_deep_pass_keeps_no_scaled_weights_and_no_weight_gradients():
    rng = np.random.default_rng(0)
    x, dout = rng.standard_normal((2, 20, 300))
    draws = [rng.standard_normal((300, 300)) for _ in range(20)]
    tracemalloc.start()
    deep_pass(x, draws, "tanh", EDGES, dout, stds=[0.1] * 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * draws[0].nbytes


KINDS = [("tanh", "none"), ("relu", "before"), ("sigmoid", "after"), ("maxout", "before")]


@pytest.mark.parametrize("activation, batch_norm", KINDS)
def test_layer_statistics_of_any_network(activation, batch_norm):
    """Runs of a stack are those of its networks, which are described in plain NumPy."""
    nets = [
        init_network(
            (6, 5, 4, 3), 0.7, activation, batch_norm=batch_norm, rng=np.random.default_rng(seed)
        )
        for seed in range(2)
    ]
    x = np.random.default_rng(2).standard_normal((40, 6))
    seen = layer_statistics(forward(stack_networks(nets), x, training=True)[1][:-1], EDGES)
    for run, net in enumerate(nets):
        for layer, trace in enumerate(forward(net, x, training=True)[1][:-1]):
            out, at = trace.out, (run, layer)
            assert seen.mean[at] == pytest.approx(out.mean())
            assert seen.std[at] == pytest.approx(out.std())
            assert seen.unit_std[at] == pytest.approx(out.std(axis=0).mean())
            assert seen.zero[at] == (out == 0).mean()
            assert seen.dead[at] == dead_units(out).mean()
            assert seen.saturated[at] == saturated(out, activation).mean()
            slope = trace.local_gradient().sum() / out.size
            assert seen.local_gradient[at] == pytest.approx(slope)
            np.testing.assert_array_equal(seen.counts[at], bin_counts(out, EDGES))


def test_networks_and_deep_passes_have_the_same_statistics():
    net = init_network((20, 30, 10, 5), "he", rng=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    x, dlogits = rng.standard_normal((50, 20)), rng.standard_normal((50, 5))
    _, traces = forward(net, x)
    gradients = backward(dlogits, traces, with_z=True)[:-1]
    weights = [layer["weight"] for layer in net.layers]
    top = dlogits @ weights[-1].T
    passed, seen = (
        deep_pass(x, weights[:-1], "relu", EDGES, top),
        layer_statistics(traces[:-1], EDGES),
    )
    for name, values in vars(seen).items():
        np.testing.assert_allclose(getattr(passed, name), values, rtol=1e-12)
    np.testing.assert_allclose(passed.dz_std, gradient_std(g["z"] for g in gradients))
    np.testing.assert_allclose(passed.dw_std, gradient_std(g["weight"] for g in gradients))


@pytest.mark.full
def test_wide_pass_of_the_lecture_stays_below_500_megabytes():
    x = np.random.default_rng(0).standard_normal((16, 4096))
    tracemalloc.start()
    wide_pass(x, (0.01, 0.05, 1 / 64), 6, "tanh", EDGES, rng=np.random.default_rng(1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500e6
