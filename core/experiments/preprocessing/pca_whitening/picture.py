"""PCA and whitening: variances, directions, covariances and rebuilt images."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import colour
from core.charts.curves import curves
from core.charts.images import images, photo, signed
from core.charts.layers import decades
from core.charts.marks import (
    at_position,
    by_width,
    line_ends,
    position,
    remark,
    rule,
    texts,
    worded,
)
from core.charts.picture import Picture, frame, layers
from core.experiments.preprocessing.pca_whitening.experiment import (
    FIRST,
    HARDLY,
    LAST,
    MOST,
    Result,
    spread,
    tables,
)
from core.lab.say import number, percent, say

Array = np.ndarray

STRIP = 0.24  # of the height, below the axis' least value: directions as images
WHITE = {2: 16, 3: 255}  # of images by their axes: digits to 16, colours to 255
TILES, TILE, HEAD = 7, 0.94, 0.2  # images in a row; of a step: their width, a line of text
GAP = 1 - TILE
MOST_NAMES, LONGEST_NAME = 20, 16  # of a table's columns: how many are drawn, letters of a name


def variances(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw every direction's variance: before whitening, and once whitened, of both sets."""
    domain = _domain(shared)
    base = alt.Chart(frame(tables(result)["whitened"])).encode(_directions_axis(result))
    new = base.mark_circle(size=60, color=colour("whitened"), opacity=0.9).encode(
        alt.Y("new:Q"),
        tooltip=[
            alt.Tooltip("direction:Q"),
            alt.Tooltip("before:Q", title="training variance before", format=".3g"),
            alt.Tooltip("new:Q", title="new data, whitened", format=".3g"),
        ],
    )
    chart = layers(
        *_before(result, domain),
        new,
        _named_worst(result, domain),
        _strip(result, domain),
    )
    return Picture(chart, "Variance along every direction, of training data and of new data")


def setting(result: Result) -> Picture:
    """Draw the variances before whitening, and what whitening makes of them."""
    chart = layers(*_before(result, domain := _domain([result])), _strip(result, domain))
    return Picture(chart, "Variance of the training data along every direction")


def _domain(shared: Sequence[Result]) -> tuple[float, float]:
    """Return a log axis of all variances, with room below them for the strip of images."""
    drawn = np.concatenate([part.ravel() for r in shared for part in (r.variance, r.whitened[1])])
    low, high = max(drawn.min(), 1e-9) / 2, max(drawn.max(), 1) * 5
    strip = STRIP if any(r.shape.size for r in shared) else 0
    return float(low * (high / low) ** (-strip / (1 - strip))), float(high)


def _directions_axis(result: Result) -> alt.X:
    last = len(result.variance)
    x, title = alt.X("direction:Q"), "direction, from most to least variance"
    if not result.shape.size:
        ticks, domain = _ticks(last), (0.0, last + 1.0)
    else:
        ticks, room = (spread(last) + 1).tolist(), _image_width(last) / 2
        domain = 1 - room, last + room
        title = "direction (above it, drawn as an image),\nfrom most to least variance"
    axis = x.scale(domain=domain, nice=False).axis(values=ticks, format="d", grid=False)
    return axis.title(title.split("\n"))


def _image_width(last: int) -> float:
    """Return how wide the images of the strip may be, each at its direction's number."""
    return float(np.diff(spread(last)).min(initial=last))


def _ticks(last: int) -> list[int]:
    """Return 1, the last one and round numbers between."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500) if last / s <= 8)
    return sorted({1, *range(step, last - step // 2, step), last})


def _before(result: Result, domain: tuple[float, float]) -> tuple[Any, ...]:
    """Draw the training data's variance before whitening, and the 1 that becomes of it."""
    last = len(result.variance)
    y = (
        alt.Y("before:Q")
        .scale(type="log", domain=domain, nice=False)
        .axis(**worded(_decades(result, domain)), domain=False, ticks=False)
        .title("variance (log)")
    )
    data = frame(tables(result)["whitened"])
    line = alt.Chart(data).mark_line(color=colour("context"), clip=True)
    end = position([result.variance[-1]], domain, log=True)[0]
    place = position([result.variance[last // 8]], domain, log=True)[0]
    return (
        line.encode(_directions_axis(result), y),
        by_width(
            [
                {
                    "x": last // 8 + 1 + 0.02 * last,
                    "y": float(at_position(min(place + 0.06, 0.9), domain, log=True)),
                    "text": "training, before whitening",
                    "short": "training",
                    "series": "soft",
                }
            ],
            style="remark",
        ),
        remark(
            "whitening divides by its\nstandard deviation: almost 0",
            0.9 * last,
            float(at_position(end + 0.03, domain, log=True)),
            align="right",
        )
        if result.variance[-1] < HARDLY * result.variance[0]
        else None,
        rule("", y=1),
        remark(
            f"training {result.things}, whitened: all 1",
            0.01 * last,
            float(at_position(position([1], domain, log=True)[0] - 0.06, domain, log=True)),
        ),
    )


def _decades(result: Result, domain: tuple[float, float]) -> dict[float, str]:
    """Return the axis' values, none of them beside the strip of images."""
    strip = STRIP if result.shape.size else 0
    floor = float(at_position(strip, domain, log=True))
    return decades((floor, domain[1]))


def _named_worst(result: Result, domain: tuple[float, float]) -> Any:
    """Name the variance that is furthest from 1, on the side of it that is away from 1."""
    worst, last = result.worst, len(result.variance)
    value = max(float(result.whitened[1][worst]), domain[0])
    place = position([value], domain, log=True)[0] + (0.06 if value > 1 else -0.06)
    named = {
        "x": worst + 1,
        "y": float(at_position(place, domain, log=True)),
        "text": f"new {result.things}, whitened: {number(value)}",
        "series": "whitened",
    }
    return texts([named], align="right" if worst > last / 2 else "left", style="head")


def _strip(result: Result, domain: tuple[float, float]) -> Any:
    """Draw some directions as images below the axis, each at its number."""
    if not result.shape.size:
        return None
    last, drawn = len(result.variance), spread(len(result.variance))
    low, high = at_position([0, STRIP * 0.9], domain, log=True)
    half = _image_width(last) / 2
    return images(
        [
            {"x": c - half, "x2": c + half, "y": low, "y2": high, "url": url}
            for url, c in zip(_direction_images(result, drawn), drawn + 1.0)
        ],
        alt.X("x:Q"),
        alt.Y("y:Q"),
    )


def _direction_images(result: Result, numbers: Array) -> list[str]:
    """Return directions, by their numbers from 0, as images; in those of colours grey is 0."""
    draw = signed if len(result.shape) == 2 else lambda pixels, top: photo(pixels, -top, top)
    chosen = result.directions[np.searchsorted(result.shown, numbers)]
    return [draw(pixels.reshape(result.shape), np.abs(pixels).max()) for pixels in chosen]


def _photos(result: Result, rows: Array) -> list[str]:
    """Return rows (images, features) as images."""
    white = WHITE[len(result.shape)]
    return [photo(pixels.reshape(result.shape), 0, white) for pixels in rows]


def directions(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the mean and the directions of most and of least variance as images."""
    kept = len(result.variance)
    first, second = np.arange(min(kept, TILES - 1)), np.arange(TILES - 1, min(kept, FIRST))
    last = np.arange(max(FIRST, kept - LAST), kept)
    rows = {
        f"the mean, then directions 1 to {len(first)}": [
            *_photos(result, result.mean[None]),
            *_direction_images(result, first),
        ],
        f"directions {TILES} to {len(first) + len(second)}": _direction_images(result, second),
        f"the last ones, to {kept}: least variance": _direction_images(result, last),
    }
    chart = _rows_of_images({head: urls for head, urls in rows.items() if urls})
    return Picture(chart, "The mean image, and directions of most and of least variance as images")


def _rows_of_images(rows: Mapping[str, Sequence[str]]) -> Any:
    """Draw rows of TILES images, each row under its head."""
    step = 1 + HEAD
    tiles = [
        {"x": column, "x2": column + TILE, "y": row * step + HEAD, "y2": row * step + step - GAP}
        | {"url": url}
        for row, urls in enumerate(rows.values())
        for column, url in enumerate(urls)
    ]
    heads = [
        {"x": 0, "y": row * step + HEAD / 2, "text": text, "series": "ink"}
        for row, text in enumerate(rows)
    ]
    return layers(
        images(tiles, *_tiled(TILES, len(rows) * step)), texts(heads, align="left", style="head")
    )


def _tiled(columns: float, rows: float) -> tuple[alt.X, alt.Y]:
    """Return bare axes of a grid, the first row on top."""
    return (
        alt.X("x:Q").scale(domain=[0, columns], nice=False).axis(None),
        alt.Y("y:Q").scale(domain=[rows, 0], nice=False).axis(None),
    )


def weights(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the weights that the first directions give to a table's columns."""
    shown = result.directions[: min(TILES, len(result.variance))]
    columns = np.sort(np.argsort(-np.abs(shown[:3]).max(axis=0), kind="stable")[:MOST_NAMES])
    data = pd.DataFrame(
        [
            {"direction": direction + 1, "column": str(name)[:LONGEST_NAME], "weight": weight}
            for direction, weights in enumerate(shown[:, columns])
            for name, weight in zip(result.names[columns], weights)
        ]
    )
    shades = [colour(name) for name in ("negative", "ground", "positive")]
    scale = alt.Scale(domain=[-1, 0, 1], range=shades, interpolate="rgb")
    base = alt.Chart(data.assign(text=[say("{w:.2f}", {"w": w}) for w in data["weight"]])).encode(
        alt.X("direction:O").axis(labelAngle=0).title("direction, from most to least variance"),
        alt.Y("column:N").sort(None).title(None),
    )
    cells = base.mark_rect(opacity=0.6).encode(alt.Color("weight:Q").scale(scale).legend(None))
    chart = layers(cells, base.mark_text(color=colour("ink")).encode(alt.Text("text:N")))
    return Picture(chart, "Weight of every column in the first directions")


def rebuilt(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw new images, and what is left of them from ever more directions."""
    rows = [_photos(result, new) for new in (result.originals, *result.rebuilt)]
    heads = ["new image", *map(str, result.sizes[:-1]), f"all {result.sizes[-1]}"]
    tiles = [
        {"x": column, "x2": column + TILE, "y": row + HEAD, "y2": row + HEAD + TILE, "url": url}
        for column, urls in enumerate(rows)
        for row, url in enumerate(urls)
    ]
    named = [
        {"x": column + TILE / 2, "y": HEAD / 2, "text": text, "series": "ink"}
        for column, text in enumerate(heads)
    ]
    height = len(result.originals) + 2 * HEAD
    below = "rebuilt from so many directions, those of most variance first"
    foot = [{"x": 1, "y": height - HEAD / 2, "text": below, "series": "soft"}]
    chart = layers(
        images(tiles, *_tiled(len(heads), height)),
        texts(named, style="head"),
        texts(foot, align="left"),
    )
    return Picture(chart, "New images, rebuilt from ever more directions")


def covariances(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the covariance before, after PCA, whitened, and of new data whitened."""
    features = "pixels" if result.shape.size else "columns"
    heads = {
        f"{features}\nbefore PCA": result.before,
        "after PCA\ndiagonal": result.after[0],
        "whitened\nidentity": result.after[1],
        f"new {result.things}\nup to {number(result.whitened[1].max())}": result.after[2],
    }
    tiles = [
        {"x": column, "x2": column + TILE, "y": 3 * HEAD, "y2": 3 * HEAD + TILE}
        | {"url": signed(matrix, float(np.abs(matrix).max()))}
        for column, matrix in enumerate(heads.values())
    ]
    named = [
        {"x": column + TILE / 2, "y": 1.7 * HEAD, "text": text, "series": "ink"}
        for column, text in enumerate(heads)
    ]
    height = 1 + 5.5 * HEAD
    below = "orange: vary together; blue: one up, one down\nstrongest: each one's largest number"
    foot = [{"x": 0, "y": height - 1.2 * HEAD, "text": below, "series": "soft"}]
    chart = layers(
        images(tiles, *_tiled(len(heads), height)),
        texts(named, style="head"),
        texts(foot, align="left"),
    )
    return Picture(chart, "Covariance matrices as images, before and after")


def explained(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the share of the variance that ever more directions hold."""
    data = frame(tables(result)["explained"])
    data = pd.concat(
        data.assign(series=split, line=split, held=data[column])
        for split, column in (("train", "train"), ("val", "new"))
    )
    last, needed = result.explained.shape[1], result.needed
    x = (
        alt.X("directions:Q")
        .scale(domain=[0, last + 1], nice=False)
        .axis(values=_ticks(last), format="d", grid=False)
        .title("directions kept")
    )
    y = (
        alt.Y("held:Q")
        .scale(domain=[0, 1.05], nice=False)
        .axis(format="%", tickCount=5, domain=False, ticks=False)
        .title("share of the variance that they hold")
    )
    names = f"training {result.things}", f"new {result.things} (dashed)"
    ends = {
        split: (last, float(held[-1]), name)
        for split, name, held in zip(("train", "val"), names, result.explained)
    }
    text = f"{needed} of {last} directions hold {percent(MOST)}"
    chart = layers(
        rule("", y=MOST),
        remark(text, last, MOST - 0.06, align="right"),
        curves(data, x=x, y=y, dashed=("val",)),
        line_ends(ends, domain=(0, 1.05)),
    )
    return Picture(chart, "Share of the variance by number of directions")


VIEWS = {
    "variances": variances,
    "directions": directions,
    "rebuilt": rebuilt,
    "covariance": covariances,
    "explained": explained,
}
TABLE_VIEWS = {
    "variances": variances,
    "directions": weights,
    "covariance": covariances,
    "explained": explained,
}
SETTING = setting
