"""Symmetry: the units of three starts as images, how many differ, and the loss."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from core.charts.colours import colour
from core.charts.curves import curves
from core.charts.marks import line_ends, rule, texts
from core.charts.picture import Picture, frame, layers
from core.experiments.initialization.symmetry.experiment import (
    RANDOM,
    SIDE,
    STARTS,
    STEPS,
    Result,
    tables,
)
from core.lab.say import number

UNITS = 8  # that fit a row
CELL, HEAD, FOOT = SIDE + 1.2, 2.9, 4.4  # px of the digits: a unit, the text over a row, the key
ROW = HEAD + SIDE
BOTTOM = len(STARTS) * ROW + FOOT


def units(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw every unit's weights at the chosen step as an image, a row per start."""
    step = result.config.step
    heads = {
        start: f"start {value} → {_counted(count, result.config.hidden)}: {why}"
        for start, value, count, why in zip(
            STARTS,
            ("0", number(result.config.weight_scale), "random"),
            result.distinct[:, step],
            _reasons(result),
        )
    }
    chart = _images(tables(result)["weights"], heads, step)
    return Picture(chart, "Weights of every hidden unit as images, a row per start")


def _counted(count: int, hidden: int) -> str:
    if count == 1:
        return f"{hidden} identical units"
    return f"{count} different units"


def _reasons(result: Result) -> list[str]:
    """Say for each start what the units learn from."""
    reached = result.gradient[:, : result.config.step].max(axis=-1, initial=0) > 0
    equal = ["equal gradients" if moved else "no gradient" for moved in reached]
    return [*equal[:RANDOM], "own gradients" if reached[RANDOM] else "drawn apart"]


def setting(result: Result) -> Picture:
    """Draw the starting weights of every unit."""
    heads = {
        "zero": "zero: all weights start at 0",
        "constant": f"constant: all weights start at {number(result.config.weight_scale)}",
        "random": "random: every weight starts elsewhere",
    }
    chart = _images(
        {**tables(result)["weights"], "weight": result.weight[:, 0].mT.ravel()}, heads, 0
    )
    return Picture(chart, "Starting weights of every hidden unit as images, a row per start")


def _images(weights: Mapping[str, np.ndarray], heads: Mapping[str, str], step: int) -> Any:
    """Draw a row of images per start under its head, shades scaled to the row's largest weight.

    step: after which the units have these weights.
    """
    data = frame(weights)
    largest = data.groupby("start")["weight"].transform(lambda w: np.abs(w).max())
    row, column = data["pixel"] // SIDE, data["pixel"] % SIDE
    x, y = data["unit"] * CELL + column, data["start"].map(STARTS.index) * ROW + HEAD + row
    data = data.assign(
        x=x, x2=x + 1, y=y, y2=y + 1, shade=data["weight"] / largest.where(largest > 0, 1)
    )
    shades = [colour(name) for name in ("negative", "grid", "positive")]
    shade = alt.Scale(domain=[-1, 0, 1], range=shades, interpolate="rgb")
    squares = (
        alt.Chart(data)
        .mark_rect()
        .encode(
            alt.X("x:Q").scale(domain=[0, UNITS * CELL], nice=False).axis(None),
            alt.Y("y:Q").scale(domain=[BOTTOM, 0], nice=False).axis(None),
            alt.X2("x2"),
            alt.Y2("y2"),
            color=alt.Color("shade:Q").scale(shade).legend(None),
            tooltip=[alt.Tooltip("start"), alt.Tooltip("weight:Q", format=".3g")],
        )
    )
    named = [
        {"x": 0, "y": STARTS.index(start) * ROW + HEAD * 0.55, "text": text, "series": start}
        for start, text in heads.items()
    ]
    return alt.layer(
        squares,
        texts(named, align="left", style="head"),
        texts(_key(step, largest.groupby(data["start"], sort=False).first()), align="left"),
    ).resolve_scale(color="independent")


def _key(step: int, darkest: Sequence[float]) -> list[dict[str, Any]]:
    """Return the words below the images: when, what the shades mean and what an image is.

    darkest: the largest weight of each row.
    """
    when = "at the start" if step == 0 else "after 1 step" if step == 1 else f"after {step} steps"
    scales = ", ".join(map(number, darkest))
    words = [
        (0, 0.68, "ink", when),
        (0.33, 0.68, "negative", "blue: below 0"),
        (0.66, 0.68, "positive", "orange: above 0"),
        (0, 0.22, "soft", f"1 image = 1 hidden unit; largest weight per row: {scales}"),
    ]
    return [
        {"x": x * UNITS * CELL, "y": BOTTOM - FOOT * up, "text": text, "series": series}
        for x, up, series, text in words
    ]


def distinct(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the number of different units by step."""
    domain = (0.0, max(r.config.hidden for r in shared) * 1.15)
    y = (
        alt.Y("distinct:Q")
        .scale(domain=domain, nice=False)
        .axis(values=[1, 2, 4, 8], format="d", domain=False, ticks=False)
        .title("different units")
    )
    ends = [f"{start} {count}" for start, count in zip(STARTS, result.distinct[:, -1])]
    return Picture(_by_step(result, y, domain, ends), "Number of different units by step")


def loss(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the loss by step."""
    domain = (0.0, max(r.data_loss.max() for r in shared) * 1.1)
    y = (
        alt.Y("data_loss:Q")
        .scale(domain=domain, nice=False)
        .axis(tickCount=5, domain=False, ticks=False)
        .title("loss on the training digits")
    )
    ends = [f"{start} {number(end)}" for start, end in zip(STARTS, result.data_loss[:, -1])]
    return Picture(_by_step(result, y, domain, ends), "Loss by step, a line per start")


def _by_step(result: Result, y: alt.Y, domain: tuple[float, float], ends: Sequence[str]) -> Any:
    """Draw a line per start, named at its end, and mark the step that the images show."""
    field, step = str(y.shorthand).split(":")[0], result.config.step
    data = frame(tables(result)["steps"]).assign(series=lambda d: d["start"])
    x = (
        alt.X("step:Q")
        .scale(domain=[0, STEPS], nice=False)
        .axis(values=list(range(0, STEPS + 1, 10)), format="d", grid=False)
        .title("steps of descent")
    )
    last = getattr(result, field)[:, -1]
    named = {start: (STEPS, last[i], ends[i]) for i, start in enumerate(STARTS)}
    value = alt.Tooltip(f"{field}:Q", format=".3g")
    tooltip = [alt.Tooltip("start"), alt.Tooltip("step"), value]
    return layers(
        rule(f"step {step}", x=step, at=domain[1] * 0.97) if 0 < step < STEPS else None,
        curves(data, x=x, y=y, tooltip=tooltip),
        line_ends(named, domain=domain),
    )


VIEWS = {"units": units, "distinct": distinct, "loss": loss}
SETTING = setting
