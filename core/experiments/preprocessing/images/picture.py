"""Images: what is subtracted, what is left, and how well the network then does."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning
from core.charts.curves import curves
from core.charts.images import images, photo, signed
from core.charts.marks import line_ends, on_phone, texts
from core.charts.picture import Picture, frame, layers
from core.experiments.preprocessing.images.experiment import (
    CASES,
    EPOCHS,
    EXAMPLES,
    Result,
    tables,
)
from core.lab.say import number, percent

Array = np.ndarray

MEANING = dict(
    zip(CASES, ("raw", "centred", "channel-centred", "normalized", "whitened"), strict=True)
)
HEADS = ("raw", "− mean\nimage", "− channel\nmeans", "also ÷\nstds", "whitened\n(PCA)")
NAMES = ("raw", "mean image", "channel means", "and stds", "whitened")
WHY = ("far from\n0", "ghost of\nthe mean", "near 0,\nintact", "much the\nsame", "noise\nblown up")
LEFT = {"raw": "raw", "image": "− mean image", "channel": "− channel means"}
TILE = 0.9  # width of an image, of a column's
LINE, TALL = 1.0, 3.8  # heights, in lines of text: a line, an image
WHITE = {2: 16, 3: 255}  # of images by their axes: digits to 16, colours to 255
DEVIATIONS = 2.5  # stds from 0 to white, and to black


def grid(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw per case what is subtracted, images after that, and the accuracy that comes of it."""
    right = result.at_best(result.accuracy)[..., -1].mean(axis=-1)
    chart = _grid(result, right, EXAMPLES if len(shared) == 1 else 1)
    return Picture(chart, "Images prepared in five ways, and the accuracy each one leads to")


def setting(result: Result) -> Picture:
    """Draw the prepared images without the accuracy."""
    return Picture(_grid(result, None, 1), "Images prepared in five ways")


def _grid(result: Result, accuracy: Array | None, examples: int) -> Any:
    """Stack head, what is subtracted, its count, images, and the accuracy; a column per case."""
    rows = {"head": 1.7 * LINE, "subtracted": TALL, "count": LINE, "after": LINE}
    rows |= {f"image {i}": TALL for i in range(examples)}
    if accuracy is not None:
        rows |= {"why": 2.5 * LINE, "right": LINE, "bar": 2 * LINE}
    bottoms = dict(zip(rows, np.cumsum(list(rows.values())).tolist()))
    middle = {name: bottoms[name] - height / 2 for name, height in rows.items()}
    subtracted, after = _subtracted(result), _after(result)
    tiles = [
        {"x": column, "x2": column + TILE, "y2": bottoms[row], "y": bottoms[row] - 0.96 * TALL}
        | {"url": url}
        for column, case in enumerate(CASES)
        for row, url in (
            ("subtracted", subtracted[case]),
            *((f"image {i}", url) for i, url in enumerate(after[case][:examples])),
        )
        if url
    ]
    places = [
        {"x": column + TILE / 2, "y": middle[row], "text": text, "series": MEANING[case]}
        for column, case in enumerate(CASES)
        for row, text in (("count", f"{result.stored[case]:,}" if column else ""),)
    ]
    if accuracy is not None:
        ends = [
            {"x": column + TILE / 2, "y": middle["bar"] - 0.2 * LINE, "text": percent(share)}
            | {"series": MEANING[case]}
            for column, (case, share) in enumerate(zip(CASES, accuracy))
        ]
    lines = {
        "subtracted": "subtracted:",
        "count": "to store:",
        "after": "new images (raw: black is 0, others: grey is 0):",
        "right": "new images the network gets right:",
    }
    said = [
        {"x": 0, "y": middle[row], "text": text, "series": "soft"}
        for row, text in lines.items()
        if row in rows
    ]
    x = alt.X("x:Q").scale(domain=[0, len(CASES)], nice=False).axis(None)
    y = alt.Y("y:Q").scale(domain=[sum(rows.values()), 0], nice=False).axis(None)
    return layers(
        images(tiles, x, y),
        _bars(accuracy, sum(rows.values())) if accuracy is not None else None,
        _across(HEADS, middle["head"]),
        _across(WHY, middle["why"], "remark") if accuracy is not None else None,
        texts(places, style="head"),
        texts(ends, style="large") if accuracy is not None else None,
        texts(said, align="left"),
    )


def _across(said: Sequence[str], y: float, style: str = "head") -> Any:
    """Write a text over every column, on a phone in two lines."""
    data = pd.DataFrame(
        {
            "x": np.arange(len(CASES)) + TILE / 2,
            "y": y,
            "text": said,
            "series": [MEANING[case] for case in CASES],
        }
    )
    text = on_phone("datum.text", r"replace(datum.text, '\n', ' ')")
    heads = alt.Chart(data).mark_text(baseline="middle", style=style, lineBreak="\n", text=text)
    return heads.encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning(data["series"]))


def _bars(accuracy: Array, bottom: float) -> Any:
    """Draw the accuracy of every case as a bar, as long as the column is wide for 100%."""
    data = pd.DataFrame(
        {
            "x": np.arange(len(CASES)),
            "x2": np.arange(len(CASES)) + TILE * accuracy,
            "y": bottom - 0.4 * LINE,
            "y2": bottom,
            "series": [MEANING[case] for case in CASES],
        }
    )
    bars = alt.Chart(data).mark_rect()
    return bars.encode(
        alt.X("x:Q"), alt.X2("x2"), alt.Y("y:Q"), alt.Y2("y2"), by_meaning(data["series"])
    )


def _removed(result: Result) -> dict[str, Array]:
    """Return (features,) what every case subtracts; whitening subtracts the mean image first."""
    channels = np.tile(result.channel_mean, len(result.mean) // len(result.std))
    none, image = np.zeros_like(result.mean), result.mean
    return dict(zip(CASES, (none, image, channels, channels, image), strict=True))


def _subtracted(result: Result) -> dict[str, str]:
    """Return what every case subtracts as an image; nothing of raw images."""
    white = WHITE[len(result.shape)]
    drawn = {
        case: photo(values.reshape(result.shape), 0, white)
        for case, values in _removed(result).items()
    }
    return {**drawn, "raw": ""}


def _after(result: Result) -> dict[str, list[str]]:
    """Return the examples after every case; grey is 0, but in raw images black is."""
    white = WHITE[len(result.shape)]
    drawn = {}
    for case, values in _removed(result).items():
        after, low, high = result.originals - values, -white / 2, white / 2
        if case == "raw":
            low, high = 0, white
        if case == "std":
            after = (after.reshape(-1, len(result.std)) / result.std).reshape(after.shape)
            low, high = -DEVIATIONS, DEVIATIONS
        if case == "whitened":
            after = result.whitened.astype(float)
            high = DEVIATIONS * after.std()
            low = -high
        drawn[case] = [photo(one.reshape(result.shape), low, high) for one in after]
    return drawn


def left(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw what is left of the mean image after each way of subtracting."""
    rests = {case: result.mean - removed for case, removed in _removed(result).items()}
    largest = {case: float(np.abs(rest).max()) for case, rest in rests.items()}
    columns = [
        (case, signed(rests[case].reshape(*result.shape[:2], -1).mean(axis=-1), largest["raw"]))
        for case in LEFT
    ]
    tiles = [
        {"x": column, "x2": column + TILE, "y": 2.5, "y2": 10, "url": url}
        for column, (_, url) in enumerate(columns)
    ]
    said = [
        {
            "x": column + TILE / 2,
            "y": 1.2,
            "text": f"{LEFT[case]}\nup to {number(largest[case])}",
            "series": MEANING[case],
        }
        for column, (case, _) in enumerate(columns)
    ]
    foot = "orange: above 0, blue: below 0, one scale for all"
    chart = layers(
        images(
            tiles,
            alt.X("x:Q").scale(domain=[0, len(columns)], nice=False).axis(None),
            alt.Y("y:Q").scale(domain=[11.5, 0], nice=False).axis(None),
        ),
        texts(said, style="head"),
        texts([{"x": 0, "y": 10.8, "text": foot, "series": "soft"}], align="left"),
    )
    return Picture(chart, "What is left of the mean image, as images")


def accuracy(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the accuracy on new images by epoch, a line per case."""
    low = min(float(np.min(r.at_best(r.accuracy))) for r in shared)
    y = alt.Y("accuracy:Q").scale(domain=[low, 1.02], nice=False)
    y = y.axis(format="%", tickCount=5, domain=False, ticks=False).title("new images right")
    ends = result.at_best(result.accuracy)[..., -1].mean(axis=-1)
    said = [f"{name} {percent(end)}" for name, end in zip(NAMES, ends)]
    chart = _by_epoch(result, y, (low, 1.02), ends, said)
    return Picture(chart, "Accuracy on new images by epoch, a line per way of preparing")


def loss(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the loss on the training images by epoch, a line per case."""
    domain = 0.0, max(float(np.max(r.at_best(r.loss).mean(axis=1))) for r in shared) * 1.05
    y = alt.Y("loss:Q").scale(domain=domain, nice=False, clamp=True)
    y = y.axis(tickCount=5, domain=False, ticks=False).title("loss on the training images")
    ends = result.at_best(result.loss)[..., -1].mean(axis=-1)
    said = [f"{name} {number(end)}" for name, end in zip(NAMES, ends)]
    return Picture(_by_epoch(result, y, domain, ends, said), "Loss on the training images by epoch")


def _by_epoch(
    result: Result, y: alt.Y, domain: tuple[float, float], ends: Array, said: Sequence[str]
) -> Any:
    data = frame(tables(result)["epochs"]).assign(series=lambda d: d["case"].map(MEANING))
    x = alt.X("epoch:Q").scale(domain=[0, EPOCHS], nice=False)
    x = x.axis(values=list(range(EPOCHS + 1)), format="d", grid=False).title("epoch")
    named = {
        MEANING[case]: (EPOCHS, float(end), text) for case, end, text in zip(CASES, ends, said)
    }
    return layers(curves(data, x=x, y=y, points=True), line_ends(named, domain=domain))


VIEWS = {"grid": grid, "left": left, "accuracy": accuracy, "loss": loss}
SETTING = setting
