"""Initializers: the spread each scheme promises, and the gain of every activation."""

import numpy as np
import pytest

from core.nn.activations import ACTIVATIONS
from core.nn.initializers import INIT_STD, SCHEMES, gain, init_std, init_weight

FAN_IN, FAN_OUT = 400, 300


def weight(scheme, seed=0, **options):
    return init_weight(scheme, FAN_IN, FAN_OUT, rng=np.random.default_rng(seed), **options)


@pytest.mark.parametrize(
    "scheme, std",
    [
        ("small", 0.01),
        ("medium", 0.05),
        ("large", 1),
        ("xavier", 1 / 20),
        ("glorot", np.sqrt(2 / 700)),
        ("he", np.sqrt(2) / 20),
        ("misread_times_sqrt", 20),
        ("misread_divided_by_n", 1 / 400),
        (0.3, 0.3),
    ],
)
def test_normal_schemes_have_their_std(scheme, std):
    assert init_std(scheme, FAN_IN, FAN_OUT) == pytest.approx(std)
    drawn = weight(scheme)
    assert drawn.shape == (FAN_IN, FAN_OUT)
    assert drawn.std() == pytest.approx(std, rel=0.01)
    assert abs(drawn.mean()) < 0.01 * std


@pytest.mark.parametrize("scheme", INIT_STD)
def test_equal_seeds_differ_in_scale_alone(scheme):
    scale = init_std(scheme, FAN_IN, FAN_OUT)
    np.testing.assert_allclose(weight(scheme) / scale, weight("large"))


def test_rand_is_all_positive_and_constants_are_constant():
    assert weight("misread_rand").min() >= 0
    assert weight("misread_rand").max() < FAN_IN**-0.5
    assert (weight("zero") == 0).all()
    assert np.unique(weight("constant")).size == 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_dtype_is_what_was_asked_for(scheme):
    assert weight(scheme, dtype=np.float32).dtype == np.float32


def test_unknown_scheme_lists_the_choices():
    with pytest.raises(ValueError, match=r"scheme must be one of small, .*zero.*, got 'hee'"):
        weight("hee")
    with pytest.raises(ValueError, match=r"scheme must be one of small, .*, got 'zero'"):
        init_std("zero", FAN_IN, FAN_OUT)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("linear", 1),
        ("relu", np.sqrt(2)),
        ("leaky_relu", np.sqrt(2 / (1 + 0.01**2))),
        ("selu", 1),
        ("tanh", 1.5925374),
    ],
)
def test_gain_of_known_functions(name, expected):
    assert gain(ACTIVATIONS[name]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gain_keeps_the_mean_square_of_gaussian_preactivations(name):
    z = np.random.default_rng(0).standard_normal(200_000)
    kept = gain(ACTIVATIONS[name]) * ACTIVATIONS[name].value(z)
    assert (kept**2).mean() == pytest.approx(1, rel=0.02)
