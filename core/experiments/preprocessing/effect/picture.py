"""Effect: a ridge of accuracy over learning rates for every case, and accuracy by epoch."""

import json
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning
from core.charts.curves import by_epoch, curves
from core.charts.marks import APART, on_phone, read_ends, remark, rule, texts, worded
from core.charts.picture import Picture, frame, layers
from core.experiments.preprocessing.effect.experiment import (
    CASES,
    FINE,
    RATES,
    Result,
    finely,
    tables,
)
from core.lab.say import percent

RIDGE = 0.8  # height of a row that 100% accuracy takes
TICKS = {0.001: "0.001", 0.01: "0.01", 0.1: "0.1", 1.0: "1", 10.0: "10"}
REASON, STEEP = (
    "all pixels are positive: one steep direction,\ntheir mean, limits the rate",
    0.15,
)  # and the rate where it is said
NAMES = {
    "raw": "raw",
    "scaled": "divided by\none number",
    "centred": "centred",
    "normalized": "normalized",
    "whitened": "whitened",
}


def ranges(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw a row per case: accuracy by learning rate, solid where it reaches the target."""
    target = result.config.target
    fine = finely(result.accuracy[..., -1].mean(axis=-1))
    row, at = np.indices(fine.shape)
    starts, middles = result.starts.mean(axis=-1)[row], FINE[at]
    ends, half = starts + result.widths.mean(axis=-1)[row], (FINE[1] - FINE[0]) / 2
    data = pd.DataFrame(
        {
            "series": np.array(CASES)[row.ravel()],
            "rate": 10 ** FINE[at.ravel()],
            "accuracy": fine.ravel(),
            "base": row.ravel() + 1.0,
            "top": (row + 1 - RIDGE * fine).ravel(),
            "usable": (
                (middles > starts - half) & (middles < ends + half) & (ends > starts)
            ).ravel(),
        }
    )
    x = (
        alt.X("rate:Q")
        .scale(type="log", domain=[RATES[0], RATES[-1]], nice=False)
        .axis(**worded(TICKS), grid=False, domain=False)
        .title(
            [
                "learning rate (log); height: accuracy on new digits",
                f"solid: at least {percent(target)} (mean of seeds)",
            ]
        )
    )
    y = alt.Y("top:Q").scale(domain=[len(CASES), 0], nice=False).axis(None)
    tooltip = [
        alt.Tooltip("series:N", title="inputs"),
        alt.Tooltip("rate:Q", format=".2g"),
        alt.Tooltip("accuracy:Q", format=".1%"),
    ]
    base = alt.Chart(data).encode(x, y, by_meaning(CASES), alt.Y2("base"), tooltip=tooltip)
    chart = layers(
        base.mark_area(opacity=0.25),
        base.transform_filter("datum.usable").mark_area(opacity=0.9),
        alt.Chart(data).mark_line().encode(alt.X("rate:Q"), alt.Y("top:Q"), by_meaning(CASES)),
        _reason(result),
        texts(_names(), align="right", fontWeight="bold", dx=-10),
        texts(_widths(result), align="left", fontWeight="bold", dx=10),
    )
    return Picture(chart, "Accuracy over learning rates for five kinds of inputs, a row each")


def _reason(result: Result) -> Any:
    """Say why raw inputs fail at large rates, where their row is empty and the picture is wide."""
    if result.accuracy[0, RATES > STEEP, :, -1].any():
        return None
    text = on_phone("''", json.dumps(REASON))
    place = alt.Chart(pd.DataFrame([{"rate": STEEP, "top": 0.4}]))
    mark = place.mark_text(align="left", style="remark", lineBreak="\n", text=text)
    return mark.encode(alt.X("rate:Q"), alt.Y("top:Q"))


def _names() -> list[dict[str, Any]]:
    """Return the name of every row, left of it."""
    return [
        {"x": RATES[0], "y": row + 0.6, "text": NAMES[case], "series": case}
        for row, case in enumerate(CASES)
    ]


def _widths(result: Result) -> list[dict[str, Any]]:
    """Return how wide the usable range of every row is, and its accuracy at best, right of it."""
    return [
        {
            "x": RATES[-1],
            "y": row + 0.6,
            "text": f"{_decades(width)}\nbest {percent(best)}",
            "series": case,
        }
        for row, (case, width, best) in enumerate(
            zip(CASES, result.widths.mean(axis=-1), result.at_best[..., -1].mean(axis=-1))
        )
    ]


def _decades(width: float) -> str:
    return f"{width:.1f} decades" if width else "no rate"


def epochs(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw accuracy by epoch, every case at its own fastest rate."""
    data = frame(tables(result)["epochs"])
    data = data.assign(series=data["case"])
    axes = by_epoch(max(run.config.epochs for run in shared), "accuracy on unseen digits")
    last = data[data["epoch"] == result.config.epochs]
    ends = {
        row.case: (row.epoch, row.accuracy, f"{row.case}: {needed}")
        for row, needed in zip(last.itertuples(), tables(result)["cases"]["epochs"])
    }
    tooltip = [
        alt.Tooltip("case:N"),
        alt.Tooltip("epoch:Q"),
        alt.Tooltip("accuracy:Q", format=".1%"),
    ]
    target = result.config.target
    chart = layers(
        curves(data, **axes, tooltip=tooltip),
        rule("", y=target),
        remark(f"target: {percent(target)}", 0.6 * result.config.epochs, target - APART),
        read_ends(ends, domain=(0.0, 1.0)),
    )
    return Picture(chart, "Accuracy by epoch for five kinds of inputs, each at its fastest rate")


VIEWS = {"ranges": ranges, "epochs": epochs}
