"""Gradient checks: right gradients pass, wrong ones are found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.nn.gradcheck import direction_error, numerical_gradient, relative_error


def cubic_forward(x, weight):
    return x**3 @ weight, (x, weight)


def cubic_backward(dout, cache):
    x, weight = cache
    return 3 * x**2 * (dout @ weight.mT), (x**3).mT @ dout


def test_numerical_gradient_of_a_known_function_in_any_shape():
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    before = x.copy()
    gradient = numerical_gradient(lambda x: float((x**3).sum()), x)
    np.testing.assert_allclose(gradient, 3 * x**2, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(x, before)


def test_centered_difference_is_exact_for_a_parabola_where_a_one_sided_one_is_not():
    assert numerical_gradient(lambda x: float(x[0] ** 2), np.array([3.0]), h=0.5) == 6


def test_relative_error_by_hand():
    np.testing.assert_allclose(
        relative_error(np.array([1, 0, 2.0]), np.array([3, 0, 2])), [0.5, 0, 0]
    )


def test_relative_error_keeps_its_meaning_for_tiny_gradients():
    assert relative_error(1e-300, 3e-300) == pytest.approx(0.5)
    assert relative_error(5e-324, 0.0) == 1


@settings(deadline=None)
@given(*[st.floats(-1e300, 1e300)] * 2)
def test_relative_error_lies_between_0_and_1(a, n):
    assert 0 <= relative_error(a, n) <= 1
    assert relative_error(a, n) == relative_error(n, a)
    assert relative_error(a, a) == 0


@pytest.mark.parametrize("runs", [(), (3,)], ids=["one run", "three runs"])
def test_direction_error_passes_what_is_right(runs):
    rng = np.random.default_rng(1)
    inputs = [rng.standard_normal((*runs, *shape)) for shape in ((5, 4), (4, 2))]
    assert direction_error(cubic_forward, cubic_backward, inputs, rng=rng) < 1e-8


@pytest.mark.parametrize("wrong", [0, 1])
def test_direction_error_finds_one_wrong_entry(wrong):
    rng = np.random.default_rng(2)
    inputs = [rng.standard_normal(shape) for shape in ((5, 4), (4, 2))]

    def broken_backward(dout, cache):
        gradients = cubic_backward(dout, cache)
        gradients[wrong][0, 0] *= 1.1
        return gradients

    assert direction_error(cubic_forward, broken_backward, inputs, rng=rng) > 1e-5


def test_direction_error_wants_a_gradient_for_every_input():
    x = np.ones((2, 2))
    with pytest.raises(ValueError, match="zip"):
        direction_error(
            lambda x, w: (x @ w, None),
            lambda dout, _: (dout,),
            [x, x],
            rng=np.random.default_rng(0),
        )
