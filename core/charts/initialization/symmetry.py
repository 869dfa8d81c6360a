"""Symmetry: the units of three starts as pictures, how many differ, and the loss."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.panel import HALF_HEIGHT, HEIGHT, Panel, family, stack
from core.experiments.initialization.symmetry import SIDE, STARTS, Result, tables

NAMES = {"zero": "Zero", "constant": "Constant", "random": "Random"}
FAMILY = [NAMES[start] for start in STARTS]
GAP = 1.0  # px of the digits between two units
TITLE = 2.0  # px of the digits above a row of units


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw the units; the number of different ones and the loss by step beside them."""
    current = list(results.values())[-1]
    data = stack({label: tables(r)["steps"] for label, r in results.items()}, "run")
    data = data.assign(series=data["start"].map(NAMES))
    compared = len(results) > 1
    return [
        *(
            [
                Panel(
                    pictures(r, label if compared else ""),
                    "Weights of every unit, as pictures",
                    1.5,
                )
            ]
            for label, r in results.items()
        ),
        [
            Panel(by_step(data, current, *what, compared), f"{what[1]} by step")
            for what in (("distinct", "Different units"), ("data_loss", "Loss"))
        ],
    ]


def pictures(result: Result, label: str) -> Any:
    """Draw one row per start, one picture per unit, colors scaled to the row's largest weight."""
    data = pd.DataFrame(tables(result)["weights"])
    largest = data.groupby("start")["weight"].transform(lambda w: np.abs(w).max())
    row, column = data["pixel"] // SIDE, data["pixel"] % SIDE
    left = (data["unit"] - 1) * (SIDE + GAP) + column
    top = data["start"].map(STARTS.index) * (SIDE + GAP + TITLE) + row
    data = data.assign(
        x=left, x2=left + 1, y=top, y2=top + 1, shade=data["weight"] / largest.where(largest > 0, 1)
    )
    hidden = result.config.hidden
    x = alt.X("x:Q").scale(domain=[0, hidden * (SIDE + GAP)], nice=False).axis(None)
    bottom = len(STARTS) * (SIDE + GAP + TITLE)
    y = alt.Y("y:Q").scale(domain=[-TITLE, bottom - TITLE], nice=False, reverse=True).axis(None)
    color = alt.Color("shade:Q").scale(scheme="blueorange", domain=[-1, 1]).legend(None)
    squares = (
        alt.Chart(data)
        .mark_rect()
        .encode(
            x,
            y,
            color,
            x2="x2",
            y2="y2",
            tooltip=["start", "unit", alt.Tooltip("weight:Q", format=".4g")],
        )
    )
    words = [
        f"{name} start, {distinct} different" + (" unit" if distinct == 1 else " units")
        for name, distinct in zip(FAMILY, result.distinct[:, result.config.step])
    ]
    rows = pd.DataFrame(
        {"x": 0.0, "y": [i * (SIDE + GAP + TITLE) - 0.8 for i in range(len(STARTS))]}
    ).assign(series=FAMILY, text=words)
    titles = (
        alt.Chart(rows)
        .mark_text(align="left", fontWeight="bold")
        .encode(x="x:Q", y="y:Q", text="text:N", color=family(FAMILY).legend(None))
    )
    title = label or f"Weights of the {hidden} hidden units after step {result.config.step}"
    return (
        alt.layer(squares, titles).resolve_scale(color="independent").properties(height=HEIGHT)
    ).properties(title=title)


def by_step(data: pd.DataFrame, result: Result, field: str, title: str, compared: bool) -> Any:
    """Draw one quantity of the three starts by step, and the step that is shown."""
    here = alt.Chart(pd.DataFrame({"step": [result.config.step]})).mark_rule(
        strokeDash=[4, 4], color="gray"
    )
    lines = (
        alt.Chart(data)
        .mark_line()
        .encode(
            alt.X("step:Q").axis(tickMinStep=1),
            alt.Y(f"{field}:Q").title(None).scale(zero=field == "distinct"),
            family(FAMILY).legend(None),
            alt.StrokeDash("run:N").legend(None)
            if compared
            else alt.StrokeDash("series:N").scale(domain=FAMILY).legend(None),
            tooltip=["run", "series", "step", alt.Tooltip(f"{field}:Q", format=".4g")],
        )
    )
    return alt.layer(here.encode(x="step:Q"), lines).properties(height=HALF_HEIGHT, title=title)
