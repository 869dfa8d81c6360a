"""The ReLU family: silent units that come back, layers, PReLU's slope, and noise."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.functions import NAMES
from core.charts.panel import HALF_HEIGHT, Panel, family, stack
from core.charts.table import text_table
from core.experiments.activations.relu_family import FUNCTIONS, Result, tables

DRAWN = [NAMES[name] for name in FUNCTIONS]
FAMILY = list(NAMES.values())[:7]  # with the others, so that colors are those of the race
FATES = ("came back", "stayed silent")
TALL, SHORT = 230, 152  # px, of the two panels on the right
LEAST = 1e-4  # of the log axis of the change under noise


def chart(results: dict[str, Result]) -> list[list[Panel]]:
    """Draw silent units and PReLU's slopes; the change under noise above a table."""
    current = list(results.values())[-1]
    slopes, noise = (
        stack({label: tables(r)[name] for label, r in results.items()}, "run")
        for name in ("slopes", "noise")
    )
    compared = len(results) > 1
    return [
        [
            *(
                Panel(silent_units(r, label if compared else ""), "Silent units that came back")
                for label, r in results.items()
            ),
            Panel(learned_slopes(slopes, compared), "Slope of PReLU by epoch and layer"),
        ],
        [
            Panel(under_noise(noise, current, compared), "Change of one unit's output under noise"),
            Panel(plain_training(current), "Mean output, zero gradients and accuracy by function"),
        ],
    ]


def silent_units(result: Result, label: str) -> Any:
    """Draw how many silent units came back, and how many did not, per function."""
    data = pd.DataFrame(tables(result)["units"])
    data[FATES[1]] = data["silent"] - data[FATES[0]]
    data = data.melt("function", list(FATES), "series", "units")
    return (
        alt.Chart(data.assign(name=data["function"].map(NAMES)))
        .mark_bar()
        .encode(
            alt.X("name:N").sort(DRAWN).title(None).axis(labelAngle=0),
            alt.Y("units:Q").title(None).axis(tickMinStep=1),
            family(FATES).legend(orient="right", title=None, symbolType="square"),
            tooltip=["name", "series", "units"],
        )
        .properties(height=HALF_HEIGHT, title=label or "Silent units after the oversized step")
    )


def learned_slopes(data: pd.DataFrame, compared: bool) -> Any:
    """Draw PReLU's slope in every layer, with the range over seeds."""
    layers = [f"layer {layer}" for layer in (1, 2, 3)]
    base = alt.Chart(data.assign(series=data["layer"].map("layer {}".format))).encode(
        alt.X("epoch:Q").axis(tickMinStep=1),
        family(layers).legend(
            None if data["layer"].max() == 1 else alt.Legend(orient="right", symbolOpacity=1)
        ),
        detail="run",
    )
    dash = alt.StrokeDash("run:N" if compared else "series:N").legend(None)
    band = base.mark_area(opacity=0.15).encode(alt.Y("slope low:Q").title(None), y2="slope high")
    line = base.mark_line().encode(
        alt.Y("slope:Q").title(None),
        dash,
        tooltip=["run", "series", "epoch", alt.Tooltip("slope:Q", format=".3f")],
    )
    return alt.layer(band, line).properties(height=HALF_HEIGHT, title="Slope that PReLU learns")


def under_noise(data: pd.DataFrame, result: Result, compared: bool) -> Any:
    """Draw the rms change of f(z) under noise against z, and ln(slope of Leaky ReLU)."""
    data = data.assign(series=data["function"].map(NAMES), drawn=np.maximum(data["change"], LEAST))
    line = (
        alt.Chart(data)
        .mark_line()
        .encode(
            alt.X("preactivation:Q").title("preactivation z; dashed: ln(slope)"),
            alt.Y("drawn:Q").scale(type="log").axis(tickCount=4, format="~g").title(None),
            family(FAMILY).legend(orient="right", title=None, values=DRAWN),
            alt.StrokeDash("run:N" if compared else "series:N").legend(None),
            tooltip=[
                *("run", "series", "preactivation"),
                alt.Tooltip("change:Q", format=".3g"),
            ],
        )
    )
    expected = alt.Chart(pd.DataFrame({"preactivation": [np.log(result.config.slope)]}))
    rule = expected.mark_rule(strokeDash=[4, 4], color="gray").encode(x="preactivation:Q")
    return alt.layer(rule, line).properties(height=TALL, title="Change under noise (log)")


def plain_training(result: Result) -> Any:
    """Show what the networks without the oversized step come to, as a table."""
    percent = "{:.0%}".format
    columns = {
        "function": DRAWN,
        "mean output": [", ".join(f"{mean:.2f}" for mean in row) for row in result.mean],
        "zero gradients": [", ".join(map(percent, row)) for row in result.zero],
        "accuracy": [percent(accuracy) for accuracy in result.accuracy[:, 0]],
    }
    table = text_table(columns, FAMILY)
    return table.properties(height=SHORT, title="Without the oversized step, by layer")
