"""Activation functions: stable at any size, right derivatives, known values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit
from scipy.stats import norm

from core.nn.activations import ACTIVATIONS, elu, leaky_relu, sigmoid
from core.nn.gradcheck import H, relative_error

FUNCTIONS = [*ACTIVATIONS.values(), leaky_relu(0.3), elu(0.5)]
KINKED = ("relu", "leaky_relu", "elu", "selu")


def named(function):
    return function.name


@pytest.mark.parametrize("function", FUNCTIONS, ids=named)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(deadline=None, max_examples=40)
@given(z=arrays(np.float32, (2, 3), elements=st.floats(-1000, 1000, width=32)))
def test_finite_silent_and_of_the_same_dtype(function, dtype, z):
    z = z.astype(dtype)
    for out in (function.value(z), function.derivative(z)):
        assert out.shape == z.shape and out.dtype == dtype
        assert np.isfinite(out).all()


@pytest.mark.parametrize("function", FUNCTIONS, ids=named)
def test_derivative_is_the_slope(function):
    z = np.linspace(-8, 8, 321)
    if function.name in KINKED:
        z = z[np.abs(z) > 2 * H]
    numeric = (function.value(z + H) - function.value(z - H)) / (2 * H)
    derivative = function.derivative(z)
    small = np.abs(derivative) < 1e-4  # the difference keeps few digits of a vanishing slope
    assert relative_error(derivative, numeric)[~small].max() < 1e-6
    np.testing.assert_allclose(derivative[small], numeric[small], atol=1e-9)


@pytest.mark.parametrize("function", FUNCTIONS, ids=named)
def test_local_gradient_agrees_with_derivative_at_the_ends(function):
    z = np.array([-1000.0, 0.0, 1000.0])
    np.testing.assert_array_equal(
        function.local_gradient(z, function.value(z)), function.derivative(z)
    )


def test_sigmoid_keeps_all_digits_in_the_far_negative():
    z = np.linspace(-700, 700, 1401)
    np.testing.assert_allclose(sigmoid(z), expit(z), rtol=1e-15)


def test_saturated_units_pass_the_gradients_of_the_lecture():
    derivative = ACTIVATIONS["sigmoid"].derivative(np.array([0.0, 5.0, -5.0, 10.0, -10.0]))
    np.testing.assert_allclose(derivative[:3], [0.25, 0.00665, 0.00665], atol=1e-5)
    assert (derivative[3:] < 1e-4).all()


def test_relu_passes_nothing_at_zero():
    z = np.array([-1.0, -0.0, 0.0, 1e-300])
    np.testing.assert_array_equal(ACTIVATIONS["relu"].derivative(z), [0, 0, 0, 1])


@pytest.mark.parametrize("slope", [0.0, 0.01, 1 / 3, 1.0])
def test_leaky_relu_has_exactly_its_slopes(slope):
    function, z = leaky_relu(slope), np.array([-7.0, -1e-9, 3.0])
    np.testing.assert_array_equal(function.value(z), [-7 * slope, -1e-9 * slope, 3])
    np.testing.assert_array_equal(function.derivative(z), [slope, slope, 1])


def test_elu_goes_down_to_minus_alpha():
    np.testing.assert_allclose(elu(1.7).value(np.array([-50.0, 2.0])), [-1.7, 2])
    assert ACTIVATIONS["elu"].derivative(np.array([-10.0]))[0] == pytest.approx(4.54e-5, rel=1e-3)


def test_selu_keeps_mean_0_and_variance_1():
    z = np.linspace(-12, 12, 24_001)
    y, share = ACTIVATIONS["selu"].value(z), norm.pdf(z) / norm.pdf(z).sum()
    assert share @ y == pytest.approx(0, abs=1e-6)
    assert share @ y**2 == pytest.approx(1, abs=1e-6)


def test_gelu_stays_within_its_bound_of_the_exact_form():
    z = np.linspace(-10, 10, 2001)
    assert np.abs(ACTIVATIONS["gelu"].value(z) - z * norm.cdf(z)).max() < 5e-4
