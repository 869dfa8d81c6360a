"""Overfit a tiny set: loss and accuracy of the correct and the broken network, and the images."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.panel import HEIGHT, Panel, family, stack
from core.experiments.babysitting.overfit_tiny import (
    LOSS,
    NETWORKS,
    SHOWN_IMAGES,
    Result,
    tables,
)

FLOOR, CEILING = 1e-5, 1e2  # of the loss axis; what lies beyond is drawn at its edge
GRID = 5  # images per row
MOMENTS = 100  # drawn of a line, at most: more would slow every redraw and hardly be seen


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw loss and accuracy by epoch, and the tiny set with the correct network's answers."""
    data = stack({label: tables(result)["epochs"] for label, result in results.items()}, "run")
    data = data[data["epoch"] % -(-data["epoch"].max() // MOMENTS) == 0]
    current = list(results.values())[-1]
    compared = len(results) > 1
    return [
        [Panel(loss(data, compared), "Data loss by epoch, log axis, both networks")],
        [Panel(accuracy(data, compared), "Training accuracy by epoch, both networks")],
        [Panel(images(current), "The examples and what the correct network says of each", 0.8)],
    ]


def _lines(data: pd.DataFrame, y: Any, compared: bool, *tooltip: Any) -> Any:
    dash = alt.StrokeDash("run:N").title("run").legend(orient="bottom", labelLimit=300)
    return (
        alt.Chart(data.rename(columns={"network": "series"}))
        .mark_line(clip=True)
        .encode(
            alt.X("epoch:Q"),
            y,
            family(NETWORKS).legend(orient="bottom"),
            dash if compared else alt.StrokeDash("series:N").scale(domain=list(NETWORKS)),
            tooltip=[*["run"] * compared, "series", "epoch", *tooltip],
        )
    )


def loss(data: pd.DataFrame, compared: bool) -> Any:
    """Draw the data loss on a log axis, with the bar that counts as 0."""
    finite = data["data_loss"].replace([np.inf, -np.inf], np.nan).fillna(CEILING)
    shown = data.assign(drawn=finite.clip(FLOOR, CEILING))
    axis = (
        alt.Y("drawn:Q")
        .scale(type="log", domain=[FLOOR, CEILING])
        .axis(format=".0e", values=[1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100])
        .title("data loss (log, clipped at 100)")
    )
    bar = (
        alt.Chart(pd.DataFrame({"y": [LOSS], "text": [f"learned by heart: {LOSS:g}"]}))
        .mark_rule(strokeDash=[4, 4], color="gray")
        .encode(y="y:Q")
    )
    lines = _lines(shown, axis, compared, alt.Tooltip("data_loss:Q", format=".3g"))
    return alt.layer(bar, lines).properties(height=HEIGHT, title="Loss")


def accuracy(data: pd.DataFrame, compared: bool) -> Any:
    """Draw the training accuracy."""
    axis = (
        alt.Y("train_accuracy:Q")
        .scale(domain=[0, 1.02], nice=False)
        .axis(format=".0%", values=[0, 0.2, 0.4, 0.6, 0.8, 1])
        .title("training accuracy")
    )
    accuracies = (alt.Tooltip(f"{n}_accuracy:Q", format=".2f") for n in ("train", "val"))
    return _lines(data, axis, compared, *accuracies).properties(height=HEIGHT, title="Accuracy")


def images(result: Result) -> Any:
    """Draw the examples as images, each with the correct network's answer below it."""
    count, rows, columns = result.images.shape
    place = np.arange(count)
    left, top = (place % GRID) * (columns + 2), (place // GRID) * (rows + 4)
    row, column = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    pixels = pd.DataFrame(
        {
            "x": (left[:, None, None] + column).ravel(),
            "y": (top[:, None, None] + row).ravel(),
            "ink": result.images.ravel(),
        }
    )
    pixels = pixels[pixels["ink"] > 0].assign(x2=lambda d: d["x"] + 1, y2=lambda d: d["y"] + 1)
    answers = pd.DataFrame(
        {
            "x": left + columns / 2,
            "y": top + rows + 1.6,
            "text": [
                f"{p} ✓" if p == y else f"{p} ✗, is {y}"
                for p, y in zip(result.predicted[0], result.labels)
            ],
        }
    )
    across = alt.X("x:Q").scale(domain=[-1, GRID * (columns + 2)], nice=False).axis(None)
    down = alt.Y("y:Q").scale(
        domain=[-1, SHOWN_IMAGES // GRID * (rows + 4)], nice=False, reverse=True
    )
    ink = (
        alt.Chart(pixels)
        .mark_rect(color="gray")
        .encode(
            across,
            down.axis(None),
            x2="x2",
            y2="y2",
            opacity=alt.Opacity("ink:Q").scale(domain=[0, 16], range=[0, 1]).legend(None),
        )
    )
    text = alt.Chart(answers).mark_text().encode(x="x:Q", y="y:Q", text="text:N")
    return alt.layer(ink, text).properties(height=HEIGHT, title="Correct net says")
