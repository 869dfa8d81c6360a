"""Shallow or deep: accuracy by epoch from small weights and from Xavier's, and why one is stuck."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from core.charts.curves import by_epoch, curves, explained_ends
from core.charts.marks import APART, remark
from core.charts.picture import Picture, frame, layers
from core.experiments.initialization.shallow_or_deep.experiment import CHANCE, Result, tables
from core.lab.say import count, percent, written_out

DOMAIN = (0.0, 1.0)
STARTS = {"small": "small weights", "xavier": "Xavier"}
TOOLTIP = [
    alt.Tooltip("line:N", title="network"),
    alt.Tooltip("epoch:Q"),
    alt.Tooltip("accuracy:Q", format=".1%"),
]


def accuracy(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the accuracy of both networks from both starts, the deep one dashed."""
    data = frame(tables(result)["epochs"])
    data = data.assign(series=data["weights"], line=data["net"] + ", " + data["weights"])
    axes = by_epoch(max(run.config.epochs for run in shared), "accuracy on unseen digits")
    dashed = [line for line in data["line"].unique() if line.startswith("deep")]
    chart = layers(
        curves(data, **axes, dashed=dashed, tooltip=TOOLTIP),
        _reason(result),
        explained_ends(_ends(result), domain=DOMAIN),
    )
    return Picture(chart, "Accuracy by epoch: a shallow and a deep network from two starts")


def _ends(result: Result) -> list[dict[str, Any]]:
    """Return the name of each line, how it ends, and the signal that it started from."""
    depths = {"shallow": result.config.shallow, "deep": result.config.deep}
    return [
        {
            "series": row.weights,
            "x": result.config.epochs,
            "y": row.accuracy,
            "text": f"{count(depths[row.net], 'layer', 'layers')}, {STARTS[row.weights]}",
            "why": _outcome(row.accuracy, row.signal),
        }
        for row in frame(tables(result)["nets"]).itertuples()
    ]


def _outcome(accuracy: float, signal: float) -> str:
    if accuracy < CHANCE:
        return f"stuck at {percent(accuracy)} (chance)"
    return f"{percent(accuracy)}, signal {written_out(signal)}"


def _reason(result: Result) -> alt.Chart | None:
    """Say above a line that is stuck what is left of the signal before training."""
    rows = frame(tables(result)["nets"]).query("weights == 'small'")
    stuck = rows[rows["accuracy"] < CHANCE]
    if stuck.empty:
        return None
    lines = (
        f"signal {written_out(stuck['signal'].iloc[-1])}",
        "(std of the last hidden",
        "layer before training):",
        "the same for all digits",
    )
    text = "\n".join(lines)
    return remark(text, 0.55 * result.config.epochs, stuck["accuracy"].iloc[-1] + 4.8 * APART)


VIEWS = {"accuracy": accuracy}
