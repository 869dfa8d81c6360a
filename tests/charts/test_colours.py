"""The table of colours: contrast on both themes, one meaning a colour."""

import tomllib
from pathlib import Path

import pytest

from core.charts.colours import COLOURS, GROUND, colour, themed

CONFIG = tomllib.loads((Path(__file__).parents[2] / ".streamlit/config.toml").read_text())
ON_BOTH = 3  # contrast of a mark, when the theme has just changed under a picture
TEXT = 4.5
# Text, and lines that need not be told from the ground.
NOT_MARKS = ("ink", "soft", "grid", "ground", "context")


def luminance(hex_colour):
    channels = [int(hex_colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_grounds_are_those_of_the_themes():
    themes = CONFIG["theme"]
    assert (themes["light"]["backgroundColor"], themes["dark"]["backgroundColor"]) == GROUND


@pytest.mark.parametrize("name", [name for name in COLOURS if name not in NOT_MARKS])
def test_a_colour_can_be_read_on_its_own_ground_and_seen_on_the_other(name):
    light, dark = COLOURS[name]
    assert contrast(light, GROUND[0]) >= TEXT and contrast(dark, GROUND[1]) >= TEXT
    assert contrast(light, GROUND[1]) >= ON_BOTH


@pytest.mark.parametrize("name", ["ink", "soft"])
def test_text_can_be_read_on_its_own_ground(name):
    for shade, ground in zip(COLOURS[name], GROUND):
        assert contrast(shade, ground) >= TEXT


def test_no_colour_means_two_things():
    for theme in zip(*COLOURS.values()):
        assert len(set(theme)) == len(theme)


def test_a_specification_takes_the_colours_of_the_theme_and_no_others():
    spec = {"layer": [{"mark": {"color": colour("relu")}, "width": 3}], "range": [colour("tanh")]}
    assert themed(spec, dark=False) == spec
    assert themed(spec, dark=True)["range"] == [COLOURS["tanh"][1]]
    with pytest.raises(KeyError):
        themed({"color": "#123456"}, dark=False)
