"""Axes of one scale: circles stay round whatever the picture's size."""

import altair as alt
import pytest

from core.charts.columns import one_scale


def ends(channel, **size):
    """Return the ends of an axis in a picture of a size, as the browser computes them."""
    scale = channel.to_dict()["scale"]
    names = {"max": max, **size}
    return [eval(scale[end]["expr"], names) for end in ("domainMin", "domainMax")]


@pytest.mark.parametrize("width, height", [(760, 350), (330, 340), (1180, 400)])
@pytest.mark.parametrize("above", [0, 90])
def test_a_unit_is_as_long_upwards_as_to_the_right(width, height, above):
    axes = one_scale(alt.X("x:Q"), alt.Y("y:Q"), (-1, 9), (0, 2), above=str(above))
    (left, right), (low, high) = (ends(axis, width=width, height=height) for axis in axes)
    unit = width / (right - left)
    assert unit == pytest.approx(height / (high - low))
    assert left <= -1 and right >= 9 and low <= 0
    assert (high - 2) * unit >= above - 1e-9
    assert (right - left == pytest.approx(10)) or ((high - low) * unit == pytest.approx(height))
    assert right - left == pytest.approx(10) or low == pytest.approx(0)
