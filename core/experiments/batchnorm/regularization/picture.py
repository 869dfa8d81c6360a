"""Regularization: one image's score among random mates, the gain over seeds, training as usual."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning
from core.charts.marks import by_width, remark, rule, texts, worded
from core.charts.picture import Picture, layers
from core.experiments.batchnorm.regularization.experiment import (
    BATCH,
    CASES,
    DRAWS,
    GROUPS,
    IMAGES,
    SEEDS,
    Result,
    at_best,
)
from core.lab.verdict import interval

ALL = GROUPS.index(IMAGES)
NAMES = {group: str(group) for group in GROUPS[:-1]} | {IMAGES: f"all {IMAGES}"}
SHARING = "images that share one mean and std"
NOISE = "trained with this noise, all else the same:"
GAINED = "points of validation accuracy"
LOSSES = "gap: validation loss minus training loss"


def points(value: float) -> str:
    """Write a difference of accuracies: +0.9."""
    return f"{value:+.1f}".replace("-", "−") if abs(value) >= 0.05 else "0"


def _spots(count: int, width: float) -> np.ndarray:
    """Return places beside each other, so that dots of one height do not cover each other."""
    return width * ((np.arange(count) * 0.618034) % 1 - 0.5)


def _series(result: Result, row: int) -> str:
    return "with" if GROUPS[row] == result.config.group else "context"


def _axis(ticks: Mapping[float, str], title: str, low: float, high: float) -> alt.X:
    return (
        alt.X("x:Q")
        .scale(domain=[low, high], nice=False)
        .axis(**worded(ticks), grid=False, domain=False, ticks=False)
        .title(title)
    )


def mates(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw one image's score among random mates by group size; above it gain and gap of each."""
    every = np.concatenate([r.outputs.ravel() for r in shared])
    low, high = float(every.min()), float(every.max())
    room = high - low
    data = pd.DataFrame(
        {"x": row + spot, "y": score, "series": _series(result, row)}
        for row in range(len(GROUPS))
        for spot, score in zip(_spots(DRAWS, 0.6), result.outputs[row].tolist())
    )
    x = _axis(dict(enumerate(NAMES.values())), f"{SHARING}; green: chosen", -0.5, 3.5)
    y = (
        alt.Y("y:Q")
        .scale(domain=[low - 0.05 * room, high + 0.76 * room], nice=False)
        .axis(domain=False, ticks=False, values=_values(low, high))
        .title("one image's score for its class")
    )
    dots = alt.Chart(data).mark_point(size=45, opacity=0.65)
    chart = layers(
        dots.encode(x, y, by_meaning(data["series"])),
        *_above(result, high, room),
        remark(
            "dots: one image, its mates change;\n"
            "training must be right with all,\nnot only with some of them",
            3.45,
            low + 0.14 * room,
            align="right",
        ),
    )
    return Picture(chart, "One image's score among random batch mates, by size of the group")


def _above(result: Result, high: float, room: float) -> list[Any]:
    """Write what training in groups of each size comes to: gain, gap, and what these are."""
    rows = [
        {
            "x": row,
            "series": _series(result, row),
            "gain": points(100 * result.gain(row).mean()),
            "gap": f"gap {result.gap[row].mean():.2f}",
        }
        for row in range(len(GROUPS))
    ]
    said = {
        "text": f"{NOISE} {GAINED}, against all {IMAGES} together;\n{LOSSES}",
        "short": f"{NOISE}\n{GAINED}, against all {IMAGES};\n{LOSSES}",
    }
    return [
        by_width([{**said, "x": -0.45, "y": high + 0.63 * room, "series": "soft"}], style="remark"),
        texts(
            [{**row, "y": high + 0.35 * room, "text": row["gain"]} for row in rows], style="large"
        ),
        texts(
            [{**row, "y": high + 0.17 * room, "text": row["gap"]} for row in rows],
            fontWeight="bold",
        ),
    ]


def _values(low: float, high: float) -> list[float]:
    """Return whole numbers of the range of scores, at most six."""
    step = max(1, round((high - low) / 5))
    first = step * int(np.ceil(low / step))
    return [float(v) for v in range(first, int(high) + 1, step)]


def gains(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the gain of every seed by group size, with mean and 95% interval, and no batch norm."""
    rows = [row for row in range(len(GROUPS) + 1) if row != ALL]
    names = {row: NAMES[GROUPS[row]] if row < ALL else "no batch norm" for row in rows}
    series = {row: _series(result, row) if row < ALL else "without" for row in rows}
    every = 100 * np.concatenate([r.gain(row) for r in shared for row in rows])
    low, high = float(every.min()), float(every.max())
    data = pd.DataFrame(
        {"x": place + spot, "y": 100 * gain, "series": series[row]}
        for place, row in enumerate(rows)
        for spot, gain in zip(_spots(SEEDS, 0.4), result.gain(row).tolist())
    )
    means = []
    for place, row in enumerate(rows):
        ends = interval(100 * result.gain(row))
        mean = 100 * float(result.gain(row).mean())
        means.append(
            {
                "x": place,
                "beside": place + 0.24,
                "y": mean,
                "low": ends[0],
                "high": ends[1],
                "series": series[row],
                "text": points(mean),
            }
        )
    bars = alt.Chart(pd.DataFrame(means)).encode(alt.X("x:Q"), by_meaning(series.values()))
    x = _axis({place: names[row] for place, row in enumerate(rows)}, SHARING, -0.5, 3.5)
    y = (
        alt.Y("y:Q")
        .scale(domain=[low - 0.3, high + 0.3], nice=False)
        .axis(domain=False, ticks=False, tickCount=6)
        .title("validation accuracy, points above all 200")
    )
    chart = layers(
        rule("", y=0),
        alt.Chart(data).mark_point(size=45, opacity=0.45).encode(x, y, by_meaning(data["series"])),
        bars.mark_rule(strokeWidth=5).encode(alt.Y("low:Q"), alt.Y2("high")),
        bars.mark_text(align="left", fontWeight="bold").encode(
            alt.X("beside:Q"), alt.Y("y:Q"), alt.Text("text:N")
        ),
        remark(
            f"0: all 200 share mean and std; dots: {SEEDS} networks; bar: 95% interval", -0.45, low
        ),
    )
    return Picture(chart, "Gain in validation accuracy by size of the group, a dot a network")


def usual(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the gap between the losses of training as usual, without batch norm and with it."""
    every = np.concatenate([at_best(r)[1].ravel() for r in shared])
    val, gap = at_best(result)
    data = pd.DataFrame(
        {"x": place + spot, "y": value, "series": case}
        for place, case in enumerate(CASES)
        for spot, value in zip(_spots(SEEDS, 0.3), gap[place].tolist())
    )
    heads = [
        {
            "x": place + 0.22,
            "y": float(gap[place].mean()),
            "text": f"gap {gap[place].mean():.2f}\n{val[place].mean():.1%} right",
            "series": case,
        }
        for place, case in enumerate(CASES)
    ]
    low, high = float(every.min()), float(every.max())
    names: dict[float, str] = {0: "without batch norm", 1: f"with it, batches of {BATCH}"}
    y = (
        alt.Y("y:Q")
        .scale(domain=[min(low - 0.02, 0), high + 0.02], nice=False)
        .axis(domain=False, ticks=False, tickCount=6)
        .title("validation loss minus training loss")
    )
    dots = alt.Chart(data).mark_point(size=60, opacity=0.7)
    chart = layers(
        dots.encode(_axis(names, "", -0.4, 1.6), y, by_meaning(data["series"])),
        texts(heads, align="left", fontWeight="bold"),
        remark(f"{SEEDS} networks each, at the rate that is best on the others", -0.35, 0.02),
    )
    return Picture(chart, "Gap between validation and training loss, without and with batch norm")


VIEWS = {"mates": mates, "gains": gains, "usual": usual}
