"""Training: accuracy by epoch for every size of the starting weights, named where the lines end."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning
from core.charts.curves import by_epoch, curves, explained_ends
from core.charts.marks import APART, remark, rule, texts
from core.charts.picture import Picture, frame, layers
from core.experiments.initialization.training.experiment import Result, tables
from core.lab.say import NEVER, number, percent
from core.lab.words import name_of

DOMAIN = (0.0, 1.0)
SIGNAL = {"text": "signal: std of the\nlast hidden layer\nbefore training", "series": "soft"}
TOOLTIP = [
    alt.Tooltip("name:N", title="start"),
    alt.Tooltip("epoch:Q"),
    alt.Tooltip("accuracy:Q", format=".1%"),
]


def accuracy(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the accuracy of every scheme, mean and range of its seeds, up to where it diverges."""
    data = frame(tables(result)["epochs"]).dropna()
    data = data.assign(series=data["scheme"], name=data["scheme"].map(name_of))
    end = max(run.config.epochs for run in shared)
    target, ends = result.config.target, _ends(result)
    axes = by_epoch(end, "accuracy on unseen digits")
    seeds = result.val_accuracy.shape[1]
    axes["x"] = axes["x"].title(f"epochs (band: range of {seeds} seeds)")
    chart = layers(
        rule("", y=target),
        remark(f"target: {percent(target)}", 0.99 * end, target - 0.6 * APART, align="right"),
        curves(data, **axes, tooltip=TOOLTIP),
        _given_up(result, data),
        texts(
            [{"x": end, "y": _widest_gap([row["y"] for row in ends]) + APART, **SIGNAL}],
            align="left",
            dx=8,
            style="remark",
        ),
        explained_ends(ends, domain=DOMAIN),
    )
    return Picture(chart, "Accuracy by epoch, a line for each size of the starting weights")


def _given_up(result: Result, data: pd.DataFrame) -> Any:
    """Mark where a line ends before its time: its runs diverged."""
    last = data.groupby("series", sort=False).tail(1)
    rows = [
        {"x": row.epoch, "y": row.accuracy, "text": "diverges", "series": row.series}
        for row in last[last["epoch"] < result.config.epochs].itertuples()
    ]
    if not rows:
        return None
    points = alt.Chart(pd.DataFrame(rows)).mark_point(size=110)
    return layers(
        points.encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning([row["series"] for row in rows])),
        texts(rows, align="left", dx=-4, dy=17, fontWeight="bold"),
    )


def _widest_gap(heights: Sequence[float]) -> float:
    """Return the middle of the widest part of the picture's right edge where no line ends."""
    edges = np.sort([*DOMAIN, *heights])
    widest = np.diff(edges).argmax()
    return float(edges[widest : widest + 2].mean())


def _ends(result: Result) -> list[dict[str, Any]]:
    """Return the name of each scheme's line, how it came out, and the signal it started from."""
    rows = frame(tables(result)["schemes"])
    last = np.nan_to_num(result.val_accuracy[..., -1].mean(axis=-1), nan=0.1)
    return [
        {
            "series": row.scheme,
            "x": result.config.epochs,
            "y": height,
            "text": f"{name_of(row.scheme)}: {_outcome(row.needed, row.ends)}",
            "why": f"signal {number(row.signal)}",
        }
        for row, height in zip(rows.itertuples(), last)
    ]


def _outcome(needed: str, ends: str) -> str:
    """Say in how many epochs a scheme gets to the target, or how it ends if it never does."""
    if needed.startswith(NEVER):
        return ends
    return f"{needed} {'epoch' if needed == '1' else 'epochs'}"


VIEWS = {"accuracy": accuracy}
