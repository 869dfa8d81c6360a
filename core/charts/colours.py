"""Colours: one table of meanings for all pictures, each for the light and for the dark theme.

Pictures are drawn with the light ones; `themed` turns a finished specification into the dark one.
A mark holds 3:1 against either ground, so that a picture stays legible when the theme changes under
it; text in a colour holds 4.5:1 against its own.
"""

import re
from collections.abc import Iterable
from typing import Any

import altair as alt

GROUND = ("#ffffff", "#16181d")  # of the page, light and dark: .streamlit/config.toml

COLOURS: dict[str, tuple[str, str]] = {
    # text and context
    "ink": ("#31333f", "#e3e5ea"),
    "soft": ("#5f6470", "#a9afbb"),  # axes, remarks
    "context": ("#8a909c", "#7f8694"),  # what the heading does not talk about
    "ground": GROUND,  # of words inside a bar
    "grid": ("#e2e4e9", "#33373f"),  # the only one that need not be told from the ground
    # activation functions: what saturates is warm, the rectifiers are cool
    "sigmoid": ("#c0392f", "#f0786d"),
    "tanh": ("#b35f00", "#e8973a"),
    "softplus": ("#8f6a1a", "#c9a24a"),
    "relu": ("#1f6fc4", "#5aa5f0"),
    "leaky_relu": ("#007d8a", "#2fb3c0"),
    "elu": ("#3a7d2c", "#6fb85e"),
    "prelu": ("#5a58c8", "#9a98f5"),
    "maxout": ("#8b45b5", "#c08ae6"),
    "selu": ("#5d7a00", "#9dbb3a"),
    "gelu": ("#b03a86", "#e67fc0"),
    "silu": ("#51698a", "#8fa9cc"),
    "linear": ("#6b6f78", "#9ba1ad"),
    # starting weights: too small blue, too large red, right green
    "small": ("#2a74c9", "#62a8f2"),
    "medium": ("#477a9e", "#7fb4da"),
    "large": ("#c43745", "#f2747f"),
    "xavier": ("#1c8046", "#4fbf7c"),
    "glorot": ("#4b7a1e", "#8cbf57"),
    "he": ("#0e7c74", "#3cbcb2"),
    "zero": ("#6a6e79", "#9aa0ad"),
    "constant": ("#94651f", "#cc9c54"),
    "random": ("#1d8147", "#50c07d"),
    "misread_rand": ("#b8327a", "#ee79b4"),
    "misread_times_sqrt": ("#c4371f", "#f47d66"),
    "misread_divided_by_n": ("#2b73c8", "#63a7f1"),
    # what is compared
    "good": ("#1e8249", "#51c17e"),
    "bad": ("#c23644", "#f1757e"),
    "other": ("#a85d00", "#e0943c"),  # a third case beside good and bad
    "zero-centred": ("#2470c0", "#66a7f0"),
    "all-positive": ("#c03a4a", "#f07a86"),
    "shifted": ("#a0459a", "#d98ad4"),
    "train": ("#2c72c7", "#64a6f0"),
    "val": ("#2d71c6", "#65a5ef"),  # of train's hue, told by its dash
    # the sign of a number, with "grid" for 0 between them
    "negative": ("#2468b8", "#5b9fe9"),
    "positive": ("#b4560c", "#e8954d"),
    # what a step does to two weights
    "both up": ("#c2383c", "#f27478"),
    "both down": ("#a65f08", "#e09c48"),
    "one each": ("#2571c1", "#67a8f1"),
    # how inputs are prepared
    "raw": ("#b04e34", "#e08a70"),
    "scaled": ("#8a662c", "#c7a060"),  # all of it divided by one number
    "centred": ("#2b70c5", "#66a7ee"),
    "channel-centred": ("#0b7a80", "#3ab5bd"),  # one mean for all pixels of a channel
    "normalized": ("#1f8350", "#53c283"),
    "whitened": ("#7d4fc4", "#b392ee"),
    # batch normalization
    "with": ("#1d7f47", "#4ec07b"),
    "without": ("#c03a48", "#ef7880"),
    # layers of one network
    "layer 1": ("#2566ac", "#5f9fe6"),
    "layer 2": ("#a95a0a", "#e2924f"),
    "layer 3": ("#6d58b9", "#a795ea"),
    # draws of a hyper-parameter, even in which scale
    "in value": ("#b1520e", "#e68f4a"),
    "in logarithm": ("#236bb8", "#5ca0ea"),
    # how a search lays out its trials: a grid tries few values, "random" trials many
    "few values": ("#b3521d", "#e88d59"),
    # quarters of the range of a hyper-parameter
    "lowest": ("#2a72c3", "#61a7ef"),
    "lower": ("#0c7f78", "#3fbfb5"),
    "higher": ("#a96105", "#e29a44"),
    "highest": ("#c23540", "#f17379"),
    # ranges of the learning rate that are searched
    "wide": ("#296dbe", "#62a4ec"),
    "tuned": ("#7b4dbf", "#b290ea"),
    # classes of data: muted, never a method's
    "class 0": ("#60789b", "#8aa3c8"),
    "class 1": ("#946f47", "#c9a077"),
    "class 2": ("#597f5a", "#8fb890"),
}
_HEX = re.compile(r"#[0-9a-fA-F]{6}\b")
_THEMES = [{colours[0]: colours[dark] for colours in COLOURS.values()} for dark in (0, 1)]


def colour(name: str) -> str:
    """Return the light theme's colour of a meaning; KeyError for one that the table lacks."""
    return COLOURS[name][0]


def by_meaning(names: Iterable[str], field: str = "series") -> alt.Color:
    """Return the encoding that gives each name in a column its own colour, without a legend."""
    shown = list(dict.fromkeys(names))
    scale = alt.Scale(domain=shown, range=[colour(name) for name in shown])
    return alt.Color(f"{field}:N").scale(scale).legend(None)


def themed(spec: Any, dark: bool) -> Any:
    """Return a specification in the colours of a theme; KeyError for one that the table lacks."""
    if isinstance(spec, dict):
        return {key: themed(value, dark) for key, value in spec.items()}
    if isinstance(spec, list):
        return [themed(value, dark) for value in spec]
    if isinstance(spec, str):
        return _HEX.sub(lambda found: _THEMES[dark][found[0]], spec)
    return spec
