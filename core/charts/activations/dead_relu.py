"""Dead ReLUs: the lines of a layer over the data, and how many units stay off."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.panel import HALF_HEIGHT, HEIGHT, Panel, family, stack
from core.charts.plane import axes
from core.experiments.activations.dead_relu import RATES, STATES, Result, tables

FAMILY = (STATES[1], STATES[0], STATES[2])  # in the order that gives the dead the loudest color
EXTENT = 1.7  # of the square that is drawn, for data around the origin
FAR = 20.0  # half the length of a line, beyond the square on both sides
STROKE = 0.15  # length of the one that points to the side where a unit is on


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw the plane of every run; units off by epoch, and the states by rate, beside it."""
    current = list(results.values())[-1]
    planes = [
        [Panel(plane(result, label if len(results) > 1 else None), "Lines of the units", 1.2)]
        for label, result in results.items()
    ]
    epochs = stack({label: tables(r)["epochs"] for label, r in results.items()}, "run")
    return [
        *planes,
        [
            Panel(off_by_epoch(epochs, current, len(results) > 1), "Units off by epoch"),
            Panel(states_by_rate(current), "States of the units by learning rate"),
        ],
    ]


def plane(result: Result, label: str | None) -> Any:
    """Draw the data and every unit's line, with a stroke to the side where it is on."""
    data, extent = pd.DataFrame(tables(result)["lines"]), EXTENT + 0.8 * result.config.offset
    weight, norm = data[["w1", "w2"]].to_numpy(), np.hypot(data["w1"], data["w2"])
    foot = -weight * (data["bias"] / norm**2).to_numpy()[:, None]  # nearest point to the origin
    normal = weight / norm.to_numpy()[:, None]
    stroke = STROKE * extent
    along = normal[:, ::-1] * [1, -1]
    lines = pd.concat(
        _ends(data, foot + a, foot + b, part)
        for part, a, b in (("line", -FAR * along, FAR * along), ("side", 0 * foot, stroke * normal))
    )
    x, y = (axis.title(None) for axis in axes(extent))
    points = (
        alt.Chart(pd.DataFrame({"x1": result.x[:, 0], "x2": result.x[:, 1], "class": result.y}))
        .mark_point(size=25, opacity=0.7, filled=True, color="gray")
        .encode(x, y, alt.Shape("class:N").legend(None))
    )
    drawn = (
        alt.Chart(lines)
        .mark_line(clip=True, strokeWidth=1.8)
        .encode(
            x,
            y,
            family(FAMILY).legend(orient="bottom", title=None, columns=2 if label else 3),
            alt.StrokeDash("series:N").scale(domain=list(FAMILY)).legend(None),
            detail=["unit:N", "part:N"],
            tooltip=["unit:N", "series:N"],
        )
    )
    outside = int((np.abs(foot).sum(axis=1) > extent * np.abs(normal).sum(axis=1)).sum())
    title = label or f"Lines after epoch {result.config.epoch}"
    title += f", {outside} outside the picture" * (outside > 0)
    return alt.layer(points, drawn).properties(height=HEIGHT - 20, title=title)


def _ends(data: pd.DataFrame, start: np.ndarray, end: np.ndarray, part: str) -> pd.DataFrame:
    """Return both ends of a segment per unit."""
    both = np.concatenate([start, end])
    return pd.concat([data] * 2).assign(
        x1=both[:, 0], x2=both[:, 1], part=part, series=lambda d: d["state"]
    )[["unit", "series", "part", "x1", "x2"]]


def off_by_epoch(data: pd.DataFrame, result: Result, compared: bool) -> Any:
    """Draw the share of units that are off on all data, a line per rate, and the shown epoch."""
    if compared:
        data = data[data["rate"] == result.config.learning_rate]
    color = family([f"{rate:g}" for rate in RATES], "rate").legend(orient="right", symbolOpacity=1)
    base = alt.Chart(data.assign(series=data["rate"].map("{:g}".format))).encode(
        alt.X("epoch:Q").axis(tickMinStep=1), color
    )
    y = alt.Y("off:Q").scale(domain=[0, 1]).axis(format=".0%").title(None)
    band = base.mark_area(opacity=0.15).encode(
        alt.Y("off low:Q").title(None), y2="off high", detail="run"
    )
    dash = alt.StrokeDash("run:N" if compared else "series:N").legend(None)
    line = base.mark_line().encode(
        y,
        color,
        dash,
        tooltip=["run", "rate", "epoch", alt.Tooltip("off:Q", format=".0%")],
    )
    here = alt.Chart(pd.DataFrame({"epoch": [result.config.epoch]})).mark_rule(
        strokeDash=[4, 4], color="gray"
    )
    return alt.layer(here.encode(x="epoch:Q"), band, line).properties(
        height=HALF_HEIGHT - 20, title="Units off on all data, by epoch"
    )


def states_by_rate(result: Result) -> Any:
    """Draw the units' states at the shown epoch, a bar per rate, the epoch of death above it."""
    data = pd.DataFrame(tables(result)["rates"])
    base = alt.Chart(data.assign(order=data["state"].map(STATES.index), series=data["state"]))
    base = base.encode(alt.X("rate:O").title("learning rate").axis(labelAngle=0))
    y = alt.Y("share:Q").scale(domain=[0, 1.2]).axis(format=".0%", values=[0, 0.5, 1]).title(None)
    bars = base.mark_bar().encode(
        y,
        family(FAMILY).legend(None),
        alt.Order("order:Q"),
        tooltip=[
            *("rate", "state"),
            alt.Tooltip("share:Q", format=".0%"),
            alt.Tooltip("epoch of death:Q", format=".0f"),
            alt.Tooltip("val_accuracy:Q", format=".0%"),
        ],
    )
    died = base.transform_filter("datum.order == 0 && isValid(datum['epoch of death'])")
    text = died.mark_text(dy=-8).encode(
        y=alt.datum(1), text=alt.Text("epoch of death:Q", format=".0f")
    )
    return alt.layer(bars, text).properties(
        height=HALF_HEIGHT - 20, title="Units, and their epoch of death"
    )
