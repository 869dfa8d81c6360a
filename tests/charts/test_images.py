"""Images as marks: the PNG that a browser gets is the array that was drawn."""

from base64 import b64decode
from io import BytesIO

import altair as alt
import numpy as np
import pytest
from PIL import Image

from core.charts.colours import colour
from core.charts.images import FAINT, images, photo, png, signed


def decoded(url):
    """Return the pixels (height, width, ...) of a data URL, read by somebody else's decoder."""
    kind, content = url.split(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(BytesIO(b64decode(content))))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_arrive_as_they_were_sent(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels))
    np.testing.assert_array_equal(decoded(png(pixels)).reshape(pixels.shape), pixels)


def test_a_photo_is_black_at_its_low_end_and_white_at_its_high_end():
    values = np.array([[-1.0, 0.0], [8.0, 20.0]])
    assert decoded(photo(values, 0, 16)).tolist() == [[0, 0], [128, 255]]
    assert decoded(photo(np.ones((2, 2, 3)), 1, 1)).shape == (2, 2, 3)


def test_signs_are_colours_and_sizes_opacity():
    pixels = decoded(signed(np.array([[-2.0, 0.0, 1.0]]), 2.0))[0]
    assert [f"#{r:02x}{g:02x}{b:02x}" for r, g, b, _ in pixels.tolist()] == [
        colour(name) for name in ("negative", "context", "positive")
    ]
    assert pixels[:, 3].tolist() == [255, round(255 * FAINT), 128]
    assert decoded(signed(np.zeros((2, 2)), 0.0))[..., 3].max() == round(255 * FAINT)


def test_an_image_is_one_mark():
    place = {"x": 0, "x2": 1, "y": 0, "y2": 1, "url": png(np.zeros((64, 64, 3)))}
    spec = images([place], alt.X("x:Q"), alt.Y("y:Q")).to_dict()
    assert spec["mark"] == {"type": "image", "smooth": False}
    assert [len(rows) for rows in spec["datasets"].values()] == [1]
