"""Overfit a tiny set: correct against broken, by accuracy and by loss, and the digits."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import colour
from core.charts.curves import curves
from core.charts.marks import TOGETHER, clipped, line_ends, position, rule, texts, worded
from core.charts.picture import Picture, layers
from core.experiments.babysitting.overfit_tiny.experiment import (
    BROKEN,
    CORRECT,
    LOSS,
    NETWORKS,
    SETS,
    Result,
    memorized,
)
from core.lab.say import percent
from core.lab.words import name_of

MEANINGS = ("good", "bad")  # of the two networks
MOMENTS = 100  # drawn of a line, at most: more would slow every redraw and hardly be seen
CLASSES = 10
TOP = 1.06  # of the accuracy axis
FLOOR, CEILING = 1e-6, 1e3  # of the loss axis; what lies beyond is drawn at its edge
ACROSS = 7  # images in a row
CELL, FOOT = 10.4, 3.6  # px of the digits: an image with its gap, and the text below it
HEAD = 3.2  # px of the digits, above the images

# What becomes of a broken network, by bug and by whether it memorizes the sets all the same.
REASONS = {
    ("flipped", False): "gradient's sign flipped\nin the hidden layer:\nit climbs the loss",
    ("frozen", False): "no gradient in the\nhidden layer: it\nlearns nothing",
    ("frozen", True): "the output layer is enough",
    ("shuffled", True): "the output layer is enough",
    ("no_bias", True): "the weights are enough",
    ("random_labels", True): "wrong labels fit, too",
}


def _names(result: Result) -> tuple[str, str]:
    return "Correct", name_of(result.config.bug)


def _curves(result: Result, values: np.ndarray, middle: Any) -> pd.DataFrame:
    """Return a row per network and moment: values (2, SETS, epochs + 1), their middle and range."""
    every = -(-result.config.epochs // MOMENTS)
    epochs = np.arange(0, result.config.epochs + 1, every)
    parts = [
        {
            "epoch": epochs,
            "series": meaning,
            "network": name,
            "value": middle(own[:, epochs], axis=0),
            "value low": own[:, epochs].min(axis=0),
            "value high": own[:, epochs].max(axis=0),
        }
        for meaning, name, own in zip(MEANINGS, _names(result), values)
    ]
    return pd.concat(map(pd.DataFrame, parts))


def _epochs(shared: Sequence[Result], what: str) -> alt.X:
    return (
        alt.X("epoch:Q")
        .scale(domain=[0, max(r.config.epochs for r in shared)], nice=False)
        .axis(tickCount=5, grid=False)
        .title(f"epochs ({what} of {SETS} sets of digits)")
    )


def _line_ends(data: pd.DataFrame, told: Sequence[str], domain: Any, log: bool = False) -> Any:
    """Name both lines where they end and say what came out; at once if that is the same."""
    last = data.groupby("series", sort=False).last()
    names = [f"{name}: {what}" for name, what in zip(last["network"], told)]
    places = position(last["value"], domain, log)
    if np.ptp(places) < TOGETHER and len(set(told)) == 1:
        names = [f"Both: {told[0]}"] * len(NETWORKS)
    ends = dict(zip(last.index, zip(last["epoch"], last["value"], names)))
    return line_ends(ends, domain=domain, log=log)


def _told(result: Result, of_failed: str) -> list[str]:
    """Say which share of the digits each network has right in the end, or that it has failed."""
    shares = [percent(share) for share in result.train_accuracy[:, :, -1].mean(axis=-1)]
    return [
        of_failed.format(share) if failed.all() else f"{share} right"
        for share, failed in zip(shares, result.failed)
    ]


def loss(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the loss of both networks by epoch, on a log axis with the bar of a memorized set.

    Where a loss has exploded the line runs along the top, which says so.
    """
    data = _curves(result, clipped(result.data_loss, FLOOR, CEILING), np.median)
    lowest = min(np.nanmin(r.data_loss) for r in shared)
    # There is room for a line of text below all lines.
    domain = (max(FLOOR, min(lowest, LOSS / 10)) / 20, CEILING * 1.6)
    ticks = {CEILING: "exploded", 1: "1", LOSS: "0.01", 1e-4: "0.0001", 1e-6: "0.000001"}
    ticks = {value: text for value, text in ticks.items() if value >= domain[0]}
    y = (
        alt.Y("value:Q")
        .scale(type="log", domain=domain, nice=False)
        .axis(**worded(ticks), grid=False, ticks=False)
        .title(f"loss on the {result.config.examples} digits (log)")
    )
    last = result.config.epochs
    tooltip = [
        alt.Tooltip("network:N"),
        alt.Tooltip("epoch:Q"),
        alt.Tooltip("value:Q", title="loss", format=".3g"),
    ]
    chart = layers(
        rule("guessing: 2.3", y=np.log(CLASSES), at=last, align="right"),
        rule("memorized", y=LOSS, at=last, align="right"),
        curves(data, x=_epochs(shared, "line: median, band: range"), y=y, tooltip=tooltip),
        _line_ends(data, _told(result, "explodes"), domain, log=True),
        _reason(result, data["value"].iloc[-1], domain[0] * 3),
    )
    return Picture(chart, "Loss by epoch, a line for each network")


def _reason(result: Result, end: float, bottom: float) -> Any:
    """Say below the broken network's line why it ends there, if the correct one does its part.

    end: of its line; bottom: a height that no line reaches.
    """
    correct, broken = memorized(result)
    reason = REASONS.get((result.config.bug, bool(broken.any())))
    if reason is None or not correct.all() or broken.any() != broken.all():
        return None
    y = bottom if broken.all() else end / 8
    row = {"x": 0.42 * result.config.epochs, "y": y, "text": reason, "series": MEANINGS[BROKEN]}
    return texts([row], align="left", fontStyle="italic")


def accuracy(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the accuracy of both networks on what they are trained on, by epoch."""
    data, domain = _curves(result, result.train_accuracy, np.mean), (0.0, TOP)
    y = (
        alt.Y("value:Q")
        .scale(domain=domain, nice=False)
        .axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1], format=".0%", domain=False, ticks=False)
        .title(f"accuracy on the {result.config.examples} digits")
    )
    tooltip = [
        alt.Tooltip("network:N"),
        alt.Tooltip("epoch:Q"),
        alt.Tooltip("value:Q", title="accuracy", format=".0%"),
    ]
    chart = layers(
        rule("chance: 10%", y=1 / CLASSES, at=result.config.epochs, align="right"),
        curves(data, x=_epochs(shared, "line: mean, band: range"), y=y, tooltip=tooltip),
        _line_ends(data, _told(result, "{}, stopped"), domain),
    )
    return Picture(chart, "Training accuracy by epoch, a line for each network")


def images(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the digits of one set, and below each what both networks predict for it."""
    right = result.predicted == result.labels
    answers = {
        meaning: [f"{p if p >= 0 else '–'}{'✓' if ok else '✗'}" for p, ok in zip(predicted, own)]
        for meaning, predicted, own in zip(MEANINGS, result.predicted, right)
    }
    heads = [f"{name}: {own.sum()} of {own.size}" for name, own in zip(_names(result), right)]
    chart = _grid(result, answers, heads)
    return Picture(chart, "The digits of one set and what both networks predict for each")


def setting(result: Result) -> Picture:
    """Draw the digits of one set and their labels."""
    labels = {"ink": [str(label) for label in result.labels[CORRECT]]}
    return Picture(_grid(result, labels, ["The digits to memorize"]), "The digits of one set")


def _grid(result: Result, below: Mapping[str, Sequence[str]], heads: Sequence[str]) -> Any:
    """Draw the images in rows; below each its texts side by side, in the colours of their heads.

    below: meaning (of the colour table) -> a text per image; heads: a text per meaning.
    """
    count, rows, columns = result.images.shape
    place = np.arange(count)
    left, top = place % ACROSS * CELL, place // ACROSS * (rows + FOOT) + HEAD
    row, column = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    pixels = pd.DataFrame(
        {
            "x": (left[:, None, None] + column).ravel(),
            "y": (top[:, None, None] + row).ravel(),
            "ink": result.images.ravel(),
        }
    )
    pixels = pixels[pixels["ink"] > 0].assign(x2=lambda d: d["x"] + 1, y2=lambda d: d["y"] + 1)
    bottom = HEAD + -(-count // ACROSS) * (rows + FOOT)
    ink = alt.Scale(domain=[0, result.images.max()], range=[0, 1])
    squares = (
        alt.Chart(pixels)
        .mark_rect(color=colour("ink"))
        .encode(
            alt.X("x:Q").scale(domain=[0, ACROSS * CELL], nice=False).axis(None),
            alt.Y("y:Q").scale(domain=[bottom, 0], nice=False).axis(None),
            alt.X2("x2"),
            alt.Y2("y2"),
            opacity=alt.Opacity("ink:Q").scale(ink).legend(None),
        )
    )
    shares = (np.arange(len(below)) + 0.5) / len(below)
    answers = [
        {"x": x + columns * share, "y": y + rows + FOOT * 0.4, "text": text, "series": meaning}
        for meaning, share, own in zip(below, shares, below.values())
        for x, y, text in zip(left, top, own)
    ]
    heads_at = [
        {"x": i * ACROSS * CELL / 2, "y": HEAD * 0.4, "text": text, "series": meaning}
        for i, (text, meaning) in enumerate(zip(heads, below))
    ]
    named = texts(heads_at, align="left", fontWeight="bold")
    return layers(squares, texts(answers), named)


VIEWS = {"loss": loss, "accuracy": accuracy, "images": images}
SETTING = setting
