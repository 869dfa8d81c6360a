"""The plane of two inputs: which class a network says where, and the points it learned from."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.panel import family

CLASSES = ("0", "1", "2")


def axes(extent: float) -> tuple[alt.X, alt.Y]:
    """Return the axes of a square from -extent to extent."""
    scale = alt.Scale(domain=[-extent, extent], nice=False)
    return alt.X("x1:Q").scale(scale).title("x1"), alt.Y("x2:Q").scale(scale).title("x2")


def regions(says: np.ndarray, extent: float) -> Any:
    """Draw the class (cells, cells) that a network says in each cell of the square."""
    cells = len(says)
    side = 2 * extent / cells
    left, bottom = (c.ravel() for c in np.meshgrid(*[np.arange(cells) * side - extent] * 2))
    data = pd.DataFrame({"x1": left, "x1e": left + side, "x2": bottom, "x2e": bottom + side})
    x, y = axes(extent)
    return (
        alt.Chart(data.assign(series=says.ravel().astype(str)))
        .mark_rect(opacity=0.25)
        .encode(x, y, family(CLASSES, "class").legend(None), x2="x1e", y2="x2e")
    )


def points(x: np.ndarray, y: np.ndarray, extent: float) -> Any:
    """Draw points (samples, 2) with their classes (samples,), told by color and shape."""
    data = pd.DataFrame({"x1": x[:, 0], "x2": x[:, 1], "series": y.astype(str)})
    return (
        alt.Chart(data)
        .mark_point(size=30, opacity=0.9, filled=True)
        .encode(
            *axes(extent),
            family(CLASSES, "class").legend(None),
            alt.Shape("series:N").scale(domain=list(CLASSES)).legend(None),
        )
    )
