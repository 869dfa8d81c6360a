"""Training: accuracy by epoch for every size of the first weights, named where the lines end."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from core.charts.curves import by_epoch, curves, explained_ends
from core.charts.marks import APART, remark, rule
from core.charts.picture import Picture, frame, layers
from core.experiments.initialization.training.experiment import Result, tables
from core.lab.say import NEVER, percent, written_out
from core.lab.words import name_of

DOMAIN = (0.0, 1.0)
SIGNAL = "signal: std of the\nlast hidden layer\nbefore training"
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
    chart = layers(
        rule("", y=target),
        remark(f"target: {percent(target)}", 0.99 * end, target - 0.6 * APART, align="right"),
        curves(data, **by_epoch(end, "accuracy on unseen digits"), tooltip=TOOLTIP),
        remark(SIGNAL, 0.99 * end, _widest_gap([row["y"] for row in ends]) + APART, align="right"),
        explained_ends(ends, domain=DOMAIN),
    )
    return Picture(chart, "Accuracy by epoch, a line for each size of the first weights")


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
            "why": f"signal {written_out(row.signal)}",
        }
        for row, height in zip(rows.itertuples(), last)
    ]


def _outcome(needed: str, ends: str) -> str:
    """Say in how many epochs a scheme gets to the target, or how it ends if it never does."""
    if needed.startswith(NEVER):
        return ends
    return f"{needed} {'epoch' if needed == '1' else 'epochs'}"


VIEWS = {"accuracy": accuracy}
